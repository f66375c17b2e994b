import { isPersonToken, type EventData } from '@protego/contracts';

/** Longest text of one field in a sentence, characters. */
const TEXT_LENGTH_MAX = 120;
const SEALED_TEXT = '~t.';
const CONTROL = /\p{Cc}+/gu;

/** Reads fields of an event for sentences: as they are stored, so persons are tokens and free texts may be sealed. */
export class Fields {
  constructor(readonly data: EventData) {}

  /** A field as text, without control characters and cut where it is long; undefined where it is missing or empty. */
  text(path: string): string | undefined {
    const value = this.value(path);
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    if (typeof value !== 'string' || value === '') return undefined;
    if (value.startsWith(SEALED_TEXT)) return '(sealed text)';
    const plain = value.replace(CONTROL, '\ufffd').toWellFormed();
    return plain.length > TEXT_LENGTH_MAX ? `${plain.slice(0, TEXT_LENGTH_MAX).toWellFormed()}…` : plain;
  }

  /** A field that names somebody or something: never sealed free text. */
  name(path: string): string | undefined {
    const value = this.value(path);
    if (typeof value !== 'string' || value.startsWith(SEALED_TEXT)) return undefined;
    return isPersonToken(value) ? value : this.text(path);
  }

  number(path: string): number | undefined {
    const value = this.value(path);
    return typeof value === 'number' ? value : undefined;
  }

  flag(path: string): boolean | undefined {
    const value = this.value(path);
    return typeof value === 'boolean' ? value : undefined;
  }

  /** The first of several fields that has a text. */
  first(...paths: readonly string[]): string | undefined {
    for (const path of paths) {
      const text = this.text(path);
      if (text !== undefined) return text;
    }
    return undefined;
  }

  /** A field by its path; a name that holds dots itself, as native records have them, is found first. */
  private value(path: string): unknown {
    if (Object.hasOwn(this.data, path)) return this.data[path];
    let value: unknown = this.data;
    for (const name of path.split('.')) {
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
      value = (value as Record<string, unknown>)[name];
    }
    return value;
  }
}

/** How events of one type are told. */
export interface EventWording {
  /** One event: a clause that begins in lower case, without a full stop. */
  readonly one: (fields: Fields) => string;
  /** What one and several are called: `1 telemetry report`, `34 telemetry reports`. */
  readonly many: readonly [string, string];
  /** Whether a reader should not miss it, whatever else happened. Default: never. */
  readonly isNotable?: (fields: Fields) => boolean;
  /** What events must have in common, beside their type, to be told as one. */
  readonly alike?: (fields: Fields) => string | undefined;
}

/** Wordings by event type. */
export type Wordings = Readonly<Record<string, EventWording>>;

/** Always true: for types of which every event matters. */
export const always = (): boolean => true;

/** Pieces of a sentence that there are, with a space between; those that are missing are left out. */
export function said(...pieces: readonly (string | undefined | false)[]): string {
  return pieces.filter((piece) => piece !== undefined && piece !== false && piece !== '').join(' ');
}

/** `before value`, or nothing where there is no value. */
export function part(before: string, value: string | undefined): string | undefined {
  return value === undefined ? undefined : `${before} ${value}`;
}
