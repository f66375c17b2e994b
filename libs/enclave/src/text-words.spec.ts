import fc from 'fast-check';
import { ALL_SPELLED_OUT, TextWords } from './text-words';

const FOLDED: Readonly<Record<string, string>> = {
  ...{ ß: 'ss', æ: 'ae', ø: 'o', œ: 'oe', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ı: 'i' },
};
const SPELLED_OUT: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', å: 'aa', ø: 'oe' };

/** As the words are defined, by the normal forms of the whole text. */
function expectedWords(text: string, isSpelledOut: boolean): string[] {
  const spelled = isSpelledOut
    ? text.normalize('NFC').replace(/[äöüåø]/gi, (letter) => SPELLED_OUT[letter.toLowerCase()] ?? letter)
    : text;
  const folded = spelled
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    // Alone, a sigma is never a final one.
    .replaceAll('ς', 'σ')
    .replace(/[ßæøœłđðþı]/g, (letter) => FOLDED[letter] ?? letter);
  return folded.match(/[\p{L}\p{N}]+/gu) ?? [];
}

const words = new TextWords();

function wordsOf(text: string, isSpelledOut = false): string[] {
  words.read(text, isSpelledOut ? ALL_SPELLED_OUT : 0);
  return words.toStrings();
}

describe('the words of a text', () => {
  const letters = fc.constantFrom(
    ...'aAoOuUäÖüÅåøßéłΣσ각ﷺﬁＡ９①̈Ǆ𝐀𐐀 ',
    '\u0308',
    '\u030a',
    '\u0301',
    '\ud800',
    '\u212b',
    '.',
    '-',
    '\0',
  );

  it('are those of its normal form, however long it is', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 40 }),
      fc.array(letters, { maxLength: 40 }).map((all) => all.join('')),
    );
    fc.assert(
      fc.property(text, (any) => {
        expect(wordsOf(any).join('|').replaceAll('ς', 'σ')).toEqual(expectedWords(any, false).join('|'));
      }),
      { numRuns: 3_000 },
    );
  });

  it.each([
    ['Müller', ['mueller']],
    ['Mu\u0308ller', ['mueller']],
    ['Åse ÅSE A\u030ase \u212bse', ['aase', 'aase', 'aase', 'aase']],
    ['Søren', ['soeren']],
    ['e\u0308 ë', ['e', 'e']],
    ['u\u0308\u0308', ['ue']],
  ])('of `%s` with umlauts spelled out are %j', (text, spelledOut) => {
    expect(wordsOf(text, true)).toEqual(spelledOut);
    expect(expectedWords(text, true)).toEqual(spelledOut);
  });

  it('say how many umlauts there are to spell out', () => {
    const counts = ['Muller', 'Garc\u00eda', 'M\u00fcller', 'Mu\u0308ll\u00f8r'].map(
      (text) => (wordsOf(text), words.umlauts),
    );
    expect(counts).toEqual([0, 0, 1, 2]);
  });

  it('have those umlauts spelled out that are asked for', () => {
    const spelled = [0, 1, 2, 3].map(
      (mask) => (words.read('J\u00fcrgen Mu\u0308ller', mask), words.toStrings().join(' ')),
    );
    expect(spelled).toEqual(['jurgen muller', 'juergen muller', 'jurgen mueller', 'juergen mueller']);
    words.read('\u00fc'.repeat(40), ALL_SPELLED_OUT);
    expect(words.toStrings()).toEqual(['ue'.repeat(40)]);
  });

  it('are those of its normal form for every character', () => {
    for (let from = 0; from < 0x110000; from += 0x400) {
      const codes = Array.from({ length: 0x400 }, (_, i) => from + i).filter((code) => code < 0xd800 || code > 0xdfff);
      const text = codes.map((code) => `${String.fromCodePoint(code)} `).join('');
      expect([from, wordsOf(text).join('|').replaceAll('\u03c2', '\u03c3')]).toEqual([
        from,
        expectedWords(text, false).join('|'),
      ]);
    }
  });
});
