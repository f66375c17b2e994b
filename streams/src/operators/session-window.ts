import type { OperatorFunction } from 'rxjs';
import type { Aggregate } from './aggregate';
import { DeadlineStore, type DeadlineCell } from './deadline-store';
import { orderedOperator, watermarkOperator } from './event-time-operator';
import { checkOptions } from './operator-options';
import type { Json, StateStore, StreamElement } from './stream-element';
import { subscriptionStore } from './subscription-store';

/** A closed session of one key. */
export interface SessionPane<A> {
  readonly key: string;
  /** Time of its first event. */
  readonly startMs: number;
  /** The gap after its last event, or the longest duration after its first: half-open `[startMs, endMs)`. */
  readonly endMs: number;
  readonly value: A;
}

/** Bounds of sessions. */
export interface SessionBounds {
  /** An event less than this after the last one continues the session; one at exactly this begins the next. */
  readonly gapMs: number;
  /** Longest session. Needs events in event-time order: else what a cut separates may have been merged already. */
  readonly durationMaxMs?: number;
  /** Most open sessions over all keys. */
  readonly sessionsMax?: number;
  /** Most open sessions of one key; beyond it the earliest is evicted. */
  readonly sessionsPerKeyMax?: number;
}

/** How {@link sessionWindow} gathers events. */
export type SessionWindowOptions<T, A extends Json> = Aggregate<T, A> & {
  /** Key of the event, or undefined to leave it out. */
  readonly keyOf: (event: T) => string | undefined;
} & (
    | (SessionBounds & {
        /** Says that events come in event-time order; see `TumblingWindowOptions`. */
        readonly ordered: true;
      })
    | (Omit<SessionBounds, 'durationMaxMs'> & { readonly ordered?: false; readonly durationMaxMs?: undefined })
  );

/** Most open sessions of one operator. */
export const SESSIONS_MAX = 100_000;
/** Most open sessions of one key. */
export const SESSIONS_PER_KEY_MAX = 1_000;

interface Session<A> {
  readonly startMs: number;
  readonly lastMs: number;
  readonly value: A;
}

/** Open sessions of one key, disjoint and by time. */
type Sessions<A> = Session<A>[];

/** Open sessions; the key touched longest ago is evicted, and its sessions counted, beyond the bounds. */
export class SessionWindows<A extends Json> implements StateStore {
  readonly store: DeadlineStore<Sessions<A>>;
  readonly gapMs: number;
  readonly durationMaxMs: number;
  readonly #perKeyMax: number;
  #cutCount = 0;

  /** @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range. */
  constructor(bounds: SessionBounds) {
    const { gapMs, durationMaxMs, sessionsMax = SESSIONS_MAX, sessionsPerKeyMax = SESSIONS_PER_KEY_MAX } = bounds;
    checkOptions({ gapMs, durationMaxMs, sessionsMax, sessionsPerKeyMax });
    this.gapMs = gapMs;
    this.durationMaxMs = durationMaxMs ?? Number.POSITIVE_INFINITY;
    this.#perKeyMax = Math.min(sessionsPerKeyMax, sessionsMax);
    this.store = new DeadlineStore<Sessions<A>>(
      {
        deadlineOf: (sessions) => this.#endOf(sessions[0] as Session<A>),
        entryCountOf: (sessions) => sessions.length,
        // Copies, because an aggregate may change a value in place.
        toJson: (sessions) =>
          sessions.map(({ startMs, lastMs, value }): Json => [startMs, lastMs, structuredClone(value)]),
        fromJson: (json) =>
          (json as unknown as [number, number, A][]).map(([startMs, lastMs, value]) => ({
            startMs,
            lastMs,
            value: structuredClone(value),
          })),
      },
      { keysMax: sessionsMax, entriesMax: sessionsMax },
    );
  }

  /** Sessions that ended because they were as long as a session may be. */
  get cutCount(): number {
    return this.#cutCount;
  }

