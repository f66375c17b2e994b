import { EncryptedMemory } from '@protego/enclave';

/** What plain accesses are compared with. */
export const BUFFER_PEER = 'plain Buffer, `copy` of the same bytes';
/** Bytes of a page. */
export const PAGE_BYTES = 4096;
/** Pages of the memory: 64 MiB. */
export const PAGES = 16_384;
/** Pages of plaintext in guarded memory: 1 MiB. */
export const CACHE_PAGES = 256;
/** Prime, so that every page comes once before one comes again: neither it nor its neighbours are cached by then. */
const LEAP = 5_003;

/** The page that is read in a given step when pages are visited in leaps. */
export function leapPage(step: number): number {
  return (step * LEAP) % PAGES;
}

/** The byte that fills a page at first, never zero. */
export function byteOfPage(page: number): number {
  return (page % 251) + 1;
}

/** An encrypted memory of so many pages, all written and none cached. */
export function filledMemory(pages = PAGES, cachePages = CACHE_PAGES): EncryptedMemory {
  const memory = EncryptedMemory.create({ bytes: pages * PAGE_BYTES, cachePages });
  const content = Buffer.alloc(PAGE_BYTES);
  for (let page = 0; page < pages; page++) memory.write(page * PAGE_BYTES, content.fill(byteOfPage(page)));
  memory.flush();
  return memory;
}

/** The same bytes in ordinary memory. */
export function filledBuffer(pages = PAGES): Buffer {
  const bytes = Buffer.alloc(pages * PAGE_BYTES);
  for (let page = 0; page < pages; page++) bytes.fill(byteOfPage(page), page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
  return bytes;
}

/** Refuses a measurement that did not do what it should. */
export function requireEqual(what: string, found: number, expected: number): void {
  if (found !== expected) throw new Error(`${what}: ${found}, not ${expected}`);
}

/** Nanoseconds for each of `count`. */
export function nanosecondsEach(count: number, elapsedMs: number): number {
  return (elapsedMs * 1e6) / count;
}
