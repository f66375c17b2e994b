import { textForms } from './text-forms';
import { ALL_SPELLED_OUT, TextWords } from './text-words';

// Bound once: where code runs in a context of its own (`node:vm`), every look at a global costs as much as hashing a word.
const { imul } = Math;
const SPAN_WORDS_MIN = 4;
const SPAN_WORDS_MAX = 12;
const NAME_LETTERS_MIN = 3;
const NAME_LETTERS_MAX = 152;
/** Names of more words are looked for in the order in which they stand, and with the last word first. */
const TURNED_WORDS_MAX = 6;
/** Of names with so many umlauts each is looked for in both spellings, of others all in the same. */
const MIXED_UMLAUTS_MAX = 3;
/** Keys of fewer letters than this are told by their first three letters, longer ones by as many as this. */
const LONG_PREFIX_LETTERS = 6;
const PREFIX_SLOT_BITS = 18;
const KEY_SLOT_BITS = 20;

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
  readonly #shortPrefixes = new SlotCounts(PREFIX_SLOT_BITS);
  readonly #longPrefixes = new SlotCounts(PREFIX_SLOT_BITS);
  readonly #wholeKeys = new SlotCounts(KEY_SLOT_BITS);
  readonly #words = new TextWords();
  #spanWords = SPAN_WORDS_MIN;
  /** By slot, a name that the text of the search in hand was found to have: to look it up again and again would take long. */
  readonly #seen = new Map<number, string>();
  /** Owners who were told of: there may be thousands of one name. */
  readonly #told = new Set<ReadonlySet<T>>();

  /** Number of names that are looked for. */
  get size(): number {
    return this.#owners.size;
  }

  /** Adds a name of an owner. Of an account or address with a domain, the part before or after it counts as well. */
  add(name: string, owner: T): void {
    for (const form of writtenForms(name)) for (const words of spellingsOf(form)) this.#addWords(words, owner);
  }

  /** Owners of a name, however it is written, with a domain or without. */
  named(name: string): T[] {
    const keys = writtenForms(name).flatMap((form) => spellingsOf(form).map((words) => words.join('')));
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

  /** Adds to `found` the owners of all names in a text. @param together as of {@link textForms} */
  search(text: string, found: Set<T>, together = 1): void {
    if (this.#owners.size === 0) return;
    for (const form of textForms(text, together)) {
      this.#words.read(form);
      this.#searchWords(found);
      if (this.#words.umlauts === 0) continue;
      this.#words.read(form, ALL_SPELLED_OUT);
      this.#searchWords(found);
    }
    this.#words.wipe();
    if (this.#seen.size === 0) return;
    this.#seen.clear();
    this.#told.clear();
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

  /** Looks up every run of words that begins with this one, as it stands and without digits behind its last word. */
  #searchFrom(word: number, start: number, found: Set<T>): void {
    const { letters: codes, ends, count } = this.#words;
    const to = Math.min(count, word + this.#spanWords);
    let hash = 0;
    let hashed = start;
    for (let at = word; at < to; at++) {
      const end = ends[at] as number;
      if (end - start > NAME_LETTERS_MAX) return;
      const bare = withoutDigits(codes, hashed, end);
      while (hashed < bare) hash = imul(hash, 31) + (codes[hashed++] as number);
      if (bare < end) this.#lookUp(hash, start, bare, found);
      while (hashed < end) hash = imul(hash, 31) + (codes[hashed++] as number);
      this.#lookUp(hash, start, end, found);
    }
  }

  #lookUp(hash: number, start: number, end: number, found: Set<T>): void {
    // To make a text of the letters takes far longer.
    if (end - start < NAME_LETTERS_MIN) return;
    const slot = slotOf(hash, KEY_SLOT_BITS);
    if (!this.#wholeKeys.has(slot)) return;
    const seen = this.#seen.get(slot);
    if (seen !== undefined && this.#words.hasAt(start, end, seen)) return;
    const key = this.#words.textOf(start, end);
    const owners = this.#owners.get(key);
    if (owners === undefined) return;
    this.#seen.set(slot, key);
    if (this.#told.has(owners)) return;
    this.#told.add(owners);
    for (const owner of owners) found.add(owner);
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
    let hash = 0;
    for (let i = 0; i < key.length; i++) hash = imul(hash, 31) + key.charCodeAt(i);
    this.#wholeKeys.add(slotOf(hash, KEY_SLOT_BITS), change);
  }
}

/** How many keys, or beginnings of keys, have each slot. */
class SlotCounts {
  readonly #counts: Uint32Array;
  // What is asked for every word is so small that it stays in the processor's cache.
  readonly #bits: Uint8Array;

  constructor(slotBits: number) {
    this.#counts = new Uint32Array(1 << slotBits);
    this.#bits = new Uint8Array((1 << slotBits) / 8);
  }

  /** True when there may be such a key. */
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

/** First letters of one key. */
const prefixCodes = new Uint16Array(LONG_PREFIX_LETTERS);

function prefixSlot(letters: Uint16Array, start: number, count: number): number {
  let slot = 0;
  for (let i = start; i < start + count; i++) slot = imul(slot, 31) + (letters[i] as number);
  return slotOf(slot, PREFIX_SLOT_BITS);
}

function slotOf(hash: number, bits: number): number {
  // The high bits of the product depend on all letters.
  return imul(hash, 0x9e37_79b1) >>> (32 - bits);
}

function firstCodesOf(text: string): Uint16Array {
  for (let i = 0; i < LONG_PREFIX_LETTERS; i++) prefixCodes[i] = text.charCodeAt(i);
  return prefixCodes;
}

const nameWords = new TextWords();

/** The words of a name, with each of a few umlauts spelled either way: `Jurgen Mueller` is `Jürgen Müller`. */
function spellingsOf(name: string): string[][] {
  nameWords.read(name);
  const { umlauts } = nameWords;
  const spellings = [nameWords.toStrings()];
  const masks = umlauts === 0 ? 0 : umlauts <= MIXED_UMLAUTS_MAX ? (1 << umlauts) - 1 : 1;
  for (let mask = 1; mask <= masks; mask++) {
    nameWords.read(name, umlauts <= MIXED_UMLAUTS_MAX ? mask : ALL_SPELLED_OUT);
    spellings.push(nameWords.toStrings());
  }
  nameWords.wipe();
  return spellings;
}

/** Where a word ends without the digits behind it, as in `Keller2`; of a number, where it ends. */
function withoutDigits(codes: Uint16Array, start: number, end: number): number {
  let at = end;
  while (at > start && isDigit(codes[at - 1] as number)) at--;
  return at === start ? end : at;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

/** The name, and the account in it, and that without what stands after `@`. */
function writtenForms(name: string): string[] {
  const account = name.slice(name.lastIndexOf('\\') + 1);
  const at = account.indexOf('@');
  return at > 0 ? [name, account.slice(0, at)] : account === name ? [name] : [name, account];
}
