import { textForms } from './text-forms';

const SPAN_WORDS_MIN = 4;
const SPAN_WORDS_MAX = 12;
const NAME_LETTERS_MIN = 3;
const NAME_LETTERS_MAX = 152;
/** Names of more words are looked for in the order in which they stand, and with the last word first. */
const TURNED_WORDS_MAX = 6;
const ASCII_MAX = 127;
const CHARACTER_BYTES_MAX = 4;
const WORDS_LETTERS_MIN = 4096;
/** Keys of fewer letters than this are told by their first three letters, longer ones by as many as this. */
const LONG_PREFIX_LETTERS = 6;
const PREFIX_SLOT_BITS = 18;
const PREFIX_SLOTS = 1 << PREFIX_SLOT_BITS;

/**
 * Finds names in text. A name is its words run together, without case, accents and what stands between them: so `jane.doe`,
 * `Jane Doe`, `JANE%20DOE`, `jane+doe`, `janedoe` and `Doe, Jane` are one name, and `Müller` is `Muller` and `Mueller`. It is
 * found in every form of a text ({@link textForms}). Names of fewer than three letters and digits are left out. A part of a
 * word is no name.
 */
export class NameIndex<T> {
  readonly #owners = new Map<string, Set<T>>();
  readonly #keysOf = new Map<T, Set<string>>();
  // A text has many words and few names: the first letters decide at once for nearly all.
  readonly #shortPrefixes = new PrefixCounts();
  readonly #longPrefixes = new PrefixCounts();
  readonly #words = new TextWords();
  #spanWords = SPAN_WORDS_MIN;

  /** Number of names that are looked for. */
  get size(): number {
    return this.#owners.size;
  }

  /** Adds a name of an owner. Of an account or address with a domain, the part before or after it counts as well. */
  add(name: string, owner: T): void {
    this.#addSpellings(name, owner);
    const account = name.slice(name.lastIndexOf('\\') + 1);
    const at = account.indexOf('@');
    const local = at > 0 ? account.slice(0, at) : account;
    if (local !== name) this.#addSpellings(local, owner);
  }

