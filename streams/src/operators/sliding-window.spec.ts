import fc from 'fast-check';
import { collect, describeOperatorLifecycle, eventElement, jsonCopy, watermark } from '../testing';
import { SlidingWindows, entriesOf, slidingCount, type SlidingCount, type SlidingCountOptions } from './sliding-window';
import type { StreamElement } from './stream-element';

/** The key that stands for an event that is left out. */
const NO_KEY = '-';

interface Visit {
  readonly key: string;
  readonly value?: string;
  readonly timeMs: number;
}
const options = (bounds: { windowMs?: number } = {}): SlidingCountOptions<Visit> => ({
  windowMs: 10,
  keyOf: ({ key }) => (key === NO_KEY ? undefined : key),
  countedValueOf: ({ value }) => value,
  ...bounds,
});
const visit = (timeMs: number, key = 'k', value?: string): StreamElement<Visit> =>
  eventElement({ key, value, timeMs }, timeMs);
const run = (input: readonly StreamElement<Visit>[], bounds: { windowMs?: number } = {}) =>
  collect(slidingCount(options(bounds)), input);
const countsOf = (counts: readonly SlidingCount<Visit>[]): number[] => counts.map(({ eventCount }) => eventCount);

const visits = (): fc.Arbitrary<StreamElement<Visit>[]> =>
  fc
    .array(fc.tuple(fc.nat(6), fc.constantFrom('a', 'b', NO_KEY), fc.constantFrom('x', 'y', 'z', undefined)), {
      maxLength: 60,
    })
    .map((steps) => {
      let timeMs = 0;
      return steps.map(([gapMs, key, value]) => visit((timeMs += gapMs), key, value));
    });

function naive(input: readonly StreamElement<Visit>[], windowMs: number): { eventCount: number; valueCount: number }[] {
  const seen: Visit[] = [];
  return input.flatMap((element) => {
    if (element.kind === 'watermark' || element.event.key === NO_KEY) return [];
    seen.push(element.event);
    const { key, timeMs } = element.event;
    const inside = seen.filter((other) => other.key === key && timeMs - other.timeMs < windowMs);
    return [{ eventCount: inside.length, valueCount: new Set(inside.flatMap(({ value }) => value ?? [])).size }];
  });
}

