import type { ProtegoEvent } from '@protego/contracts';
import { unescapedForms } from '@protego/enclave';

const NAMES_MAX = 256;
const NAME_CHARACTERS_MIN = 3;
const SEPARATORS = /(?:%20|[\s._+-])+/g;
const COMMA = / ?, ?/g;
const WORD_CHARACTER = /[\p{L}\p{N}]/u;

/**
 * Adds the clear values that stand where a stored event has one of the tokens.
 *
 * @param revealed the same event with its personal fields in clear
 */
export function namesBehindToken(
  stored: ProtegoEvent,
  revealed: ProtegoEvent,
  tokens: readonly string[],
  names: Set<string>,
): void {
  const visit = (before: unknown, after: unknown): void => {
    if (typeof before === 'string') {
      // What is gone already still reads as its token, which is no name.
      const isRevealed = typeof after === 'string' && after !== before;
      if (isRevealed && tokens.includes(before) && names.size < NAMES_MAX) names.add(after);
    } else if (typeof before === 'object' && before !== null && typeof after === 'object' && after !== null) {
      for (const [key, value] of Object.entries(before)) visit(value, (after as Record<string, unknown>)[key]);
    }
  };
  visit(stored, revealed);
}

/** Looks for the names of one person in text, whatever separates their words and however they are cased. */
export class NameSearch {
  private readonly names: readonly string[];

  /** Names of fewer than three characters are left out: they stand in every text. */
  constructor(names: readonly string[]) {
    const normalised = names.map(normalise).filter((name) => name.length >= NAME_CHARACTERS_MIN);
    this.names = [...new Set(normalised.flatMap((name) => [name, ...otherOrders(name)]))];
  }

  /** True when one of the names stands in the text as whole words, also behind the escapes of JSON. */
  isIn(text: string): boolean {
    return unescapedForms(text).some((form) => this.isWithin(normalise(form)));
  }

  private isWithin(haystack: string): boolean {
    return this.names.some((name) => {
      for (let at = haystack.indexOf(name); at >= 0; at = haystack.indexOf(name, at + 1)) {
        if (!isWordAt(haystack, at - 1) && !isWordAt(haystack, at + name.length)) return true;
      }
      return false;
    });
  }

  /** True when one of the names stands in any text of a JSON value. */
  isInValue(value: unknown): boolean {
    if (typeof value === 'string') return value.length >= NAME_CHARACTERS_MIN && this.isIn(value);
    if (typeof value !== 'object' || value === null) return false;
    return Object.values(value).some((each) => this.isInValue(each));
  }
}

function normalise(text: string): string {
  return text.normalize('NFC').toLowerCase().replace(SEPARATORS, ' ').replace(COMMA, ', ').trim();
}

/** A name as lists write it, `Lovelace, Ada`, and back; what holds digits or `@` is no name of that kind. */
function otherOrders(name: string): string[] {
  if (/[\d@]/.test(name)) return [];
  const [last = '', first] = name.split(', ');
  if (first !== undefined) return [`${first} ${last}`];
  const at = name.lastIndexOf(' ');
  return at < 0 ? [] : [`${name.slice(at + 1)}, ${name.slice(0, at)}`];
}

function isWordAt(text: string, at: number): boolean {
  return at >= 0 && at < text.length && WORD_CHARACTER.test(text[at] as string);
}
