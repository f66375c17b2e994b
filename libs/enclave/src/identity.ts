import { type IdentityForm } from '@protego/contracts';
import { type KeyOwner, type TokenClass } from './key-owner';
import { blake2b } from './sodium';

export { type TokenClass } from './key-owner';

/** A value as it is compared, and the token that stands for it. */
export interface Identity {
  readonly text: string;
  readonly token: string;
  /** Who had the token's key when the key ring was last asked; it may be current no more. */
  owner: KeyOwner | undefined;
}

const TOKEN_BYTES = 16;
const TEXT_BYTES_MAX = 1 << 18;
const MARKS_KEPT_MAX = 30;
const LONG_MARK_RUN = /(\p{M}{30})\p{M}+/gu;
/** Values whose tokens are kept; when it is full, it starts over. */
const CACHE_ENTRIES_MAX = 65_536;

/** True for text that reads as a placeholder of ours. */
export function looksLikePlaceholder(text: string): boolean {
  return text.charCodeAt(0) === 126 && /^~[sptk]\./.test(text);
}

/**
 * An identity as it is compared: composed (NFC), lower case, white space trimmed and as one space; an account without its
 * domain (`DOMAIN\name`, `name@domain`).
 */
export function normaliseIdentity(value: string, form: IdentityForm): string {
  const text = withoutLongMarkRuns(value).normalize('NFC').trim().replace(/\s+/g, ' ').toLowerCase();
  if (form === 'plain') return text;
  const account = text.slice(text.lastIndexOf('\\') + 1);
  const at = account.indexOf('@');
  // What has nothing but a domain is left as it is.
  return (at > 0 ? account.slice(0, at) : account) || text;
}

/** Normalising takes a time that grows with the square of a run of marks: 30 are kept, as in Stream-Safe text (UAX #15). */
function withoutLongMarkRuns(value: string): string {
  return value.length <= MARKS_KEPT_MAX ? value : value.replace(LONG_MARK_RUN, '$1');
}

/**
 * Makes tokens: `~s.` or `~p.` and keyed BLAKE2b-128 (RFC 7693) of class, NUL and the normalised value, in base64url. Equal
 * persons have equal tokens; without the key nobody can tell a person from a token.
 */
export class Tokeniser {
  readonly #key: Buffer;
  readonly #digest = Buffer.alloc(TOKEN_BYTES);
  /** By value, for each class and form. */
  readonly #caches = Object.fromEntries(
    ['s', 'p', 'm'].map((each) => [each, { plain: new Map<string, Identity>(), account: new Map<string, Identity>() }]),
  ) as Record<TokenClass, Record<IdentityForm, Map<string, Identity>>>;
  #cached = 0;
  #scratch: Buffer = Buffer.alloc(1024);

  /** @param key 32 bytes in guarded memory; not copied */
  constructor(key: Buffer) {
    this.#key = key;
  }

  /** Identity of a value; its text is empty where the value holds nothing but white space. */
  identify(tokenClass: TokenClass, value: string, form: IdentityForm): Identity {
    const cache = this.#caches[tokenClass][form];
    const known = cache.get(value);
    if (known !== undefined) return known;
    if (this.#cached >= CACHE_ENTRIES_MAX) this.#forgetValues();
    const text = normaliseIdentity(value, form);
    const identity = { text, token: this.tokenOf(tokenClass, text), owner: undefined };
    cache.set(value, identity);
    this.#cached++;
    return identity;
  }

  /** Token of a normalised value. */
  tokenOf(tokenClass: TokenClass, text: string): string {
    if (this.#scratch.length < text.length * 3 + 2)
      this.#scratch = Buffer.alloc(Math.min(text.length * 6, TEXT_BYTES_MAX));
    const bytes = this.#scratch.write(`${tokenClass}\0${text}`, 'utf8');
    blake2b(this.#digest, this.#scratch.subarray(0, bytes), this.#key);
    return `~${tokenClass}.${this.#digest.toString('base64url')}`;
  }

  /** Forgets the values it has seen, not the key: their tokens stay the same. */
  forget(): void {
    this.#forgetValues();
    this.#scratch.fill(0);
  }

  #forgetValues(): void {
    for (const { plain, account } of Object.values(this.#caches)) {
      plain.clear();
      account.clear();
    }
    this.#cached = 0;
  }
}
