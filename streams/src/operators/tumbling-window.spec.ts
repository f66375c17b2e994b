import fc from 'fast-check';
import { from, take, tap } from 'rxjs';
import { collect, describeOperatorLifecycle, eventElement, jsonCopy, shuffled, watermark } from '../testing';
import type { StreamElement } from './stream-element';
import {
  HOPPING_OVERLAP_MAX,
  TumblingWindows,
  hoppingWindow,
  tumblingWindow,
  type TumblingPane,
  type TumblingWindowOptions,
} from './tumbling-window';

/** The key that stands for an event that is left out. */
const NO_KEY = '-';

interface Reading {
  readonly key: string;
  readonly amount: number;
}
const options: TumblingWindowOptions<Reading, number> = {
  windowMs: 10,
  keyOf: ({ key }) => (key === NO_KEY ? undefined : key),
  initial: () => 0,
  add: (sum, { amount }) => sum + amount,
};
const reading = (timeMs: number, key = 'k', amount = 1): StreamElement<Reading> =>
  eventElement({ key, amount }, timeMs);
const run = (input: readonly StreamElement<Reading>[], windows?: TumblingWindows<number>): TumblingPane<number>[] =>
  collect(tumblingWindow(options, windows), input);
const pane = (key: string, startMs: number, value: number): TumblingPane<number> => ({
  key,
  startMs,
  endMs: startMs + 10,
  value,
});

const stream = (): fc.Arbitrary<StreamElement<Reading>[]> =>
  fc
    .array(fc.tuple(fc.nat(4), fc.nat(25), fc.constantFrom('a', 'b', NO_KEY), fc.integer({ min: 1, max: 9 })), {
      maxLength: 40,
    })
    .map((steps) => {
      let watermarkMs = -20;
      return steps.map(([kind, aheadMs, key, amount]): StreamElement<Reading> => {
        if (kind === 0) return watermark((watermarkMs += 1 + (aheadMs % 12)));
        return reading(watermarkMs + aheadMs, key, amount);
      });
    });

function naive(input: readonly StreamElement<Reading>[]): TumblingPane<number>[] {
  const sums = new Map<string, TumblingPane<number>>();
  let lastMs = Number.NEGATIVE_INFINITY;
  for (const element of input) {
    if (element.kind === 'watermark') {
      lastMs = element.watermarkMs;
      continue;
    }
    const { key, amount } = element.event;
    if (key === NO_KEY) continue;
    const startMs = Math.floor(element.timeMs / 10) * 10;
    const known = sums.get(`${startMs} ${key}`)?.value ?? 0;
    sums.set(`${startMs} ${key}`, pane(key, startMs, known + amount));
  }
  const closed = [...sums.values()].filter(({ endMs }) => endMs <= lastMs);
  return closed.sort((a, b) => a.endMs - b.endMs || (a.key < b.key ? -1 : 1));
}

