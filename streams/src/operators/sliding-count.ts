import type { OperatorFunction } from 'rxjs';
import { orderedOperator } from './event-time-operator';
import { KeySlots } from './key-slots';
import { checkOptions } from './operator-options';
import type { Json, StateStore, StreamElement } from './stream-element';
import { subscriptionStore } from './subscription-store';
import { TimeRing } from './time-ring';

/** Bounds of {@link slidingCount}; what goes beyond them is evicted and counted. */
export interface SlidingBounds {
  /** An event at t sees the events in `[t − windowMs + 1, t + 1)`, that is, those less than `windowMs` before it. */
  readonly windowMs: number;
  /** Most keys; the one touched longest ago leaves. */
  readonly keysMax?: number;
  /** Most events of one key; the oldest leaves. */
  readonly entriesMax?: number;
}

/** How {@link slidingCount} reads an event. */
export interface SlidingCountOptions<T> extends SlidingBounds {
  /** Key of the event, or undefined to leave it out. */
  readonly keyOf: (event: T) => string | undefined;
}

/** What an event finds in its window, itself included. */
export interface SlidingCount<T> {
  readonly event: T;
  readonly key: string;
  readonly timeMs: number;
  readonly eventCount: number;
}

/** Most keys of one operator. */
export const SLIDING_KEYS_MAX = 100_000;
/** Most events of one key. */
export const SLIDING_ENTRIES_MAX = 10_000;

/** So many times of a key lie beside those of other keys, in one line of the processor's cache; of keys with more, by themselves. */
const NEAR_MAX = 8;
const NEAR_MASK = NEAR_MAX - 1;
/** Stands for the count of a slot whose times lie by themselves. */
const FAR = -1;
const SLOTS_AT_FIRST = 64;

/**
 * Times of the events of each key that are in its window. Most keys have few: their ring is a piece of one large array, so that
 * an event looks at few places of the memory, and makes no object that stays.
 */
export class SlidingTimes implements StateStore {
  readonly windowMs: number;
  readonly #keysMax: number;
  readonly #entriesMax: number;
  readonly #slots = new KeySlots();
  #near = new Float64Array(NEAR_MAX * SLOTS_AT_FIRST);
  /** By slot, where its ring begins, and how many times are in it. */
  #spans = new Int32Array(2 * SLOTS_AT_FIRST);
  readonly #far = new Map<number, TimeRing>();
  #evictedCount = 0;
  #evictedEntryCount = 0;

  /** @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range. */
  constructor({ windowMs, keysMax = SLIDING_KEYS_MAX, entriesMax = SLIDING_ENTRIES_MAX }: SlidingBounds) {
    checkOptions({ windowMs, keysMax, entriesMax });
    this.windowMs = windowMs;
    this.#keysMax = keysMax;
    this.#entriesMax = entriesMax;
  }

  /** Keys held. */
  get size(): number {
    return this.#slots.size;
  }

  /** Keys evicted since the beginning of the stream. */
  get evictedCount(): number {
    return this.#evictedCount;
  }

  /** Events that left a window before their time because it was full. */
  get evictedEntryCount(): number {
    return this.#evictedEntryCount;
  }

  /** Adds an event, not earlier than those before it, and counts what is in its window. */
  add(key: string, timeMs: number): number {
    const known = this.#slots.find(key);
    if (known === undefined) return this.#push(this.#open(key), timeMs);
    this.#slots.touch(known);
    this.#expire(known, timeMs - this.windowMs);
    return this.#push(known, timeMs);
  }

  /** Times that are held of a key, earliest first. */
  timesOf(key: string): number[] {
    const slot = this.#slots.find(key);
    return slot === undefined ? [] : this.#timesOf(slot);
  }

  snapshot(): Json {
    return {
      evictedCount: this.#evictedCount,
      evictedEntryCount: this.#evictedEntryCount,
      windows: this.#slots.byTouch().map((slot) => [this.#slots.keyOf(slot), this.#timesOf(slot)]),
    };
  }

  restore(state: Json): void {
    const { evictedCount, evictedEntryCount, windows } = state as {
      evictedCount: number;
      evictedEntryCount: number;
      windows: [string, number[]][];
    };
    this.#slots.clear();
    this.#far.clear();
    for (const [key, times] of windows) {
      const slot = this.#open(key);
      for (const timeMs of times) this.#push(slot, timeMs);
    }
    this.#evictedCount = evictedCount;
    this.#evictedEntryCount = evictedEntryCount;
  }

