import { CharacterClasses } from './aho-corasick';
import { foldCase } from '../letter-case';
import type { Anchor, AnchorPlace } from './anchors';
import { EdgeTrie, type EdgeNeedle } from './edge-trie';
import { LiteralSearch } from './literal-search';

/** An anchor, and the number by which it is told. */
export interface NumberedAnchor extends Anchor {
  readonly id: number;
}

/** Is told the numbers of anchors that hold, some perhaps more than once. */
export type Found = (ids: Int32Array) => void;

const BEYOND_LATIN1 = /[^\0-\xff]/;
/** A letter that a regular expression takes for an s, and lower case does not. */
const LONG_S = 'ſ';

/** Finds the anchors of one field that hold of its value, in about one pass over it. */
export class FieldIndex {
  /** Anchors that ask for the field alone. */
  readonly #present: Int32Array;
  readonly #wide: Int32Array;
  readonly #starts: EdgeTrie | undefined;
  readonly #ends: EdgeTrie | undefined;
  readonly #contained: LiteralSearch | undefined;

  constructor(anchors: readonly NumberedAnchor[]) {
    const at = (...places: AnchorPlace[]): NumberedAnchor[] => anchors.filter(({ place }) => places.includes(place));
    const classes = new CharacterClasses(anchors.map(({ literal }) => literal));
    const edgeOf = (found: NumberedAnchor[], edge: 'start' | 'end'): EdgeTrie | undefined =>
      found.length === 0 ? undefined : new EdgeTrie(classes, found.map(edgeNeedleOf), edge);
    this.#present = idsOf(at('present'));
    this.#wide = idsOf(at('wide'));
    this.#starts = edgeOf(at('startswith', 'equals'), 'start');
    this.#ends = edgeOf(at('endswith'), 'end');
    const contained = at('contains');
    this.#contained = contained.length === 0 ? undefined : new LiteralSearch(classes, contained);
  }

  /** Tells the anchors that hold of a value as it stands in a record, which is not undefined. */
  search(value: unknown, found: Found): void {
    if (this.#present.length > 0) found(this.#present);
    if (typeof value === 'string') this.searchText(value, found);
    else if (typeof value === 'number' || typeof value === 'boolean') this.searchText(String(value), found);
    else if (Array.isArray(value)) for (const member of value) this.#searchMember(member, found);
  }

  /** Tells the anchors that hold of a text. */
  searchText(text: string, found: Found): void {
    if (this.#searchLatin1(text, found) && this.#wide.length === 0) return;
    if (!BEYOND_LATIN1.test(text)) return;
    if (this.#wide.length > 0) found(this.#wide);
    const lower = foldCase(text);
    this.#searchAll(lower, found);
    if (lower.includes(LONG_S)) this.#searchAll(lower.replaceAll(LONG_S, 's'), found);
  }

  #searchMember(member: unknown, found: Found): void {
    if (typeof member === 'string') this.searchText(member, found);
    else if (typeof member === 'number' || typeof member === 'boolean') this.searchText(String(member), found);
  }

  /** False when the text is not of Latin-1 alone, as far as it was read. */
  #searchLatin1(text: string, found: Found): boolean {
    return (
      (this.#starts === undefined || this.#starts.search(text, found)) &&
      (this.#ends === undefined || this.#ends.search(text, found)) &&
      (this.#contained === undefined || this.#contained.search(text, found))
    );
  }

  /** No literal holds a character beyond Latin-1: one that no literal holds stands for them. */
  #searchAll(lower: string, found: Found): void {
    this.#searchLatin1(lower.replace(/[^\0-\xff]/g, '\0'), found);
  }
}

function edgeNeedleOf({ literal, id, place }: NumberedAnchor): EdgeNeedle {
  return { literal, id, isWhole: place === 'equals' };
}

function idsOf(anchors: readonly NumberedAnchor[]): Int32Array {
  return Int32Array.from(anchors, ({ id }) => id);
}
