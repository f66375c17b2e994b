import fc from 'fast-check';
import { from, take } from 'rxjs';
import { collect, describeOperatorLifecycle, eventElement, watermark } from '../testing';
import { BaselineStore, MAD_SCALE, baselineRate, type BaselineRateOptions, type RatePane } from './baseline-rate';
import type { StreamElement } from './stream-element';

type Element = StreamElement<string>;
const optionsOf = (more: Partial<BaselineRateOptions<string>> = {}): BaselineRateOptions<string> => ({
  windowMs: 10,
  baselineWindows: 3,
  baselineWindowsMin: 1,
  statistic: 'mean',
  keyOf: (key) => (key === '-' ? undefined : key),
  ...more,
});
const event = (timeMs: number, key = 'k'): Element => eventElement(key, timeMs);
/** So many events in each window from 0 on, then a watermark at the end of the last. */
const events = (...counts: readonly number[]): Element[] => [
  ...counts.flatMap((count, at) => Array.from({ length: count }, () => event(10 * at + 5))),
  watermark(10 * counts.length),
];
const run = (
  input: readonly Element[],
  more?: Partial<BaselineRateOptions<string>>,
  store?: BaselineStore,
): RatePane[] => collect(baselineRate(optionsOf(more), store), input);
const countsOf = (panes: readonly RatePane[]): string[] => panes.map(({ startMs, count }) => `${startMs}:${count}`);

