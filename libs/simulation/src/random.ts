/**
 * Seeded pseudo-random numbers: xoshiro128** (Blackman and Vigna), its state filled by splitmix32 from a hash of seed and
 * stream name. Each stream is independent, so that drawing more from one never changes another. Not for secrets.
 */
export class SeededRandom {
  // Signed words in fields of their own: a typed array costs more to make than most streams are drawn from.
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;

  /** A generator at an explicit state of four 32-bit words, not all zero. */
  constructor(state: readonly [number, number, number, number]) {
    this.#s0 = state[0] | 0;
    this.#s1 = state[1] | 0;
    this.#s2 = state[2] | 0;
    this.#s3 = state[3] | 0;
  }

  /** The generator of one named stream of a seed; equal arguments give equal numbers on every machine. */
  static ofStream(seed: number, stream: string): SeededRandom {
    let hash = fnv1a32(`${seed}/${stream}`);
    const word = (): number => {
      hash = (hash + 0x9e3779b9) | 0;
      let mixed = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      return (mixed ^ (mixed >>> 15)) >>> 0;
    };
    // Splitmix32 is a permutation of its counter, so at most one of four successive words can be zero.
    return new SeededRandom([word(), word(), word(), word()]);
  }

  /** Next 32 bits as an unsigned integer. */
  word(): number {
    const s1 = this.#s1;
    const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
    const s2 = this.#s2 ^ this.#s0;
    const s3 = this.#s3 ^ s1;
    this.#s1 = s1 ^ s2;
    this.#s0 ^= s3;
    this.#s2 = s2 ^ (s1 << 9);
    this.#s3 = rotateLeft(s3, 11);
    return result;
  }

  /** A number in `[0, 1)`. */
  fraction(): number {
    return this.word() / 0x1_0000_0000;
  }

  /** A whole number between two bounds, both included. */
  integer(from: number, to: number): number {
    return from + Math.floor(this.fraction() * (to - from + 1));
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** How often something happens that happens `expected` times on average: its whole part, or one more. */
  times(expected: number): number {
    const whole = Math.floor(expected);
    return whole + (this.chance(expected - whole) ? 1 : 0);
  }

  /** One item of a list that is not empty. */
  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)] as T;
  }

  /** Distinct items of a list in random order; all of them when the list is shorter than `count`. */
  sample<T>(items: readonly T[], count: number): T[] {
    const rest = [...items];
    const size = Math.min(count, rest.length);
    for (let i = 0; i < size; i++) {
      const j = this.integer(i, rest.length - 1);
      [rest[i], rest[j]] = [rest[j] as T, rest[i] as T];
    }
    return rest.slice(0, size);
  }
}

const rotateLeft = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}
