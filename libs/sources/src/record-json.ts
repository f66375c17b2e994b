import { JSON_DEPTH_MAX, ProtegoError, messageOf } from '@protego/contracts';

/** A native record: one JSON object with the field names of its origin. */
export type NativeRecord = Record<string, unknown>;

// A record stands in `data`, one level below the event.
const RECORD_DEPTH = 1;
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;
const NUMBER = /-?\d[\d.eE+-]*/g;
const NUMBER_HERE = /-?\d[\d.eE+-]*/y;

/**
 * A line of JSON as a native record. Numbers that JSON.parse cannot carry exactly (integers beyond 2^53 - 1, and what
 * overflows to infinity) become strings with the digits of the text; of a repeated key the last value stands.
 *
 * @throws ProtegoError `EVENT_JSON_INVALID` for text that is not JSON, `SOURCE_RECORD_INVALID` for JSON that is not an
 *   object, `EVENT_TEXT_INVALID` for lone surrogates, `EVENT_TOO_DEEP` for nesting that an event cannot hold.
 */
export function parseRecordLine(text: string): NativeRecord {
  const record = asRecord(parseJson(text));
  const isTextChecked = SURROGATE_ESCAPE.test(text);
  if (!hasUnsafeNumber(record, RECORD_DEPTH, isTextChecked)) return record;
  return mendTopLevel(record, text) ?? asRecord(parseJson(quoteUnsafeNumbers(text)));
}

/**
 * The value that a line of JSON stands for.
 *
 * @throws ProtegoError `EVENT_JSON_INVALID`
 */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new ProtegoError('EVENT_JSON_INVALID', 'line is not JSON', { reason: messageOf(error).slice(0, 200) });
  }
}

/** True for a number whose value JSON.parse did not, or may not, carry exactly as an integer. */
export function isUnsafeNumber(value: number): boolean {
  return !Number.isSafeInteger(value) && (Number.isInteger(value) || !Number.isFinite(value));
}

/** True for a JSON object, as opposed to an array or null. */
export function isRecord(value: unknown): value is NativeRecord {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function asRecord(value: unknown): NativeRecord {
  if (isRecord(value)) return value;
  throw new ProtegoError('SOURCE_RECORD_INVALID', 'a record is one JSON object');
}

/** Walks all values once; throws for what no event can hold, and tells whether any number is unsafe. */
function hasUnsafeNumber(container: object, depth: number, isTextChecked: boolean): boolean {
  if (depth >= JSON_DEPTH_MAX) {
    throw new ProtegoError('EVENT_TOO_DEEP', `record is nested deeper than ${JSON_DEPTH_MAX - RECORD_DEPTH} levels`);
  }
  let isFound = false;
  for (const key in container) {
    const value = (container as NativeRecord)[key];
    if (typeof value === 'number') isFound = isFound || isUnsafeNumber(value);
    else if (typeof value === 'object' && value !== null)
      isFound = hasUnsafeNumber(value, depth + 1, isTextChecked) || isFound;
    if (isTextChecked) checkText(key, value);
  }
  return isFound;
}

function checkText(key: string, value: unknown): void {
  if (key.isWellFormed() && (typeof value !== 'string' || value.isWellFormed())) return;
  throw new ProtegoError('EVENT_TEXT_INVALID', 'text holds a lone surrogate');
}

/**
 * The record with the digits of its unsafe numbers in place of the numbers; undefined where their place in the text is
 * not certain. It spares the second parse that nearly every record of a Windows host (`Keywords`) would need.
 */
function mendTopLevel(record: NativeRecord, text: string): NativeRecord | undefined {
  for (const key in record) {
    const value = record[key];
    if (typeof value === 'object' && value !== null && hasUnsafeNumber(value, RECORD_DEPTH, false)) return undefined;
    if (typeof value !== 'number' || !isUnsafeNumber(value)) continue;
    const digits = onlyDigitsOf(text, key);
    if (digits === undefined || key === '__proto__') return undefined;
    record[key] = digits;
  }
  return record;
}

/**
 * Digits of the number behind a key that is written once, without escapes and directly before its number. A quote
 * inside a string is always escaped, so `"key":` cannot stand in one.
 */
function onlyDigitsOf(text: string, key: string): string | undefined {
  const quotedKey = `"${key}":`;
  const start = text.indexOf(quotedKey);
  if (start < 0 || text.indexOf(quotedKey, start + 1) >= 0) return undefined;
  return numberAt(text, start + quotedKey.length);
}

/** The number token that starts exactly at an index of JSON text. */
export function numberAt(text: string, start: number): string | undefined {
  NUMBER_HERE.lastIndex = start;
  return NUMBER_HERE.exec(text)?.[0];
}

/** The same JSON text with every unsafe number between quotes. Only text outside strings is looked at. */
function quoteUnsafeNumbers(text: string): string {
  let quoted = '';
  let copiedTo = 0;
  for (let at = 0; at < text.length;) {
    const stringStart = text.indexOf('"', at);
    const gapEnd = stringStart < 0 ? text.length : stringStart;
    const gap = text.slice(at, gapEnd);
    const mended = gap.replace(NUMBER, quoteIfUnsafe);
    if (mended.length !== gap.length) {
      quoted += text.slice(copiedTo, at) + mended;
      copiedTo = gapEnd;
    }
    at = stringStart < 0 ? text.length : stringEnd(text, stringStart);
  }
  return quoted + text.slice(copiedTo);
}

function quoteIfUnsafe(token: string): string {
  return isUnsafeNumber(Number(token)) ? `"${token}"` : token;
}

/** Index behind the string literal that starts at `start`. */
function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslashCount = 0;
  while (text.charCodeAt(at - 1 - backslashCount) === 0x5c) backslashCount++;
  return backslashCount % 2 === 1;
}
