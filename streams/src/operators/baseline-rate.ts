import type { OperatorFunction } from 'rxjs';
import type { Aggregate } from './aggregate';
import { DeadlineStore, type DeadlineCell } from './deadline-store';
import { orderedOperator } from './event-time-operator';
import { checkOptions, checkPositive, checkWhole } from './operator-options';
import type { Json, StateStore, StreamElement } from './stream-element';
import { subscriptionStore } from './subscription-store';

/** Bounds of {@link baselineRate}. */
export interface BaselineBounds {
  readonly windowMs: number;
  /** How many preceding windows make the baseline, 1 to {@link BASELINE_WINDOWS_MAX}. */
  readonly baselineWindows: number;
  readonly keysMax?: number;
}

/** How {@link baselineRate} reads events. */
export interface BaselineRateOptions<T, K extends Json = null> extends BaselineBounds {
  /** Key of the event, or undefined to leave it out. */
  readonly keyOf: (event: T) => string | undefined;
  /** How much the event counts for, a whole number of at least 0; 1 without it. */
  readonly amountOf?: (event: T) => number;
  /** What a window keeps beside its count, such as references to events; nothing without it. */
  readonly kept?: Pick<Aggregate<T, K>, 'initial' | 'add'>;
  /**
   * Compares a window only with those before it that lie a whole number of seasons away, or up to `besideWindows` from
   * there: with windows of an hour and seasons of 24 of them, with the same time of earlier days.
   */
  readonly season?: { readonly windows: number; readonly besideWindows: number };
  /** Fewest preceding windows that make a baseline; without it, all. */
  readonly baselineWindowsMin?: number;
  /** `mean`: mean and standard deviation; `median`: median and scaled median absolute deviation. */
  readonly statistic: 'mean' | 'median';
  /** Least deviation to divide by, in events, so that a steady key does not make every change infinite; 1 without it. */
  readonly deviationMin?: number;
  /** The same as a share of the centre; 0 without it. */
  readonly deviationShareMin?: number;
  /** True to be given the counts that a window was compared with. */
  readonly givesCompared?: boolean;
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
export interface RatePane<K extends Json = null> {
  readonly key: string;
  /** Half-open `[startMs, endMs)`, aligned to the Unix epoch. */
  readonly startMs: number;
  readonly endMs: number;
  readonly count: number;
  /** Null while there are too few preceding windows. */
  readonly baseline: Baseline | null;
  /** How many deviations the count lies above the centre, negative below; null without a baseline. */
  readonly score: number | null;
  /** Counts of the windows that make the baseline, oldest first; only where they are asked for. */
  readonly compared?: readonly number[];
  readonly kept: K;
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

interface RateState<K> {
  startMs: number;
  count: number;
  kept: K;
  /** Counts of the preceding windows, oldest first. */
  readonly history: number[];
  hasEvents: boolean;
  /** Windows without events in a row, up to the one before. */
  emptyWindows: number;
}

/** A window that closed, and the counts of those before it, oldest first. */
interface ClosedWindow<K> extends Readonly<RateState<K>> {
  readonly key: string;
}

/** The open window of every key and the counts of those before it. */
export class BaselineStore<K extends Json = null> implements StateStore {
  readonly store: DeadlineStore<RateState<K>>;
  readonly windowMs: number;
  readonly baselineWindows: number;
  readonly #initialKept: () => K;

  /**
   * @param initialKept - what a window keeps beside its count when it opens
   * @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range
   */
  constructor(
    { windowMs, baselineWindows, keysMax = BASELINE_KEYS_MAX }: BaselineBounds,
    initialKept: () => K = () => null as K,
  ) {
    checkOptions({ windowMs, keysMax });
    checkWhole('baselineWindows', baselineWindows, 1, BASELINE_WINDOWS_MAX);
    this.windowMs = windowMs;
    this.baselineWindows = baselineWindows;
    this.#initialKept = initialKept;
    const slotCount = baselineWindows + 1;
    this.store = new DeadlineStore<RateState<K>>(
      {
        deadlineOf: ({ startMs }) => startMs + windowMs,
        entryCountOf: () => slotCount,
        // Copies, because what is kept may be changed in place.
        toJson: ({ kept, history, ...state }) => ({ ...state, kept: structuredClone(kept), history: [...history] }),
        fromJson: (json) => {
          const { kept, history, ...state } = json as unknown as RateState<K>;
          return { ...state, kept: structuredClone(kept), history: [...history] };
        },
      },
      { keysMax, entriesMax: keysMax * slotCount },
    );
  }

  /** Counts an event, and gives the window it is in. Windows that end at or before it must have been closed. */
  add(key: string, timeMs: number, amount = 1): { kept: K } {
    // Only a new window changes when there is something to decide.
    const state = (this.store.touchKnown(key) ?? this.#open(key, timeMs)).value;
    // Sums stay exact, and so independent of their order, up to 2^53 − 1.
    state.count = Math.min(state.count + amount, Number.MAX_SAFE_INTEGER);
    state.hasEvents = true;
    return state;
  }

  #open(key: string, timeMs: number): DeadlineCell<RateState<K>> {
    const startMs = Math.floor(timeMs / this.windowMs) * this.windowMs;
    const cell = this.store.touch(key, () => ({
      startMs,
      count: 0,
      kept: this.#initialKept(),
      history: [],
      hasEvents: false,
      emptyWindows: 0,
    }));
    this.store.settle(cell);
    return cell;
  }

