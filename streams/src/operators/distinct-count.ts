import type { OperatorFunction } from 'rxjs';
import { DeadlineStore } from './deadline-store';
import { orderedOperator } from './event-time-operator';
import { checkOptions } from './operator-options';
import { WATERMARK_NONE } from './source-table';
import type { Json, StateStore, StreamElement } from './stream-element';
import { subscriptionStore } from './subscription-store';

/** Bounds of {@link distinctCount}. */
export interface DistinctBounds {
  /** An event at t sees the values of the events less than this before it. */
  readonly windowMs: number;
  readonly keysMax?: number;
  /** Most values over all keys. */
  readonly valuesMax?: number;
  /** Most values of one key; beyond it the value seen longest ago is evicted. */
  readonly valuesPerKeyMax?: number;
}

/** How {@link distinctCount} reads events. */
export interface DistinctCountOptions<T> extends DistinctBounds {
  /** Key of the event, or undefined to leave it out. */
  readonly keyOf: (event: T) => string | undefined;
  /** Value to count, or undefined to leave the event out. */
  readonly valueOf: (event: T) => string | undefined;
}

/** Distinct values that an event finds in its window, its own included. */
export interface DistinctCount<T> {
  readonly event: T;
  readonly key: string;
  readonly timeMs: number;
  readonly valueCount: number;
  /** False when a bound may have evicted a value that belongs in the window: then there may be more. */
  readonly isExact: boolean;
}

/** Most keys of one operator. */
export const DISTINCT_KEYS_MAX = 100_000;
/** Most values of one operator. */
export const DISTINCT_VALUES_MAX = 1_000_000;
/** Most values of one key. */
export const DISTINCT_VALUES_PER_KEY_MAX = 10_000;

interface DistinctState {
  /** When each value was seen last; the one seen longest ago first. */
  readonly lastSeenMs: Map<string, number>;
  newestMs: number;
  /** Until then something may be missing. */
  exactFromMs: number;
}

/** When each value of a key was seen last. What the bounds evict is counted, and makes counts inexact for a window. */
export class DistinctStore implements StateStore {
  readonly store: DeadlineStore<DistinctState>;
  readonly windowMs: number;
  readonly #perKeyMax: number;

  /** @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range. */
  constructor(bounds: DistinctBounds) {
    const { windowMs, keysMax = DISTINCT_KEYS_MAX, valuesMax = DISTINCT_VALUES_MAX } = bounds;
    const { valuesPerKeyMax = DISTINCT_VALUES_PER_KEY_MAX } = bounds;
    checkOptions({ windowMs, keysMax, valuesMax, valuesPerKeyMax });
    this.windowMs = windowMs;
    this.#perKeyMax = Math.min(valuesPerKeyMax, valuesMax);
    this.store = new DeadlineStore<DistinctState>(
      {
        deadlineOf: ({ newestMs }) => newestMs + windowMs,
        entryCountOf: ({ lastSeenMs }) => lastSeenMs.size,
        toJson: ({ lastSeenMs, newestMs, exactFromMs }) => [
          newestMs,
          exactFromMs === WATERMARK_NONE ? null : exactFromMs,
          [...lastSeenMs],
        ],
        fromJson: (json) => {
          const [newestMs, exactFromMs, values] = json as unknown as [number, number | null, [string, number][]];
          return { newestMs, exactFromMs: exactFromMs ?? WATERMARK_NONE, lastSeenMs: new Map(values) };
        },
      },
      { keysMax, entriesMax: valuesMax },
    );
  }

  /** Adds a value and counts. */
  add(key: string, timeMs: number, value: string): Pick<DistinctCount<never>, 'valueCount' | 'isExact'> {
    const cell = this.store.touch(key, () => ({
      lastSeenMs: new Map(),
      newestMs: timeMs,
      // A key that seems new may be one that was evicted.
      exactFromMs: this.store.evictedUntilMs,
    }));
    const state = cell.value;
    const { lastSeenMs } = state;
    state.newestMs = timeMs;
    lastSeenMs.delete(value);
    for (const [oldest, seenMs] of lastSeenMs) {
      if (timeMs - seenMs >= this.windowMs) lastSeenMs.delete(oldest);
      else if (lastSeenMs.size >= this.#perKeyMax) {
        lastSeenMs.delete(oldest);
        this.store.countEvictedEntries(1);
        state.exactFromMs = Math.max(state.exactFromMs, seenMs + this.windowMs);
      } else break;
    }
    lastSeenMs.set(value, timeMs);
    this.store.settle(cell);
    return { valueCount: lastSeenMs.size, isExact: timeMs >= state.exactFromMs };
  }

  snapshot(): Json {
    return this.store.snapshot();
  }

  restore(state: Json): void {
    this.store.restore(state);
  }
}

/**
 * Number of distinct values per key in a sliding event-time window; one result an event that has a value. It holds each
 * value once, where `slidingCount` holds each event. Expects a stream in event-time order.
 * @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range; `STREAM_UNORDERED`, into the
 * stream, when events do not come in order.
 */
export function distinctCount<T>(
  options: DistinctCountOptions<T>,
  store?: DistinctStore,
): OperatorFunction<StreamElement<T>, DistinctCount<T>> {
  const storeFor = subscriptionStore(store, () => new DistinctStore(options));
  return orderedOperator((out) => {
    const values = storeFor();
    return {
      event: (event, timeMs) => {
        const key = options.keyOf(event);
        const value = key === undefined ? undefined : options.valueOf(event);
        if (key === undefined || value === undefined) return;
        out.next({ event, key, timeMs, ...values.add(key, timeMs, value) });
      },
      advance: (nowMs) => values.store.forgetDue(nowMs),
    };
  });
}
