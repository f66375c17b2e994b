import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { PAGE_BYTES, nanosecondsEach, requireEqual } from './memory-under-test';

const PAGES = 64;

interface SealedPage {
  readonly nonce: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** AES-256-GCM of single pages with `node:crypto`, and nothing else: no versions, no tree, no cache. */
export class BarePages {
  readonly #key = randomBytes(32);
  readonly #plaintext = randomBytes(PAGE_BYTES);
  readonly #pages: readonly SealedPage[] = Array.from({ length: PAGES }, () => this.#seal());

  /** Nanoseconds to decrypt and verify a page, mean over `count`. */
  open(count: number): number {
    const startMs = performance.now();
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += this.#open(this.#pages[i % PAGES] as SealedPage).length;
    const elapsedMs = performance.now() - startMs;
    requireEqual('bytes of bare pages', bytes, count * PAGE_BYTES);
    return nanosecondsEach(count, elapsedMs);
  }

  /** Nanoseconds to encrypt one page and to decrypt and verify another, mean over `count`. */
  sealAndOpen(count: number): number {
    const startMs = performance.now();
    let bytes = 0;
    for (let i = 0; i < count; i++)
      bytes += this.#seal().ciphertext.length + this.#open(this.#pages[i % PAGES] as SealedPage).length;
    const elapsedMs = performance.now() - startMs;
    requireEqual('bytes of bare pages', bytes, 2 * count * PAGE_BYTES);
    return nanosecondsEach(count, elapsedMs);
  }

  #seal(): SealedPage {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    const ciphertext = cipher.update(this.#plaintext);
    cipher.final();
    return { nonce, ciphertext, tag: cipher.getAuthTag() };
  }

  #open({ nonce, ciphertext, tag }: SealedPage): Buffer {
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: 16 });
    decipher.setAuthTag(tag);
    const plaintext = decipher.update(ciphertext);
    decipher.final();
    return plaintext;
  }
}
