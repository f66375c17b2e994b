/** Event times of one key in their order, in a ring that grows and shrinks with them. */
export class TimeRing {
  /** Its length is a power of two. */
  #times: Float64Array;
  #head = 0;
  #count = 0;

  /** @param lengthMin - times that the ring has room for at least; a power of two */
  constructor(private readonly lengthMin: number) {
    this.#times = new Float64Array(lengthMin);
  }

  /** How many times it holds. */
  get count(): number {
    return this.#count;
  }

  /** Adds the latest time. */
  push(timeMs: number): void {
    if (this.#count === this.#times.length) this.#resize(2 * this.#times.length);
    this.#times[(this.#head + this.#count++) & (this.#times.length - 1)] = timeMs;
  }

  /** Lets go the times up to one. */
  expire(goneMs: number): void {
    while (this.#count > 0 && (this.#times[this.#head] as number) <= goneMs) this.dropOldest();
    if (this.#count * 4 < this.#times.length && this.#times.length > this.lengthMin)
      this.#resize(this.#times.length / 2);
  }

  /** Lets go the earliest time of a ring that holds one. */
  dropOldest(): void {
    this.#head = (this.#head + 1) & (this.#times.length - 1);
    this.#count--;
  }

  /** The times, earliest first. */
  toArray(): number[] {
    const { length } = this.#times;
    return Array.from({ length: this.#count }, (_, at) => this.#times[(this.#head + at) & (length - 1)] as number);
  }

  #resize(length: number): void {
    const times = this.toArray();
    this.#times = new Float64Array(length);
    this.#times.set(times);
    this.#head = 0;
  }
}
