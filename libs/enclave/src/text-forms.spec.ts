import fc from 'fast-check';
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

  it.each([
    ['marks', `a${'\u0316\u0301'.repeat(30 * KI)}`],
    ['marks in all codings', `\\\\\\\\u0041 %252541 &amp;amp;amp; ü a${'\u0316\u0301'.repeat(30 * KI)}`],
    ['comments without an end', `${'<!--'.repeat(15 * KI)}%41`],
    ['tags without an end', `${'<a '.repeat(20 * KI)}%41`],
    ['slashes', 'aaaaaaaaaaaa/'.repeat(4 * KI)],
  ])('of 60 KB of %s are searched in no long time', (_, text) => {
    const startMs = performance.now();
    found(text);
    // Idle it takes less than 25 ms; what grows with the square of the length takes seconds.
    expect(performance.now() - startMs).toBeLessThan(600);
  });
});

describe('a text of beginnings of comments', () => {
  it.each(['<!--', '<!-', '<--', '<![CDATA[', '<a '])('of `%s` takes no longer when it comes again', (beginning) => {
    const text = beginning.repeat(15_000);
    for (let round = 0; round < 8; round++) {
      const startMs = performance.now();
      textForms(text);
      // Far above what it takes, and far below the square of its length.
      expect(performance.now() - startMs).toBeLessThan(500);
    }
  });
});
