import { canonicalJson } from '@protego/contracts';
import type { Pseudonymise } from '../pseudonyms';
import { fieldAccess, readField, type FieldAccess, type SigmaRecord } from './record';

/** Texts of numbered fields. */
export interface FieldTexts {
  /** Text of a field; undefined where it is missing, no scalar, or must not be used. */
  of(field: number): string | undefined;
  /** Canonical JSON of the texts of a numbered list of fields; undefined where one of them has none. */
  keyOf(grouping: number): string | undefined;
}

/**
 * Texts of one record after the other, each read at most once: many correlations ask for the same fields, and a key that is
 * the same text, not only an equal one, is found faster in their windows.
 */
export class RecordTexts implements FieldTexts {
  readonly #accesses: readonly FieldAccess[];
  readonly #texts: (string | undefined)[];
  /** Number of the record in which a field was read last. */
  readonly #readIn: Float64Array;
  readonly #groupings: readonly (readonly number[])[];
  readonly #keys: (string | undefined)[];
  readonly #groupedIn: Float64Array;
  #recordNumber = 0;
  #record: SigmaRecord | undefined;
  #pseudonymise: Pseudonymise = (text) => text;
  #isLost: (field: string) => boolean = () => false;

  readonly #textOf = (field: number): string | undefined => this.of(field);

  /**
   * @param fields - names of the fields, in the order of their numbers
   * @param groupings - lists of fields, in the order of their numbers
   */
  constructor(fields: readonly string[], groupings: readonly (readonly number[])[]) {
    this.#accesses = fields.map(fieldAccess);
    this.#texts = fields.map(() => undefined);
    this.#readIn = new Float64Array(fields.length);
    this.#groupings = groupings;
    this.#keys = groupings.map(() => undefined);
    this.#groupedIn = new Float64Array(groupings.length);
  }

  /**
   * The record to read from now on.
   *
   * @param pseudonymise - what every text goes through
   * @param isLost - true for a field whose value was erased, so that nobody can say any more what it was
   */
  load(record: SigmaRecord, pseudonymise: Pseudonymise, isLost: (field: string) => boolean): void {
    this.#recordNumber++;
    this.#record = record;
    this.#pseudonymise = pseudonymise;
    this.#isLost = isLost;
  }

  of(field: number): string | undefined {
    if (this.#readIn[field] !== this.#recordNumber) {
      this.#readIn[field] = this.#recordNumber;
      this.#texts[field] = this.#read(this.#accesses[field] as FieldAccess);
    }
    return this.#texts[field];
  }

  keyOf(grouping: number): string | undefined {
    if (this.#groupedIn[grouping] !== this.#recordNumber) {
      this.#groupedIn[grouping] = this.#recordNumber;
      this.#keys[grouping] = keyOf(this.#groupings[grouping] as readonly number[], this.#textOf);
    }
    return this.#keys[grouping];
  }

  #read(access: FieldAccess): string | undefined {
    const text = scalarText(readField(this.#record as SigmaRecord, access));
    return text === undefined || this.#isLost(access.field) ? undefined : this.#pseudonymise(text);
  }
}

/** Canonical JSON of the texts of some fields; undefined where one of them has none. */
export function keyOf(fields: readonly number[], textOf: (field: number) => string | undefined): string | undefined {
  const texts: string[] = [];
  for (let i = 0; i < fields.length; i++) {
    const text = textOf(fields[i] as number);
    if (text === undefined) return undefined;
    texts.push(text);
  }
  return canonicalJson(texts);
}

/** Text of a scalar; undefined for all else. */
export function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
