import { COUNTER_WORDS, NODE_CHILDREN, NODE_WORDS, type NodeMac, type NodePlace } from './node-mac';
import { type UntrustedMemory } from './untrusted-memory';

const CHILD_SHIFT = 3;
const CHILD_MASK = NODE_CHILDREN - 1;
const NODE_BYTES = COUNTER_WORDS * 4;

/** Called on a node that is not what was written; does not return. */
export type NodeFault = (level: number, index: number) => never;

/** Verified nodes that are kept of a level at most; a power of two. */
const CACHED_NODES_MAX = 512;

/** Bytes of guarded memory that the tree over a memory takes: the root, and the verified nodes of each level. */
export function treeBytes(memory: UntrustedMemory): number {
  return memory.levels.reduce((bytes, _, level) => bytes + NODE_BYTES * cachedNodesOf(memory, level), NODE_BYTES);
}

/** A power of two, so that a node's place is the lower bits of its index. */
function cachedNodesOf(memory: UntrustedMemory, level: number): number {
  return Math.min(CACHED_NODES_MAX, 2 ** Math.ceil(Math.log2(memory.nodeCount(level))));
}

/** Adds one to a counter of 64 bits, the lower word first. At a million a second it repeats after 584,000 years. */
export function increment(words: Uint32Array, at: number): void {
  const low = ((words[at] as number) + 1) >>> 0;
  words[at] = low;
  if (low === 0) words[at + 1] = (words[at + 1] as number) + 1;
}

/**
 * Integrity tree of counters, eight to a node, after the memory encryption engine of SGX (S. Gueron, _A Memory Encryption
 * Engine Suitable for General Purpose Processors_, IACR ePrint 2016/204). The lowest nodes count the versions of pages,
 * each higher one the versions of its nodes; a node's MAC covers the counter that its parent has for it. Only the root is
 * trusted, so that no page and no node can be replaced by an older one. A counter of 0 says: never written, all zeros.
 *
 * Nodes that were verified are kept in guarded memory, each in the one place of its level that it may have, so that it is
 * found at once and never takes the place of one above it. Each change is written through.
 */
export class CounterTree {
  readonly #memory: UntrustedMemory;
  readonly #mac: NodeMac;
  readonly #fault: NodeFault;
  /** The root, then the verified nodes of level 0, of level 1, and so on; guarded. */
  readonly #trusted: Uint32Array;
  /** By level: its first place. */
  readonly #firstPlace: readonly number[];
  /** By level: lower bits of an index that say the place. */
  readonly #placeMask: readonly number[];
  /** By place: which node is there, plus one. */
  readonly #nodeAt: Uint32Array;
  readonly #place: NodePlace = { level: 0, index: 0, parentLow: 0, parentHigh: 0 };

  /** @param trusted {@link treeBytes} of guarded memory, zeroed */
  constructor(memory: UntrustedMemory, mac: NodeMac, trusted: Uint32Array, fault: NodeFault) {
    this.#memory = memory;
    this.#mac = mac;
    this.#fault = fault;
    this.#trusted = trusted;
    const firstPlace: number[] = [];
    let places = 0;
    for (let level = 0; level < memory.levels.length; level++) {
      firstPlace.push(places);
      places += cachedNodesOf(memory, level);
    }
    this.#firstPlace = firstPlace;
    this.#placeMask = memory.levels.map((_, level) => cachedNodesOf(memory, level) - 1);
    this.#nodeAt = new Uint32Array(places);
  }

  /** Guarded words; the version of a page stands where {@link versionAt} says. */
  get words(): Uint32Array {
    return this.#trusted;
  }

  /** Verifies what leads from the version of a page to the root, and says at which of {@link words} the version is. */
  versionAt(page: number): number {
    return this.#verified(0, page >>> CHILD_SHIFT) + 2 * (page & CHILD_MASK);
  }

  /** Gives a page its next version, writes all nodes above it anew, and says at which of {@link words} the version is. */
  nextVersionAt(page: number): number {
    const { levels } = this.#memory;
    const versionAt = this.versionAt(page);
    let child = page;
    // Verified before it is counted: a counter that was rolled back would let a nonce recur.
    for (let level = 0; level <= levels.length; level++) {
      increment(this.#trusted, this.#verified(level, child >>> CHILD_SHIFT) + 2 * (child & CHILD_MASK));
      child >>>= CHILD_SHIFT;
    }
    let index = page >>> CHILD_SHIFT;
    for (let level = 0; level < levels.length; level++) {
      this.#writeNode(level, index);
      index >>>= CHILD_SHIFT;
    }
    return versionAt;
  }

  /** Forgets the verified nodes; all but the root must then be read again. */
  dropVerified(): void {
    this.#nodeAt.fill(0);
    this.#trusted.fill(0, COUNTER_WORDS);
  }

  /** At which word the counters of a node stand, verified. */
  #verified(level: number, index: number): number {
    if (level === this.#memory.levels.length) return 0;
    const place = (this.#firstPlace[level] as number) + (index & (this.#placeMask[level] as number));
    const at = (1 + place) * COUNTER_WORDS;
    if (this.#nodeAt[place] === index + 1) return at;
    const parentAt = this.#verified(level + 1, index >>> CHILD_SHIFT) + 2 * (index & CHILD_MASK);
    this.#loadNode(level, index, at, parentAt);
    this.#nodeAt[place] = index + 1;
    return at;
  }

  /** Copies a node in, once, and checks the copy: what is outside may change at any time. */
  #loadNode(level: number, index: number, at: number, parentAt: number): void {
    const stored = this.#memory.levels[level] as Uint32Array;
    const trusted = this.#trusted;
    const from = index * NODE_WORDS;
    for (let i = 0; i < COUNTER_WORDS; i++) trusted[at + i] = stored[from + i] as number;
    if (isZero(trusted, parentAt, 2)) {
      if (!isZero(trusted, at, COUNTER_WORDS) || !isZero(stored, from, NODE_WORDS)) this.#fault(level, index);
      return;
    }
    const mac = this.#mac.compute(this.#placeOf(level, index, parentAt), trusted, at);
    if (!this.#mac.matches(mac, stored, from + COUNTER_WORDS)) this.#fault(level, index);
  }

  #writeNode(level: number, index: number): void {
    const trusted = this.#trusted;
    const at = this.#verified(level, index);
    const parentAt = this.#verified(level + 1, index >>> CHILD_SHIFT) + 2 * (index & CHILD_MASK);
    const mac = this.#mac.compute(this.#placeOf(level, index, parentAt), trusted, at);
    const stored = this.#memory.levels[level] as Uint32Array;
    const to = index * NODE_WORDS;
    for (let i = 0; i < COUNTER_WORDS; i++) stored[to + i] = trusted[at + i] as number;
    for (let i = 0; i < mac.length; i++) stored[to + COUNTER_WORDS + i] = mac[i] as number;
  }

  #placeOf(level: number, index: number, parentAt: number): NodePlace {
    const place = this.#place;
    place.level = level;
    place.index = index;
    place.parentLow = this.#trusted[parentAt] as number;
    place.parentHigh = this.#trusted[parentAt + 1] as number;
    return place;
  }
}

function isZero(words: Uint32Array, at: number, count: number): boolean {
  let bits = 0;
  for (let i = 0; i < count; i++) bits |= words[at + i] as number;
  return bits === 0;
}
