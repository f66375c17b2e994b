import { ProtegoError } from './error';

/** Deepest nesting of objects and arrays that {@link canonicalJson} accepts. */
export const JSON_DEPTH_MAX = 32;

/** Longest text that is looked at letter by letter; beyond, JSON.stringify is faster. */
const PLAIN_LENGTH_MAX = 64;
/** Most keys whose quoted form is kept, and the longest of them. */
const QUOTED_KEYS_MAX = 4_096;
const QUOTED_KEY_LENGTH_MAX = 64;
/** Keys as they are written, with quotes and colon: the same ones come in event after event. */
const quotedKeys = new Map<string, string>();

/**
 * Canonical JSON text (RFC 8785): keys sorted by UTF-16 code units, ECMAScript number format, no white space.
 * Undefined members are left out, as JSON.stringify does.
 *
 * @throws ProtegoError `EVENT_NUMBER_UNSAFE` for NaN, infinities and integers beyond 2^53 - 1, whose value JSON cannot
 *   carry exactly; `EVENT_TEXT_INVALID` for lone surrogates; `EVENT_TOO_DEEP` beyond {@link JSON_DEPTH_MAX} levels.
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return writeString(value);
    case 'number':
      return writeNumber(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      break;
    default:
      throw new ProtegoError('EVENT_JSON_INVALID', `a ${typeof value} has no JSON form`);
  }
  if (value === null) return 'null';
  if (depth >= JSON_DEPTH_MAX) {
    throw new ProtegoError('EVENT_TOO_DEEP', `nested deeper than ${JSON_DEPTH_MAX} levels`, {
      depthMax: JSON_DEPTH_MAX,
    });
  }
  return Array.isArray(value) ? writeArray(value, depth + 1) : writeObject(value as Record<string, unknown>, depth + 1);
}

function writeString(text: string): string {
  if (isPlain(text)) return '"' + text + '"';
  if (!text.isWellFormed()) throw new ProtegoError('EVENT_TEXT_INVALID', 'text holds a lone surrogate');
  return JSON.stringify(text);
}

/** True for a short text of which each character stands for itself: printable ASCII but quote and backslash. */
function isPlain(text: string): boolean {
  const { length } = text;
  if (length > PLAIN_LENGTH_MAX) return false;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false;
  }
  return true;
}

function writeNumber(value: number): string {
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
    throw new ProtegoError('EVENT_NUMBER_UNSAFE', `number \`${value}\` cannot be carried exactly`, {
      value: String(value),
    });
  }
  return Object.is(value, -0) ? '0' : String(value);
}

function writeArray(items: readonly unknown[], depth: number): string {
  let text = '[';
  for (let i = 0; i < items.length; i++) text += (i === 0 ? '' : ',') + write(items[i] ?? null, depth);
  return text + ']';
}

function writeObject(object: Record<string, unknown>, depth: number): string {
  const keys = Object.keys(object);
  // Without a comparator, sort orders by UTF-16 code units, as `<` does, and as RFC 8785 asks.
  if (!isSorted(keys)) keys.sort();
  let text = '{';
  for (const key of keys) {
    const member = object[key];
    if (member === undefined) continue;
    text += (text.length === 1 ? '' : ',') + (quotedKeys.get(key) ?? writeKey(key)) + write(member, depth);
  }
  return text + '}';
}

function isSorted(keys: readonly string[]): boolean {
  for (let i = 1; i < keys.length; i++) if ((keys[i - 1] as string) > (keys[i] as string)) return false;
  return true;
}

function writeKey(key: string): string {
  const quoted = writeString(key) + ':';
  if (key.length > QUOTED_KEY_LENGTH_MAX) return quoted;
  if (quotedKeys.size >= QUOTED_KEYS_MAX) quotedKeys.clear();
  quotedKeys.set(key, quoted);
  return quoted;
}
