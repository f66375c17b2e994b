import { KeySlots } from './key-slots';
import type { Json, StateStore } from './stream-element';

/** Turns one value of a store into JSON and back. */
export interface ValueCodec<V> {
  readonly toJson: (value: V) => Json;
  readonly fromJson: (json: Json) => V;
}

/**
 * State per key with a bound: when a key beyond `keysMax` comes, the key touched longest ago is evicted and counted.
 * Order of touch is order of processing, so that the same events evict the same keys everywhere.
 */
export class KeyedStore<V> implements StateStore {
  readonly #slots = new KeySlots();
  readonly #values: (V | undefined)[] = [];
  #evictedCount = 0;

  constructor(
    readonly keysMax: number,
    readonly codec: ValueCodec<V>,
    /** Told of every value that is evicted, after it is gone. */
    readonly onEvicted?: (value: V) => void,
  ) {}

  get size(): number {
    return this.#slots.size;
  }

  /** Keys evicted since the beginning of the stream. */
  get evictedCount(): number {
    return this.#evictedCount;
  }

  /** Value of a key; touches it. Creates it where it is missing. */
  touch(key: string, create: () => V): V {
    const slot = this.#slots.find(key);
    if (slot !== undefined) return this.#touched(slot);
    if (this.size >= this.keysMax) this.evictOldest();
    const value = create();
    this.#values[this.#slots.add(key)] = value;
    return value;
  }

  /** Value of a key that is there, and touches it. */
  touchKnown(key: string): V | undefined {
    const slot = this.#slots.find(key);
    return slot === undefined ? undefined : this.#touched(slot);
  }

  delete(key: string): void {
    const slot = this.#slots.find(key);
    if (slot !== undefined) this.#remove(slot);
  }

  /** Lets the key touched longest ago go, and counts it. */
  evictOldest(): void {
    const slot = this.#slots.oldest();
    if (slot === undefined) return;
    const value = this.#values[slot] as V;
    this.#remove(slot);
    this.#evictedCount++;
    this.onEvicted?.(value);
  }

  /** Key and value touched longest ago; undefined where there are none. */
  oldest(): [string, V] | undefined {
    const slot = this.#slots.oldest();
    return slot === undefined ? undefined : this.#entryOf(slot);
  }

  /** Keys and values, touched longest ago first. */
  entries(): [string, V][] {
    return this.#slots.byTouch().map((slot) => this.#entryOf(slot));
  }

  /** Keys and values in no order that means anything. Of the keys only the one given last may be deleted meanwhile. */
  *unordered(): IterableIterator<[string, V]> {
    for (const slot of this.#slots.inUse()) yield this.#entryOf(slot);
  }

  snapshot(): Json {
    return {
      evictedCount: this.#evictedCount,
      entries: this.entries().map(([key, value]) => [key, this.codec.toJson(value)]),
    };
  }

  restore(state: Json): void {
    const { evictedCount, entries } = state as { evictedCount: number; entries: [string, Json][] };
    this.#slots.clear();
    this.#values.length = 0;
    this.#evictedCount = evictedCount;
    for (const [key, value] of entries) this.#values[this.#slots.add(key)] = this.codec.fromJson(value);
  }

  #touched(slot: number): V {
    this.#slots.touch(slot);
    return this.#values[slot] as V;
  }

  #remove(slot: number): void {
    this.#slots.remove(slot);
    this.#values[slot] = undefined;
  }

  #entryOf(slot: number): [string, V] {
    return [this.#slots.keyOf(slot), this.#values[slot] as V];
  }
}