describe('tumblingWindow', () => {
  describeOperatorLifecycle({
    operator: () => tumblingWindow(options),
    input: [reading(1), reading(2), watermark<Reading>(10)],
    output: [pane('k', 0, 2)],
    endless: (index) => (index % 2 === 0 ? reading(10 * index) : watermark<Reading>(10 * index)),
  });

  it('closes a window when the watermark reaches its end, not before', () => {
    expect(run([reading(1), watermark(9)])).toEqual([]);
    expect(run([reading(1), watermark(10)])).toEqual([pane('k', 0, 1)]);
  });

  it('counts an event on a boundary in the window that begins there', () => {
    expect(run([reading(9), reading(10), watermark(20)])).toEqual([pane('k', 0, 1), pane('k', 10, 1)]);
    expect(run([reading(-1), reading(0), watermark(10)])).toEqual([pane('k', -10, 1), pane('k', 0, 1)]);
  });

  it('sends panes out by end, then key, in whatever order they were opened', () => {
    const input = [reading(15, 'a'), reading(1, 'b'), reading(2, 'B'), reading(3, 'a'), watermark<Reading>(99)];
    expect(run(input).map(({ key, startMs }) => `${startMs}${key}`)).toEqual(['0B', '0a', '0b', '10a']);
  });

  it('lets no late or skewed event into a window', () => {
    const mistimed = (['late', 'skewed'] as const).map((timing) =>
      eventElement<Reading>({ key: 'k', amount: 5 }, 1, timing),
    );
    expect(run([reading(1), ...mistimed, watermark(10)])).toEqual([pane('k', 0, 1)]);
  });

  it('closes nothing when the source merely ends, everything at the watermark of the end', () => {
    expect(run([reading(1)])).toEqual([]);
    expect(run([reading(1), watermark(Number.POSITIVE_INFINITY)])).toEqual([pane('k', 0, 1)]);
  });

  it('lets the window touched longest ago go, and counts it', () => {
    const windows = new TumblingWindows<number>(2);
    expect(run([reading(1, 'a'), reading(1, 'b'), reading(1, 'a'), reading(1, 'c'), watermark(10)], windows)).toEqual([
      pane('a', 0, 2),
      pane('c', 0, 1),
    ]);
    expect(windows.panes.evictedCount).toBe(1);
  });

  it('keeps closed windows no longer', () => {
    const windows = new TumblingWindows<number>();
    run([reading(1), reading(11), watermark(10)], windows);
    expect(windows.panes.size).toBe(1);
  });

  it('ends the stream with the error that a key function throws', () => {
    const failing = tumblingWindow<Reading, number>({
      ...options,
      keyOf: () => {
        throw new Error('no key');
      },
    });
    expect(() => collect(failing, [reading(1)])).toThrow('no key');
  });

  it('holds what it held, and nothing that cannot be read, when an aggregate throws', () => {
    const windows = new TumblingWindows<number>();
    const failing = tumblingWindow<Reading, number>(
      {
        ...options,
        add: (sum, { amount }) => {
          if (amount === 0) throw new Error('no amount');
          return sum + amount;
        },
      },
      windows,
    );
    for (const key of ['known', 'new']) {
      expect(() => collect(failing, [reading(1, 'known'), reading(2, key, 0)])).toThrow('no amount');
    }
    expect(windows.panes.entries()).toEqual([['0|known', { key: 'known', startMs: 0, value: 2 }]]);
  });

  it('loses no pane when nobody listens after the first', () => {
    const windows = new TumblingWindows<number>();
    const whenFirst: unknown[] = [];
    from([reading(1, 'a'), reading(1, 'b'), watermark<Reading>(10)])
      .pipe(
        tumblingWindow(options, windows),
        tap(() => whenFirst.push(windows.panes.size)),
        take(1),
      )
      .subscribe();
    expect([whenFirst, windows.panes.size]).toEqual([[1], 1]);
    expect(run([watermark(10)], windows)).toEqual([pane('b', 0, 1)]);
  });

  it('refuses a bound, a window and an offset that are none', () => {
    const invalid = expect.objectContaining({ code: 'OPERATOR_OPTION_INVALID' });
    for (const panesMax of [0, -1, 1.5, Number.NaN]) {
      expect(() => new TumblingWindows(panesMax)).toThrow(invalid);
      expect(() => tumblingWindow({ ...options, panesMax }, new TumblingWindows())).toThrow(invalid);
    }
    for (const offsetMs of [11, -11, 0.5, Number.NaN])
      expect(() => tumblingWindow({ ...options, offsetMs })).toThrow(invalid);
    for (const offsetMs of [10, -10]) expect(() => tumblingWindow({ ...options, offsetMs })).not.toThrow();
    for (const windowMs of [0, 1.5]) expect(() => tumblingWindow({ ...options, windowMs })).toThrow(invalid);
  });

  it('equals a naive sum', () => {
    fc.assert(fc.property(stream(), (input) => expect(run(input)).toEqual(naive(input))));
  });

  it('gives equal panes for every order of arrival between two watermarks', () => {
    const readings = fc.array(fc.tuple(fc.nat(30), fc.constantFrom('a', 'b')), { maxLength: 20 });
    const keys = fc.array(fc.nat(), { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(readings, keys, (tuples, order) => {
        const input = tuples.map(([timeMs, key]) => reading(timeMs, key));
        expect(run([...shuffled(input, order), watermark(40)])).toEqual(run([...input, watermark(40)]));
      }),
    );
  });

  it('goes on from a snapshot at any place as if it had never stopped', () => {
    fc.assert(
      fc.property(stream(), (input) => {
        const whole = new TumblingWindows<number>(3);
        const expected = run(input, whole);
        for (let place = 0; place <= input.length; place++) {
          const first = new TumblingWindows<number>(3);
          const panes = run(input.slice(0, place), first);
          const second = new TumblingWindows<number>(3);
          second.restore(jsonCopy(first.snapshot()));
          panes.push(...run(input.slice(place), second));
          expect(panes).toEqual(expected);
          expect(second.snapshot()).toEqual(whole.snapshot());
        }
      }),
      { numRuns: 40 },
    );
  });

  it('shares no value with its snapshot, though `add` changes values in place', () => {
    const listing: TumblingWindowOptions<Reading, number[]> = {
      ...options,
      initial: () => [],
      add: (list, { amount }) => {
        list.push(amount);
        return list;
      },
    };
    const windows = new TumblingWindows<number[]>();
    collect(tumblingWindow(listing, windows), [reading(1, 'k', 1)]);
    const snapshot = windows.snapshot();
    collect(tumblingWindow(listing, windows), [reading(2, 'k', 2)]);
    const restored = new TumblingWindows<number[]>();
    restored.restore(snapshot);
    collect(tumblingWindow(listing, restored), [reading(3, 'k', 3)]);
    expect(snapshot).toEqual({ evictedCount: 0, entries: [['0|k', ['k', 0, [1]]]] });
  });

  it('moves its boundaries by the offset', () => {
    const panes = (offsetMs: number) =>
      collect(tumblingWindow({ ...options, offsetMs }), [reading(2), reading(3), reading(12), watermark<Reading>(99)]);
    expect(panes(3).map(({ startMs, endMs, value }) => [startMs, endMs, value])).toEqual([
      [-7, 3, 1],
      [3, 13, 2],
    ]);
    expect(panes(-7)).toEqual(panes(3));
  });

  it('lets an event close what ends at or before it where events are said to be in order', () => {
    const inOrder = { ...options, ordered: true };
    expect(collect(tumblingWindow(inOrder), [reading(1), reading(9)])).toEqual([]);
    expect(collect(tumblingWindow(inOrder), [reading(1), reading(10)])).toEqual([pane('k', 0, 1)]);
    expect(() => collect(tumblingWindow(inOrder), [reading(10), reading(9)])).toThrow(
      expect.objectContaining({ code: 'STREAM_UNORDERED' }),
    );
  });
});

describe('hoppingWindow', () => {
  const hopping = (slideMs: number, windows?: TumblingWindows<number>) =>
    hoppingWindow({ ...options, slideMs }, windows);
  const spans = (panes: readonly TumblingPane<number>[]): number[][] =>
    panes.map(({ startMs, endMs, value }) => [startMs, endMs, value]);

  describeOperatorLifecycle({
    operator: () => hopping(5),
    input: [reading(6), watermark<Reading>(12), watermark<Reading>(15)],
    output: [
      { key: 'k', startMs: 0, endMs: 10, value: 1 },
      { key: 'k', startMs: 5, endMs: 15, value: 1 },
    ],
    endless: (index) => (index % 2 === 0 ? reading(10 * index) : watermark<Reading>(10 * index)),
  });

  it('puts an event into every window that it lies in, from a start to just before an end', () => {
    const all = (timeMs: number) => spans(collect(hopping(5), [reading(timeMs), watermark(99)]));
    expect(all(9)).toEqual([
      [0, 10, 1],
      [5, 15, 1],
    ]);
    expect(all(10)).toEqual([
      [5, 15, 1],
      [10, 20, 1],
    ]);
  });

  it('also where the slide does not divide the window', () => {
    const all = (timeMs: number) =>
      spans(collect(hopping(4), [reading(timeMs), watermark(99)])).map(([start]) => start);
    expect([all(8), all(9), all(10), all(11)]).toEqual([
      [0, 4, 8],
      [0, 4, 8],
      [4, 8],
      [4, 8],
    ]);
  });

  it('closes each window when the watermark reaches its end, not before', () => {
    const until = (watermarkMs: number) => spans(collect(hopping(4), [reading(9), watermark(watermarkMs)])).length;
    expect([9, 10, 13, 14, 17, 18].map(until)).toEqual([0, 1, 1, 2, 2, 3]);
  });

  it('equals a look at every window', () => {
    fc.assert(
      fc.property(stream(), fc.integer({ min: 1, max: 10 }), (input, slideMs) => {
        const expected: TumblingPane<number>[] = [];
        const lastMs = input.reduce((last, each) => (each.kind === 'watermark' ? each.watermarkMs : last), -Infinity);
        for (let startMs = -60 * slideMs; startMs + 10 <= lastMs; startMs += slideMs)
          for (const key of ['a', 'b']) {
            const inside = input.flatMap((each) => (each.kind === 'event' && each.event.key === key ? [each] : []));
            const amounts = inside
              .filter(({ timeMs }) => timeMs >= startMs && timeMs < startMs + 10)
              .map(({ event }) => event.amount);
            if (amounts.length > 0)
              expected.push(
                pane(
                  key,
                  startMs,
                  amounts.reduce((sum, amount) => sum + amount),
                ),
              );
          }
        expect(collect(hopping(slideMs), input)).toEqual(expected);
      }),
    );
  });

  it('refuses slides that leave events out or put them into too many windows', () => {
    const withSlide = (windowMs: number, slideMs: number) => () => hoppingWindow({ ...options, windowMs, slideMs });
    expect(withSlide(HOPPING_OVERLAP_MAX, 1)).not.toThrow();
    for (const refused of [withSlide(10, 11), withSlide(10, 0), withSlide(HOPPING_OVERLAP_MAX + 1, 1)])
      expect(refused).toThrow(expect.objectContaining({ code: 'OPERATOR_OPTION_INVALID' }));
  });
});
