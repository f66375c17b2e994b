import fc from 'fast-check';
import { canMeet, isCoveredBy } from './pattern-algebra';
import { parsePattern } from './pattern';
import { textTest } from './text-test';

const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 6 });
/** All texts of up to five of three letters; patterns know two of them. */
const TEXTS = Array.from({ length: 5 }, (_, length) => length + 1).reduce<string[]>(
  (texts, length) => [
    ...texts,
    ...texts
      .filter((text) => text.length === length - 1)
      .flatMap((text) => ['a', 'b', 'c'].map((letter) => text + letter)),
  ],
  [''],
);

describe('patterns', () => {
  it('cover each other, and meet, as the texts say that they cover', () => {
    const seen = { covered: 0, apart: 0 };
    fc.assert(
      fc.property(pattern, pattern, (left, right) => {
        const inLeft = textTest([parsePattern(left)], true);
        const inRight = textTest([parsePattern(right)], true);
        const isCovered = isCoveredBy(parsePattern(left), parsePattern(right));
        if (isCovered) expect(TEXTS.filter((text) => inLeft(text) && !inRight(text))).toEqual([]);
        const mayMeet = canMeet(parsePattern(left), parsePattern(right));
        if (TEXTS.some((text) => inLeft(text) && inRight(text))) expect(mayMeet).toBe(true);
        // The shortest common text is no longer than both patterns together.
        else if (left.length + right.length <= 5) expect(mayMeet).toBe(false);
        seen.covered += isCovered ? 1 : 0;
        seen.apart += mayMeet ? 0 : 1;
      }),
      { numRuns: 5_000, seed: 2 },
    );
    expect(Math.min(seen.covered, seen.apart)).toBeGreaterThan(100);
  });

  it.each([
    ['a*', '*', true],
    ['*a*', 'a*', false],
    ['ab', 'a?', true],
    ['a*', 'a?', false],
    ['*ab', '*b', true],
    ['??', '?*', true],
    ['?*', '??', false],
    ['a*b*c', 'a*c', true],
  ])('%s is covered by %s: %s', (narrow, wide, isCovered) => {
    expect(isCoveredBy(parsePattern(narrow), parsePattern(wide))).toBe(isCovered);
  });

  it('claim nothing of patterns that are too long to compare', () => {
    const long = parsePattern('a'.repeat(2_000));
    expect(isCoveredBy(long, long)).toBe(false);
    expect(canMeet(long, parsePattern('b'.repeat(2_000)))).toBe(true);
  });
});
