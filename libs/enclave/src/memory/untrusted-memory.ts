import { COUNTER_WORDS, NODE_CHILDREN, NODE_WORDS } from './node-mac';
import { PAGE_BYTES, PAGE_TAG_BYTES } from './page-cipher';

/** Pages that are allocated at a time. */
const CHUNK_PAGES = 64;
const CHUNK_TAGS_AT = CHUNK_PAGES * PAGE_BYTES;
const CHUNK_BYTES = CHUNK_TAGS_AT + CHUNK_PAGES * PAGE_TAG_BYTES;

/**
 * Backing store of encrypted memory: ciphertexts, their tags and the nodes of the tree, in ordinary memory. Nothing in it
 * is trusted, and whoever likes may look at it and change it: that is found when it is next read.
 */
export class UntrustedMemory {
  /** Pages that fit. */
  readonly pageCount: number;
  /**
   * Levels of the tree, the one that counts versions of pages first; each node is {@link NODE_WORDS} words. The level
   * above the last is the root, which is not here.
   */
  readonly levels: readonly Uint32Array[];
  readonly #chunks: (Buffer | undefined)[];
  #allocatedBytes = 0;

  constructor(pageCount: number) {
    this.pageCount = pageCount;
    const levels: Uint32Array[] = [];
    let children = pageCount;
    while (children > NODE_CHILDREN) {
      children = Math.ceil(children / NODE_CHILDREN);
      // Zeroed by the kernel: what is never touched takes no memory.
      levels.push(new Uint32Array(children * NODE_WORDS));
    }
    this.levels = levels;
    this.#chunks = new Array<Buffer | undefined>(Math.ceil(pageCount / CHUNK_PAGES)).fill(undefined);
  }

  /** Bytes of ciphertexts and tags that are allocated; they grow as pages are written. */
  get allocatedBytes(): number {
    return this.#allocatedBytes;
  }

  /** Whether there is memory for the page: without it, the page was never written. */
  isAllocated(page: number): boolean {
    return this.#chunks[Math.trunc(page / CHUNK_PAGES)] !== undefined;
  }

  /** Ciphertext of a page, 4,096 bytes; allocates them. */
  ciphertext(page: number): Buffer {
    const at = (page % CHUNK_PAGES) * PAGE_BYTES;
    return this.#chunkOf(page).subarray(at, at + PAGE_BYTES);
  }

  /** Tag of a page, 16 bytes; allocates them. */
  tag(page: number): Buffer {
    const at = CHUNK_TAGS_AT + (page % CHUNK_PAGES) * PAGE_TAG_BYTES;
    return this.#chunkOf(page).subarray(at, at + PAGE_TAG_BYTES);
  }

  /** A node as it is stored, 80 bytes: eight counters of 64 bits, then the MAC. */
  node(level: number, index: number): Buffer {
    const words = this.levels[level] as Uint32Array;
    return Buffer.from(words.buffer, words.byteOffset + index * NODE_WORDS * 4, NODE_WORDS * 4);
  }

  /** MAC of a node, 16 bytes. */
  nodeMac(level: number, index: number): Buffer {
    return this.node(level, index).subarray(COUNTER_WORDS * 4);
  }

  /** Number of nodes of a level. */
  nodeCount(level: number): number {
    return (this.levels[level] as Uint32Array).length / NODE_WORDS;
  }

  #chunkOf(page: number): Buffer {
    const chunk = Math.trunc(page / CHUNK_PAGES);
    const found = this.#chunks[chunk];
    if (found !== undefined) return found;
    this.#allocatedBytes += CHUNK_BYTES;
    return (this.#chunks[chunk] = Buffer.alloc(CHUNK_BYTES));
  }
}
