import fc from 'fast-check';
import { ANY_CHARACTER, ANY_TEXT, parsePattern, type TextPattern } from './pattern';
import { textTest } from './text-test';

const matches = (pattern: string, text: string): boolean => textTest([parsePattern(pattern)], false)(text);

function asRegExp(pattern: TextPattern): RegExp {
  const source = pattern.map((part) => {
    if (part === ANY_TEXT) return '[^]*';
    return part === ANY_CHARACTER ? '[^]' : String(part).replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  });
  return new RegExp(`^${source.join('')}$`);
}

describe('parsePattern', () => {
  it('keeps the backslashes of paths and takes escaped wildcards literally', () => {
    expect(parsePattern('C:\\temp\\a')).toEqual(['C:\\temp\\a']);
    expect(parsePattern('\\*a\\?')).toEqual(['*a?']);
    expect(parsePattern('a\\\\*')).toEqual(['a\\', ANY_TEXT]);
    expect(parsePattern('a*b?')).toEqual(['a', ANY_TEXT, 'b', ANY_CHARACTER]);
    expect(parsePattern('')).toEqual([]);
  });
});

describe('textTest', () => {
  it('compares whole texts', () => {
    expect(matches('abc', 'abc')).toBe(true);
    expect(matches('abc', 'abcd')).toBe(false);
    expect(matches('', '')).toBe(true);
    expect(matches('', 'a')).toBe(false);
  });

  it('does not let the ends of a pattern overlap', () => {
    expect(matches('ab*ba', 'aba')).toBe(false);
    expect(matches('ab*ba', 'abba')).toBe(true);
  });

  it('looks many endings of a path up by their last part', () => {
    const test = textTest(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => [ANY_TEXT, `\\${name}.exe`]),
      false,
    );
    expect(test('c:\\x\\g.exe')).toBe(true);
    expect(test('g.exe')).toBe(false);
    expect(test('c:\\g.exe\\h')).toBe(false);
  });

  it('agrees with a regular expression', () => {
    const part = fc.oneof(
      fc.constantFrom<0 | 1>(ANY_TEXT, ANY_CHARACTER),
      fc.string({ unit: fc.constantFrom('a', 'b', '\\'), minLength: 1, maxLength: 3 }),
    );
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '\\', 'ł'), maxLength: 12 });
    fc.assert(
      fc.property(
        fc.array(fc.array(part, { maxLength: 6 }), { minLength: 1, maxLength: 16 }),
        text,
        fc.boolean(),
        (patterns, subject, isCased) => {
          const expected = patterns.some((pattern) => asRegExp(pattern).test(subject));
          expect(textTest(patterns, isCased)(subject)).toBe(expected);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('stays linear on a pattern made to backtrack', () => {
    const pattern = `*${'a*'.repeat(30)}b`;
    expect(matches(pattern, 'a'.repeat(100_000))).toBe(false);
  });
});
