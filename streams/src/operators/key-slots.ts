/** What part of the keys is put in order when it is asked which was touched longest ago. */
const LEAVING_SHARE = 1 / 4;
const SLOTS_AT_FIRST = 64;

/** A slot that may have to leave soon, and when it was touched last when that was found. */
interface Leaving {
  readonly slot: number;
  readonly touched: number;
}

/**
 * Gives every key a small number, its slot, under which state is held in arrays, and knows which key was touched longest
 * ago. A touch writes one number down; only when a key must leave are the oldest put in order, many at once. A list that is
 * kept in order at every touch costs several times as much, because it writes to three places far from each other.
 */
export class KeySlots {
  readonly #slotOf = new Map<string, number>();
  readonly #keys: (string | undefined)[] = [];
  readonly #free: number[] = [];
  /** Number of the last touch by slot; 0 where no key has it. */
  #touched = new Float64Array(SLOTS_AT_FIRST);
  #touchCount = 0;
  /** In order of touch, the oldest at the end. */
  #leaving: Leaving[] = [];

  /** How many keys there are. */
  get size(): number {
    return this.#slotOf.size;
  }

  /** How many slots were ever used at the same time. */
  get slotCount(): number {
    return this.#keys.length;
  }

  /** Slot of a key; undefined where it is missing. Does not touch it. */
  find(key: string): number | undefined {
    return this.#slotOf.get(key);
  }

  /** Notes that the key of a slot is touched now. */
  touch(slot: number): void {
    this.#touched[slot] = ++this.#touchCount;
  }

  /** Gives a key that is missing a slot, and touches it. */
  add(key: string): number {
    const slot = this.#free.pop() ?? this.#keys.length;
    if (slot >= this.#touched.length) this.#grow();
    this.#keys[slot] = key;
    this.#slotOf.set(key, slot);
    this.touch(slot);
    return slot;
  }

  /** Forgets a key that is there. Its slot is given to another key later. */
  remove(slot: number): void {
    this.#slotOf.delete(this.keyOf(slot));
    this.#keys[slot] = undefined;
    this.#touched[slot] = 0;
    this.#free.push(slot);
  }

  /** Forgets everything. */
  clear(): void {
    this.#slotOf.clear();
    this.#keys.length = this.#free.length = this.#leaving.length = 0;
    this.#touched.fill(0);
    this.#touchCount = 0;
  }

  /** Key of a slot that is in use. */
  keyOf(slot: number): string {
    return this.#keys[slot] as string;
  }

  /** Slot of the key that was touched longest ago; undefined where there are no keys. */
  oldest(): number | undefined {
    for (;;) {
      const next = this.#leaving.at(-1);
      if (next === undefined) {
        if (this.size === 0) return undefined;
        this.#leaving = this.#firstTouched(Math.ceil(this.size * LEAVING_SHARE)).reverse();
      } else if (this.#touched[next.slot] === next.touched) return next.slot;
      else this.#leaving.pop();
    }
  }

  /** Slots in use, the one touched longest ago first. */
  byTouch(): number[] {
    return this.#firstTouched(this.size).map(({ slot }) => slot);
  }

  /** Slots in use, in no order that means anything. The one given last may be removed meanwhile. */
  inUse(): IterableIterator<number> {
    return this.#slotOf.values();
  }

  /** The slots touched longest ago, in order. */
  #firstTouched(count: number): Leaving[] {
    const touches = this.#touched.filter((touched) => touched > 0).sort();
    const last = touches[count - 1] ?? 0;
    const first: Leaving[] = [];
    for (let slot = 0; slot < this.slotCount; slot++) {
      const touched = this.#touched[slot] as number;
      if (touched > 0 && touched <= last) first.push({ slot, touched });
    }
    return first.sort((left, right) => left.touched - right.touched);
  }

  #grow(): void {
    const larger = new Float64Array(this.#touched.length * 2);
    larger.set(this.#touched);
    this.#touched = larger;
  }
}