  /** Puts an event into the session that it continues, the one that it begins, or the one that it makes of several. */
  add<T>(key: string, timeMs: number, event: T, aggregate: Aggregate<T, A>): void {
    const known = this.store.touchKnown(key);
    const sessions = known?.value ?? [];
    // Sessions of a key are disjoint, so that their starts and their ends are both ascending.
    const from = firstIndex(sessions, (session) => this.#endOf(session) > timeMs);
    const to = firstIndex(sessions, (session) => session.startMs >= timeMs + this.gapMs);
    const [first, ...others] = sessions.slice(from, to);
    const last = others.at(-1) ?? first;
    const value = others.reduce((sum, other) => aggregate.merge(sum, other.value), first?.value ?? aggregate.initial());
    const session = {
      startMs: Math.min(timeMs, first?.startMs ?? timeMs),
      lastMs: Math.max(timeMs, last?.lastMs ?? timeMs),
      value: aggregate.add(value, event),
    };
    // Only now, because an aggregate may throw: a key without sessions could not be read back.
    const cell = known ?? this.store.touch(key, () => sessions);
    sessions.splice(from, to - from, session);
    if (sessions.length > this.#perKeyMax) {
      sessions.shift();
      this.store.countEvictedEntries(1);
    }
    this.store.settle(cell);
  }

  /** Closes the sessions that end at or before `nowMs`, by end, then key. */
  *close(nowMs: number): IterableIterator<SessionPane<A>> {
    for (let cell = this.store.due(nowMs); cell !== undefined; cell = this.store.due(nowMs))
      yield this.#closeFirst(cell);
  }

  #closeFirst(cell: DeadlineCell<Sessions<A>>): SessionPane<A> {
    const { startMs, lastMs, value } = cell.value[0] as Session<A>;
    const endMs = this.store.codec.deadlineOf(cell.value);
    if (endMs < lastMs + this.gapMs) this.#cutCount++;
    cell.value.shift();
    if (cell.value.length === 0) this.store.delete(cell);
    else this.store.settle(cell);
    return { key: cell.key, startMs, endMs, value };
  }

  #endOf({ startMs, lastMs }: Session<A>): number {
    return Math.min(lastMs + this.gapMs, startMs + this.durationMaxMs);
  }

  snapshot(): Json {
    return { cutCount: this.#cutCount, store: this.store.snapshot() };
  }

  restore(state: Json): void {
    const { cutCount, store } = state as { cutCount: number; store: Json };
    this.#cutCount = cutCount;
    this.store.restore(store);
  }
}

/**
 * Gathers on-time events per key into sessions: an event reaches `gapMs` further, `[t, t + gapMs)`, and events that reach
 * into one another are one session. An event between two open sessions can join them. A session closes when the watermark
 * reaches its end; panes go out by end, then key. With `durationMaxMs` a session ends at the latest that long after its
 * first event, and the next event begins another.
 * @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range.
 */
export function sessionWindow<T, A extends Json>(
  options: SessionWindowOptions<T, A>,
  windows?: SessionWindows<A>,
): OperatorFunction<StreamElement<T>, SessionPane<A>> {
  const operator = options.ordered === true ? orderedOperator : watermarkOperator;
  const windowsFor = subscriptionStore(windows, () => new SessionWindows<A>(options));
  return operator((out) => {
    const open = windowsFor();
    return {
      event: (event, timeMs) => {
        const key = options.keyOf(event);
        if (key !== undefined) open.add(key, timeMs, event, options);
      },
      advance: (nowMs) => {
        for (const pane of open.close(nowMs)) {
          out.next(pane);
          if (out.closed) return;
        }
      },
    };
  });
}

/** Index of the first item that the test holds for, where it holds for all after it; the length where it holds for none. */
function firstIndex<V>(items: readonly V[], holds: (item: V) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(items[middle] as V)) high = middle;
    else low = middle + 1;
  }
  return low;
}
