import type { OperatorFunction } from 'rxjs';
import { DeadlineStore } from './deadline-store';
import { orderedOperator } from './event-time-operator';
import { checkOptions, checkWhole } from './operator-options';
import type { Json, StateStore, StreamElement } from './stream-element';
import { subscriptionStore } from './subscription-store';

/** Bounds of {@link sequence}. */
export interface SequenceBounds {
  /** The last event is less than this after the first; one at exactly this is too late. */
  readonly withinMs: number;
  /** How many steps a sequence has, 2 to {@link SEQUENCE_STEPS_MAX}. */
  readonly stepCount: number;
  readonly keysMax?: number;
}

/** How {@link sequence} reads events. */
export interface SequenceOptions<T, R extends Json> extends Omit<SequenceBounds, 'stepCount'> {
  /** Key of the event, or undefined to leave it out. */
  readonly keyOf: (event: T) => string | undefined;
  /** What the first, the second … event must be. One event is one step, though it may fit several. */
  readonly steps: readonly ((event: T) => boolean)[];
  /** What a match says of an event. */
  readonly refOf: (event: T) => R;
}

/** A completed sequence. */
export interface SequenceMatch<R> {
  readonly key: string;
  /** Time of the first event. */
  readonly startMs: number;
  /** Time of the last event, at which the match became certain. */
  readonly timeMs: number;
  /** One a step. */
  readonly refs: readonly R[];
}

/** Most steps of one sequence. */
export const SEQUENCE_STEPS_MAX = 16;
/** Most keys of one sequence. */
export const SEQUENCE_KEYS_MAX = 100_000;

/** The first steps of a sequence. */
interface Chain<R> {
  readonly startMs: number;
  readonly refs: readonly R[];
}

/**
 * Begun sequences. For every number of steps a key holds the chain that began last: if any chain can still be completed in
 * time, that one can, so that no match is missed and a key never holds more.
 */
export class SequenceStore<R extends Json> implements StateStore {
  readonly store: DeadlineStore<(Chain<R> | null)[]>;
  readonly withinMs: number;
  readonly stepCount: number;

  /** @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range. */
  constructor({ withinMs, stepCount, keysMax = SEQUENCE_KEYS_MAX }: SequenceBounds) {
    checkOptions({ withinMs, keysMax });
    checkWhole('stepCount', stepCount, 2, SEQUENCE_STEPS_MAX);
    this.withinMs = withinMs;
    this.stepCount = stepCount;
    this.store = new DeadlineStore<(Chain<R> | null)[]>(
      {
        // Longer chains never began later than the chain of one step.
        deadlineOf: (chains) => (chains[0] as Chain<R>).startMs + withinMs,
        entryCountOf: () => stepCount - 1,
        toJson: (chains) => chains.map((chain): Json => (chain === null ? null : [chain.startMs, chain.refs])),
        fromJson: (json) =>
          (json as unknown as ([number, R[]] | null)[]).map((chain) =>
            chain === null ? null : { startMs: chain[0], refs: chain[1] },
          ),
      },
      { keysMax, entriesMax: keysMax * (stepCount - 1) },
    );
  }

  /** Lets an event take every step that it fits; the chain that it completes, if it does, after which the key is forgotten. */
  step(key: string, timeMs: number, fits: (index: number) => boolean, refOf: () => R): Chain<R> | undefined {
    const known = this.store.touchKnown(key);
    const chains = known?.value;
    if (known !== undefined && chains !== undefined) {
      // From the last step down, so that no event takes two steps of one chain.
      for (let index = this.stepCount - 1; index >= 1; index--) {
        const before = chains[index - 1];
        if (before === null || before === undefined || timeMs - before.startMs >= this.withinMs || !fits(index))
          continue;
        const chain = { startMs: before.startMs, refs: [...before.refs, refOf()] };
        if (index === this.stepCount - 1) {
          this.store.delete(known);
          return chain;
        }
        // What a later event continues never began earlier.
        chains[index] = chain;
      }
    }
    if (fits(0)) this.#begin(key, { startMs: timeMs, refs: [refOf()] });
    return undefined;
  }

  #begin(key: string, chain: Chain<R>): void {
    const cell = this.store.touch(key, () => new Array<Chain<R> | null>(this.stepCount - 1).fill(null));
    cell.value[0] = chain;
    this.store.settle(cell);
  }

  snapshot(): Json {
    return this.store.snapshot();
  }

  restore(state: Json): void {
    this.store.restore(state);
  }
}

/**
 * Finds, per key, events that fit the steps one after another within a time: for two steps, a then b within t. Expects a
 * stream in event-time order; events of one millisecond stand in the order of source and id. A match is the one that began
 * last. It uses up what the key held, so that each event is in one match at most.
 * @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range; `STREAM_UNORDERED`, into the
 * stream, when events do not come in order.
 */
export function sequence<T, R extends Json>(
  options: SequenceOptions<T, R>,
  store?: SequenceStore<R>,
): OperatorFunction<StreamElement<T>, SequenceMatch<R>> {
  const { keyOf, steps, refOf } = options;
  const storeFor = subscriptionStore(store, () => new SequenceStore<R>({ ...options, stepCount: steps.length }));
  return orderedOperator((out) => {
    const begun = storeFor();
    return {
      event: (event, timeMs) => {
        const key = keyOf(event);
        if (key === undefined) return;
        const fits = (index: number): boolean => steps[index]?.(event) === true;
        const chain = begun.step(key, timeMs, fits, () => refOf(event));
        if (chain !== undefined) out.next({ key, timeMs, ...chain });
      },
      advance: (nowMs) => begun.store.forgetDue(nowMs),
    };
  });
}
