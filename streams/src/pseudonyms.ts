import { createHash } from 'node:crypto';

/** Text as it may leave the pipeline: personal values replaced by their pseudonyms. */
export type Pseudonymise = (text: string) => string;

/** Shorter values are replaced only where they are the whole text: within others they are chance. */
const FOUND_WITHIN_LENGTH_MIN = 3;
/** Longer values are texts, not names, and are replaced as a whole only. */
const FOUND_WITHIN_LENGTH_MAX = 256;
/** Texts of one event whose replacement is remembered. */
const KNOWN_TEXTS_MAX = 64;
/** A pseudonym that stands in a text already: what looks like a name inside it is none. */
const PSEUDONYM = '~[sp]\\.[A-Za-z0-9_-]{22}';
const WORD = '[\\p{L}\\p{N}\\p{M}]';
/** What may stand between the words of a name, whatever stands there in the event: `a.b`, `a b`, `a_b`, `a - b`. */
const BETWEEN_WORDS = '[^\\p{L}\\p{N}\\p{M}]{1,3}';

const ASCII = /^\p{ASCII}*$/u;

const unchanged: Pseudonymise = (text) => text;

/**
 * Replaces personal values by their pseudonyms: a text that is such a value as a whole, and values within a longer text,
 * in upper or lower case, with other signs between their words, and percent-encoded as in a URL (RFC 3986, section 2.1).
 * Without values it changes nothing.
 */
export function pseudonymiseWith(pseudonyms: ReadonlyMap<string, string> | undefined): Pseudonymise {
  if (pseudonyms === undefined || pseudonyms.size === 0) return unchanged;
  let search: PersonalValues | undefined;
  // Many rules ask for the same fields of one event.
  let known: Map<string, string> | undefined;
  return (text) => {
    const before = pseudonyms.get(text) ?? known?.get(text);
    if (before !== undefined) return before;
    const replaced = (search ??= new PersonalValues(pseudonyms)).replacedIn(text);
    known ??= new Map();
    if (known.size < KNOWN_TEXTS_MAX) known.set(text, replaced);
    return replaced;
  };
}

/** Begins what stands for a sealed text in one event, whatever it says. */
const SEALED_TEXT = '~t.';
/** Begins what stands for a sealed text wherever it says the same. */
const TOLD_APART = '~d.';
/** Enough that no two texts of a hospital share a digest. */
const DIGEST_CHARACTERS = 22;
/** What people read in place of a sealed text. */
const SHOWN = '(sealed text)';

/**
 * As {@link pseudonymiseWith}, for values that are counted and grouped by: sealed texts, such as paths of files, get a digest
 * of what they say, because their placeholders only number them within one event. A digest can be guessed at: it may stand in
 * state, and leaves the pipeline through {@link shownText} alone.
 */
export function tellApartWith(
  pseudonyms: ReadonlyMap<string, string> | undefined,
  pseudonymise: Pseudonymise = pseudonymiseWith(pseudonyms),
): Pseudonymise {
  if (pseudonyms === undefined || pseudonyms.size === 0) return unchanged;
  return (text) => (pseudonyms.get(text)?.startsWith(SEALED_TEXT) === true ? digestOf(text) : pseudonymise(text));
}

/** Text that may leave the pipeline, of one that {@link tellApartWith} gave. */
export function shownText(text: string): string {
  return text.startsWith(TOLD_APART) ? SHOWN : text;
}

function digestOf(text: string): string {
  return TOLD_APART + createHash('sha256').update(text).digest('base64url').slice(0, DIGEST_CHARACTERS);
}

/** A personal value that is looked for within texts. */
interface NamedValue {
  readonly words: readonly string[];
  /** Words that a text must hold, in their order, if it is to hold the value, in lower case. */
  readonly lowerWords: readonly string[];
  /** Characters of all words together. */
  readonly length: number;
  readonly pseudonym: string;
}

/** Personal values of one event, prepared for the search within texts. */
class PersonalValues {
  readonly #values: NamedValue[] = [];
  #lengthMin = Number.POSITIVE_INFINITY;
  #pattern: RegExp | undefined;

  constructor(pseudonyms: ReadonlyMap<string, string>) {
    for (const [value, pseudonym] of pseudonyms) {
      if (value.length < FOUND_WITHIN_LENGTH_MIN || value.length > FOUND_WITHIN_LENGTH_MAX) continue;
      const words = wordsOf(value);
      const lowerWords = words.map((word) => word.toLowerCase());
      const length = words.reduce((sum, word) => sum + word.length, 0);
      if (length < FOUND_WITHIN_LENGTH_MIN) continue;
      this.#values.push({ words, lowerWords, length, pseudonym });
      // Of a letter beyond ASCII nobody knows how long its other spellings are.
      const isPlain = words.every((word) => ASCII.test(word));
      this.#lengthMin = Math.min(this.#lengthMin, isPlain ? length : 0);
    }
  }