  #open(key: string): number {
    if (this.size >= this.#keysMax) this.#evictOldest();
    const slot = this.#slots.add(key);
    if (2 * slot >= this.#spans.length) this.#grow();
    this.#spans[2 * slot] = this.#spans[2 * slot + 1] = 0;
    return slot;
  }

  #evictOldest(): void {
    const slot = this.#slots.oldest() as number;
    this.#slots.remove(slot);
    this.#far.delete(slot);
    this.#evictedCount++;
  }

  #expire(slot: number, goneMs: number): void {
    const spans = this.#spans;
    let count = spans[2 * slot + 1] as number;
    if (count === FAR) {
      const ring = this.#farOf(slot);
      ring.expire(goneMs);
      // Not sooner, or a key of which this many come would go to and fro.
      if (ring.count <= NEAR_MAX / 2) this.#bringNear(slot, ring.toArray());
      return;
    }
    let head = spans[2 * slot] as number;
    while (count > 0 && (this.#near[slot * NEAR_MAX + head] as number) <= goneMs) {
      head = (head + 1) & NEAR_MASK;
      count--;
    }
    spans[2 * slot] = head;
    spans[2 * slot + 1] = count;
  }

  /** Returns how many the window holds then. */
  #push(slot: number, timeMs: number): number {
    const spans = this.#spans;
    const head = spans[2 * slot] as number;
    const count = spans[2 * slot + 1] as number;
    if (count === FAR) return this.#pushFar(this.#farOf(slot), timeMs);
    if (count === this.#entriesMax) {
      this.#evictedEntryCount++;
      spans[2 * slot] = (head + 1) & NEAR_MASK;
      this.#near[slot * NEAR_MAX + ((head + count) & NEAR_MASK)] = timeMs;
      return count;
    }
    if (count === NEAR_MAX) return this.#pushFar(this.#takeFar(slot), timeMs);
    this.#near[slot * NEAR_MAX + ((head + count) & NEAR_MASK)] = timeMs;
    return (spans[2 * slot + 1] = count + 1);
  }

  #pushFar(ring: TimeRing, timeMs: number): number {
    if (ring.count === this.#entriesMax) {
      ring.dropOldest();
      this.#evictedEntryCount++;
    }
    ring.push(timeMs);
    return ring.count;
  }

  #takeFar(slot: number): TimeRing {
    const ring = new TimeRing(2 * NEAR_MAX);
    for (const timeMs of this.#timesOf(slot)) ring.push(timeMs);
    this.#far.set(slot, ring);
    this.#spans[2 * slot + 1] = FAR;
    return ring;
  }

  #bringNear(slot: number, times: readonly number[]): void {
    this.#far.delete(slot);
    this.#near.set(times, slot * NEAR_MAX);
    this.#spans[2 * slot] = 0;
    this.#spans[2 * slot + 1] = times.length;
  }

  #timesOf(slot: number): number[] {
    const head = this.#spans[2 * slot] as number;
    const count = this.#spans[2 * slot + 1] as number;
    if (count === FAR) return this.#farOf(slot).toArray();
    const base = slot * NEAR_MAX;
    return Array.from({ length: count }, (_, at) => this.#near[base + ((head + at) & NEAR_MASK)] as number);
  }

  #farOf(slot: number): TimeRing {
    return this.#far.get(slot) as TimeRing;
  }

  #grow(): void {
    const near = new Float64Array(2 * this.#near.length);
    near.set(this.#near);
    this.#near = near;
    const spans = new Int32Array(2 * this.#spans.length);
    spans.set(this.#spans);
    this.#spans = spans;
  }
}

/**
 * Count of events per key in a sliding event-time window; one result an event. Values are counted by `distinctCount`. Expects a
 * stream in event-time order, as `orderByEventTime` makes it.
 * @throws ProtegoError `OPERATOR_OPTION_INVALID` for a duration or a bound out of its range; `STREAM_UNORDERED`, into the
 * stream, when events do not come in order.
 */
export function slidingCount<T>(
  options: SlidingCountOptions<T>,
  times?: SlidingTimes,
): OperatorFunction<StreamElement<T>, SlidingCount<T>> {
  const timesFor = subscriptionStore(times, () => new SlidingTimes(options));
  return orderedOperator((out) => {
    const held = timesFor();
    return {
      event: (event, timeMs) => {
        const key = options.keyOf(event);
        if (key !== undefined) out.next({ event, key, timeMs, eventCount: held.add(key, timeMs) });
      },
      // Which events a window holds is asked only when one comes.
      advance: () => undefined,
    };
  });
}
