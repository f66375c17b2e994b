import { LATIN1_END, type CharacterClasses, type Needle } from './aho-corasick';

/** A literal at one end of a text. */
export interface EdgeNeedle extends Needle {
  /** True when the text must be the literal and nothing else. */
  readonly isWhole: boolean;
}

/**
 * Finds which of many literals a text begins with, or ends with, or is. It reads the text from that end as far as any literal goes
 * with it, which for most texts is a few characters.
 */
export class EdgeTrie {
  /** Child times the number of classes, by state and class; 0 where there is none. */
  readonly #next: Int32Array;
  /** By state: ids of the literals that end in it. */
  readonly #ends: (Int32Array | undefined)[];
  /** The same for literals that are the whole text. */
  readonly #wholes: (Int32Array | undefined)[];
  /** 1 in the first column of states in which a literal ends. */
  readonly #isEnd: Uint8Array;

  constructor(
    private readonly classes: CharacterClasses,
    needles: readonly EdgeNeedle[],
    private readonly edge: 'start' | 'end',
  ) {
    const { byCode, count } = classes;
    const statesMax = needles.reduce((sum, { literal }) => sum + literal.length, 1);
    const next = new Int32Array(statesMax * count);
    const [ends, wholes]: [number[][], number[][]] = [[], []];
    let stateCount = 1;
    for (const { literal, id, isWhole } of needles) {
      let row = 0;
      for (let i = 0; i < literal.length; i++) {
        const at = edge === 'start' ? i : literal.length - 1 - i;
        const cell = row + (byCode[literal.charCodeAt(at)] as number);
        row = next[cell] || (next[cell] = stateCount++ * count);
      }
      ((isWhole ? wholes : ends)[row / count] ??= []).push(id);
    }
    this.#next = next.slice(0, stateCount * count);
    this.#isEnd = new Uint8Array(this.#next.length);
    ends.forEach((_, state) => (this.#isEnd[state * count] = 1));
    const idsOf = (lists: number[][], state: number): Int32Array | undefined =>
      lists[state] && Int32Array.from(lists[state]);
    this.#ends = Array.from({ length: stateCount }, (_, state) => idsOf(ends, state));
    this.#wholes = Array.from({ length: stateCount }, (_, state) => idsOf(wholes, state));
  }

  /**
   * Tells the ids of all literals that stand at this end of a text.
   *
   * @returns false when it met a character beyond Latin-1; then not all may have been told
   */
  search(text: string, found: (ids: Int32Array) => void): boolean {
    const next = this.#next;
    const { byCode, count } = this.classes;
    const step = this.edge === 'start' ? 1 : -1;
    let at = this.edge === 'start' ? 0 : text.length - 1;
    let row = 0;
    if (this.#isEnd[0] === 1) found(this.#ends[0] as Int32Array);
    for (let left = text.length; left > 0; left--, at += step) {
      const code = text.charCodeAt(at);
      if (code >= LATIN1_END) return false;
      row = next[row + (byCode[code] as number)] as number;
      if (row === 0) return true;
      if (this.#isEnd[row] === 1) found(this.#ends[row / count] as Int32Array);
    }
    const wholes = this.#wholes[row / count];
    if (wholes !== undefined) found(wholes);
    return true;
  }
}