  replacedIn(text: string): string {
    if (ASCII.test(text) && !text.includes('%')) {
      // Most texts hold none, and asking so is cheaper than the search.
      const isPossible = text.length >= this.#lengthMin && this.#mayStandIn(text.toLowerCase(), true);
      return isPossible ? this.#spliced(text, text, undefined) : text;
    }
    const composed = text.normalize('NFC');
    const isEncoded = composed.includes('%');
    if (!isEncoded && !this.#mayStandIn(composed.toLowerCase(), false)) return text;
    // Decoded first: as it stands, an encoded full name may show no more than its first word.
    const plain = isEncoded ? this.#decodedAndSpliced(composed) : composed;
    const replaced = this.#spliced(plain, plain, undefined);
    return replaced === composed ? text : replaced;
  }

  #mayStandIn(lower: string, isAscii: boolean): boolean {
    // Beyond ASCII a letter has more spellings than its lower case: then only the beginning of a value is asked for.
    return this.#values.some(({ lowerWords }) => {
      let at = 0;
      for (const word of lowerWords) {
        const found = lower.indexOf(word, at);
        if (found < 0) return false;
        if (!isAscii || !ASCII.test(word)) return true;
        at = found + word.length;
      }
      return true;
    });
  }

  #decodedAndSpliced(text: string): string {
    const decoded = percentDecoded(text);
    return this.#spliced(text, decoded.text, decoded.starts);
  }

  /** The original with every value that `searched` shows replaced; `starts` leads from places in `searched` to the original. */
  #spliced(original: string, searched: string, starts: readonly number[] | undefined): string {
    if (this.#values.length === 0) return original;
    const placeOf = (at: number): number => (starts === undefined ? at : (starts[at] as number));
    let replaced = '';
    let doneTo = 0;
    for (const match of searched.matchAll((this.#pattern ??= this.#compile()))) {
      const found = match.findIndex((group, index) => index >= 2 && group !== undefined);
      if (found < 0) continue;
      const { pseudonym } = this.#values[found - 2] as { pseudonym: string };
      replaced += original.slice(doneTo, placeOf(match.index)) + pseudonym;
      doneTo = placeOf(match.index + match[0].length);
    }
    return replaced + original.slice(doneTo);
  }

  #compile(): RegExp {
    // A full name goes before a part of it that stands for itself elsewhere in the event.
    this.#values.sort((a, b) => b.words.join().length - a.words.join().length);
    const names = this.#values.map(({ words }) => `(${words.join(BETWEEN_WORDS)})`).join('|');
    return new RegExp(`(${PSEUDONYM})|(?<!${WORD})(?:${names})(?!${WORD})`, 'giu');
  }
}

function wordsOf(value: string): string[] {
  if (ASCII.test(value)) return value.match(/[a-z0-9]+/gi) ?? [];
  return value.normalize('NFC').match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
}

/** Text without percent-encoding, and for each of its places, and its end, the place in the text it comes from. */
function percentDecoded(text: string): { readonly text: string; readonly starts: readonly number[] } {
  let decoded = '';
  const starts: number[] = [];
  const take = (part: string, at: number, step: 0 | 1): void => {
    decoded += part;
    for (let i = 0; i < part.length; i++) starts.push(at + i * step);
  };
  for (let at = 0; at < text.length;) {
    const encoded = encodedCharacterAt(text, at);
    if (encoded === undefined) take(text.charAt(at), at, 1);
    else take(encoded.character, at, 0);
    at += encoded?.length ?? 1;
  }
  starts.push(text.length);
  return { text: decoded, starts };
}

const ENCODED = /(?:%[0-9a-f]{2}){1,4}/iy;

function encodedCharacterAt(text: string, at: number): { character: string; length: number } | undefined {
  if (text.charCodeAt(at) !== 0x25) return undefined;
  ENCODED.lastIndex = at;
  const run = ENCODED.exec(text)?.[0] ?? '';
  // One character takes one to four bytes in UTF-8: the shortest run that is one is it.
  for (let length = 3; length <= run.length; length += 3) {
    try {
      return { character: decodeURIComponent(run.slice(0, length)), length };
    } catch {
      // Not a whole character yet.
    }
  }
  return undefined;
}
