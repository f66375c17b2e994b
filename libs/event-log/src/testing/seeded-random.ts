/** Pseudo-random numbers from a seed (mulberry32): equal seeds give equal runs. Not for secrets. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds would else begin alike.
    this.#state = Math.imul(seed ^ (seed >>> 16) ^ 0x5bd1e995, 0x9e3779b1);
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number in [0, end). */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** A whole number in [from, to]. */
  integer(from: number, to: number): number {
    return from + this.below(to - from + 1);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the items, which must not be none. */
  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** A seed for a generator whose draws leave this one alone. */
  seed(): number {
    return this.below(0x7fffffff);
  }
}