  /**
   * Closes the windows that end at or before `nowMs`, by end, then key, each with the counts before it. At infinity, when no
   * time will be watched any more, only windows with events.
   */
  *close(nowMs: number): IterableIterator<ClosedWindow<K>> {
    for (let cell = this.store.due(nowMs); cell !== undefined; cell = this.store.due(nowMs)) {
      const closed = { key: cell.key, ...cell.value, history: [...cell.value.history] };
      this.#shift(cell, nowMs);
      if (closed.hasEvents || Number.isFinite(nowMs)) yield closed;
    }
  }

  // A key of which every window that counts is without events is as good as one never seen.
  #shift(cell: DeadlineCell<RateState<K>>, nowMs: number): void {
    const state = cell.value;
    state.history.push(state.count);
    if (state.history.length > this.baselineWindows) state.history.shift();
    state.emptyWindows = state.hasEvents ? 0 : state.emptyWindows + 1;
    state.hasEvents = false;
    state.count = 0;
    state.kept = this.#initialKept();
    state.startMs += this.windowMs;
    if (!Number.isFinite(nowMs) || state.emptyWindows >= this.baselineWindows) this.store.delete(cell);
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
export function baselineRate<T, K extends Json = null>(
  options: BaselineRateOptions<T, K>,
  store?: BaselineStore<K>,
): OperatorFunction<StreamElement<T>, RatePane<K>> {
  const { keyOf, amountOf = () => 1, kept: keeps } = options;
  const baselineOf = baselineReader(options);
  const storeFor = subscriptionStore(store, () => new BaselineStore<K>(options, keeps?.initial));
  return orderedOperator((out) => {
    const rates = storeFor();
    return {
      event: (event, timeMs) => {
        const key = keyOf(event);
        if (key === undefined) return;
        const window = rates.add(key, timeMs, amountOf(event));
        if (keeps !== undefined) window.kept = keeps.add(window.kept, event);
      },
      advance: (nowMs) => {
        // At most events no window ends.
        if (rates.store.due(nowMs) === undefined) return;
        for (const { key, startMs, count, kept, history } of rates.close(nowMs)) {
          out.next({ key, startMs, endMs: startMs + rates.windowMs, count, kept, ...baselineOf(count, history) });
          if (out.closed) return;
        }
      },
    };
  });
}

function baselineReader<T, K extends Json>(
  options: BaselineRateOptions<T, K>,
): (count: number, history: readonly number[]) => Pick<RatePane, 'baseline' | 'score' | 'compared'> {
  const { baselineWindows, baselineWindowsMin = baselineWindows, season, givesCompared = false } = options;
  const { deviationMin = 1, deviationShareMin = 0 } = options;
  checkWhole('baselineWindowsMin', baselineWindowsMin, 1, baselineWindows);
  checkPositive('deviationMin', deviationMin);
  if (deviationShareMin !== 0) checkPositive('deviationShareMin', deviationShareMin);
  if (season !== undefined) {
    checkWhole('season.windows', season.windows, 1, baselineWindows);
    checkWhole('season.besideWindows', season.besideWindows, 0, season.windows >> 1);
  }
  const statistic = options.statistic === 'mean' ? meanOf : medianOf;
  return (count, history) => {
    const compared = season === undefined ? history : inSeason(history, season);
    if (compared.length < baselineWindowsMin) return { baseline: null, score: null };
    const baseline = statistic(compared);
    const score = scoreOf(count, baseline, { deviationMin, deviationShareMin });
    return givesCompared ? { baseline, score, compared } : { baseline, score };
  };
}

/** How many deviations a count lies above the centre, of which each is at least `deviationMin` and that share of the centre. */
export function scoreOf(
  count: number,
  { centre, deviation }: Pick<Baseline, 'centre' | 'deviation'>,
  { deviationMin, deviationShareMin }: { readonly deviationMin: number; readonly deviationShareMin: number },
): number {
  return (count - centre) / Math.max(deviation, deviationMin, deviationShareMin * centre);
}

/** The counts of windows that lie about whole seasons before the one that follows. */
function inSeason(history: readonly number[], season: { windows: number; besideWindows: number }): number[] {
  return history.filter((_, index) => {
    const phase = (history.length - index) % season.windows;
    return Math.min(phase, season.windows - phase) <= season.besideWindows;
  });
}

/** Counts are whole, so that their sum is exact; what follows is computed in one order, oldest first. */
function meanOf(counts: readonly number[]): Baseline {
  const centre = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const squares = counts.reduce((sum, count) => sum + (count - centre) ** 2, 0);
  const deviation = counts.length === 1 ? 0 : Math.sqrt(squares / (counts.length - 1));
  return { windowCount: counts.length, centre, deviation };
}

/** Median, and median absolute deviation times {@link MAD_SCALE}, of at least one count. */
export function medianOf(counts: readonly number[]): Baseline {
  const centre = middleOf(counts);
  const deviation = MAD_SCALE * middleOf(counts.map((count) => Math.abs(count - centre)));
  return { windowCount: counts.length, centre, deviation };
}

function middleOf(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] as number)) / 2;
}
