import type { OperatorFunction } from 'rxjs';
import { DeadlineStore, type DeadlineCell } from './deadline-store';
import { orderedOperator } from './event-time-operator';
import { checkOptions } from './operator-options';
import type { Json, StateStore, StreamElement } from './stream-element';
import { subscriptionStore } from './subscription-store';

/** Bounds of {@link absence}. */
export interface AbsenceBounds {
  /** The awaited event must come less than this after the one that awaits it; one at exactly this is too late. */
  readonly withinMs: number;
  readonly keysMax?: number;
  /** Most events that wait, over all keys. */
  readonly pendingMax?: number;
  /** Most events of one key that wait; beyond it the earliest is evicted. */
  readonly pendingPerKeyMax?: number;
}

/** How {@link absence} reads events. */
export interface AbsenceOptions<T, R extends Json> extends AbsenceBounds {
  /** Key of the event, or undefined to leave it out. */
  readonly keyOf: (event: T) => string | undefined;
  /** Whether the event must be followed. */
  readonly awaits: (event: T) => boolean;
  /** Whether the event is what others wait for. An event may be both: it ends the wait of those before it and waits itself. */
  readonly answers: (event: T) => boolean;
  /** What the result says of the event that waited. */
  readonly refOf: (event: T) => R;
}

/** An event that nothing followed in time. */
export interface Absence<R> {
  readonly key: string;
  /** Time of the event that waited. */
  readonly startMs: number;
  /** End of the wait, `startMs + withinMs`: the event time at which the absence became certain. */
  readonly timeMs: number;
  readonly ref: R;
}

/** Most keys of one operator. */
export const ABSENCE_KEYS_MAX = 100_000;
/** Most events that wait. */
export const ABSENCE_PENDING_MAX = 1_000_000;
/** Most events of one key that wait. */
export const ABSENCE_PENDING_PER_KEY_MAX = 1_000;

interface Pending<R> {
  readonly timeMs: number;
  readonly ref: R;
}

/** Events that wait for another; beyond the bounds they are evicted and counted, and their absence is not reported. */
export class AbsenceStore<R extends Json> implements StateStore {
  readonly store: DeadlineStore<Pending<R>[]>;
  readonly withinMs: number;
  readonly #perKeyMax: number;

  /** @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range. */
  constructor(bounds: AbsenceBounds) {
    const { withinMs, keysMax = ABSENCE_KEYS_MAX, pendingMax = ABSENCE_PENDING_MAX } = bounds;
    const { pendingPerKeyMax = ABSENCE_PENDING_PER_KEY_MAX } = bounds;
    checkOptions({ withinMs, keysMax, pendingMax, pendingPerKeyMax });
    this.withinMs = withinMs;
    this.#perKeyMax = Math.min(pendingPerKeyMax, pendingMax);
    this.store = new DeadlineStore<Pending<R>[]>(
      {
        deadlineOf: (pending) => (pending[0] as Pending<R>).timeMs + withinMs,
        entryCountOf: (pending) => pending.length,
        toJson: (pending) => pending.map(({ timeMs, ref }): Json => [timeMs, ref]),
        fromJson: (json) => (json as unknown as [number, R][]).map(([timeMs, ref]) => ({ timeMs, ref })),
      },
      { keysMax, entriesMax: pendingMax },
    );
  }

  /** Lets an event wait. */
  await(key: string, timeMs: number, ref: R): void {
    const cell = this.store.touch(key, () => []);
    cell.value.push({ timeMs, ref });
    if (cell.value.length > this.#perKeyMax) {
      cell.value.shift();
      this.store.countEvictedEntries(1);
    }
    this.store.settle(cell);
  }

  /** Ends the wait of all events of a key. */
  answer(key: string): void {
    const cell = this.store.touchKnown(key);
    if (cell !== undefined) this.store.delete(cell);
  }

  /** Takes out the events whose wait ends at or before `nowMs`, by that end, then key, then their order. */
  *expire(nowMs: number): IterableIterator<Absence<R>> {
    for (let cell = this.store.due(nowMs); cell !== undefined; cell = this.store.due(nowMs))
      yield this.#takeFirst(cell);
  }

  #takeFirst(cell: DeadlineCell<Pending<R>[]>): Absence<R> {
    const { timeMs: startMs, ref } = cell.value.shift() as Pending<R>;
    if (cell.value.length === 0) this.store.delete(cell);
    else this.store.settle(cell);
    return { key: cell.key, startMs, timeMs: startMs + this.withinMs, ref };
  }

  snapshot(): Json {
    return this.store.snapshot();
  }

  restore(state: Json): void {
    this.store.restore(state);
  }
}

/**
 * Finds, per key, events that no other followed within a time: a and no b within t. Expects a stream in event-time order;
 * events of one millisecond stand in the order of source and id. Each event waits on its own, `[t, t + withinMs)`, and one
 * answer ends the wait of all before it. The result goes out when event time reaches the end of the wait.
 * @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range; `STREAM_UNORDERED`, into the
 * stream, when events do not come in order.
 */
export function absence<T, R extends Json>(
  options: AbsenceOptions<T, R>,
  store?: AbsenceStore<R>,
): OperatorFunction<StreamElement<T>, Absence<R>> {
  const storeFor = subscriptionStore(store, () => new AbsenceStore<R>(options));
  return orderedOperator((out) => {
    const waiting = storeFor();
    return {
      event: (event, timeMs) => {
        const key = options.keyOf(event);
        if (key === undefined) return;
        if (options.answers(event)) waiting.answer(key);
        if (options.awaits(event)) waiting.await(key, timeMs, options.refOf(event));
      },
      advance: (nowMs) => {
        for (const result of waiting.expire(nowMs)) {
          out.next(result);
          if (out.closed) return;
        }
      },
    };
  });
}
