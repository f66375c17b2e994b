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
  readonly #values = new Map<string, V>();
  #evictedCount = 0;

  constructor(
    readonly keysMax: number,
    readonly codec: ValueCodec<V>,
  ) {}

  get size(): number {
    return this.#values.size;
  }

  /** Keys evicted since the beginning of the stream. */
  get evictedCount(): number {
    return this.#evictedCount;
  }

  /** Value of a key; touches it. Creates it where it is missing. */
  touch(key: string, create: () => V): V {
    const known = this.#values.get(key);
    if (known !== undefined) {
      this.#values.delete(key);
      this.#values.set(key, known);
      return known;
    }
    if (this.#values.size >= this.keysMax) this.#evictOldest();
    const created = create();
    this.#values.set(key, created);
    return created;
  }

  delete(key: string): void {
    this.#values.delete(key);
  }

  /** Keys and values, touched longest ago first. */
  entries(): IterableIterator<[string, V]> {
    return this.#values.entries();
  }

  snapshot(): Json {
    return {
      evictedCount: this.#evictedCount,
      entries: [...this.#values].map(([key, value]) => [key, this.codec.toJson(value)]),
    };
  }

  restore(state: Json): void {
    const { evictedCount, entries } = state as { evictedCount: number; entries: [string, Json][] };
    this.#values.clear();
    this.#evictedCount = evictedCount;
    for (const [key, value] of entries) this.#values.set(key, this.codec.fromJson(value));
  }

  #evictOldest(): void {
    const oldest = this.#values.keys().next();
    if (oldest.done === true) return;
    this.#values.delete(oldest.value);
    this.#evictedCount++;
  }
}
