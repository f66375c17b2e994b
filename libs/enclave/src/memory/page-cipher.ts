import { TAG_BYTES, decryptAeadDetached, encryptAeadDetached } from '../sodium';

/** Bytes of a page. */
export const PAGE_BYTES = 4096;
/** Bytes of the tag of a page. */
export const PAGE_TAG_BYTES = TAG_BYTES;

/** Encrypts pages with authentication, bound to their place and version. */
export interface PageCipher {
  /** Encrypts a page. A pair of place and version must be given once in the life of a key. */
  seal(place: PageVersion, plaintext: Buffer, ciphertext: Buffer, tag: Buffer): void;
  /** Decrypts a page; false, with nothing of it in `plaintext`, when the tag does not fit. */
  open(place: PageVersion, ciphertext: Buffer, tag: Buffer, plaintext: Buffer): boolean;
}

/** Which page, and which of all that ever stood there. */
export interface PageVersion {
  /** Number of the page, 32 bits. */
  page: number;
  /** Lower 32 bits of the version. */
  versionLow: number;
  /** Upper 32 bits of the version. */
  versionHigh: number;
}

/**
 * ChaCha20-Poly1305 (RFC 8439) with the number of the page and its version as the nonce of 96 bits, little-endian, which
 * binds both. It writes straight to and from the buffers given, so that plaintext is nowhere but in guarded memory.
 */
export class ChaChaPageCipher implements PageCipher {
  readonly #key: Buffer;
  readonly #nonce = Buffer.alloc(12);
  readonly #nonceWords = new Uint32Array(this.#nonce.buffer, this.#nonce.byteOffset, 3);

  /** @param key 32 bytes in guarded memory, used for nothing else; not copied */
  constructor(key: Buffer) {
    this.#key = key;
  }

  seal(place: PageVersion, plaintext: Buffer, ciphertext: Buffer, tag: Buffer): void {
    this.#setNonce(place);
    encryptAeadDetached(ciphertext, tag, plaintext, null, null, this.#nonce, this.#key);
  }

  open(place: PageVersion, ciphertext: Buffer, tag: Buffer, plaintext: Buffer): boolean {
    this.#setNonce(place);
    try {
      decryptAeadDetached(plaintext, null, ciphertext, tag, null, this.#nonce, this.#key);
      return true;
    } catch {
      // Whatever the reason is, the page cannot be trusted.
      return false;
    }
  }

  #setNonce({ page, versionLow, versionHigh }: PageVersion): void {
    this.#nonceWords[0] = page;
    this.#nonceWords[1] = versionLow;
    this.#nonceWords[2] = versionHigh;
  }
}
