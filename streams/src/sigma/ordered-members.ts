import type { Json } from '../operators/stream-element';

/**
 * Which rules matched one after the other, kept as the latest time at which each beginning of the order can have begun:
 * whether the order lies within the time span then shows without a look at the events. Matches of one instant count as
 * being in order, because nobody can tell which came first.
 */
export class OrderedMembers {
  #atMs = Number.NEGATIVE_INFINITY;
  /** Members that matched at `#atMs`. */
  #instant = new Set<number>();
  /** Per chain, per number of its steps, when the latest run of so many steps began. */
  readonly #starts: number[][];

  /** Chains are lists of members in the order in which they have to match. */
  constructor(readonly chains: readonly (readonly number[])[]) {
    this.#starts = chains.map((chain) => chain.map(() => Number.NEGATIVE_INFINITY));
  }

  /** Takes in the members that an event matched; events come in the order of time. */
  add(timeMs: number, members: readonly number[]): void {
    if (timeMs !== this.#atMs) this.#instant = new Set();
    this.#atMs = timeMs;
    for (const member of members) this.#instant.add(member);
    this.chains.forEach((chain, which) => {
      const starts = this.#starts[which] as number[];
      chain.forEach((member, step) => {
        if (!this.#instant.has(member)) return;
        const startMs = step === 0 ? timeMs : (starts[step - 1] as number);
        if (startMs > (starts[step] as number)) starts[step] = startMs;
      });
    });
  }

  /** True when a run of the whole chain began after `goneMs`. */
  isWhole(which: number, goneMs: number): boolean {
    return (this.#starts[which]?.at(-1) ?? Number.NEGATIVE_INFINITY) > goneMs;
  }

  snapshot(): Json {
    return [timeToJson(this.#atMs), [...this.#instant], this.#starts.map((starts) => starts.map(timeToJson))];
  }

  restore(state: Json): void {
    const [atMs, instant, chains] = state as unknown as [number | null, number[], (number | null)[][]];
    this.#atMs = timeFromJson(atMs);
    this.#instant = new Set(instant);
    chains.forEach((starts, which) => (this.#starts[which] = starts.map(timeFromJson)));
  }
}

/** The longest run of rules that matched one after the other, some of them left out; as {@link OrderedMembers}. */
export class LongestRun {
  #atMs = Number.NEGATIVE_INFINITY;
  #instant = new Set<number>();
  /** At `steps × count + member`: when the latest run of `steps + 1` rules that ends with the member began. */
  #starts: number[];

  constructor(readonly memberCount: number) {
    this.#starts = new Array<number>(memberCount * memberCount).fill(Number.NEGATIVE_INFINITY);
  }

  /** Takes in the members that an event matched; events come in the order of time. */
  add(timeMs: number, members: readonly number[]): void {
    if (timeMs !== this.#atMs) this.#instant = new Set();
    this.#atMs = timeMs;
    for (const member of members) this.#instant.add(member);
    const count = this.memberCount;
    const latest = new Array<number>(count).fill(Number.NEGATIVE_INFINITY);
    for (let member = 0; member < count; member++) {
      // Downwards, so that a run does not take the same member in twice.
      for (let steps = member; steps >= 0; steps--) {
        const at = steps * count + member;
        const startMs = steps === 0 ? timeMs : (latest[steps - 1] as number);
        if (this.#instant.has(member) && startMs > (this.#starts[at] as number)) this.#starts[at] = startMs;
        latest[steps] = Math.max(latest[steps] as number, this.#starts[at] as number);
      }
    }
  }

  /** How many rules the longest run has that began after `goneMs`. */
  length(goneMs: number): number {
    const count = this.memberCount;
    for (let steps = count - 1; steps >= 0; steps--)
      for (let member = steps; member < count; member++)
        if ((this.#starts[steps * count + member] as number) > goneMs) return steps + 1;
    return 0;
  }

  snapshot(): Json {
    return [timeToJson(this.#atMs), [...this.#instant], this.#starts.map(timeToJson)];
  }

  restore(state: Json): void {
    const [atMs, instant, starts] = state as unknown as [number | null, number[], (number | null)[]];
    this.#atMs = timeFromJson(atMs);
    this.#instant = new Set(instant);
    this.#starts = starts.map(timeFromJson);
  }
}

const timeToJson = (timeMs: number): number | null => (Number.isFinite(timeMs) ? timeMs : null);
const timeFromJson = (timeMs: number | null): number => timeMs ?? Number.NEGATIVE_INFINITY;
