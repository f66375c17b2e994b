import { type JsonSchema } from '@protego/contracts';
import { type Latin1Buffer } from '../latin1-buffer';
import { LEAF_KINDS, type MessageLeaves } from './message-leaves';

/** What the schema asks of one scalar, as far as it can be checked on the bytes. */
export interface LeafCheck {
  /** Number of the leaf. */
  readonly at: number;
  /** Bit n stands for the kind n of {@link LEAF_KINDS}. */
  readonly kinds: number;
  /** Least and greatest length of a text, characters. */
  readonly lengthMin: number;
  readonly lengthMax: number;
  /** Least and greatest number. */
  readonly min: number;
  readonly max: number;
  /** The texts that may stand there; undefined for any. */
  readonly values: ReadonlySet<string> | undefined;
}

const KNOWN_KEYWORDS: ReadonlySet<string> = new Set([
  'type',
  'minLength',
  'maxLength',
  'minimum',
  'maximum',
  'const',
  'enum',
  'description',
]);
const OBJECT_KEYWORDS: ReadonlySet<string> = new Set(['type', 'properties', 'required', 'description']);
const { text, integer, decimal, null: nothing } = LEAF_KINDS;
const FLAGS = (1 << LEAF_KINDS.true) | (1 << LEAF_KINDS.false);
const ANY_KIND = (1 << text) | (1 << integer) | (1 << decimal) | (1 << nothing) | FLAGS;
// A decimal that is a whole number is not written with a point.
const KINDS_OF_TYPE: Readonly<Record<string, number>> = {
  string: 1 << text,
  integer: 1 << integer,
  number: (1 << integer) | (1 << decimal),
  boolean: FLAGS,
  null: 1 << nothing,
};
const ANYTHING = { lengthMin: 0, lengthMax: Infinity, min: -Infinity, max: Infinity, values: undefined };

/** A check for text of some length. */
export function textCheck(at: number, lengthMin: number, lengthMax: number): LeafCheck {
  return { ...ANYTHING, at, kinds: 1 << text, lengthMin, lengthMax };
}

/**
 * The check of the scalar at a path of an object with this schema (JSON Schema 2020-12). `'none'` where everything is allowed;
 * undefined where the schema uses more than can be checked here.
 */
export function leafCheckOf(schema: JsonSchema, path: readonly string[], at: number): LeafCheck | 'none' | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return scalarCheckOf(schema, at);
  if (!Object.keys(schema).every((keyword) => OBJECT_KEYWORDS.has(keyword))) return undefined;
  const properties = schema['properties'] as Readonly<Record<string, JsonSchema>> | undefined;
  const member = properties !== undefined && Object.hasOwn(properties, key) ? properties[key] : undefined;
  return member === undefined ? 'none' : leafCheckOf(member, rest, at);
}

function scalarCheckOf(schema: JsonSchema, at: number): LeafCheck | undefined {
  if (!Object.keys(schema).every((keyword) => KNOWN_KEYWORDS.has(keyword))) return undefined;
  const { type, minLength, maxLength, minimum, maximum } = schema as Readonly<Record<string, number | undefined>>;
  const kinds = type === undefined ? ANY_KIND : KINDS_OF_TYPE[String(type)];
  const options = 'const' in schema ? [schema['const']] : (schema['enum'] as unknown[] | undefined);
  if (kinds === undefined || options?.some((each) => typeof each !== 'string')) return undefined;
  return {
    at,
    kinds: options === undefined ? kinds : kinds & (1 << text),
    lengthMin: minLength ?? 0,
    lengthMax: maxLength ?? Infinity,
    min: minimum ?? -Infinity,
    max: maximum ?? Infinity,
    values: options && new Set(options as string[]),
  };
}

/** True when the scalar of a message is as the check asks. */
export function passesCheck(check: LeafCheck, bytes: Latin1Buffer, { starts, ends, kinds }: MessageLeaves): boolean {
  const { at } = check;
  const kind = kinds[at] as number;
  if ((check.kinds & (1 << kind)) === 0) return false;
  const start = starts[at] as number;
  const end = ends[at] as number;
  if (kind === text) {
    const length = end - start - 2;
    if (length < check.lengthMin || length > check.lengthMax) return false;
    return check.values === undefined || check.values.has(bytes.latin1Slice(start + 1, end - 1));
  }
  if (kind !== integer && kind !== decimal) return true;
  if (check.min === -Infinity && check.max === Infinity) return true;
  const value = Number(bytes.latin1Slice(start, end));
  return value >= check.min && value <= check.max;
}
