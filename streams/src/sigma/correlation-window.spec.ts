import { jsonCopy } from '../testing';
import {
  CorrelationWindows,
  entryCountOf,
  type CorrelationWindow,
  type CorrelationWindowOptions,
} from './correlation-window';
import { EventCount } from './value-measures';

const HOUR_MS = 3_600_000;
const windowsOf = (more: Partial<CorrelationWindowOptions> = {}): CorrelationWindows =>
  new CorrelationWindows({ windowMs: 1_000, newMeasure: () => new EventCount({ gte: 2 }), ...more });
/** Adds an event of a group; the window that it is in then. */
function add(windows: CorrelationWindows, key: string, timeMs: number): CorrelationWindow {
  const window = windows.at(key, timeMs);
  windows.add(window, { timeMs, ref: [timeMs, 'ehr', `e${timeMs}`], value: null, members: [] });
  return window;
}
const raise = (windows: CorrelationWindows, key: string, timeMs: number): void => {
  add(windows, key, timeMs).raisedMs = timeMs;
};
const countsOf = (windows: CorrelationWindows): number[] => [
  windows.keyCount,
  windows.entryCount,
  windows.evictedKeyCount,
  windows.evictedEntryCount,
];

describe('CorrelationWindows', () => {
  it('counts a group that leaves while another detection of it is held back, though it holds no events any more', () => {
    const windows = windowsOf({ suppressMs: HOUR_MS, keysMax: 2 });
    add(windows, 'a', 0);
    raise(windows, 'a', 1);
    add(windows, 'b', 5_000);
    add(windows, 'c', 5_001);
    expect(countsOf(windows)).toEqual([2, 2, 1, 0]);
  });

  it('counts no group that leaves when it holds nothing and nothing of it is held back any more', () => {
    const leftAt = (timeMs: number, suppressMs?: number): number => {
      const windows = windowsOf({ keysMax: 1, ...(suppressMs !== undefined && { suppressMs }) });
      raise(windows, 'a', 1);
      add(windows, 'b', timeMs);
      return windows.evictedKeyCount;
    };
    expect([leftAt(HOUR_MS, HOUR_MS), leftAt(HOUR_MS + 1, HOUR_MS)]).toEqual([1, 0]);
    expect([leftAt(5_000, 0), leftAt(5_000)]).toEqual([0, 0]);
  });

  it('goes on from a snapshot with all that it holds and counts, also where it held something else', () => {
    const bounds = { keysMax: 2, allEntriesMax: 3 };
    const first = windowsOf(bounds);
    for (const [index, key] of ['a', 'b', 'c', 'c', 'b'].entries()) add(first, key, index);
    expect(countsOf(first)).toEqual([1, 2, 2, 3]);
    for (const used of [[], ['x', 'y', 'y']]) {
      const second = windowsOf(bounds);
      used.forEach((key, index) => add(second, key, index));
      second.restore(jsonCopy(first.snapshot()));
      expect(countsOf(second)).toEqual(countsOf(first));
      expect(second.snapshot()).toEqual(first.snapshot());
    }
  });

  it('keeps the bound on all events after a snapshot', () => {
    const first = windowsOf({ allEntriesMax: 3 });
    for (const [index, key] of ['a', 'b', 'c'].entries()) add(first, key, index);
    const second = windowsOf({ allEntriesMax: 3 });
    second.restore(jsonCopy(first.snapshot()));
    expect(entryCountOf(add(second, 'd', 3))).toBe(1);
    expect(countsOf(second)).toEqual([3, 3, 1, 1]);
  });

  it('forgets groups that are over, and none that holds events or holds detections back', () => {
    const windows = windowsOf({ suppressMs: HOUR_MS });
    raise(windows, 'held back', 0);
    for (let n = 0; n < 50_000; n++) add(windows, `once-${n}`, n * 10);
    // A hundred are within the window at any time.
    expect(windows.keyCount).toBeLessThan(600);
    expect(windows.entryCount).toBeLessThan(600);
    expect([windows.evictedKeyCount, windows.evictedEntryCount]).toEqual([0, 0]);
    expect(windows.at('held back', 500_000).raisedMs).toBe(0);
    expect(entryCountOf(windows.at('once-49950', 500_000))).toBe(1);
  });

  it('evicts the same groups when it goes on from a snapshot', () => {
    const bounds = { keysMax: 8, siftKeysMin: 3 };
    const whole = windowsOf(bounds);
    let other = windowsOf(bounds);
    let timeMs = 0;
    for (let n = 0; n < 500; n++) {
      // Some seven groups within the window in quiet times, thirty in busy ones.
      timeMs += n % 100 < 50 ? 150 : 30;
      for (const windows of [whole, other]) add(windows, `k${(n * 7) % 53}`, timeMs);
      const next = windowsOf(bounds);
      next.restore(jsonCopy(other.snapshot()));
      other = next;
      expect(other.snapshot()).toEqual(whole.snapshot());
    }
    expect(whole.evictedKeyCount).toBeGreaterThan(50);
    expect(whole.evictedKeyCount).toBeLessThan(400);
  });
});
