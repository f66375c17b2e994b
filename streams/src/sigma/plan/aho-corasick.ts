/** Characters that texts and literals are made of here: those of Latin-1. */
export const LATIN1_END = 256;

/**
 * Numbers the characters that literals hold, so that the tables below have no columns for others; 0 stands for all others.
 * Upper-case letters have the number of their lower-case ones: for text in Latin-1 that is just what `toLowerCase` does.
 */
export class CharacterClasses {
  /** Number by character code. */
  readonly byCode = new Uint8Array(LATIN1_END);
  /** How many numbers there are. */
  readonly count: number;

  /** @param literals in lower case, of Latin-1 characters */
  constructor(literals: Iterable<string>) {
    let count = 1;
    for (const literal of literals) {
      for (let at = 0; at < literal.length; at++) {
        const code = literal.charCodeAt(at);
        // There are fewer than 255 characters in lower case.
        if (this.byCode[code] === 0) this.byCode[code] = count++;
      }
    }
    this.count = count;
    for (let code = 0; code < LATIN1_END; code++) {
      const lower = String.fromCharCode(code).toLowerCase().charCodeAt(0);
      if (lower !== code) this.byCode[code] = this.byCode[lower] as number;
    }
  }

  /** A needle as it is compared with text. */
  classed({ literal, id }: Needle): ClassedNeedle {
    const classes = Uint8Array.from(literal, (character) => this.byCode[character.charCodeAt(0)] as number);
    return { classes, ids: Int32Array.of(id) };
  }

  /** Whether these numbers, from the one at `from` on, stand in a text that has the first of them at `start`. */
  compareAt(text: string, start: number, classes: Uint8Array, from: number): Comparison {
    if (start + classes.length > text.length) return 'other';
    for (let at = from; at < classes.length; at++) {
      const code = text.charCodeAt(start + at);
      if (code >= LATIN1_END) return 'beyond-latin1';
      if (this.byCode[code] !== classes[at]) return 'other';
    }
    return 'same';
  }
}

/** What a literal and a place in a text have in common; `beyond-latin1` when a character of the text leaves it open. */
type Comparison = 'same' | 'other' | 'beyond-latin1';

/** A literal and what is told when it is found. */
export interface Needle {
  readonly literal: string;
  readonly id: number;
}

/** A needle by the numbers of its characters. */
export interface ClassedNeedle {
  readonly classes: Uint8Array;
  readonly ids: Int32Array;
}

/** What is found in a state. */
interface Output {
  /** Ids of the needles that end here. */
  readonly ids: Int32Array;
  /** Needles of which the first {@link PREFIX_LENGTH_MAX} characters end here. */
  readonly begun: readonly ClassedNeedle[];
}

/**
 * As much of a needle as states are made for. Hardly any text goes further with it, so that the rest is compared, and the table stays
 * small enough to be near the processor.
 */
const PREFIX_LENGTH_MAX = 8;

/**
 * Finds many literals in one pass over a text (Aho and Corasick, "Efficient string matching", 1975), as a complete automaton: one
 * step a character. States are numbered breadth first, so that the shallow ones, in which it mostly is, lie close together.
 */
export class AhoCorasick {
  /** Next state times the number of classes, by state and class; the complement where something is found in it. */
  readonly #next: Int32Array;
  readonly #outputs: (Output | undefined)[];

  constructor(
    private readonly classes: CharacterClasses,
    needles: readonly Needle[],
  ) {
    const prefixes = needles.map(({ literal }, id) => ({ literal: literal.slice(0, PREFIX_LENGTH_MAX), id }));
    const { next, ends, stateCount } = trieOf(prefixes, classes);
    const { order, outputs } = complete(next, ends, classes.count, stateCount);
    const place = new Int32Array(stateCount);
    order.forEach((state, at) => (place[state] = at));
    this.#next = new Int32Array(stateCount * classes.count);
    this.#outputs = new Array<Output | undefined>(stateCount).fill(undefined);
    for (let state = 0; state < stateCount; state++) {
      const at = place[state] as number;
      const found = outputs[state];
      this.#outputs[at] = found && this.#outputOf(Array.from(found, (number) => needles[number] as Needle));
      for (let each = 0; each < classes.count; each++) {
        const target = next[state * classes.count + each] as number;
        const row = (place[target] as number) * classes.count;
        this.#next[at * classes.count + each] = outputs[target] === undefined ? row : ~row;
      }
    }
  }

