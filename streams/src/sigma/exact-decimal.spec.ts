import fc from 'fast-check';
import { ExactSum, compareDecimals, decimalOf, decimalOfText } from './exact-decimal';

function sumOf(...values: readonly number[]): ExactSum {
  const sum = new ExactSum();
  for (const value of values) sum.add(value);
  return sum;
}

describe('decimalOf', () => {
  it.each([
    [0.1, 1n, 1],
    [-12.5, -125n, 1],
    [1e21, 10n ** 21n, 0],
    [1.5e-7, 15n, 8],
    [5e-324, 5n, 324],
    [Number.MAX_SAFE_INTEGER, 9_007_199_254_740_991n, 0],
    [-0, 0n, 0],
  ])('reads %d as it is written', (value, units, scale) => expect(decimalOf(value)).toEqual({ units, scale }));
});

describe('decimalOfText', () => {
  it.each<[string, bigint, number]>([
    ['9007199254740993', 9_007_199_254_740_993n, 0],
    ['-0.10', -10n, 2],
    ['+.5', 5n, 1],
    ['5.', 5n, 0],
    ['1.5E3', 1_500n, 0],
    ['1e-2', 1n, 2],
  ])('reads %s', (text, units, scale) => expect(decimalOfText(text)).toEqual({ units, scale }));

  it.each(['', '.', '0x1F', 'one', '1e', '1e401', '1e-401', '9'.repeat(101)])('leaves %j alone', (text) => {
    expect(decimalOfText(text)).toBeUndefined();
  });

  it('orders as doubles do wherever doubles tell numbers apart', () => {
    const doubles = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(doubles, doubles, (left, right) => {
        const [one, other] = [decimalOfText(String(left)), decimalOf(right)];
        expect(one && compareDecimals(one, other)).toBe(left < right ? -1 : left > right ? 1 : 0);
      }),
    );
  });
});

describe('ExactSum', () => {
  it('adds as decimals are written, not as doubles round', () => {
    expect(0.1 + 0.2).not.toBe(0.3);
    expect(sumOf(0.1, 0.2).quotient(1)).toBe(0.3);
    expect(sumOf(0.1, 0.2).compareQuotient(1, 0.3)).toBe(0);
    expect(sumOf(0.1, 0.2, 0.3).compareQuotient(3, 0.2)).toBe(0);
    expect(sumOf(1e16, 1, -1e16).quotient(1)).toBe(1);
    expect(sumOf(2).quotient(3)).toBe(2 / 3);
    expect(sumOf(-1).quotient(3)).toBe(-1 / 3);
  });

  it('stays within doubles', () => {
    expect(sumOf(Number.MAX_VALUE, Number.MAX_VALUE).quotient(1)).toBe(Number.MAX_VALUE);
    expect(sumOf(-Number.MAX_VALUE, -Number.MAX_VALUE).quotient(1)).toBe(-Number.MAX_VALUE);
    expect(sumOf(Number.MAX_VALUE, Number.MAX_VALUE).compareQuotient(2, Number.MAX_VALUE)).toBe(0);
  });

  const doubles = fc.double({ noNaN: true, noDefaultInfinity: true });

  it('forgets what was taken away, in whatever order it came', () => {
    fc.assert(
      fc.property(
        fc.array(doubles, { minLength: 1, maxLength: 20 }),
        fc.array(doubles, { maxLength: 20 }),
        (kept, gone) => {
          const sum = sumOf(...gone, ...kept);
          for (const value of gone) sum.subtract(value);
          const expected = sumOf(...kept.toReversed());
          expect(sum.quotient(kept.length)).toBe(expected.quotient(kept.length));
          for (const bound of kept) expect(sum.compareQuotient(1, bound)).toBe(expected.compareQuotient(1, bound));
        },
      ),
    );
  });

  it('gives a single value back, and orders as numbers do', () => {
    fc.assert(
      fc.property(doubles, doubles, (value, bound) => {
        expect(sumOf(value).quotient(1)).toBe(value + 0);
        expect(sumOf(value).compareQuotient(1, bound)).toBe(value < bound ? -1 : value > bound ? 1 : 0);
      }),
    );
  });
});
