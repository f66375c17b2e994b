import type { SeededRandom } from './seeded-random';

/** What a cache writes to a disk as a whole, unless a crash tears it. */
export const PAGE_BYTES = 4096;
/** What a disk writes as a whole even then. */
export const SECTOR_BYTES = 512;

const ZERO_PAGE = Buffer.alloc(PAGE_BYTES);

interface CachedPage {
  /** Contents that the disk may hold; the first is the one of the last sync. */
  readonly held: readonly Buffer[];
  /** False when the cache believes that the disk has what it has. */
  readonly isDirty: boolean;
}

/** What the disk may hold if it got no further than one truncation. */
interface Epoch {
  readonly pages: Map<number, CachedPage>;
  /** Sizes that the disk may hold; the first is the one of the last sync. */
  sizes: number[];
}

/**
 * A file as the cache has it, and all that a disk may hold of it. Between two syncs a page may be on the disk in any of
 * the contents it had, each page on its own, torn between sectors when the power goes; the size may be any it had. A
 * truncation is a step of the file system's journal: what was written after it is there only if it is.
 */
export class DiskFile {
  #cache: Buffer;
  #bytes: number;
  #epochs: Epoch[];

  /** A file that the disk holds with this content. */
  constructor(content: Uint8Array) {
    this.#cache = Buffer.from(content);
    this.#bytes = content.length;
    const pages = new Map<number, CachedPage>();
    for (let page = 0; page * PAGE_BYTES < content.length; page++) {
      pages.set(page, { held: [this.#page(page)], isDirty: false });
    }
    this.#epochs = [{ pages, sizes: [content.length] }];
  }

  /** Size in the cache. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes that the disk has to keep room for. */
  get roomBytes(): number {
    return Math.ceil(this.#bytes / PAGE_BYTES) * PAGE_BYTES;
  }

  /** Content in the cache, which every reader sees. */
  content(): Buffer {
    return this.#cache.subarray(0, this.#bytes);
  }

  /** Writes into the cache; a gap before `position` reads as zeros. */
  write(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    const end = position + bytes.length;
    this.#reserve(end);
    this.#cache.set(bytes, position);
    const epoch = this.#lastEpoch();
    if (end > this.#bytes) {
      this.#bytes = end;
      epoch.sizes.push(end);
    }
    for (let page = Math.floor(position / PAGE_BYTES); page * PAGE_BYTES < end; page++) {
      const held = epoch.pages.get(page)?.held ?? [ZERO_PAGE];
      epoch.pages.set(page, { held: [...held, this.#page(page)], isDirty: true });
    }
  }

  /** Cuts the cached file, or lengthens it with zeros. */
  truncate(bytes: number): void {
    const { pages, sizes } = this.#lastEpoch();
    this.#reserve(bytes);
    this.#cache.fill(0, bytes);
    this.#bytes = bytes;
    const kept = new Map<number, CachedPage>();
    for (const [page, cached] of pages) {
      const room = bytes - page * PAGE_BYTES;
      if (room > 0) kept.set(page, { ...cached, held: cached.held.map((content) => cutPage(content, room)) });
    }
    this.#epochs.push({ pages: kept, sizes: [...sizes.map((size) => Math.min(size, bytes)), bytes] });
  }

  /** The disk holds what the cache has, except pages that a failed sync gave up. */
  sync(): void {
    const { pages } = this.#lastEpoch();
    for (const [page, { held, isDirty }] of pages) {
      pages.set(page, { held: [isDirty ? this.#page(page) : (held[0] ?? ZERO_PAGE)], isDirty: false });
    }
    this.#epochs = [{ pages, sizes: [this.#bytes] }];
  }

  /** A sync that failed: some dirty pages reach the disk, the others never will, and the cache takes all for clean. */
  failSync(random: SeededRandom): void {
    const { pages, sizes } = this.#lastEpoch();
    for (const [page, { held, isDirty }] of pages) {
      if (isDirty) pages.set(page, { held: [random.pick(held)], isDirty: false });
    }
    this.#epochs = [{ pages, sizes }];
  }

  /** What the disk holds when the power goes now. */
  afterPowerCut(random: SeededRandom): Buffer {
    const { pages, sizes } = random.pick(this.#epochs);
    const content = Buffer.alloc(random.pick(sizes));
    // One crash loses all that was dirty, another nothing, most something.
    const keepsNewest = random.pick([0, 0.1, 0.5, 0.9, 1]);
    for (const [page, { held }] of [...pages].sort(([a], [b]) => a - b)) {
      const at = page * PAGE_BYTES;
      if (at < content.length) heldPage(held, keepsNewest, random).copy(content, at);
    }
    return content;
  }

  #lastEpoch(): Epoch {
    return this.#epochs.at(-1) as Epoch;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#cache.length) return;
    const larger = Buffer.alloc(Math.max(bytes, this.#cache.length * 2, PAGE_BYTES));
    larger.set(this.content());
    this.#cache = larger;
  }

  #page(page: number): Buffer {
    const content = Buffer.alloc(PAGE_BYTES);
    content.set(this.#cache.subarray(page * PAGE_BYTES, Math.min((page + 1) * PAGE_BYTES, this.#bytes)));
    return content;
  }
}

function heldPage(held: readonly Buffer[], keepsNewest: number, random: SeededRandom): Buffer {
  const [first = ZERO_PAGE] = held;
  if (held.length < 2) return first;
  const one = random.chance(keepsNewest) ? (held.at(-1) ?? first) : random.pick(held.slice(0, -1));
  if (!random.chance(0.25)) return one;
  const other = random.pick(held);
  const torn = Buffer.from(one);
  for (let at = 0; at < PAGE_BYTES; at += SECTOR_BYTES) {
    if (random.chance(0.5)) other.copy(torn, at, at, at + SECTOR_BYTES);
  }
  return torn;
}

function cutPage(content: Buffer, bytes: number): Buffer {
  if (bytes >= PAGE_BYTES) return content;
  return Buffer.from(content).fill(0, bytes);
}
