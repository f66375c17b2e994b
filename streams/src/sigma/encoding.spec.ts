import fc from 'fast-check';
import { base64OffsetPatterns, base64Pattern, utf16Pattern, windashVariants, type Utf16Form } from './encoding';
import { ANY_TEXT } from './pattern';

describe('windashVariants', () => {
  it('writes every option dash in five ways, each on its own', () => {
    const variants = windashVariants(['cmd -a /b'], 100);
    expect(variants).toHaveLength(25);
    expect(variants).toContainEqual(['cmd /a \u2013b']);
  });

  it('leaves dashes inside words and paths alone', () => {
    expect(windashVariants(['Get-Item'], 100)).toEqual([['Get-Item']]);
    expect(windashVariants(['a - b'], 100)).toEqual([['a - b']]);
  });

  it('says when there are too many', () => {
    expect(windashVariants([' -a -b -c'], 100)).toBeUndefined();
  });
});

describe('base64', () => {
  it('encodes UTF-8, and UTF-16 after `wide`', () => {
    expect(base64Pattern('ping', false)).toEqual(['cGluZw==']);
    const [wide] = utf16Pattern(['ping'], 'utf16le');
    expect(base64Pattern(wide as string, true)).toEqual(['cABpAG4AZwA=']);
  });

  it('encodes UTF-16 in either order, and with a byte order mark', () => {
    const spelled = (form: Utf16Form): string =>
      base64Pattern(utf16Pattern(['AB'], form)[0] as string, true)[0] as string;
    expect(Buffer.from(spelled('utf16le'), 'base64')).toEqual(Buffer.from([0x41, 0, 0x42, 0]));
    expect(Buffer.from(spelled('utf16be'), 'base64')).toEqual(Buffer.from([0, 0x41, 0, 0x42]));
    expect(Buffer.from(spelled('utf16'), 'base64')).toEqual(Buffer.from([0xff, 0xfe, 0x41, 0, 0x42, 0]));
    expect(utf16Pattern([ANY_TEXT, 'A'], 'utf16')).toEqual([ANY_TEXT, 'A\0']);
  });

  it('finds a text at any offset inside a longer encoded text', () => {
    fc.assert(
      fc.property(
        fc.string({ maxLength: 6 }),
        fc.string({ minLength: 3, maxLength: 12 }),
        fc.string({ maxLength: 6 }),
        (before, text, after) => {
          const encoded = Buffer.from(before + text + after).toString('base64');
          const found = base64OffsetPatterns(text, false).some(([piece]) => encoded.includes(piece as string));
          expect(found).toBe(true);
        },
      ),
    );
  });

  it('has no spelling for a text whose characters are all uncertain', () => {
    expect(base64OffsetPatterns('', false)).toEqual([]);
  });
});
