import { ProtegoError } from '@protego/contracts';
import { randomBytesInto } from '../sodium';
import { CounterTree, treeBytes } from './counter-tree';
import { GuardedBytes } from './guarded-memory';
import { Blake2bNodeMac, MAC_SCRATCH_BYTES, type NodeMac } from './node-mac';
import { NOT_CACHED, PageCache } from './page-cache';
import { ChaChaPageCipher, PAGE_BYTES, type PageCipher, type PageVersion } from './page-cipher';
import { UntrustedMemory } from './untrusted-memory';

/** Most bytes of one encrypted memory. */
export const MEMORY_BYTES_MAX = 64 * 1024 ** 3;
/** Most pages of plaintext that one encrypted memory caches. */
export const CACHE_PAGES_MAX = 16_384;

const KEY_BYTES = 32;
/** Pages by which the cache grows. */
const GROWTH_PAGES = 64;
/** Below it, copying byte by byte is faster than a call. */
const CALL_BYTES_MIN = 48;
const ZERO_PAGE = Buffer.alloc(PAGE_BYTES);
const ZERO_TAG = Buffer.alloc(16);

/** What was found altered: a page or its tag, or a node of the tree that leads to it. */
export interface MemoryFault {
  readonly kind: 'page' | 'tree-node';
  /** The page that was altered, moved or rolled back; of a node, the first page below it. */
  readonly page: number;
  /** Level of the node, 0 for the lowest; absent for a page. */
  readonly level?: number;
}

/** How to make an encrypted memory. */
export interface EncryptedMemoryOptions {
  /** Size, 1 to {@link MEMORY_BYTES_MAX}; the backing store grows to it as pages are written. */
  readonly bytes: number;
  /** Most pages of plaintext in guarded memory at a time, 2 to {@link CACHE_PAGES_MAX}; that memory grows as it is needed. */
  readonly cachePages: number;
  /** Told once, after everything was wiped and before the call that found the fault throws. */
  readonly onFault?: (fault: MemoryFault) => void;
}

/** What an encrypted memory counted since it was made. */
export interface EncryptedMemoryStats {
  /** Accesses to a page that was cached. */
  readonly hits: number;
  /** Accesses to a page that was not. */
  readonly misses: number;
  /** `hits` over both; 0 before the first access. */
  readonly hitRate: number;
  /** Pages that left the cache and were zeroed there. */
  readonly evictions: number;
  /** Evicted pages that had changed and were encrypted anew. */
  readonly reEncryptions: number;
  /** 1 after a fault. */
  readonly faults: number;
  /** Pages of plaintext now. */
  readonly cachedPages: number;
}

/** The primitives of an encrypted memory, each under a key of its own. */
export interface MemoryCrypto {
  readonly pageCipher: (key: Buffer) => PageCipher;
  readonly nodeMac: (key: Buffer, scratch: Buffer) => NodeMac;
}

/** What is used unless a test plants a defect. */
export const MEMORY_CRYPTO: MemoryCrypto = {
  pageCipher: (key) => new ChaChaPageCipher(key),
  nodeMac: (key, scratch) => new Blake2bNodeMac(key, scratch),
};

/**
 * Memory addressed by byte whose backing store holds only ciphertext, after the memory encryption of SGX. Pages of 4 KiB
 * are encrypted with authentication, bound to their place and version; a tree of counters whose root stays in guarded
 * memory says which version is the right one. Keys are random and live as long as the object; they, a bounded number of
 * plaintext pages and of verified nodes are in guarded memory. `docs/reference/encrypted-memory.md` has the layout.
 *
 * A page that was altered, moved or rolled back in the backing store is found when it is read: then keys and plaintext
 * are wiped, that call throws `ENCLAVE_MEMORY_FAULT` and every later one `ENCLAVE_LOCKED`. What was never written reads
 * as zeros. Every method throws `ENCLAVE_CLOSED` after {@link close}.
 */
export class EncryptedMemory {
  /** Size in bytes. */
  readonly bytes: number;
  /** The backing store, to look at or to attack. */
  readonly backing: UntrustedMemory;
  readonly #onFault: EncryptedMemoryOptions['onFault'];
  readonly #secrets: GuardedBytes;
  readonly #plaintexts: GuardedBytes[] = [];
  readonly #cache: PageCache;
  readonly #cipher: PageCipher;
  readonly #tree: CounterTree;
  readonly #place: PageVersion = { page: 0, versionLow: 0, versionHigh: 0 };
  #state: 'open' | 'locked' | 'closed' = 'open';
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #reEncryptions = 0;
  #faults = 0;

