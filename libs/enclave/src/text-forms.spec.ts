import fc from 'fast-check';
import { growthOf } from '@protego/contracts/testing';
import { NameIndex } from './name-index';
import { textForms } from './text-forms';

const KI = 1024;

function base64(text: string, encoding: BufferEncoding = 'utf8'): string {
  return Buffer.from(text, encoding).toString('base64');
}

function base64OfBigEndian(text: string): string {
  return Buffer.from(text, 'utf16le').swap16().toString('base64');
}

describe('the forms of a text', () => {
  const names = new NameIndex<string>();
  names.add('maria keller', 'maria');
  names.add('jürgen müller', 'jürgen');
  const found = (text: string): string => {
    const owners = new Set<string>();
    names.search(text, owners);
    return [...owners].join();
  };

  it.each([
    ['a name between coded brackets', '/s?who=%3CMaria%20Keller%3E'],
    ['an address between coded brackets', `/compose?to=${encodeURIComponent('<maria.keller@klinik.example>')}`],
    ['coded markup', `/soap?body=${encodeURIComponent('<user name="Maria Keller"/>')}`],
    ['entities in a tag', '<Patient name="J&#252;rgen M&#252;ller"/>', 'jürgen'],
    ['percent codes in a tag', 'see <a href="https://x.example/?q=Maria%20Keller">here</a>'],
    ['values of neighbouring tags', '<given value="Maria"/><family value="Keller"/>'],
    ['percent codes around escapes', `/s?q=${encodeURIComponent('{"n":"J\\u00fcrgen M\\u00fcller"}')}`, 'jürgen'],
    ['percent codes around a line end', `/s?q=${encodeURIComponent('{"n":"x\\nMaria Keller"}')}`],
    ['a long tag', `<b>Maria</b><span style="${'x'.repeat(5_000)}">Keller</span>`],
    ['a comment with brackets', 'Maria<!-- a > b -->Keller'],
    ['CDATA', '<![CDATA[Maria]]><![CDATA[Keller]]>'],
    ['three times percent coded', 'Maria%252520Keller'],
    ['percent codes of UTF-16', 'J%u00fcrgen M%u00fcller', 'jürgen'],
    ['escapes of bytes', 'J\\xfcrgen M\\xfcller', 'jürgen'],
    ['an account in a path', 'C:\\Users\\maria%2Ekeller\\x'],
    ['base64 in a path', `/user/${base64('hi Maria Keller')}`],
    ['base64 in a path, of the name alone', `/v1/id/${base64('maria.keller')}`],
    ['base64 after a dash', `tool --x-${base64('hi Maria Keller')}`],
    ['base64 after an underscore', `x_${base64('maria.keller')}`],
    ['AUTH PLAIN', `AUTH PLAIN ${base64('\0maria.keller\0secret99')}`],
    ['base64 with control characters', base64('user Maria Keller\u001b[0m')],
    ['base64 of UTF-16 with a byte order mark', base64('\ufeffIEX Maria Keller', 'utf16le')],
    ['base64 of big-endian UTF-16', base64OfBigEndian('IEX Maria Keller')],
    ['base64 of UTF-16 that begins with quotes', base64('„Maria Keller“', 'utf16le')],
    ['base64 of Latin-1', base64('J\u00fcrgen M\u00fcller:pw', 'latin1'), 'jürgen'],
    ['wrapped base64', base64(`${'x'.repeat(50)} Maria Keller ${'y'.repeat(60)}`).replace(/(.{76})/g, '$1\r\n')],
    ['wrapped base64 in JSON', JSON.stringify(base64(`${'x'.repeat(50)} Maria Keller`).replace(/(.{64})/g, '$1\n'))],
    ['base64 in base64', base64(base64('hello Maria Keller!'))],
    ['base64 after many long words', `${'averylongword '.repeat(500)}${base64('hello Maria Keller!')}`],
    ['base64 of percent codes', base64(encodeURIComponent('<user name="Maria Keller"/>'))],
    ['base64 whose slashes are escaped', JSON.stringify(base64('hello?>>>?? Maria Keller!')).replaceAll('/', '\\/')],
  ])('show a name in %s', (_, text, owner = 'maria') => expect(found(text)).toBe(owner));

  it.each(['utf8', 'latin1', 'utf16le'] as const)(
    'show a name in base64 of %s that was cut at any place',
    (encoding) => {
      const [before, name, after] = ['für Öznur: ', 'Jürgen Müller', ' äöü, und ß'];
      const bytes = Buffer.from(before + name + after, encoding);
      const first = Buffer.byteLength(before, encoding);
      const last = first + Buffer.byteLength(name, encoding);
      const text = bytes.toString('base64');
      for (let cut = 0; cut <= Math.floor((first * 4) / 3) - 1; cut++)
        expect([cut, found(text.slice(cut))]).toEqual([cut, 'jürgen']);
      for (let end = Math.ceil((last * 4) / 3); end <= text.length; end++)
        expect([end, found(`x ${text.slice(0, end)}`)]).toEqual([end, 'jürgen']);
      for (let from = 0; from <= first; from++) {
        for (const to of [last, last + 1, last + 2, bytes.length])
          expect([from, to, found(bytes.subarray(from, to).toString('base64'))]).toEqual([from, to, 'jürgen']);
      }
    },
  );

  it('show a name in base64 of letters that are not Latin, cut through a character', () => {
    const greek = new NameIndex<string>();
    greek.add('Ελένη Παππά', 'eleni');
    const bytes = Buffer.from('για Ελένη Παππά εδώ');
    for (let from = 0; from <= Buffer.byteLength('για '); from++) {
      for (let to = bytes.length - Buffer.byteLength(' εδώ'); to <= bytes.length; to++) {
        const owners = new Set<string>();
        greek.search(bytes.subarray(from, to).toString('base64'), owners);
        expect([from, to, ...owners]).toEqual([from, to, 'eleni']);
      }
    }
  });

  it.each([
    ['soft hyphens', 'Ma\u00adria Kel\u00adler'],
    ['many characters without width', 'M\u200ba\u200br\u200ci\u200da\u2060 K\ufeffe\u200bl\u200bl\u200be\u200br'],
    ['marks of direction', '\u202aMa\u200eria\u202c \u2066Kell\u2069er'],
    ['tags', 'Ma\u{e0041}ria Kel\u{e0042}ler'],
    ['soft hyphens as entities', 'Ma&shy;ria K&#173;e&#xAD;l&shy;l&shy;er'],
    ['soft hyphens in percent codes', 'Ma%C2%ADria%20Ke%C2%ADl%C2%ADl%C2%ADe%C2%ADr'],
    ['blanks without width between the words', 'for\u200bMaria\u200bKeller\u200band'],
  ])('show a name with %s', (_, text) => expect(found(text)).toBe('maria'));

  it('are without every character that is not seen', () => {
    const kept: string[] = [];
    for (let code = 0; code < 0x110000; code++) {
      const character = code >= 0xd800 && code <= 0xdfff ? '' : String.fromCodePoint(code);
      if (/[\0\p{Cf}]/u.test(character) && !textForms(`Ma${character}ria`).includes('Maria'))
        kept.push(code.toString(16));
    }
    expect(kept).toEqual([]);
  });

  it('are fewer where many texts come together, and never less than some', () => {
    const text = '<a b="%2541&amp;">\\\\u0041';
    const alone = textForms(text);
    const together = textForms(text, 100_000);
    expect([alone.length > 8, together.length, together[0]]).toEqual([true, 8, text]);
    expect(textForms(text)).toEqual(alone);
  });

  it('are bounded in number and length, whatever the text', () => {
    const piece = fc.constantFrom(
      '%2541',
      '%',
      '&amp;amp;',
      '&lt;',
      '\\\\',
      '\\u0025',
      '\\u005c',
      '<a b="',
      '">',
      '\0',
      'ü',
      base64('a%41<b>\\\\&amp;'),
      '/',
      ' ',
    );
    const text = fc
      .array(piece, { maxLength: 60 })
      .chain((all) => fc.constantFrom(1, 12).map((times) => all.join('').repeat(times)));
    fc.assert(
      fc.property(text, (any) => {
        const forms = textForms(any);
        expect([forms[0], new Set(forms).size]).toEqual([any, forms.length]);
        expect(forms.length).toBeLessThanOrEqual(64);
        const characters = forms.reduce((sum, form) => sum + form.length, 0);
        expect(characters).toBeLessThanOrEqual(9 * any.length + 64 * KI);
      }),
      { numRuns: 60 },
    );
  });

  it('are of the ends of a very long text', () => {
    const filler = `${' '.repeat(1_500 * KI)}x`;
    const hasCoded = (text: string): boolean => textForms(text).some((form) => form.includes('Maria Keller'));
    expect(hasCoded(`Maria%20Keller ${filler}`)).toBe(true);
    expect(hasCoded(`${filler} Maria%20Keller`)).toBe(true);
    expect(hasCoded(`${filler} Maria Keller ${filler}%`)).toBe(true);
    expect(hasCoded(`${filler} Maria%20Keller ${filler}%`)).toBe(false);
  });

  it.each<[string, (bytes: number) => string]>([
    ['marks', (bytes) => `a${'\u0316\u0301'.repeat(bytes / 2)}`],
    ['marks in all codings', (bytes) => `\\\\\\\\u0041 %252541 &amp;amp;amp; ü a${'\u0316\u0301'.repeat(bytes / 2)}`],
    ['comments without an end', (bytes) => `${'<!--'.repeat(bytes / 4)}%41`],
    ['tags without an end', (bytes) => `${'<a '.repeat(bytes / 3)}%41`],
    ['slashes', (bytes) => 'aaaaaaaaaaaa/'.repeat(bytes / 13)],
  ])('of much text with %s are searched in a time that grows as the text does', (_, textOf) => {
    const workOf = (bytes: number): (() => void) => {
      const text = textOf(bytes);
      return () => void found(text);
    };
    expect(growthOf(workOf, 60 * KI)).toBeLessThan(4);
  });
});

describe('a text of beginnings of comments', () => {
  it.each(['<!--', '<!-', '<--', '<![CDATA[', '<a '])('of `%s` takes no longer when it comes again', (beginning) => {
    const workOf = (count: number): (() => void) => {
      const text = beginning.repeat(count);
      return () => {
        for (let round = 0; round < 4; round++) textForms(text);
      };
    };
    expect(growthOf(workOf, 16_000)).toBeLessThan(4);
  });
});
