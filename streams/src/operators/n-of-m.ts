import type { OperatorFunction } from 'rxjs';
import { DeadlineStore } from './deadline-store';
import { orderedOperator } from './event-time-operator';
import { checkOptions, checkWhole } from './operator-options';
import type { Json, StateStore, StreamElement } from './stream-element';
import { subscriptionStore } from './subscription-store';

/** Bounds of {@link nOfM}. */
export interface NOfMBounds {
  /** Events count together when the first is less than this before the last. */
  readonly withinMs: number;
  /** m: how many kinds there are, 1 to {@link N_OF_M_KINDS_MAX}. */
  readonly kindCount: number;
  /** n: how many of them must have come, 1 to m. */
  readonly kindsMin: number;
  readonly keysMax?: number;
}

/** How {@link nOfM} reads events. */
export interface NOfMOptions<T, R extends Json> extends Omit<NOfMBounds, 'kindCount'> {
  /** Key of the event, or undefined to leave it out. */
  readonly keyOf: (event: T) => string | undefined;
  /** The kinds. An event that is of several counts for each. */
  readonly kinds: readonly ((event: T) => boolean)[];
  /** What a match says of an event. */
  readonly refOf: (event: T) => R;
}

/** The latest event of one kind. */
export interface KindSeen<R> {
  /** Place of the kind in the options, from 0. */
  readonly kind: number;
  readonly timeMs: number;
  readonly ref: R;
}

/** Enough kinds within the time. */
export interface NOfMMatch<R> {
  readonly key: string;
  /** Time of the first event among those that count. */
  readonly startMs: number;
  /** Time of the last event, at which the match became certain. */
  readonly timeMs: number;
  /** By kind. */
  readonly members: readonly KindSeen<R>[];
}

/** Most kinds of one operator. */
export const N_OF_M_KINDS_MAX = 256;
/** Most keys of one operator. */
export const N_OF_M_KEYS_MAX = 100_000;

interface Seen<R> {
  lastMs: number;
  /** Latest event of each kind, by kind. */
  members: KindSeen<R>[];
}

/** The latest event of every kind, per key: no earlier one can count when it does not. */
export class NOfMStore<R extends Json> implements StateStore {
  readonly store: DeadlineStore<Seen<R>>;
  readonly withinMs: number;
  readonly kindsMin: number;

  /** @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range. */
  constructor({ withinMs, kindCount, kindsMin, keysMax = N_OF_M_KEYS_MAX }: NOfMBounds) {
    checkOptions({ withinMs, keysMax });
    checkWhole('kindCount', kindCount, 1, N_OF_M_KINDS_MAX);
    checkWhole('kindsMin', kindsMin, 1, kindCount);
    this.withinMs = withinMs;
    this.kindsMin = kindsMin;
    this.store = new DeadlineStore<Seen<R>>(
      {
        deadlineOf: ({ lastMs }) => lastMs + withinMs,
        entryCountOf: ({ members }) => members.length,
        toJson: ({ lastMs, members }) => [lastMs, members.map(({ kind, timeMs, ref }): Json => [kind, timeMs, ref])],
        fromJson: (json) => {
          const [lastMs, members] = json as unknown as [number, [number, number, R][]];
          return { lastMs, members: members.map(([kind, timeMs, ref]) => ({ kind, timeMs, ref })) };
        },
      },
      { keysMax, entriesMax: keysMax * kindCount },
    );
  }

  /** Takes an event of these kinds; what counts, by kind, if that is enough, after which the key is forgotten. */
  add(key: string, timeMs: number, kinds: readonly number[], ref: R): readonly KindSeen<R>[] | undefined {
    const cell = this.store.touch(key, () => ({ lastMs: timeMs, members: [] }));
    const seen = cell.value;
    seen.lastMs = timeMs;
    seen.members = seen.members
      .filter((member) => timeMs - member.timeMs < this.withinMs && !kinds.includes(member.kind))
      .concat(kinds.map((kind) => ({ kind, timeMs, ref })))
      .sort((a, b) => a.kind - b.kind);
    if (seen.members.length < this.kindsMin) {
      this.store.settle(cell);
      return undefined;
    }
    const { members } = seen;
    this.store.delete(cell);
    return members;
  }

  snapshot(): Json {
    return this.store.snapshot();
  }

  restore(state: Json): void {
    this.store.restore(state);
  }
}

/**
 * Finds, per key, when at least n of m kinds of event came within a time, in whatever order. Expects a stream in event-time
 * order. A match uses up what the key held, so that each event is in one match at most.
 * @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range; `STREAM_UNORDERED`, into the
 * stream, when events do not come in order.
 */
export function nOfM<T, R extends Json>(
  options: NOfMOptions<T, R>,
  store?: NOfMStore<R>,
): OperatorFunction<StreamElement<T>, NOfMMatch<R>> {
  const storeFor = subscriptionStore(store, () => new NOfMStore<R>({ ...options, kindCount: options.kinds.length }));
  return orderedOperator((out) => {
    const seen = storeFor();
    return {
      event: (event, timeMs) => {
        const key = options.keyOf(event);
        if (key === undefined) return;
        const kinds = options.kinds.flatMap((is, kind) => (is(event) ? [kind] : []));
        if (kinds.length === 0) return;
        const members = seen.add(key, timeMs, kinds, options.refOf(event));
        if (members === undefined) return;
        const startMs = members.reduce((least, member) => Math.min(least, member.timeMs), timeMs);
        out.next({ key, startMs, timeMs, members });
      },
      advance: (nowMs) => seen.store.forgetDue(nowMs),
    };
  });
}
