import { DAY_MS, HOUR_MS } from '../durations';
import { buildHospital } from '../hospital/build-hospital';
import { parseSettings } from '../settings';
import { HourPlans, forgetOldest, itemsBetween } from './hour-plans';

const settings = parseSettings({ wards: '1' });
const hospital = buildHospital({ seed: 1, settings, startMs: 0, endMs: DAY_MS });

describe('HourPlans', () => {
  it('plans each stretch once while it is kept, and forgets the oldest', () => {
    const asked: number[] = [];
    const plans = new HourPlans<number>(
      (_, startMs, endMs) => {
        asked.push(startMs / HOUR_MS);
        return [startMs, endMs];
      },
      2,
      2,
    );
    const basis = { hospital, settings, seed: 1 };
    expect(plans.touching(basis, 3 * HOUR_MS, 4 * HOUR_MS + 1)).toEqual([
      [2 * HOUR_MS, 4 * HOUR_MS],
      [4 * HOUR_MS, 6 * HOUR_MS],
    ]);
    plans.touching(basis, 4 * HOUR_MS, 5 * HOUR_MS);
    expect(asked).toEqual([2, 4]);
    plans.touching(basis, 6 * HOUR_MS, 7 * HOUR_MS);
    plans.touching(basis, 2 * HOUR_MS, 3 * HOUR_MS);
    expect(asked).toEqual([2, 4, 6, 2]);
    plans.touching({ ...basis, seed: 2 }, 6 * HOUR_MS, 7 * HOUR_MS);
    expect(asked).toEqual([2, 4, 6, 2, 6]);
  });
});

describe('itemsBetween', () => {
  it('takes what lies in a time, half-open, of plans in order', () => {
    const at = (...times: number[]): { timeMs: number }[] => times.map((timeMs) => ({ timeMs }));
    const found = [...itemsBetween([at(1, 2, 2, 5, 9), at(), at(10, 11)], 2, 11)];
    expect(found).toEqual(at(2, 2, 5, 9, 10));
  });
});

describe('forgetOldest', () => {
  it('leaves the latest', () => {
    const map = new Map([1, 2, 3, 4].map((key) => [key, key]));
    forgetOldest(map, 2);
    expect([...map.keys()]).toEqual([3, 4]);
  });
});
