import type { Json, StateStore } from './stream-element';

/** Turns one value of a store into JSON and back. */
export interface ValueCodec<V> {
  readonly toJson: (value: V) => Json;
  readonly fromJson: (json: Json) => V;
}

/** A key with its value, in the list from the key touched longest ago to the one touched last. */
interface Entry<V> {
  readonly key: string;
  readonly value: V;
  older: Entry<V> | undefined;
  newer: Entry<V> | undefined;
}

/**
 * State per key with a bound: when a key beyond `keysMax` comes, the key touched longest ago is evicted and counted.
 * Order of touch is order of processing, so that the same events evict the same keys everywhere. That order is a linked
 * list, because taking a key out of a `Map` and putting it back at the end costs several times as much as a look-up.
 */
export class KeyedStore<V> implements StateStore {
  readonly #entries = new Map<string, Entry<V>>();
  #oldest: Entry<V> | undefined;
  #newest: Entry<V> | undefined;
  #evictedCount = 0;

  constructor(
    readonly keysMax: number,
    readonly codec: ValueCodec<V>,
    /** Told of every value that is evicted, after it is gone. */
    readonly onEvicted?: (value: V) => void,
  ) {}

  get size(): number {
    return this.#entries.size;
  }

  /** Keys evicted since the beginning of the stream. */
  get evictedCount(): number {
    return this.#evictedCount;
  }

  /** Value of a key; touches it. Creates it where it is missing. */
  touch(key: string, create: () => V): V {
    const known = this.#entries.get(key);
    if (known !== undefined) return this.#touched(known);
    if (this.#entries.size >= this.keysMax) this.evictOldest();
    const value = create();
    this.#add(key, value);
    return value;
  }

  /** Value of a key that is there, and touches it. */
  touchKnown(key: string): V | undefined {
    const known = this.#entries.get(key);
    return known === undefined ? undefined : this.#touched(known);
  }

  delete(key: string): void {
    const known = this.#entries.get(key);
    if (known === undefined) return;
    this.#unlink(known);
    this.#entries.delete(key);
  }

  /** Lets the key touched longest ago go, and counts it. */
  evictOldest(): void {
    const oldest = this.#oldest;
    if (oldest === undefined) return;
    this.delete(oldest.key);
    this.#evictedCount++;
    this.onEvicted?.(oldest.value);
  }

  /**
   * Keys and values, touched longest ago first. Until it is at its end, nothing may be touched, and of the keys only the
   * one that was given last may be deleted.
   */
  *entries(): IterableIterator<[string, V]> {
    for (let entry = this.#oldest; entry !== undefined; entry = entry.newer) yield [entry.key, entry.value];
  }

  snapshot(): Json {
    return {
      evictedCount: this.#evictedCount,
      entries: [...this.entries()].map(([key, value]) => [key, this.codec.toJson(value)]),
    };
  }

  restore(state: Json): void {
    const { evictedCount, entries } = state as { evictedCount: number; entries: [string, Json][] };
    this.#entries.clear();
    this.#oldest = this.#newest = undefined;
    this.#evictedCount = evictedCount;
    for (const [key, value] of entries) this.#add(key, this.codec.fromJson(value));
  }

  #add(key: string, value: V): void {
    const entry: Entry<V> = { key, value, older: undefined, newer: undefined };
    this.#entries.set(key, entry);
    this.#link(entry);
  }

  #touched(entry: Entry<V>): V {
    if (entry !== this.#newest) {
      this.#unlink(entry);
      this.#link(entry);
    }
    return entry.value;
  }

  #link(entry: Entry<V>): void {
    entry.older = this.#newest;
    entry.newer = undefined;
    if (this.#newest === undefined) this.#oldest = entry;
    else this.#newest.newer = entry;
    this.#newest = entry;
  }

  /** Leaves the entry's own links as they are, so that an iteration that stands on it finds the way on. */
  #unlink({ older, newer }: Entry<V>): void {
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}