  #outputOf(needles: readonly Needle[]): Output {
    const isWhole = ({ literal }: Needle): boolean => literal.length <= PREFIX_LENGTH_MAX;
    const begun = needles.filter((needle) => !isWhole(needle));
    return {
      ids: Int32Array.from(needles.filter(isWhole), ({ id }) => id),
      begun: begun.map((needle) => this.classes.classed(needle)),
    };
  }

  /**
   * Tells the ids of all needles in a text, some perhaps more than once.
   *
   * @returns false when the text is not of Latin-1 alone; then not all may have been told
   */
  search(text: string, found: (ids: Int32Array) => void): boolean {
    const next = this.#next;
    const { byCode } = this.classes;
    const { length } = text;
    let row = 0;
    for (let at = 0; at < length; at++) {
      const code = text.charCodeAt(at);
      if (code >= LATIN1_END) return false;
      row = next[row + (byCode[code] as number)] as number;
      if (row < 0) {
        row = ~row;
        this.#tell(this.#outputs[row / this.classes.count] as Output, text, at, found);
      }
    }
    return true;
  }

  // A character beyond Latin-1 in what is compared here is met again by the search, which reads all of them.
  #tell({ ids, begun }: Output, text: string, at: number, found: (ids: Int32Array) => void): void {
    if (ids.length > 0) found(ids);
    const start = at - PREFIX_LENGTH_MAX + 1;
    for (let i = 0; i < begun.length; i++) {
      const needle = begun[i] as ClassedNeedle;
      if (this.classes.compareAt(text, start, needle.classes, PREFIX_LENGTH_MAX) === 'same') found(needle.ids);
    }
  }
}

interface Trie {
  /** Child by state and class; 0, the root, where there is none. */
  readonly next: Int32Array;
  /** Ids of the needles that end in a state. */
  readonly ends: (number[] | undefined)[];
  readonly stateCount: number;
}

function trieOf(needles: readonly Needle[], { byCode, count }: CharacterClasses): Trie {
  const statesMax = needles.reduce((sum, { literal }) => sum + literal.length, 1);
  const next = new Int32Array(statesMax * count);
  const ends: (number[] | undefined)[] = [];
  let stateCount = 1;
  for (const { literal, id } of needles) {
    let state = 0;
    for (let at = 0; at < literal.length; at++) {
      const cell = state * count + (byCode[literal.charCodeAt(at)] as number);
      state = next[cell] || (next[cell] = stateCount++);
    }
    (ends[state] ??= []).push(id);
  }
  return { next, ends, stateCount };
}

/** Gives every state a successor for every class, and what ends there by way of shorter suffixes. */
function complete(
  next: Int32Array,
  ends: Trie['ends'],
  classCount: number,
  stateCount: number,
): { order: number[]; outputs: (Int32Array | undefined)[] } {
  const fallback = new Int32Array(stateCount);
  const outputs: (Int32Array | undefined)[] = Array.from(
    { length: stateCount },
    (_, state) => ends[state] && Int32Array.from(ends[state]),
  );
  const order = [0];
  for (let at = 0; at < order.length; at++) {
    const state = order[at] as number;
    for (let each = 0; each < classCount; each++) {
      const cell = state * classCount + each;
      const child = next[cell] as number;
      const other = state === 0 ? 0 : (next[(fallback[state] as number) * classCount + each] as number);
      if (child === 0) {
        next[cell] = other;
        continue;
      }
      fallback[child] = other;
      const shorter = outputs[other];
      if (shorter !== undefined) outputs[child] = joined(outputs[child], shorter);
      order.push(child);
    }
  }
  return { order, outputs };
}

function joined(own: Int32Array | undefined, other: Int32Array): Int32Array {
  return own === undefined ? other : Int32Array.from(new Set([...own, ...other]));
}
