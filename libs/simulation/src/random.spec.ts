import * as fc from 'fast-check';
import { SeededRandom } from './random';

describe('SeededRandom', () => {
  it('is xoshiro128** as its authors define it', () => {
    const random = new SeededRandom([1, 2, 3, 4]);
    // First outputs of the reference C program for this state.
    expect(Array.from({ length: 5 }, () => random.word())).toEqual([11520, 0, 5927040, 70819200, 2031721883]);
  });

  it('gives equal numbers for equal seeds and streams, and other numbers for others', () => {
    const draw = (seed: number, stream: string): number[] => {
      const random = SeededRandom.ofStream(seed, stream);
      return Array.from({ length: 8 }, () => random.word());
    };
    expect(draw(7, 'staff')).toEqual(draw(7, 'staff'));
    expect(draw(7, 'staff')).not.toEqual(draw(8, 'staff'));
    expect(draw(7, 'staff')).not.toEqual(draw(7, 'devices'));
  });

  it('keeps whole numbers within their bounds and reaches both', () => {
    const random = SeededRandom.ofStream(1, 'bounds');
    const drawn = new Set(Array.from({ length: 500 }, () => random.integer(-2, 3)));
    expect([...drawn].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2, 3]);
  });

  it('samples distinct items of the list', () => {
    fc.assert(
      fc.property(fc.nat(), fc.uniqueArray(fc.integer()), fc.nat({ max: 40 }), (seed, items, count) => {
        const sample = SeededRandom.ofStream(seed, 'sample').sample(items, count);
        expect(sample).toHaveLength(Math.min(count, items.length));
        expect(new Set(sample).size).toBe(sample.length);
        expect(sample.every((item) => items.includes(item))).toBe(true);
      }),
    );
  });

  it('happens as often as expected on average', () => {
    const random = SeededRandom.ofStream(3, 'times');
    const sum = Array.from({ length: 20_000 }, () => random.times(1.25)).reduce((total, count) => total + count, 0);
    expect(sum / 20_000).toBeCloseTo(1.25, 1);
  });
});
