import { foldCase } from './letter-case';

/** Stands for any text, also none: an unescaped `*`. */
export const ANY_TEXT = 0;
/** Stands for exactly one UTF-16 code unit: an unescaped `?`. */
export const ANY_CHARACTER = 1;

/** A literal piece, or a wildcard. */
export type PatternPart = string | typeof ANY_TEXT | typeof ANY_CHARACTER;
/** A text with wildcards; the empty pattern is the empty text. */
export type TextPattern = readonly PatternPart[];

/**
 * Reads the wildcards of a Sigma value. A backslash makes `*`, `?` or a backslash literal and is itself literal before
 * anything else, so that Windows paths need no escapes (Sigma 2.1, "Wildcards").
 */
export function parsePattern(text: string): TextPattern {
  const parts: PatternPart[] = [];
  let literal = '';
  const push = (wildcard: PatternPart): void => {
    if (literal !== '') parts.push(literal);
    literal = '';
    parts.push(wildcard);
  };
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string;
    const next = text[at + 1];
    if (character === '\\' && (next === '*' || next === '?' || next === '\\')) {
      literal += next;
      at += 1;
    } else if (character === '*') push(ANY_TEXT);
    else if (character === '?') push(ANY_CHARACTER);
    else literal += character;
  }
  return literal === '' ? parts : [...parts, literal];
}

/** The pattern with any text allowed before it, after it, or both. */
export function widenPattern(pattern: TextPattern, isBefore: boolean, isAfter: boolean): TextPattern {
  const widened: PatternPart[] = isBefore && pattern[0] !== ANY_TEXT ? [ANY_TEXT, ...pattern] : [...pattern];
  if (isAfter && widened[widened.length - 1] !== ANY_TEXT) widened.push(ANY_TEXT);
  return widened;
}

/** The pattern with its pieces folded, as texts are when case is not looked at. */
export function foldPattern(pattern: TextPattern): TextPattern {
  return pattern.map((part) => (typeof part === 'string' ? foldCase(part) : part));
}

/** Least length of what a pattern, or a piece of one, covers, UTF-16 code units. */
export function lengthOfPattern(pattern: TextPattern): number {
  let length = 0;
  for (const part of pattern) length += typeof part === 'string' ? part.length : part;
  return length;
}

/** The text of a pattern without wildcards; undefined when it has one. */
export function literalOf(pattern: TextPattern): string | undefined {
  return pattern.every((part) => typeof part === 'string') ? pattern.join('') : undefined;
}