  /** Owners of a name, however it is written. */
  named(name: string): T[] {
    const keys = [name, withUmlautsSpelledOut(name)].map((each) => wordsOf(each).join(''));
    return [...new Set(keys.flatMap((key) => [...(this.#owners.get(key) ?? [])]))];
  }

  /** Drops all names of an owner. */
  remove(owner: T): void {
    for (const key of this.#keysOf.get(owner) ?? []) {
      const owners = this.#owners.get(key);
      owners?.delete(owner);
      if (owners?.size === 0) {
        this.#owners.delete(key);
        this.#countPrefix(key, -1);
      }
    }
    this.#keysOf.delete(owner);
  }

  /** Adds to `found` the owners of all names in a text. */
  search(text: string, found: Set<T>): void {
    if (this.#owners.size === 0) return;
    for (const form of textForms(text)) {
      this.#words.read(form);
      this.#searchWords(found);
      const spelledOut = withUmlautsSpelledOut(form);
      if (spelledOut === form) continue;
      this.#words.read(spelledOut);
      this.#searchWords(found);
    }
    this.#words.wipe();
  }

  #searchWords(found: Set<T>): void {
    const { letters, ends, count } = this.#words;
    const total = count === 0 ? 0 : (ends[count - 1] as number);
    for (let word = 0, start = 0; word < count && start + NAME_LETTERS_MIN <= total; word++) {
      if (this.#mayStartName(letters, start, total)) this.#searchFrom(word, start, found);
      start = ends[word] as number;
    }
  }

  #mayStartName(letters: Uint16Array, start: number, end: number): boolean {
    if (this.#shortPrefixes.has(prefixSlot(letters, start, NAME_LETTERS_MIN))) return true;
    if (start + LONG_PREFIX_LETTERS > end) return false;
    return this.#longPrefixes.has(prefixSlot(letters, start, LONG_PREFIX_LETTERS));
  }

  /** Looks up every run of words that begins with this one. */
  #searchFrom(word: number, start: number, found: Set<T>): void {
    const { ends, count } = this.#words;
    const to = Math.min(count, word + this.#spanWords);
    for (let at = word; at < to; at++) {
      const letters = (ends[at] as number) - start;
      if (letters > NAME_LETTERS_MAX) return;
      if (letters < NAME_LETTERS_MIN) continue;
      const owners = this.#owners.get(this.#words.textOf(start, start + letters));
      if (owners !== undefined) for (const owner of owners) found.add(owner);
    }
  }

  #addSpellings(name: string, owner: T): void {
    this.#addWords(wordsOf(name), owner);
    const spelledOut = withUmlautsSpelledOut(name);
    if (spelledOut !== name) this.#addWords(wordsOf(spelledOut), owner);
  }

  #addWords(words: readonly string[], owner: T): void {
    this.#addKey(words.join(''), owner);
    // Lists write `von der Leyen, Ursula`: the words go round, wherever the first name ends. Numbers are not written so.
    const isTurned = !words.some((word) => /\d/.test(word));
    const firstTurn = words.length <= TURNED_WORDS_MAX ? 1 : words.length - 1;
    for (let turn = firstTurn; isTurned && turn < words.length; turn++)
      this.#addKey([...words.slice(turn), ...words.slice(0, turn)].join(''), owner);
    this.#spanWords = Math.min(SPAN_WORDS_MAX, Math.max(this.#spanWords, words.length));
  }

  #addKey(key: string, owner: T): void {
    if (key.length < NAME_LETTERS_MIN || key.length > NAME_LETTERS_MAX) return;
    let owners = this.#owners.get(key);
    if (owners === undefined) {
      this.#owners.set(key, (owners = new Set()));
      this.#countPrefix(key, 1);
    }
    owners.add(owner);
    const keys = this.#keysOf.get(owner);
    if (keys === undefined) this.#keysOf.set(owner, new Set([key]));
    else keys.add(key);
  }

  #countPrefix(key: string, change: 1 | -1): void {
    const isLong = key.length >= LONG_PREFIX_LETTERS;
    const slot = prefixSlot(firstCodesOf(key), 0, isLong ? LONG_PREFIX_LETTERS : NAME_LETTERS_MIN);
    (isLong ? this.#longPrefixes : this.#shortPrefixes).add(slot, change);
  }
}

/** How many keys begin with letters of each slot. */
class PrefixCounts {
  readonly #counts = new Uint32Array(PREFIX_SLOTS);
  // What is asked for every word is so small that it stays in the processor's cache.
  readonly #bits = new Uint8Array(PREFIX_SLOTS / 8);

  /** True when a key may begin so. */
  has(slot: number): boolean {
    return ((this.#bits[slot >> 3] as number) & (1 << (slot & 7))) !== 0;
  }

  add(slot: number, change: 1 | -1): void {
    const count = (this.#counts[slot] as number) + change;
    this.#counts[slot] = count;
    const bit = 1 << (slot & 7);
    const others = (this.#bits[slot >> 3] as number) & ~bit;
    this.#bits[slot >> 3] = count === 0 ? others : others | bit;
  }
}

/** The words of a text, folded, in memory that is used again. */
class TextWords {
  /** UTF-16 code units of the words, end to end. */
  letters = new Uint16Array(WORDS_LETTERS_MIN);
  /** Where each word ends in {@link TextWords.letters}. */
  ends = new Uint32Array(WORDS_LETTERS_MIN);
  /** Number of words. */
  count = 0;
  // So much longer than the text, it is never filled with a beginning of the text that has as many bytes as the text has units.
  #bytes: Buffer = Buffer.alloc(WORDS_LETTERS_MIN + CHARACTER_BYTES_MAX);
  // Number of bytes, and of letters, that texts were written to since the last wipe.
  #dirty = 0;

  /** Takes a text apart in place of the one before. */
  read(text: string): void {
    this.count = 0;
    if (this.letters.length < text.length) this.#grow(text.length);
    // Only ASCII has as many bytes as code units; and bytes are faster to go through than the characters of a string.
    const bytes = this.#bytes.write(text, 'utf8');
    this.#dirty = Math.max(this.#dirty, bytes);
    if (bytes === text.length) this.#readAscii(bytes);
    else this.#readWords(wordsOf(text));
  }

  /** Letters from one place to another as text. */
  textOf(start: number, end: number): string {
    return String.fromCharCode.apply(null, this.letters.subarray(start, end) as unknown as number[]);
  }

  /** Overwrites what was read. */
  wipe(): void {
    this.#bytes.fill(0, 0, this.#dirty);
    this.letters.fill(0, 0, this.#dirty);
    this.#dirty = this.count = 0;
  }

  #readAscii(length: number): void {
    const { letters, ends } = this;
    const bytes = this.#bytes;
    let at = 0;
    let count = 0;
    let wordStart = 0;
    for (let i = 0; i < length; i++) {
      const letter = FOLDED_ASCII[bytes[i] as number] as number;
      if (letter !== 0) letters[at++] = letter;
      else if (at > wordStart) {
        ends[count++] = at;
        wordStart = at;
      }
    }
    if (at > wordStart) ends[count++] = at;
    this.count = count;
  }

  #readWords(words: readonly string[]): void {
    const total = words.reduce((sum, word) => sum + word.length, 0);
    // Folding can make a text longer.
    if (this.letters.length < total) this.#grow(total);
    this.#dirty = Math.max(this.#dirty, total);
    let at = 0;
    for (const word of words) {
      for (let i = 0; i < word.length; i++) this.letters[at++] = word.charCodeAt(i);
      this.ends[this.count++] = at;
    }
  }

  #grow(letters: number): void {
    this.wipe();
    this.letters = new Uint16Array(letters * 2);
    this.ends = new Uint32Array(letters * 2);
    this.#bytes = Buffer.alloc(letters * 2 + CHARACTER_BYTES_MAX);
  }
}

/** By code of an ASCII character: the lower case of a letter or digit; 0 for what stands between words. */
const FOLDED_ASCII = Uint8Array.from({ length: ASCII_MAX + 1 }, (_, code) => {
  const letter = String.fromCharCode(code).toLowerCase();
  return /[a-z0-9]/.test(letter) ? letter.charCodeAt(0) : 0;
});

/** First letters of one key. */
const prefixCodes = new Uint16Array(LONG_PREFIX_LETTERS);

function prefixSlot(letters: Uint16Array, start: number, count: number): number {
  let slot = 0;
  for (let i = start; i < start + count; i++) slot = Math.imul(slot, 31) + (letters[i] as number);
  // The high bits of the product depend on all letters.
  return Math.imul(slot, 0x9e37_79b1) >>> (32 - PREFIX_SLOT_BITS);
}

function firstCodesOf(text: string): Uint16Array {
  for (let i = 0; i < LONG_PREFIX_LETTERS; i++) prefixCodes[i] = text.charCodeAt(i);
  return prefixCodes;
}

function wordsOf(text: string): string[] {
  // eslint-disable-next-line no-control-regex -- the range is that of ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const folded = text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[ßæøœłđðþı]/g, (letter) => FOLDED_LETTERS[letter] ?? letter);
  return folded.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** Letters that have no accent to take away, as they are written where a keyboard lacks them. */
const FOLDED_LETTERS: Readonly<Record<string, string>> = {
  ...{ ß: 'ss', æ: 'ae', ø: 'o', œ: 'oe', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ı: 'i' },
};

const UMLAUT = /[äöüåø]/gi;
const SPELLED_OUT: Readonly<Record<string, string>> = { ä: 'ae', ö: 'oe', ü: 'ue', å: 'aa', ø: 'oe' };

/** The text with `ae` for `ä` and the like; the very text where there is none. */
function withUmlautsSpelledOut(text: string): string {
  // eslint-disable-next-line no-control-regex -- the range is that of ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  const composed = text.normalize('NFC');
  UMLAUT.lastIndex = 0;
  if (!UMLAUT.test(composed)) return text;
  return composed.replace(UMLAUT, (letter) => SPELLED_OUT[letter.toLowerCase()] ?? letter);
}
