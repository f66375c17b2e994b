import { foldCase, lowerCase } from './letter-case';
import { fieldAccess, readField, type FieldAccess, type SigmaRecord } from './record';

/** A value that can be compared. */
export type Scalar = string | number | boolean;

/** Deepest nesting, and most values, that a keyword looks at. */
const KEYWORD_DEPTH_MAX = 32;
const KEYWORD_VALUES_MAX = 10_000;
const NO_SCALARS: readonly Scalar[] = [];
const NO_TEXTS: readonly string[] = [];
const { hasOwnProperty } = Object.prototype;

/**
 * One field of the record at hand, read and lower-cased at most once however many rules ask for it. With field null it
 * stands for all values of the record, which keywords search.
 */
export class FieldView {
  readonly #access: FieldAccess | null;
  #turn = -1;
  #raw: unknown;
  #scalars: readonly Scalar[] | undefined;
  #texts: readonly string[] | undefined;
  #lowered: readonly string[] | undefined;
  #folded: readonly string[] | undefined;

  constructor(readonly field: string | null) {
    this.#access = field === null ? null : fieldAccess(field);
  }

  /** Reads the field, unless it has been read in this turn. */
  load(record: SigmaRecord, turn: number): void {
    if (this.#turn === turn) return;
    this.#scalars = undefined;
    this.#texts = undefined;
    this.#lowered = undefined;
    this.#folded = undefined;
    this.#raw = this.#access === null ? keywordValues(record.data) : readField(record, this.#access);
    // Set last: when reading throws, the next question reads, and throws, again.
    this.#turn = turn;
  }

  /** The value as it stands in the record; undefined when the field is missing. */
  get raw(): unknown {
    return this.#raw;
  }

  /** The value, or the members of a list; without nulls and objects. */
  get scalars(): readonly Scalar[] {
    return (this.#scalars ??= scalarsOf(this.#raw));
  }

  /** Text of each of the scalars. */
  get texts(): readonly string[] {
    return (this.#texts ??= this.scalars.length === 0 ? NO_TEXTS : textsOf(this.scalars));
  }

  /** The texts with letters folded one by one. */
  get folded(): readonly string[] {
    return (this.#folded ??= this.texts.map(foldCase));
  }

  /** The texts in lower case. */
  get lowered(): readonly string[] {
    return (this.#lowered ??= this.texts === NO_TEXTS ? NO_TEXTS : this.texts.map(lowerCase));
  }
}

function isScalar(value: unknown): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function textsOf(scalars: readonly Scalar[]): readonly string[] {
  const isText = (scalar: Scalar): scalar is string => typeof scalar === 'string';
  return scalars.every(isText) ? scalars : scalars.map(String);
}

function scalarsOf(raw: unknown): readonly Scalar[] {
  if (isScalar(raw)) return [raw];
  return Array.isArray(raw) ? raw.filter(isScalar) : NO_SCALARS;
}

function keywordValues(data: SigmaRecord['data']): Scalar[] {
  const values: Scalar[] = [];
  visitKeywordValues(data, (value) => values.push(value));
  return values;
}

/** Shows the values of a record that keywords search, in their order. */
export function visitKeywordValues(data: SigmaRecord['data'], visit: (value: Scalar) => void): void {
  visitBelow(data, visit, 0, KEYWORD_VALUES_MAX);
}

/** How many more values may be visited. */
function visitBelow(object: object, visit: (value: Scalar) => void, depth: number, left: number): number {
  if (depth >= KEYWORD_DEPTH_MAX) return left;
  for (const key in object) {
    if (left <= 0) return 0;
    // In such a loop this costs a quarter of what `Object.hasOwn` does.
    if (!hasOwnProperty.call(object, key)) continue;
    const value = (object as Readonly<Record<string, unknown>>)[key];
    if (isScalar(value)) {
      visit(value);
      left--;
    } else if (value !== null && typeof value === 'object') left = visitBelow(value, visit, depth + 1, left);
  }
  return left;
}
