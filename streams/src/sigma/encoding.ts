import type { PatternPart, TextPattern } from './pattern';

/** Characters that begin an option of a Windows command: hyphen, slash, en dash, em dash, horizontal bar. */
const DASHES = ['-', '/', '\u2013', '\u2014', '\u2015'];
/** A dash that begins an option: before a letter, digit or underscore, and not after one. */
const OPTION_DASH = /(?<![A-Za-z0-9_])[-/\u2013\u2014\u2015](?=[A-Za-z0-9_])/;

/**
 * Every way to write the option dashes of a pattern, each dash on its own (Sigma 2.1, modifier `windash`); undefined
 * when there are more than `countMax`.
 */
export function windashVariants(pattern: TextPattern, countMax: number): TextPattern[] | undefined {
  let variants: PatternPart[][] = [[]];
  for (const part of pattern) {
    const spellings = typeof part === 'string' ? dashSpellings(part, countMax) : [part];
    if (spellings === undefined || variants.length * spellings.length > countMax) return undefined;
    variants = variants.flatMap((variant) => spellings.map((spelling) => [...variant, spelling]));
  }
  return variants;
}

function dashSpellings(literal: string, countMax: number): string[] | undefined {
  const [first = '', ...rest] = literal.split(OPTION_DASH);
  let spellings = [first];
  for (const piece of rest) {
    if (spellings.length * DASHES.length > countMax) return undefined;
    spellings = spellings.flatMap((spelling) => DASHES.map((dash) => spelling + dash + piece));
  }
  return spellings;
}

/** Little-endian, big-endian, or little-endian after a byte order mark. */
export type Utf16Form = 'utf16le' | 'utf16be' | 'utf16';

const BYTE_ORDER_MARK = '\xff\xfe';

/** UTF-16 bytes of the literal pieces, one byte per character (modifiers `wide`, `utf16le`, `utf16be` and `utf16`). */
export function utf16Pattern(pattern: TextPattern, form: Utf16Form): TextPattern {
  const encoded = pattern.map((part) => (typeof part === 'string' ? utf16Text(part, form === 'utf16be') : part));
  if (form !== 'utf16') return encoded;
  // What a wildcard at the front covers may be the mark.
  const [first] = encoded;
  return typeof first === 'string' || first === undefined
    ? [BYTE_ORDER_MARK + (first ?? ''), ...encoded.slice(1)]
    : encoded;
}

function utf16Text(text: string, isBigEndian: boolean): string {
  const bytes = Buffer.from(text, 'utf16le');
  return (isBigEndian ? bytes.swap16() : bytes).toString('latin1');
}

/** Base64 of a text; with `isBytes` every character is one byte. */
export function base64Pattern(literal: string, isBytes: boolean): TextPattern {
  return [bytesOf(literal, isBytes).toString('base64')];
}

/** First Base64 character that depends on the text alone, by the number of bytes before it. */
const OFFSET_STARTS = [0, 2, 3];
/** Where the characters that depend on the text alone end, counted from the end, by length modulo 3. */
const OFFSET_ENDS = [undefined, -3, -2];

/**
 * The three Base64 spellings that a text has inside a longer encoded text, cut to the characters that do not depend on
 * its neighbours (Sigma 2.1, modifier `base64offset`).
 */
export function base64OffsetPatterns(literal: string, isBytes: boolean): TextPattern[] {
  const bytes = bytesOf(literal, isBytes);
  return OFFSET_STARTS.flatMap((start, shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
    const encoded = shifted.toString('base64').slice(start, OFFSET_ENDS[shifted.length % 3]);
    // Of a text of one byte no character may be certain; an empty pattern would then match everything.
    return encoded === '' ? [] : [[encoded]];
  });
}

function bytesOf(literal: string, isBytes: boolean): Buffer {
  return Buffer.from(literal, isBytes ? 'latin1' : 'utf8');
}