  private constructor({ bytes, cachePages, onFault }: EncryptedMemoryOptions, crypto: MemoryCrypto) {
    const pageCount = Math.ceil(bytes / PAGE_BYTES);
    this.bytes = bytes;
    this.backing = new UntrustedMemory(pageCount);
    this.#onFault = onFault;
    const treeAt = 2 * KEY_BYTES + MAC_SCRATCH_BYTES;
    this.#cache = new PageCache(Math.min(cachePages, Math.max(2, pageCount)), pageCount);
    this.#grow();
    this.#secrets = this.#allocateSecrets(treeAt + treeBytes(this.backing));
    const secrets = this.#secrets.bytes;
    randomBytesInto(secrets.subarray(0, 2 * KEY_BYTES));
    const mac = crypto.nodeMac(secrets.subarray(KEY_BYTES, 2 * KEY_BYTES), secrets.subarray(2 * KEY_BYTES, treeAt));
    const trusted = this.#secrets.words.subarray(treeAt / 4);
    this.#tree = new CounterTree(this.backing, mac, trusted, (level, index) =>
      this.#lock({ kind: 'tree-node', page: index * 8 ** (level + 1), level }),
    );
    this.#cipher = crypto.pageCipher(secrets.subarray(0, KEY_BYTES));
  }

  /**
   * Makes an encrypted memory, all zeros, with new random keys.
   *
   * @throws ProtegoError `ENCLAVE_RANGE_INVALID` for a size out of range; `GUARDED_MEMORY_FULL` when there is not enough
   *   guarded memory for the first pages of the cache
   */
  static create(options: EncryptedMemoryOptions, crypto: MemoryCrypto = MEMORY_CRYPTO): EncryptedMemory {
    const { bytes, cachePages } = options;
    requireOption('size in bytes', bytes, 1, MEMORY_BYTES_MAX);
    requireOption('number of cached pages', cachePages, 2, CACHE_PAGES_MAX);
    return new EncryptedMemory(options, crypto);
  }

  /** Whether a fault was found; stays true. */
  get isLocked(): boolean {
    return this.#state === 'locked';
  }

  /** What was counted so far; can be asked for at any time. */
  get stats(): EncryptedMemoryStats {
    const accesses = this.#hits + this.#misses;
    return {
      hits: this.#hits,
      misses: this.#misses,
      hitRate: accesses === 0 ? 0 : this.#hits / accesses,
      evictions: this.#evictions,
      reEncryptions: this.#reEncryptions,
      faults: this.#faults,
      cachedPages: this.#state === 'open' ? this.#cache.size : 0,
    };
  }

  /**
   * Copies bytes from `offset` on into all of `target`. What is copied is guarded only when `target` is. After a fault
   * nothing of it is in `target`; what a read of several pages had copied is zeroed.
   *
   * @throws ProtegoError `ENCLAVE_RANGE_INVALID` out of range, `ENCLAVE_MEMORY_FAULT`, `ENCLAVE_LOCKED`
   */
  read(offset: number, target: Buffer): void {
    this.#requireRange(offset, target.length);
    const end = target.length;
    let page = Math.floor(offset / PAGE_BYTES);
    let from = offset - page * PAGE_BYTES;
    let to = 0;
    try {
      while (to < end) {
        const count = Math.min(PAGE_BYTES - from, end - to);
        copyBytes(this.#cache.view(this.#load(page)), from, target, to, count);
        to += count;
        page++;
        from = 0;
      }
    } catch (error) {
      target.fill(0, 0, to);
      throw error;
    }
  }

  /**
   * Copies half words, 16 bits, of one page to the place `at` of `target`, which should be guarded; faster than {@link read}.
   *
   * @param offset a multiple of 2
   * @throws ProtegoError as {@link withBytes}
   */
  readHalfWords(offset: number, count: number, target: Uint16Array, at: number): void {
    const page = this.#requireWithinPage(offset, 2 * count);
    const halfWords = this.#cache.halfWords(this.#load(page));
    const from = (offset - page * PAGE_BYTES) >>> 1;
    // No wider: until the loop is compiled, V8 keeps a number of more than 31 bits in the heap, where it stays.
    for (let i = 0; i < count; i++) target[at + i] = halfWords[from + i] as number;
  }

  /**
   * Copies all of `source` to `offset` and after. A fault may leave a part written, of a memory that is wiped by then.
   *
   * @throws ProtegoError `ENCLAVE_RANGE_INVALID` out of range, `ENCLAVE_MEMORY_FAULT`, `ENCLAVE_LOCKED`
   */
  write(offset: number, source: Buffer): void {
    this.#requireRange(offset, source.length);
    const end = source.length;
    let page = Math.floor(offset / PAGE_BYTES);
    let to = offset - page * PAGE_BYTES;
    let from = 0;
    while (from < end) {
      const count = Math.min(PAGE_BYTES - to, end - from);
      const place = this.#load(page, count === PAGE_BYTES);
      copyBytes(source, from, this.#cache.view(place), to, count);
      this.#cache.setDirty(place);
      from += count;
      page++;
      to = 0;
    }
  }

  /** Overwrites bytes of one page with zeros. @throws ProtegoError as {@link withBytes} */
  zero(offset: number, length: number): void {
    const page = this.#requireWithinPage(offset, length);
    const place = this.#load(page);
    const from = offset - page * PAGE_BYTES;
    this.#cache.view(place).fill(0, from, from + length);
    this.#cache.setDirty(place);
  }

  /**
   * Lends bytes of one page, in guarded memory and not copied, to a function, and returns what it returns. The page stays
   * until it does. The bytes must be neither changed nor kept.
   *
   * @throws ProtegoError `ENCLAVE_RANGE_INVALID` out of range, across pages, or when the function returns a promise, which
   *   would outlive the loan; `ENCLAVE_PAGES_LENT` within so many loans that no page is left; `ENCLAVE_MEMORY_FAULT`,
   *   `ENCLAVE_LOCKED`
   */
  withBytes<T>(offset: number, length: number, use: (bytes: Buffer) => T): T {
    const page = this.#requireWithinPage(offset, length);
    return this.#lend(this.#load(page), offset - page * PAGE_BYTES, length, use);
  }

  /** As {@link withBytes}, to a function that may change the bytes. @throws ProtegoError as {@link withBytes} */
  changeBytes<T>(offset: number, length: number, change: (bytes: Buffer) => T): T {
    const page = this.#requireWithinPage(offset, length);
    const place = this.#load(page);
    this.#cache.setDirty(place);
    return this.#lend(place, offset - page * PAGE_BYTES, length, change);
  }

  /**
   * Encrypts what has changed, and zeroes all cached pages and nodes: from now on everything is read from the backing
   * store.
   *
   * @throws ProtegoError `ENCLAVE_PAGES_LENT` within {@link withBytes}; `ENCLAVE_MEMORY_FAULT`, `ENCLAVE_LOCKED`
   */
  flush(): void {
    this.#requireOpen();
    if (this.#cache.isLent) throw new ProtegoError('ENCLAVE_PAGES_LENT', 'pages are lent out and cannot be flushed');
    for (let place = 0; place < this.#cache.capacity; place++) this.#evict(place);
    this.#tree.dropVerified();
  }

  /** Wipes keys and plaintext; what is in the backing store can never be read again. Does nothing the second time. */
  close(): void {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    this.#wipe();
  }

  #lend<T>(place: number, from: number, length: number, use: (bytes: Buffer) => T): T {
    this.#cache.lend(place);
    try {
      const result = use(this.#cache.view(place).subarray(from, from + length));
      if (typeof result === 'object' && result !== null && 'then' in result) {
        const message = 'bytes are lent to functions that return at once, not to asynchronous ones';
        throw new ProtegoError('ENCLAVE_RANGE_INVALID', message);
      }
      return result;
    } finally {
      this.#cache.giveBack(place);
    }
  }

  /** Place of a page in the cache, loaded and verified; or zeroed when all of it will be overwritten. */
  #load(page: number, isOverwritten = false): number {
    const cached = this.#cache.find(page);
    if (cached !== NOT_CACHED) {
      this.#hits++;
      return cached;
    }
    this.#misses++;
    if (this.#cache.isFull) this.#growIfPossible();
    const place = this.#cache.nextPlace();
    this.#evict(place);
    if (!isOverwritten && !this.#open(page, this.#cache.view(place))) this.#lock({ kind: 'page', page });
    this.#cache.put(place, page);
    return place;
  }

  /** Decrypts a page into a zeroed place. */
  #open(page: number, plaintext: Buffer): boolean {
    const { backing } = this;
    const place = this.#placeOf(page, this.#tree.versionAt(page));
    if (place.versionLow === 0 && place.versionHigh === 0) {
      if (!backing.isAllocated(page)) return true;
      return backing.ciphertext(page).equals(ZERO_PAGE) && backing.tag(page).equals(ZERO_TAG);
    }
    return this.#cipher.open(place, backing.ciphertext(page), backing.tag(page), plaintext);
  }

  #evict(place: number): void {
    const page = this.#cache.pageAt(place);
    if (page === NOT_CACHED) return;
    if (this.#cache.isDirty(place)) {
      // Allocated first: should that fail, no version is counted that was not written.
      const ciphertext = this.backing.ciphertext(page);
      const next = this.#placeOf(page, this.#tree.nextVersionAt(page));
      this.#cipher.seal(next, this.#cache.view(place), ciphertext, this.backing.tag(page));
      this.#reEncryptions++;
    }
    this.#cache.remove(place);
    this.#evictions++;
  }

  #placeOf(page: number, versionAt: number): PageVersion {
    const place = this.#place;
    place.page = page;
    place.versionLow = this.#tree.words[versionAt] as number;
    place.versionHigh = this.#tree.words[versionAt + 1] as number;
    return place;
  }

  #lock(fault: MemoryFault): never {
    this.#state = 'locked';
    this.#faults++;
    this.#wipe();
    const what = fault.kind === 'page' ? `page \`${fault.page}\`` : `the tree above page \`${fault.page}\``;
    const message = `${what} of the encrypted memory was altered, moved or rolled back; all keys are wiped`;
    let cause: unknown;
    try {
      this.#onFault?.(fault);
    } catch (thrown) {
      cause = thrown;
    }
    throw new ProtegoError('ENCLAVE_MEMORY_FAULT', message, { ...fault }, { cause });
  }

  #wipe(): void {
    for (const plaintext of this.#plaintexts) plaintext.free();
    this.#secrets.free();
  }

  #allocateSecrets(bytes: number): GuardedBytes {
    try {
      return GuardedBytes.allocate(bytes);
    } catch (error) {
      for (const plaintext of this.#plaintexts) plaintext.free();
      throw error;
    }
  }

  #grow(): void {
    const pages = Math.min(GROWTH_PAGES, this.#cache.capacityMax - this.#cache.capacity);
    const plaintext = GuardedBytes.allocate(pages * PAGE_BYTES);
    this.#plaintexts.push(plaintext);
    this.#cache.addPlaces(plaintext.bytes);
  }

  /** Where there is no guarded memory left, the cache stays as it is. */
  #growIfPossible(): void {
    if (this.#cache.capacity === this.#cache.capacityMax) return;
    try {
      this.#grow();
    } catch (error) {
      if (!(error instanceof ProtegoError) || error.code !== 'GUARDED_MEMORY_FULL') throw error;
      this.#cache.stopGrowing();
    }
  }

  #requireOpen(): void {
    if (this.#state === 'open') return;
    if (this.#state === 'closed') throw new ProtegoError('ENCLAVE_CLOSED', 'the encrypted memory was closed');
    throw new ProtegoError('ENCLAVE_LOCKED', 'the encrypted memory was altered and is locked');
  }

  #requireRange(offset: number, length: number): void {
    if (this.#state !== 'open') this.#requireOpen();
    if (Number.isSafeInteger(offset) && offset >= 0 && length >= 0 && offset + length <= this.bytes) return;
    const message = `\`${length}\` bytes from \`${offset}\` on are not within the \`${this.bytes}\` bytes of the memory`;
    throw new ProtegoError('ENCLAVE_RANGE_INVALID', message, { offset, length, bytes: this.bytes });
  }

  #requireWithinPage(offset: number, length: number): number {
    this.#requireRange(offset, length);
    const page = Math.floor(offset / PAGE_BYTES);
    if (Number.isSafeInteger(length) && length > 0 && offset + length <= (page + 1) * PAGE_BYTES) return page;
    const message = `\`${length}\` bytes from \`${offset}\` on do not lie within one page of \`${PAGE_BYTES}\` bytes`;
    throw new ProtegoError('ENCLAVE_RANGE_INVALID', message, { offset, length, pageBytes: PAGE_BYTES });
  }
}

function copyBytes(source: Buffer, from: number, target: Buffer, to: number, count: number): void {
  if (count >= CALL_BYTES_MIN) {
    source.copy(target, to, from, from + count);
    return;
  }
  for (let i = 0; i < count; i++) target[to + i] = source[from + i] as number;
}

function requireOption(name: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new ProtegoError('ENCLAVE_RANGE_INVALID', `the ${name} must be \`${min}\` to \`${max}\`, not \`${value}\``, {
    value,
    min,
    max,
  });
}
