import fc from 'fast-check';
import { from, take } from 'rxjs';
import { collect, describeOperatorLifecycle, eventElement, jsonCopy, shuffled, watermark } from '../testing';
import { countAggregate, valuesAggregate, type WindowValues } from './aggregate';
import { SessionWindows, sessionWindow, type SessionBounds, type SessionPane } from './session-window';
import { stateFromBytes, stateToBytes } from './state-bytes';
import type { StreamElement } from './stream-element';

interface Visit {
  readonly key: string;
  readonly timeMs: number;
}
type Element = StreamElement<Visit>;
const GAP_MS = 10;
const keyOf = ({ key }: Visit): string | undefined => (key === '-' ? undefined : key);
const visit = (timeMs: number, key = 'k'): Element => eventElement({ key, timeMs }, timeMs);
const END: Element = watermark(Number.POSITIVE_INFINITY);
const times = valuesAggregate<Visit, number>(({ timeMs }) => timeMs, 100);
const run = (input: readonly Element[], windows = new SessionWindows<WindowValues<number>>({ gapMs: GAP_MS })) =>
  collect(sessionWindow({ ...times, gapMs: GAP_MS, keyOf }, windows), input);
const runOrdered = (input: readonly Element[], bounds: Omit<SessionBounds, 'gapMs'>) => {
  const all = { ...bounds, gapMs: GAP_MS };
  const windows = new SessionWindows<WindowValues<number>>(all);
  return { windows, panes: collect(sessionWindow({ ...times, ...all, keyOf, ordered: true }, windows), input) };
};
const shown = (panes: readonly SessionPane<WindowValues<number>>[]): unknown[] =>
  panes.map(({ key, startMs, endMs, value }) => [key, startMs, endMs, ...value.values]);

/** Sessions of the times of one key, which it takes as a list to be cut where the gap is too long. */
function naive(timesMs: readonly number[], durationMaxMs = Number.POSITIVE_INFINITY): unknown[] {
  const sessions: number[][] = [];
  for (const timeMs of [...timesMs].sort((a, b) => a - b)) {
    const open = sessions.at(-1);
    const isOpen = open !== undefined && timeMs - (open.at(-1) as number) < GAP_MS;
    if (isOpen && timeMs - (open[0] as number) < durationMaxMs) open.push(timeMs);
    else sessions.push([timeMs]);
  }
  return sessions.map((list) => {
    const [startMs, lastMs] = [list[0] as number, list.at(-1) as number];
    return ['k', startMs, Math.min(lastMs + GAP_MS, startMs + durationMaxMs), ...list];
  });
}

