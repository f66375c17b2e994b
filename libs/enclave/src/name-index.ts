const SPAN_WORDS_MIN = 4;
const SPAN_WORDS_MAX = 12;
const NAME_LETTERS_MIN = 3;
const NAME_LETTERS_MAX = 152;
const DECODINGS_MAX = 2;
const PREFIX_BITS = 16;

/**
 * Finds names in text. A name is its words run together, without case, accents and what stands between them: so `jane.doe`,
 * `Jane Doe`, `JANE%20DOE`, `jane+doe`, `janedoe` and `Doe, Jane` are one name. Names of fewer than three letters and digits
 * are left out. A part of a word is no name.
 */
export class NameIndex<T> {
  readonly #owners = new Map<string, Set<T>>();
  readonly #keysOf = new Map<T, Set<string>>();
  // A text has many words and few names: three letters decide at once for nearly all.
  readonly #prefixes = new Uint32Array(1 << PREFIX_BITS);
  #spanWords = SPAN_WORDS_MIN;

  /** Number of names that are looked for. */
  get size(): number {
    return this.#owners.size;
  }

  /** Adds a name of an owner. Of an account or address with a domain, the part before or after it counts as well. */
  add(name: string, owner: T): void {
    this.#addWords(wordsOf(name), owner);
    const account = name.slice(name.lastIndexOf('\\') + 1);
    const at = account.indexOf('@');
    const local = at > 0 ? account.slice(0, at) : account;
    if (local !== name) this.#addWords(wordsOf(local), owner);
  }

  /** Drops all names of an owner. */
  remove(owner: T): void {
    for (const key of this.#keysOf.get(owner) ?? []) {
      const owners = this.#owners.get(key);
      owners?.delete(owner);
      if (owners?.size === 0) {
        this.#owners.delete(key);
        const slot = prefixSlot(key);
        this.#prefixes[slot] = (this.#prefixes[slot] ?? 1) - 1;
      }
    }
    this.#keysOf.delete(owner);
  }

  /** Adds to `found` the owners of all names in a text. */
  search(text: string, found: Set<T>): void {
    if (this.#owners.size === 0) return;
    let form = text;
    for (let decodings = 0; ; decodings++) {
      this.#searchWords(wordsOf(form), found);
      if (decodings === DECODINGS_MAX || !form.includes('%')) return;
      const decoded = percentDecode(form);
      if (decoded === form) return;
      form = decoded;
    }
  }

  #searchWords(words: readonly string[], found: Set<T>): void {
    for (let from = 0; from < words.length; from++) {
      let span = '';
      const to = Math.min(words.length, from + this.#spanWords);
      for (let at = from; at < to && span.length < NAME_LETTERS_MAX; at++) {
        span += words[at] ?? '';
        if (span.length < NAME_LETTERS_MIN) continue;
        if (this.#prefixes[prefixSlot(span)] === 0) break;
        const owners = this.#owners.get(span);
        if (owners !== undefined) for (const owner of owners) found.add(owner);
      }
    }
  }

  #addWords(words: readonly string[], owner: T): void {
    this.#addKey(words.join(''), owner);
    const last = words.at(-1) ?? '';
    if (words.length > 1) this.#addKey(last + words.slice(0, -1).join(''), owner);
    this.#spanWords = Math.min(SPAN_WORDS_MAX, Math.max(this.#spanWords, words.length));
  }

  #addKey(key: string, owner: T): void {
    if (key.length < NAME_LETTERS_MIN || key.length > NAME_LETTERS_MAX) return;
    let owners = this.#owners.get(key);
    if (owners === undefined) {
      this.#owners.set(key, (owners = new Set()));
      const slot = prefixSlot(key);
      this.#prefixes[slot] = (this.#prefixes[slot] ?? 0) + 1;
    }
    owners.add(owner);
    const keys = this.#keysOf.get(owner);
    if (keys === undefined) this.#keysOf.set(owner, new Set([key]));
    else keys.add(key);
  }
}

function prefixSlot(key: string): number {
  const letters = (key.charCodeAt(0) * 961 + key.charCodeAt(1) * 31 + key.charCodeAt(2)) >>> 0;
  return letters & ((1 << PREFIX_BITS) - 1);
}

function wordsOf(text: string): string[] {
  // eslint-disable-next-line no-control-regex -- the range is that of ASCII
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const folded = text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase();
  return folded.match(/[\p{L}\p{N}]+/gu) ?? [];
}

function percentDecode(text: string): string {
  return text.replace(/(?:%[0-9a-fA-F]{2})+/g, (codes) =>
    Buffer.from(codes.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}
