import { blake2b } from '../sodium';

/** Children of a node, each with a counter. */
export const NODE_CHILDREN = 8;
/** 32-bit words of the counters of a node: two each, the lower first. */
export const COUNTER_WORDS = 2 * NODE_CHILDREN;
/** 32-bit words of the MAC of a node. */
export const MAC_WORDS = 4;
/** 32-bit words of a node as it is stored: counters, then MAC. */
export const NODE_WORDS = COUNTER_WORDS + MAC_WORDS;
/** Bytes of guarded memory that computing a MAC takes. */
export const MAC_SCRATCH_BYTES = 4 * (4 + COUNTER_WORDS + MAC_WORDS);

/** Where a node stands in the tree, and the counter that its parent has for it. */
export interface NodePlace {
  /** 0 for the nodes that count versions of pages. */
  level: number;
  index: number;
  /** Lower 32 bits of the parent's counter. */
  parentLow: number;
  /** Upper 32 bits of the parent's counter. */
  parentHigh: number;
}

/** Authenticates nodes of the tree. */
export interface NodeMac {
  /** MAC of the counters that begin at `at`, in its own memory until the next call. */
  compute(place: NodePlace, counters: Uint32Array, at: number): Uint32Array;
  /** Whether two MACs are the same, in constant time; `mac` begins at `at` in `words`. */
  matches(computed: Uint32Array, words: Uint32Array, at: number): boolean;
}

/**
 * Keyed BLAKE2b with 128 bits (RFC 7693) over level, index, the parent's counter and the eight counters: 80 bytes, words
 * of the machine. The parent's counter makes an older node invalid, level and index one from another place.
 */
export class Blake2bNodeMac implements NodeMac {
  readonly #key: Buffer;
  readonly #message: Buffer;
  readonly #words: Uint32Array;
  readonly #mac: Buffer;
  readonly #macWords: Uint32Array;

  /**
   * @param key 32 bytes in guarded memory, used for nothing else; not copied
   * @param scratch {@link MAC_SCRATCH_BYTES} of guarded memory: the right MAC of a forged node is a secret
   */
  constructor(key: Buffer, scratch: Buffer) {
    const macAt = MAC_SCRATCH_BYTES - 4 * MAC_WORDS;
    this.#key = key;
    this.#message = scratch.subarray(0, macAt);
    this.#words = new Uint32Array(scratch.buffer, scratch.byteOffset, macAt / 4);
    this.#mac = scratch.subarray(macAt, MAC_SCRATCH_BYTES);
    this.#macWords = new Uint32Array(scratch.buffer, scratch.byteOffset + macAt, MAC_WORDS);
  }

  compute({ level, index, parentLow, parentHigh }: NodePlace, counters: Uint32Array, at: number): Uint32Array {
    const words = this.#words;
    words[0] = level;
    words[1] = index;
    words[2] = parentLow;
    words[3] = parentHigh;
    for (let i = 0; i < COUNTER_WORDS; i++) words[4 + i] = counters[at + i] as number;
    blake2b(this.#mac, this.#message, this.#key);
    return this.#macWords;
  }

  matches(computed: Uint32Array, words: Uint32Array, at: number): boolean {
    let difference = 0;
    for (let i = 0; i < MAC_WORDS; i++) difference |= (computed[i] as number) ^ (words[at + i] as number);
    return difference === 0;
  }
}