describe('sessionWindow', () => {
  describeOperatorLifecycle<Element, SessionPane<number>>({
    operator: () => sessionWindow({ ...countAggregate(), gapMs: GAP_MS, keyOf }),
    input: [visit(1), visit(5), watermark(15)],
    output: [{ key: 'k', startMs: 1, endMs: 15, value: 2 }],
    endless: (index) => (index % 2 === 0 ? visit(100 * index) : watermark<Visit>(100 * index)),
  });

  it('continues less than the gap after the last event, and begins anew exactly the gap after it', () => {
    expect(shown(run([visit(0), visit(9), END]))).toEqual([['k', 0, 19, 0, 9]]);
    expect(shown(run([visit(0), visit(10), END]))).toEqual([
      ['k', 0, 10, 0],
      ['k', 10, 20, 10],
    ]);
  });

  it('closes a session when the watermark reaches its end, not before', () => {
    expect(run([visit(0), visit(5), watermark(14)])).toEqual([]);
    expect(shown(run([visit(0), visit(5), watermark(15)]))).toEqual([['k', 0, 15, 0, 5]]);
  });

  it('joins two sessions by an event that reaches into both, and not by one that only touches them', () => {
    expect(shown(run([visit(0), visit(18), visit(9), END]))).toEqual([['k', 0, 28, 0, 9, 18]]);
    expect(shown(run([visit(0), visit(20), visit(10), END]))).toEqual([
      ['k', 0, 10, 0],
      ['k', 10, 20, 10],
      ['k', 20, 30, 20],
    ]);
  });

  it('begins a session earlier by an event before its first', () => {
    expect(shown(run([visit(5), visit(0), END]))).toEqual([['k', 0, 15, 0, 5]]);
  });

  it('keeps keys apart, leaves out events without a key and mistimed ones, and sends panes by end, then key', () => {
    const late = eventElement<Visit>({ key: 'k', timeMs: 3 }, 3, 'late');
    const input = [visit(5, 'b'), visit(5, 'a'), visit(1, 'z'), visit(2, '-'), late, END];
    expect(shown(run(input))).toEqual([
      ['z', 1, 11, 1],
      ['a', 5, 15, 5],
      ['b', 5, 15, 5],
    ]);
  });

  it('equals a list that is cut at the gaps, in any order of arrival', () => {
    const arrivals = fc.array(fc.nat(120), { maxLength: 25 });
    const keys = fc.array(fc.nat(), { minLength: 25, maxLength: 25 });
    fc.assert(
      fc.property(arrivals, keys, (timesMs, order) => {
        const input = shuffled(timesMs, order).map((timeMs) => visit(timeMs));
        expect(shown(run([...input, END]))).toEqual(naive(timesMs));
      }),
    );
  });

  it('ends a session at its longest duration: less than that after its first event belongs, exactly that does not', () => {
    const fromZeroTo = (lastMs: number): Element[] => [visit(0), visit(8), visit(16), visit(lastMs), END];
    expect(shown(runOrdered(fromZeroTo(19), { durationMaxMs: 20 }).panes)).toEqual([['k', 0, 20, 0, 8, 16, 19]]);
    const { windows, panes } = runOrdered(fromZeroTo(20), { durationMaxMs: 20 });
    expect(shown(panes)).toEqual([
      ['k', 0, 20, 0, 8, 16],
      ['k', 20, 30, 20],
    ]);
    expect(windows.cutCount).toBe(1);
  });

  it('equals a list that is cut at the gaps and at the longest duration', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(150), { maxLength: 40 }),
        fc.integer({ min: 1, max: 40 }),
        (timesMs, durationMaxMs) => {
          const input = [...timesMs].sort((a, b) => a - b).map((timeMs) => visit(timeMs));
          expect(shown(runOrdered([...input, END], { durationMaxMs }).panes)).toEqual(naive(timesMs, durationMaxMs));
        },
      ),
    );
  });

  it('lets the key touched longest ago go with its sessions, and counts them', () => {
    const windows = new SessionWindows<WindowValues<number>>({ gapMs: GAP_MS, sessionsMax: 3 });
    const input = [visit(0, 'a'), visit(50, 'a'), visit(0, 'b'), visit(0, 'c'), END];
    expect(run(input, windows).map(({ key }) => key)).toEqual(['b', 'c']);
    expect([windows.store.evictedCount, windows.store.evictedEntryCount]).toEqual([1, 2]);
  });

  it('lets the earliest session of a key with too many go, and counts it', () => {
    const windows = new SessionWindows<WindowValues<number>>({ gapMs: GAP_MS, sessionsPerKeyMax: 2 });
    const panes = run([visit(50), visit(0), visit(100), END], windows);
    expect(panes.map(({ startMs }) => startMs)).toEqual([50, 100]);
    expect(windows.store.evictedEntryCount).toBe(1);
  });

  it('has room again for what closed, also while other sessions of the key are open', () => {
    const windows = new SessionWindows<WindowValues<number>>({ gapMs: GAP_MS });
    run([visit(0), visit(20), visit(40), watermark(30)], windows);
    expect([windows.store.size, windows.store.entryCount]).toEqual([1, 1]);
    run([END], windows);
    expect([windows.store.size, windows.store.entryCount, windows.store.evictedCount]).toEqual([0, 0, 0]);
  });

  it('lets an event close what ends at or before it where events are said to be in order', () => {
    expect(shown(runOrdered([visit(0), visit(9, 'other')], {}).panes)).toEqual([]);
    expect(shown(runOrdered([visit(0), visit(10, 'other')], {}).panes)).toEqual([['k', 0, 10, 0]]);
    expect(() => runOrdered([visit(1), visit(0)], {})).toThrow(expect.objectContaining({ code: 'STREAM_UNORDERED' }));
  });

  it('holds what it held, and nothing that cannot be read, when an aggregate throws', () => {
    const failing = {
      initial: () => 0,
      add: (count: number, { timeMs }: Visit): number => {
        if (timeMs === 3) throw new Error('three');
        return count + 1;
      },
      merge: (): number => {
        throw new Error('merged');
      },
    };
    const windows = new SessionWindows<number>({ gapMs: GAP_MS });
    const feed = (...input: readonly Element[]) =>
      collect(sessionWindow({ ...failing, gapMs: GAP_MS, keyOf }, windows), input);
    expect(() => feed(visit(3, 'new'))).toThrow('three');
    expect(windows.store.size).toBe(0);
    expect(() => feed(visit(1), visit(3))).toThrow('three');
    expect(() => feed(visit(15), visit(8))).toThrow('merged');
    const restored = new SessionWindows<number>({ gapMs: GAP_MS });
    stateFromBytes({ restored }, stateToBytes({ restored: windows }));
    expect(restored.snapshot()).toEqual(windows.snapshot());
    expect(collect(sessionWindow({ ...failing, gapMs: GAP_MS, keyOf }, restored), [END])).toEqual([
      { key: 'k', startMs: 1, endMs: 11, value: 1 },
      { key: 'k', startMs: 15, endMs: 25, value: 1 },
    ]);
  });

  it('keeps the sessions that are due when nobody listens after the first', () => {
    const windows = new SessionWindows<WindowValues<number>>({ gapMs: GAP_MS });
    from([visit(0), visit(20), visit(0, 'other'), END])
      .pipe(sessionWindow({ ...times, gapMs: GAP_MS, keyOf }, windows), take(1))
      .subscribe();
    expect(shown(run([END], windows))).toEqual([
      ['other', 0, 10, 0],
      ['k', 20, 30, 20],
    ]);
  });

  it('counts what one key lost, where all sessions are fewer than those that one key may have', () => {
    const windows = new SessionWindows<WindowValues<number>>({ gapMs: GAP_MS, sessionsMax: 2, sessionsPerKeyMax: 9 });
    expect(shown(run([visit(0), visit(20), visit(40), END], windows)).map((each) => (each as unknown[])[1])).toEqual([
      20, 40,
    ]);
    expect([windows.store.evictedCount, windows.store.evictedEntryCount]).toEqual([0, 1]);
  });

  it('shares no value with its snapshot, though `add` changes values in place', () => {
    const windows = new SessionWindows<WindowValues<number>>({ gapMs: GAP_MS });
    run([visit(1)], windows);
    const snapshot = windows.snapshot();
    const before = jsonCopy(snapshot);
    run([visit(2)], windows);
    const restored = new SessionWindows<WindowValues<number>>({ gapMs: GAP_MS });
    restored.restore(snapshot);
    run([visit(3)], restored);
    expect(snapshot).toEqual(before);
  });

  it('refuses a gap or a bound that is none', () => {
    for (const bounds of [{ gapMs: 0 }, { gapMs: 1.5 }, { gapMs: 1, sessionsMax: 0 }, { gapMs: 1, durationMaxMs: -1 }])
      expect(() => new SessionWindows(bounds)).toThrow(expect.objectContaining({ code: 'OPERATOR_OPTION_INVALID' }));
  });
});
