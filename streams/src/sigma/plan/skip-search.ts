import { LATIN1_END, type CharacterClasses, type ClassedNeedle, type Needle } from './aho-corasick';

/** Shorter literals leave too little to skip. */
export const SKIP_LENGTH_MIN = 5;
/** From so many needles on, three characters are looked at to decide how far to skip, and not two. */
const TRIPLE_NEEDLES_MIN = 48;

/**
 * Finds many literals in a text of which it looks at a part only: the last characters of a window say how far the next place
 * is at which one may begin (Wu and Manber, "A fast algorithm for multi-pattern searching", 1994). For literals of at least
 * {@link SKIP_LENGTH_MIN} characters; the longer the shortest is, the faster.
 */
export class SkipSearch {
  readonly #windowLength: number;
  readonly #looksAtThree: boolean;
  /** How far to go on from a window, by the classes of its last two or three characters. */
  readonly #shifts: Uint8Array;
  readonly #windows: WindowTable;

  constructor(
    private readonly classes: CharacterClasses,
    needles: readonly Needle[],
  ) {
    const { count } = classes;
    const windowLength = Math.min(255, ...needles.map(({ literal }) => literal.length));
    this.#windowLength = windowLength;
    this.#looksAtThree = needles.length >= TRIPLE_NEEDLES_MIN;
    const block = this.#looksAtThree ? 3 : 2;
    this.#shifts = new Uint8Array(count ** block).fill(windowLength - block + 1);
    this.#windows = new WindowTable(needles.length);
    for (const needle of needles) {
      const classed = classes.classed(needle);
      const each = classed.classes;
      for (let end = block - 1; end < windowLength; end++) {
        const key = each.subarray(end - block + 1, end + 1).reduce((high, low) => high * count + low, 0);
        this.#shifts[key] = Math.min(this.#shifts[key] as number, windowLength - 1 - end);
      }
      this.#windows.put(hashOf(each, windowLength), classed);
    }
  }

  /**
   * Tells the ids of all needles in a text, some perhaps more than once.
   *
   * @returns false when it met a character beyond Latin-1; then not all may have been told
   */
  search(text: string, found: (ids: Int32Array) => void): boolean {
    return this.#looksAtThree ? this.#searchThree(text, found) : this.#searchTwo(text, found);
  }

  // The same loop twice, because the third character costs a third of the time where it is no matter.
  #searchTwo(text: string, found: (ids: Int32Array) => void): boolean {
    const shifts = this.#shifts;
    const { byCode, count } = this.classes;
    const { length } = text;
    for (let at = this.#windowLength - 1; at < length;) {
      const second = text.charCodeAt(at - 1);
      const third = text.charCodeAt(at);
      if ((second | third) >= LATIN1_END) return false;
      const shift = shifts[(byCode[second] as number) * count + (byCode[third] as number)] as number;
      if (shift > 0) at += shift;
      else if (this.#verify(text, at - this.#windowLength + 1, found)) at++;
      else return false;
    }
    return true;
  }

  #searchThree(text: string, found: (ids: Int32Array) => void): boolean {
    const shifts = this.#shifts;
    const { byCode, count } = this.classes;
    const { length } = text;
    for (let at = this.#windowLength - 1; at < length;) {
      const first = text.charCodeAt(at - 2);
      const second = text.charCodeAt(at - 1);
      const third = text.charCodeAt(at);
      if ((first | second | third) >= LATIN1_END) return false;
      const key = ((byCode[first] as number) * count + (byCode[second] as number)) * count + (byCode[third] as number);
      const shift = shifts[key] as number;
      if (shift > 0) at += shift;
      else if (this.#verify(text, at - this.#windowLength + 1, found)) at++;
      else return false;
    }
    return true;
  }

  /** Tells the needles that begin at a place; false when it met a character beyond Latin-1. */
  #verify(text: string, start: number, found: (ids: Int32Array) => void): boolean {
    const { byCode } = this.classes;
    let hash = 0;
    for (let at = start; at < start + SKIP_LENGTH_MIN; at++) {
      const code = text.charCodeAt(at);
      if (code >= LATIN1_END) return false;
      hash = hashWith(hash, byCode[code] as number);
    }
    const last = text.charCodeAt(start + this.#windowLength - 1);
    if (last >= LATIN1_END) return false;
    const needles = this.#windows.get(hashWith(hash, byCode[last] as number));
    if (needles === undefined) return true;
    for (const { classes, ids } of needles) {
      const comparison = this.classes.compareAt(text, start, classes, 0);
      if (comparison === 'beyond-latin1') return false;
      if (comparison === 'same') found(ids);
    }
    return true;
  }
}

/** Hash of a needle's window: of its first characters, which are all of the shortest, and its last. */
function hashOf(classes: Uint8Array, windowLength: number): number {
  const first = classes.subarray(0, SKIP_LENGTH_MIN).reduce(hashWith, 0);
  return hashWith(first, classes[windowLength - 1] as number);
}

function hashWith(hash: number, characterClass: number): number {
  return ((hash << 5) - hash + characterClass) | 0;
}

/** Needles by the hash of their window: most windows that stop the search are of none, which one look tells. */
class WindowTable {
  readonly #mask: number;
  readonly #hashes: Int32Array;
  readonly #needles: (ClassedNeedle[] | undefined)[];

  constructor(needleCount: number) {
    const slotCount = 4 << Math.ceil(Math.log2(needleCount + 1));
    this.#mask = slotCount - 1;
    this.#hashes = new Int32Array(slotCount);
    this.#needles = new Array<ClassedNeedle[] | undefined>(slotCount).fill(undefined);
  }

  put(hash: number, needle: ClassedNeedle): void {
    const slot = this.#slotOf(hash);
    this.#hashes[slot] = hash;
    (this.#needles[slot] ??= []).push(needle);
  }

  get(hash: number): readonly ClassedNeedle[] | undefined {
    return this.#needles[this.#slotOf(hash)];
  }

  /** The slot that holds the hash, or the free one where it belongs. */
  #slotOf(hash: number): number {
    let slot = (hash ^ (hash >>> 15)) & this.#mask;
    while (this.#needles[slot] !== undefined && this.#hashes[slot] !== hash) slot = (slot + 1) & this.#mask;
    return slot;
  }
}
