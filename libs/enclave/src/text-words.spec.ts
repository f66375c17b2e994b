import fc from 'fast-check';
import { TextWords } from './text-words';

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
  words.read(text, isSpelledOut);
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

  it('say whether there are umlauts to spell out', () => {
    const has = ['Muller', 'Garc\u00eda', 'M\u00fcller', 'Mu\u0308ller'].map(
      (text) => (wordsOf(text), words.hasUmlauts),
    );
    expect(has).toEqual([false, false, true, true]);
  });
});
