import { BigramSet } from './bigrams';
import { fieldAccess, readField, type FieldAccess, type SigmaRecord } from './record';

/** A value that can be compared. */
export type Scalar = string | number | boolean;

/** Deepest nesting, and most values, that a keyword looks at. */
const KEYWORD_DEPTH_MAX = 32;
const KEYWORD_VALUES_MAX = 10_000;
const NO_SCALARS: readonly Scalar[] = [];
/** Most texts of one view whose character pairs are kept; 512 bytes each. */
const BIGRAM_TEXTS_MAX = 256;
/** A Unicode noncharacter, which neither rules nor events have reason to hold. */
const TEXT_SEPARATOR = '\uffff';
const NO_TEXTS: readonly string[] = [];

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
  /** Sets are kept for the next record, because making them anew costs more than filling them. */
  readonly #bigrams = new Map<number, { readonly set: BigramSet; turn: number }>();
  #joined: string | undefined;

  constructor(readonly field: string | null) {
    this.#access = field === null ? null : fieldAccess(field);
  }

  /** Reads the field, unless it has been read in this turn. */
  load(record: SigmaRecord, turn: number): void {
    if (this.#turn === turn) return;
    this.#scalars = undefined;
    this.#texts = undefined;
    this.#lowered = undefined;
    this.#joined = undefined;
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

  /** The texts in lower case. */
  get lowered(): readonly string[] {
    return (this.#lowered ??= this.texts === NO_TEXTS ? NO_TEXTS : this.texts.map((text) => text.toLowerCase()));
  }

  /** All texts in lower case, one after the other; what no single text can hold may stand across two of them. */
  get joined(): string {
    return (this.#joined ??= this.texts.join(TEXT_SEPARATOR).toLowerCase());
  }

  /** Character pairs of one of the lower-case texts; undefined for a short text. */
  bigramsAt(index: number): BigramSet | undefined {
    return index < BIGRAM_TEXTS_MAX ? this.#bigramsOf(this.lowered[index] ?? '', index) : undefined;
  }

  /** Character pairs of {@link joined}; undefined when it is short. */
  get joinedBigrams(): BigramSet | undefined {
    return this.#bigramsOf(this.joined, BIGRAM_TEXTS_MAX);
  }

  #bigramsOf(text: string, slot: number): BigramSet | undefined {
    if (text.length < BIGRAM_TEXT_LENGTH_MIN) return undefined;
    let kept = this.#bigrams.get(slot);
    if (kept === undefined) {
      kept = { set: new BigramSet(), turn: -1 };
      this.#bigrams.set(slot, kept);
    }
    if (kept.turn !== this.#turn) kept.set.fill(text);
    kept.turn = this.#turn;
    return kept.set;
  }
}

/** Shorter texts are searched faster than their pairs are collected. */
const BIGRAM_TEXT_LENGTH_MIN = 24;

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
  collect(data, values, 0);
  return values;
}

function collect(value: unknown, values: Scalar[], depth: number): void {
  if (values.length >= KEYWORD_VALUES_MAX || depth > KEYWORD_DEPTH_MAX) return;
  if (isScalar(value)) values.push(value);
  else if (value !== null && typeof value === 'object') {
    for (const member of Object.values(value)) collect(member, values, depth + 1);
  }
}
