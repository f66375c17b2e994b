import fc from 'fast-check';
import { collect, describeOperatorLifecycle, eventElement, jsonCopy, watermark } from '../testing';
import { SlidingTimes, slidingCount, type SlidingCount, type SlidingCountOptions } from './sliding-count';
import type { StreamElement } from './stream-element';

/** The key that stands for an event that is left out. */
const NO_KEY = '-';

interface Visit {
  readonly key: string;
  readonly timeMs: number;
}
const options = (bounds: { windowMs?: number } = {}): SlidingCountOptions<Visit> => ({
  windowMs: 10,
  keyOf: ({ key }) => (key === NO_KEY ? undefined : key),
  ...bounds,
});
const visit = (timeMs: number, key = 'k'): StreamElement<Visit> => eventElement({ key, timeMs }, timeMs);
const run = (input: readonly StreamElement<Visit>[], bounds: { windowMs?: number } = {}) =>
  collect(slidingCount(options(bounds)), input);
const countsOf = (counts: readonly SlidingCount<Visit>[]): number[] => counts.map(({ eventCount }) => eventCount);
const range = (length: number): number[] => Array.from({ length }, (_, index) => index);

const visits = (): fc.Arbitrary<StreamElement<Visit>[]> =>
  fc
    .array(fc.tuple(fc.constantFrom(0, 0, 1, 2, 30), fc.constantFrom('a', 'a', 'a', 'b', NO_KEY)), { maxLength: 120 })
    .map((steps) => {
      let timeMs = -60;
      return steps.map(([gapMs, key]) => visit((timeMs += gapMs), key));
    });

/** Counts all pairs; of a key the latest `entriesMax` alone. */
function naive(input: readonly StreamElement<Visit>[], windowMs: number, entriesMax = Infinity): number[] {
  const seen: Visit[] = [];
  return input.flatMap((element) => {
    if (element.kind === 'watermark' || element.event.key === NO_KEY) return [];
    seen.push(element.event);
    const { key, timeMs } = element.event;
    const inside = seen.filter((other) => other.key === key && timeMs - other.timeMs < windowMs);
    return [Math.min(inside.length, entriesMax)];
  });
}

describe('slidingCount', () => {
  describeOperatorLifecycle({
    operator: () => slidingCount(options()),
    input: [visit(1), watermark<Visit>(1), visit(2)],
    output: [
      { event: { key: 'k', timeMs: 1 }, key: 'k', timeMs: 1, eventCount: 1 },
      { event: { key: 'k', timeMs: 2 }, key: 'k', timeMs: 2, eventCount: 2 },
    ],
    endless: (index) => visit(index),
  });

  it('counts an event less than the window before, and no more one exactly the window before', () => {
    expect(countsOf(run([visit(0), visit(9)]))).toEqual([1, 2]);
    expect(countsOf(run([visit(0), visit(10)]))).toEqual([1, 1]);
  });

  it('keeps keys apart, and leaves out events without a key', () => {
    expect(countsOf(run([visit(1, 'a'), visit(1, 'b'), visit(2, NO_KEY), visit(2, 'a')]))).toEqual([1, 1, 2]);
  });

  it('lets no late or skewed event into a window', () => {
    const mistimed = (['late', 'skewed'] as const).map((timing) =>
      eventElement<Visit>({ key: 'k', timeMs: 1 }, 1, timing),
    );
    expect(countsOf(run([visit(1), ...mistimed, visit(2)]))).toEqual([1, 2]);
  });

  it('refuses an event out of order, and options that are out of range', () => {
    expect(() => run([visit(5), visit(4)])).toThrow(expect.objectContaining({ code: 'STREAM_UNORDERED' }));
    expect(() => run([watermark<Visit>(5), visit(4)])).toThrow(expect.objectContaining({ code: 'STREAM_UNORDERED' }));
    for (const bounds of [{ windowMs: 0 }, { windowMs: 1, keysMax: 0 }, { windowMs: 1, entriesMax: 1.5 }])
      expect(() => new SlidingTimes(bounds)).toThrow(expect.objectContaining({ code: 'OPERATOR_OPTION_INVALID' }));
  });

  it.each([2, 8, 9, 40])('lets the oldest of %i events of a full window go, and counts it', (entriesMax) => {
    const times = new SlidingTimes({ windowMs: 1_000, entriesMax });
    const counts = collect(
      slidingCount(options(), times),
      range(60).map((timeMs) => visit(timeMs)),
    );
    expect(countsOf(counts)).toEqual(range(60).map((timeMs) => Math.min(timeMs + 1, entriesMax)));
    expect(times.evictedEntryCount).toBe(60 - entriesMax);
    expect(times.timesOf('k')).toEqual(range(60).slice(-entriesMax));
  });

  it('does not count what left in time as evicted', () => {
    const times = new SlidingTimes({ windowMs: 10, entriesMax: 2 });
    collect(
      slidingCount(options(), times),
      [0, 5, 10, 15, 20].map((timeMs) => visit(timeMs)),
    );
    expect(times.evictedEntryCount).toBe(0);
  });

  it('lets the key touched longest ago go, and counts it', () => {
    const times = new SlidingTimes({ windowMs: 10, keysMax: 2 });
    const input = ['a', 'b', 'a', 'c', 'b', 'a'].map((key, timeMs) => visit(timeMs, key));
    expect(countsOf(collect(slidingCount(options(), times), input))).toEqual([1, 1, 2, 1, 1, 1]);
    expect(times.evictedCount).toBe(3);
  });

  it('gives the place of an evicted key to another without its events', () => {
    const times = new SlidingTimes({ windowMs: 1_000, keysMax: 1 });
    const input = range(30).map((timeMs) => visit(timeMs, timeMs < 20 ? 'a' : 'b'));
    expect(countsOf(collect(slidingCount(options(), times), input)).slice(19)).toEqual([20, ...range(11).slice(1)]);
    expect(times.timesOf('a')).toEqual([]);
  });

  it('holds no more than the window, however long the stream', () => {
    const times = new SlidingTimes({ windowMs: 10 });
    collect(
      slidingCount(options(), times),
      range(5_000).map((timeMs) => visit(timeMs)),
    );
    expect(times.timesOf('k')).toEqual(range(5_000).slice(-10));
  });

  it('equals a naive count of all pairs', () => {
    fc.assert(
      fc.property(
        visits(),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 40 }),
        (input, windowMs, most) => {
          expect(countsOf(run(input, { windowMs }))).toEqual(naive(input, windowMs));
          const bounded = slidingCount(options(), new SlidingTimes({ windowMs, entriesMax: most }));
          expect(countsOf(collect(bounded, input))).toEqual(naive(input, windowMs, most));
        },
      ),
      { numRuns: 500 },
    );
  });

  it('goes on from a snapshot at any place as if it had never stopped', () => {
    const bounds = fc.constantFrom({ windowMs: 10, keysMax: 1, entriesMax: 3 }, { windowMs: 40 });
    fc.assert(
      fc.property(visits(), bounds, (input, within) => {
        const whole = new SlidingTimes(within);
        const expected = collect(slidingCount(options(), whole), input);
        for (let place = 0; place <= input.length; place++) {
          const first = new SlidingTimes(within);
          const counts = collect(slidingCount(options(), first), input.slice(0, place));
          const second = new SlidingTimes(within);
          second.restore(jsonCopy(first.snapshot()));
          counts.push(...collect(slidingCount(options(), second), input.slice(place)));
          expect(counts).toEqual(expected);
          expect(second.snapshot()).toEqual(whole.snapshot());
        }
      }),
      { numRuns: 100 },
    );
  });
});
