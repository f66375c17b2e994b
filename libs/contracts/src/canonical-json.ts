import { ProtegoError } from './error';

/** Deepest nesting of objects and arrays that {@link canonicalJson} accepts. */
export const JSON_DEPTH_MAX = 32;

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
  if (!text.isWellFormed()) throw new ProtegoError('EVENT_TEXT_INVALID', 'text holds a lone surrogate');
  return JSON.stringify(text);
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
  // Array.prototype.sort without a comparator orders by UTF-16 code units, which is what RFC 8785 asks.
  const keys = Object.keys(object).sort();
  let text = '{';
  for (const key of keys) {
    const member = object[key];
    if (member === undefined) continue;
    text += (text.length === 1 ? '' : ',') + writeString(key) + ':' + write(member, depth);
  }
  return text + '}';
}