describe('slidingCount', () => {
  describeOperatorLifecycle({
    operator: () => slidingCount(options()),
    input: [visit(1), watermark<Visit>(1), visit(2, 'k', 'x')],
    output: [
      { event: { key: 'k', timeMs: 1 }, key: 'k', timeMs: 1, eventCount: 1, valueCount: 0 },
      { event: { key: 'k', value: 'x', timeMs: 2 }, key: 'k', timeMs: 2, eventCount: 2, valueCount: 1 },
    ],
    endless: (index) => visit(index),
  });

  it('counts an event less than the window before, and no more one exactly the window before', () => {
    expect(countsOf(run([visit(0), visit(9)]))).toEqual([1, 2]);
    expect(countsOf(run([visit(0), visit(10)]))).toEqual([1, 1]);
  });

  it('counts no values where none are asked for', () => {
    const counts = collect(slidingCount<Visit>({ windowMs: 10, keyOf: ({ key }) => key }), [visit(1, 'k', 'x')]);
    expect(counts).toMatchObject([{ eventCount: 1, valueCount: 0 }]);
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

  it('lets the oldest event of a full window go, and counts it', () => {
    const windows = new SlidingWindows<null>({ windowMs: 10, entriesMax: 2 });
    const counts = collect(
      slidingCount(options(), windows),
      [1, 2, 3, 4].map((timeMs) => visit(timeMs, 'k', `v${timeMs}`)),
    );
    expect(counts.map(({ eventCount, valueCount }) => [eventCount, valueCount])).toEqual([
      [1, 1],
      [2, 2],
      [2, 2],
      [2, 2],
    ]);
    expect(windows.evictedEntryCount).toBe(2);
    expect(entriesOf(windows.at('k', 4)).map(({ timeMs }) => timeMs)).toEqual([3, 4]);
  });

  it('does not let a flood of one value push other values out', () => {
    const windows = new SlidingWindows<null>({ windowMs: 1_000, entriesMax: 4 });
    const window = windows.at('k', 0);
    for (const [timeMs, value] of ['a', 'b', 'x', 'x', 'x', 'x', 'x', 'c'].entries())
      windows.add(window, { timeMs, value, ref: null });
    expect([...window.values.keys()].sort()).toEqual(['a', 'b', 'c', 'x']);
    expect(entriesOf(window).map(({ value }) => value)).toEqual(['a', 'b', 'x', 'c']);
    expect(windows.evictedEntryCount).toBe(4);
  });

  it('does not count what left in time as evicted', () => {
    const windows = new SlidingWindows<null>({ windowMs: 10, entriesMax: 2 });
    collect(
      slidingCount(options(), windows),
      [0, 5, 10, 15, 20].map((timeMs) => visit(timeMs)),
    );
    expect(windows.evictedEntryCount).toBe(0);
  });

  it('lets the key touched longest ago go, and counts it', () => {
    const windows = new SlidingWindows<null>({ windowMs: 10, keysMax: 2 });
    const input = ['a', 'b', 'a', 'c', 'b', 'a'].map((key, timeMs) => visit(timeMs, key));
    expect(countsOf(collect(slidingCount(options(), windows), input))).toEqual([1, 1, 2, 1, 1, 1]);
    expect(windows.windows.evictedCount).toBe(3);
  });

  it('holds no more than the window, however long the stream', () => {
    const windows = new SlidingWindows<null>({ windowMs: 10 });
    collect(
      slidingCount(options(), windows),
      Array.from({ length: 5_000 }, (_, timeMs) => visit(timeMs)),
    );
    expect(windows.at('k', 4_999).entries.length).toBeLessThan(150);
  });

  it('equals a naive count of all pairs', () => {
    fc.assert(
      fc.property(visits(), fc.integer({ min: 1, max: 12 }), (input, windowMs) => {
        const counts = run(input, { windowMs });
        expect(counts.map(({ eventCount, valueCount }) => ({ eventCount, valueCount }))).toEqual(
          naive(input, windowMs),
        );
      }),
    );
  });

  it('takes events without a value for none, also when a full window lets go those that came again', () => {
    const windows = new SlidingWindows<null>({ windowMs: 10, entriesMax: 3 });
    const input = [visit(0), visit(0, 'k', 'x'), visit(0, 'k', 'x'), visit(1, 'k', 'x'), visit(2, 'k', 'y')];
    const counts = collect(slidingCount(options(), windows), input);
    expect(counts.map(({ eventCount, valueCount }) => [eventCount, valueCount])).toEqual([
      [1, 0],
      [2, 1],
      [3, 1],
      [3, 1],
      [3, 2],
    ]);
  });

  it('goes on from a snapshot at any place as if it had never stopped', () => {
    const bounds = { windowMs: 10, keysMax: 1, entriesMax: 3 };
    fc.assert(
      fc.property(visits(), (input) => {
        const whole = new SlidingWindows<null>(bounds);
        const expected = collect(slidingCount(options(), whole), input);
        for (let place = 0; place <= input.length; place++) {
          const first = new SlidingWindows<null>(bounds);
          const counts = collect(slidingCount(options(), first), input.slice(0, place));
          const second = new SlidingWindows<null>(bounds);
          second.restore(jsonCopy(first.snapshot()));
          counts.push(...collect(slidingCount(options(), second), input.slice(place)));
          expect(counts).toEqual(expected);
          expect(second.snapshot()).toEqual(whole.snapshot());
        }
      }),
      { numRuns: 300 },
    );
  });
});
