import { LATIN1_END, type CharacterClasses, type Needle } from './aho-corasick';

/** Shorter literals leave too little to skip. */
export const SKIP_LENGTH_MIN = 5;
/** From so many needles on, three characters are looked at to decide how far to skip, and not two. */
const TRIPLE_NEEDLES_MIN = 48;

interface Bucket {
  readonly classes: Uint8Array;
  readonly ids: Int32Array;
}

/**
 * Finds many literals in a text of which it looks at a part only: the last characters of a window say how far the next place
 * is at which one may begin (Wu and Manber, "A fast algorithm for multi-pattern searching", 1994). For literals of at least
 * {@link SKIP_LENGTH_MIN} characters; the longer the shortest is, the faster.
 */
export class SkipSearch {
  readonly #windowLength: number;
  /** The number of classes, or 0 where the last but two character is no matter. */
  readonly #firstFactor: number;
  /** How far to go on from a window, by the classes of its last two or three characters. */
  readonly #shifts: Uint8Array;
  /** Literals whose window ends with these. */
  readonly #buckets = new Map<number, Bucket[]>();

  constructor(
    private readonly classes: CharacterClasses,
    needles: readonly Needle[],
  ) {
    const { byCode, count } = classes;
    const windowLength = Math.min(255, ...needles.map(({ literal }) => literal.length));
    this.#windowLength = windowLength;
    const block = needles.length < TRIPLE_NEEDLES_MIN ? 2 : 3;
    this.#firstFactor = block === 2 ? 0 : count;
    this.#shifts = new Uint8Array(count ** block).fill(windowLength - block + 1);
    for (const { literal, id } of needles) {
      const each = Uint8Array.from(literal, (character) => byCode[character.charCodeAt(0)] as number);
      for (let end = block - 1; end < windowLength; end++) {
        const key = each.subarray(end - block + 1, end + 1).reduce((high, low) => high * count + low, 0);
        this.#shifts[key] = Math.min(this.#shifts[key] as number, windowLength - 1 - end);
        if (end === windowLength - 1) this.#put(key, { classes: each, ids: Int32Array.of(id) });
      }
    }
  }

  #put(key: number, needle: Bucket): void {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) this.#buckets.set(key, [needle]);
    else bucket.push(needle);
  }

  /**
   * Tells the ids of all needles in a text, some perhaps more than once.
   *
   * @returns false when it met a character beyond Latin-1; then not all may have been told
   */
  search(text: string, found: (ids: Int32Array) => void): boolean {
    const shifts = this.#shifts;
    const factor = this.#firstFactor;
    const { byCode, count } = this.classes;
    const { length } = text;
    for (let at = this.#windowLength - 1; at < length;) {
      const first = text.charCodeAt(at - 2);
      const second = text.charCodeAt(at - 1);
      const third = text.charCodeAt(at);
      if ((first | second | third) >= LATIN1_END) return false;
      const key = ((byCode[first] as number) * factor + (byCode[second] as number)) * count + (byCode[third] as number);
      const shift = shifts[key] as number;
      if (shift > 0) at += shift;
      else if (this.#verify(text, at - this.#windowLength + 1, key, found)) at++;
      else return false;
    }
    return true;
  }

  #verify(text: string, start: number, key: number, found: (ids: Int32Array) => void): boolean {
    const { byCode } = this.classes;
    for (const { classes, ids } of this.#buckets.get(key) as Bucket[]) {
      if (start + classes.length > text.length) continue;
      let at = 0;
      for (; at < classes.length; at++) {
        const code = text.charCodeAt(start + at);
        if (code >= LATIN1_END) return false;
        if (byCode[code] !== classes[at]) break;
      }
      if (at === classes.length) found(ids);
    }
    return true;
  }
}
