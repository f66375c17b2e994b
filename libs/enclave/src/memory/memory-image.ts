import { createHash } from 'node:crypto';
import type { EncryptedMemoryStats } from './encrypted-memory';
import { PAGE_BYTES } from './page-cipher';
import type { UntrustedMemory } from './untrusted-memory';

/** Pages, and bytes of each, of an excerpt. */
const EXCERPT_PAGES = 4;
const EXCERPT_BYTES = 32;

/** The beginning of a page as it lies in the backing store. */
export interface PageExcerpt {
  readonly page: number;
  /** First bytes of the ciphertext, hex. */
  readonly ciphertext: string;
  /** Hex. */
  readonly tag: string;
}

/** An encrypted memory as somebody sees it who can read all of its backing store, and what it counted. */
export interface MemoryImage extends EncryptedMemoryStats {
  /** Pages whose ciphertext is in the backing store. */
  readonly storedPages: number;
  readonly pageBytes: number;
  /** SHA-256 of their ciphertexts, one after the other, hex: it differs after every change. */
  readonly sha256: string;
  /** The first of them. */
  readonly excerpt: readonly PageExcerpt[];
}

/** What the backing store of an encrypted memory shows; nothing of it needs a key. */
export function memoryImageOf(stats: EncryptedMemoryStats, backing: UntrustedMemory): MemoryImage {
  const digest = createHash('sha256');
  const excerpt: PageExcerpt[] = [];
  let storedPages = 0;
  for (let page = 0; page < backing.pageCount; page++) {
    // Memory is allocated for many pages at a time; one that was never encrypted has no tag.
    if (!backing.isAllocated(page) || backing.tag(page).every((byte) => byte === 0)) continue;
    storedPages++;
    const ciphertext = backing.ciphertext(page);
    digest.update(ciphertext);
    if (excerpt.length === EXCERPT_PAGES) continue;
    const beginning = ciphertext.toString('hex', 0, EXCERPT_BYTES);
    excerpt.push({ page, ciphertext: beginning, tag: backing.tag(page).toString('hex') });
  }
  return { ...stats, storedPages, pageBytes: PAGE_BYTES, sha256: digest.digest('hex'), excerpt };
}