describe('baselineRate', () => {
  describeOperatorLifecycle<Element, RatePane>({
    operator: () => baselineRate(optionsOf()),
    input: [event(1), watermark(10)],
    output: [{ key: 'k', startMs: 0, endMs: 10, count: 1, kept: null, baseline: null, score: null }],
    endless: (index) => event(10 * index),
  });

  it('counts an event on a boundary in the window that begins there, and closes a window at its end', () => {
    expect(countsOf(run([event(0), event(9), event(10), watermark(19)]))).toEqual(['0:2']);
    expect(countsOf(run([event(9), event(10), watermark(20)]))).toEqual(['0:1', '10:1']);
    expect(countsOf(run([event(-1), watermark(0)]))).toEqual(['-10:1']);
  });

  it('compares a count with the windows before it, not with itself', () => {
    expect(run(events(2, 4, 9)).at(-1)).toMatchObject({
      count: 9,
      baseline: { windowCount: 2, centre: 3, deviation: Math.SQRT2 },
      score: 6 / Math.SQRT2,
    });
  });

  it('looks back no further than it is told', () => {
    expect(run(events(99, 1, 2, 3, 4)).at(-1)?.baseline).toEqual({ windowCount: 3, centre: 2, deviation: 1 });
  });

  it('gives no baseline while there are too few windows: by default, fewer than all', () => {
    const withBaseline = (min?: number): boolean[] =>
      run(events(1, 1, 1, 1, 1), { baselineWindowsMin: min }).map(({ baseline }) => baseline !== null);
    expect(withBaseline(2)).toEqual([false, false, true, true, true]);
    expect(withBaseline()).toEqual([false, false, false, true, true]);
  });

  it('is not moved by one outlier when it takes the median', () => {
    const [pane] = run(events(5, 7, 500, 6, 20), { statistic: 'median', baselineWindows: 4 }).slice(-1);
    expect(pane?.baseline).toEqual({ windowCount: 4, centre: 6.5, deviation: MAD_SCALE });
    expect(pane?.score).toBeCloseTo(13.5 / MAD_SCALE, 12);
  });

  it('divides by no less than the least deviation', () => {
    expect(run(events(4, 4, 4, 7)).at(-1)?.score).toBe(3);
    expect(run(events(4, 4, 4, 7), { deviationMin: 2 }).at(-1)?.score).toBe(1.5);
    expect(run(events(4, 4, 4, 1)).at(-1)?.score).toBe(-3);
  });

  it('counts empty windows, and forgets a key when all that it looks back on are empty', () => {
    const store = new BaselineStore(optionsOf());
    expect(countsOf(run([event(5), watermark(1_000)], undefined, store))).toEqual(['0:1', '10:0', '20:0', '30:0']);
    expect([store.store.size, store.store.evictedCount]).toEqual([0, 0]);
    expect(countsOf(run([event(5), event(26), watermark(30)]))).toEqual(['0:1', '10:0', '20:1']);
  });

  it('closes windows with events when the stream ends, and no empty ones', () => {
    const END: Element = watermark(Number.POSITIVE_INFINITY);
    expect(countsOf(run([event(5), event(15), END]))).toEqual(['0:1', '10:1']);
    expect(countsOf(run([event(5), watermark(10), END]))).toEqual(['0:1']);
  });

  it('keeps the windows that are due when nobody listens after the first', () => {
    const store = new BaselineStore(optionsOf());
    from([event(1, 'a'), event(1, 'b'), watermark<string>(10)])
      .pipe(baselineRate(optionsOf(), store), take(1))
      .subscribe();
    expect(run([watermark(10)], undefined, store).map(({ key, startMs }) => `${key}${startMs}`)).toEqual(['b0']);
  });

  it('compares with the windows about whole seasons before', () => {
    // Of the six windows before the last, the first and the fourth lie two seasons and one away.
    const last = (besideWindows: number): unknown =>
      run(events(1, 20, 300, 40, 5, 7, 6), {
        baselineWindows: 6,
        season: { windows: 3, besideWindows },
        statistic: 'median',
      }).at(-1)?.baseline;
    expect(last(0)).toMatchObject({ windowCount: 2, centre: 20.5 });
    expect(last(1)).toMatchObject({ windowCount: 6, centre: 13.5 });
  });

  it('divides by no less than a share of the centre', () => {
    expect(run(events(10, 10, 10, 20), { deviationShareMin: 0.5 }).at(-1)?.score).toBe(2);
    expect(run(events(10, 10, 10, 20), { deviationShareMin: 0.5, deviationMin: 8 }).at(-1)?.score).toBe(1.25);
    expect(() => run([], { deviationShareMin: -1 })).toThrow(
      expect.objectContaining({ code: 'OPERATOR_OPTION_INVALID' }),
    );
  });

  it('counts up to the greatest exact number', () => {
    const most = Number.MAX_SAFE_INTEGER;
    const panes = run([event(1), event(2), event(3), watermark(10)], { amountOf: () => most - 1 });
    expect(panes.map(({ count }) => count)).toEqual([most]);
  });

  it('sends panes out by end, then key, and leaves out events without a key and mistimed ones', () => {
    const late = eventElement('k', 2, 'late');
    const panes = run([event(1, 'b'), late, event(2, '-'), event(3, 'a'), event(12, 'b'), watermark(20)]);
    expect(panes.map(({ key, startMs, count }) => `${key}${startMs}:${count}`)).toEqual([
      'a0:1',
      'b0:1',
      'a10:0',
      'b10:1',
    ]);
  });

  it('equals a look at all counts', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(6), { minLength: 1, maxLength: 20 }), (tail) => {
        const counts = [1, ...tail];
        const panes = run(events(...counts), { baselineWindows: 20 });
        expect(panes.map(({ count }) => count)).toEqual(counts);
        panes.slice(1).forEach(({ baseline }, index) => {
          const before = counts.slice(0, index + 1);
          const mean = before.reduce((sum, count) => sum + count, 0) / before.length;
          expect(baseline?.centre).toBeCloseTo(mean, 10);
          const variance = before.reduce((sum, count) => sum + (count - mean) ** 2, 0) / Math.max(1, before.length - 1);
          expect((baseline?.deviation ?? -1) ** 2).toBeCloseTo(variance, 10);
        });
      }),
    );
  });

  it('lets the key touched longest ago go, and counts it', () => {
    const store = new BaselineStore({ windowMs: 10, baselineWindows: 3, keysMax: 1 });
    expect(run([event(1, 'a'), event(2, 'b'), watermark(10)], undefined, store).map(({ key }) => key)).toEqual(['b']);
    expect([store.store.size, store.store.evictedCount]).toEqual([1, 1]);
  });

  it('refuses a baseline of no windows, of too many, and a least number above all', () => {
    for (const more of [
      { baselineWindows: 0 },
      { baselineWindows: 1_001 },
      { baselineWindowsMin: 4 },
      { windowMs: 0.5 },
      { deviationMin: 0 },
    ])
      expect(() => run([], more)).toThrow(expect.objectContaining({ code: 'OPERATOR_OPTION_INVALID' }));
  });
});
