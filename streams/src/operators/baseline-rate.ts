import type { OperatorFunction } from 'rxjs';
import { DeadlineStore, type DeadlineCell } from './deadline-store';
import { orderedOperator } from './event-time-operator';
import { checkOptions, checkPositive, checkWhole } from './operator-options';
import type { Json, StateStore, StreamElement } from './stream-element';

/** Bounds of {@link baselineRate}. */
export interface BaselineBounds {
  readonly windowMs: number;
  /** How many preceding windows make the baseline, 1 to {@link BASELINE_WINDOWS_MAX}. */
  readonly baselineWindows: number;
  readonly keysMax?: number;
}

/** How {@link baselineRate} reads events. */
export interface BaselineRateOptions<T> extends BaselineBounds {
  /** Key of the event, or undefined to leave it out. */
  readonly keyOf: (event: T) => string | undefined;
  /** Fewest preceding windows that make a baseline; without it, all. */
  readonly baselineWindowsMin?: number;
  /** `mean`: mean and standard deviation; `median`: median and scaled median absolute deviation. */
  readonly statistic: 'mean' | 'median';
  /** Least deviation to divide by, in events, so that a steady key does not make every change infinite; 1 without it. */
  readonly deviationMin?: number;
}

/** What the preceding windows were like. */
export interface Baseline {
  readonly windowCount: number;
  /** Mean or median count. */
  readonly centre: number;
  /** Sample standard deviation, or median absolute deviation times {@link MAD_SCALE}. */
  readonly deviation: number;
}

/** A closed window of one key beside those before it. */
export interface RatePane {
  readonly key: string;
  /** Half-open `[startMs, endMs)`, aligned to the Unix epoch. */
  readonly startMs: number;
  readonly endMs: number;
  readonly count: number;
  /** Null while there are too few preceding windows. */
  readonly baseline: Baseline | null;
  /** How many deviations the count lies above the centre, negative below; null without a baseline. */
  readonly score: number | null;
}

/** Most preceding windows. */
export const BASELINE_WINDOWS_MAX = 1_000;
/** Most keys of one operator. */
export const BASELINE_KEYS_MAX = 10_000;
/**
 * Makes the median absolute deviation of a normal distribution its standard deviation: 1 / Φ⁻¹(3/4) (Rousseeuw and Croux,
 * Alternatives to the Median Absolute Deviation, 1993).
 */
export const MAD_SCALE = 1.4826;

interface RateState {
  startMs: number;
  count: number;
  /** Counts of the preceding windows, oldest first. */
  readonly history: number[];
}

/** The open window of every key and the counts of those before it. */
export class BaselineStore implements StateStore {
  readonly store: DeadlineStore<RateState>;
  readonly windowMs: number;
  readonly baselineWindows: number;

  /** @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range. */
  constructor({ windowMs, baselineWindows, keysMax = BASELINE_KEYS_MAX }: BaselineBounds) {
    checkOptions({ windowMs, keysMax });
    checkWhole('baselineWindows', baselineWindows, 1, BASELINE_WINDOWS_MAX);
    this.windowMs = windowMs;
    this.baselineWindows = baselineWindows;
    const slotCount = baselineWindows + 1;
    this.store = new DeadlineStore<RateState>(
      {
        deadlineOf: ({ startMs }) => startMs + windowMs,
        entryCountOf: () => slotCount,
        toJson: ({ startMs, count, history }) => [startMs, count, [...history]],
        fromJson: (json) => {
          const [startMs, count, history] = json as unknown as [number, number, number[]];
          return { startMs, count, history: [...history] };
        },
      },
      { keysMax, entriesMax: keysMax * slotCount },
    );
  }

  /** Counts an event. Windows that end at or before it must have been closed. */
  add(key: string, timeMs: number): void {
    const startMs = Math.floor(timeMs / this.windowMs) * this.windowMs;
    const cell = this.store.touch(key, () => ({ startMs, count: 0, history: [] }));
    cell.value.count++;
    this.store.settle(cell);
  }

  /**
   * Closes the windows that end at or before `nowMs`, by end, then key, each with the counts before it. At infinity, when no
   * time will be watched any more, only windows with events.
   */
  *close(nowMs: number): IterableIterator<{ key: string; startMs: number; count: number; history: readonly number[] }> {
    for (let cell = this.store.due(nowMs); cell !== undefined; cell = this.store.due(nowMs)) {
      const { startMs, count } = cell.value;
      const history = [...cell.value.history];
      this.#shift(cell, nowMs);
      if (count > 0 || Number.isFinite(nowMs)) yield { key: cell.key, startMs, count, history };
    }
  }

  // A key of which every window that counts is empty is as good as one never seen.
  #shift(cell: DeadlineCell<RateState>, nowMs: number): void {
    const state = cell.value;
    state.history.push(state.count);
    if (state.history.length > this.baselineWindows) state.history.shift();
    state.count = 0;
    state.startMs += this.windowMs;
    if (!Number.isFinite(nowMs) || state.history.every((count) => count === 0)) this.store.delete(cell);
    else this.store.settle(cell);
  }

  snapshot(): Json {
    return this.store.snapshot();
  }

  restore(state: Json): void {
    this.store.restore(state);
  }
}

/**
 * Counts on-time events per key in windows `[n·w, (n+1)·w)` and compares every count with those of the windows before it. A
 * key's first window is that of its first event; from then on empty windows count too, and give panes, until
 * `baselineWindows` of them have passed in a row. Expects a stream in event-time order; panes go out by end, then key.
 * @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range; `STREAM_UNORDERED`, into the
 * stream, when events do not come in order.
 */
export function baselineRate<T>(
  options: BaselineRateOptions<T>,
  store = new BaselineStore(options),
): OperatorFunction<StreamElement<T>, RatePane> {
  const { baselineWindows, baselineWindowsMin = baselineWindows, deviationMin = 1 } = options;
  checkWhole('baselineWindowsMin', baselineWindowsMin, 1, baselineWindows);
  checkPositive('deviationMin', deviationMin);
  const statistic = options.statistic === 'mean' ? meanOf : medianOf;
  return orderedOperator((out) => ({
    event: (event, timeMs) => {
      const key = options.keyOf(event);
      if (key !== undefined) store.add(key, timeMs);
    },
    advance: (nowMs) => {
      for (const { key, startMs, count, history } of store.close(nowMs)) {
        const baseline = history.length < baselineWindowsMin ? null : statistic(history);
        const score = baseline === null ? null : (count - baseline.centre) / Math.max(baseline.deviation, deviationMin);
        out.next({ key, startMs, endMs: startMs + store.windowMs, count, baseline, score });
      }
    },
  }));
}

/** Counts are whole, so that their sum is exact; what follows is computed in one order, oldest first. */
function meanOf(counts: readonly number[]): Baseline {
  const centre = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const squares = counts.reduce((sum, count) => sum + (count - centre) ** 2, 0);
  const deviation = counts.length === 1 ? 0 : Math.sqrt(squares / (counts.length - 1));
  return { windowCount: counts.length, centre, deviation };
}

function medianOf(counts: readonly number[]): Baseline {
  const centre = middleOf(counts);
  const deviation = MAD_SCALE * middleOf(counts.map((count) => Math.abs(count - centre)));
  return { windowCount: counts.length, centre, deviation };
}

function middleOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}
