import { ProtegoError } from '@protego/contracts';

/** A key sets one bit in each of these words: 32 bytes, which lie in one cache line. */
const WORDS_PER_BLOCK = 8;
/** 64 bytes: what a processor's cache takes from the memory at once. */
const WORDS_PER_LINE = 16;
/** Values of a hash's first byte. */
const BUCKETS = 256;
/** All of a hash's high word but its first byte. */
const LOW_BITS = 0x00ff_ffff;
/** Many keys are so many that there is one for this number of blocks at least. */
const KEYS_WORTH_FETCHING = 16;
/** Odd multipliers that make the eight bit numbers of a key from one word (split block Bloom filter, Apache Parquet). */
const MULTIPLIERS = Int32Array.of(
  0x47b6137b,
  0x44974d91,
  0x8824ad5b,
  0xa2b7289d,
  0x705495c7,
  0x2df1424b,
  0x9efc4947,
  0x5c6bfb31,
);

/**
 * Split block Bloom filter over 64-bit hashes. The high word of a hash chooses the block by its upper bits, so that keys
 * that come in the order of those bits, as the buckets of a segment do, stay in the processor's cache.
 */
export class DedupeFilter {
  private readonly words: Uint32Array;
  private readonly blockShift: number;
  private held = 0;
  private fetched = 0;

  /**
   * A filter of `bytes` bytes, a power of two of at least 1,024.
   *
   * @throws ProtegoError `CONFIG_INVALID`
   */
  constructor(bytes: number) {
    const blocks = bytes / (WORDS_PER_BLOCK * 4);
    if (!(bytes >= 1024) || !Number.isInteger(Math.log2(bytes))) {
      throw new ProtegoError('CONFIG_INVALID', 'a filter takes a power of two of bytes, at least 1,024');
    }
    this.words = new Uint32Array(bytes / 4);
    this.blockShift = 32 - Math.log2(blocks);
  }

  /** Number of keys added. */
  get size(): number {
    return this.held;
  }

  /** Bytes of memory. */
  get bytes(): number {
    return this.words.byteLength;
  }

  /** Adds the key (high, low), two unsigned 32-bit words of a hash. */
  add(high: number, low: number): void {
    const { words } = this;
    const at = (high >>> this.blockShift) * WORDS_PER_BLOCK;
    // Indexed, not iterated: this loop runs for every id when an index is opened.
    for (let i = 0; i < WORDS_PER_BLOCK; i++) words[at + i]! |= 1 << (Math.imul(low, MULTIPLIERS[i]!) >>> 27);
    this.held++;
  }

  /**
   * Adds many keys whose hashes start with the same byte.
   *
   * @param words the key is the first two of every `stride` words
   */
  addBucket(words: Uint32Array, stride: number): void {
    const keys = words.length / stride;
    if (keys * KEYS_WORTH_FETCHING >= this.words.length / WORDS_PER_BLOCK / BUCKETS) this.fetch(words[0] as number);
    for (let at = 0; at < words.length; at += stride) this.add(words[at] as number, words[at + 1] as number);
  }

  /** False when the key was never added. */
  mightHold(high: number, low: number): boolean {
    const { words } = this;
    const at = (high >>> this.blockShift) * WORDS_PER_BLOCK;
    for (let i = 0; i < WORDS_PER_BLOCK; i++) {
      if ((words[at + i]! & (1 << (Math.imul(low, MULTIPLIERS[i]!) >>> 27))) === 0) return false;
    }
    return true;
  }

  /**
   * Reads the part of the filter where keys with the first byte of `high` go. Read in order it comes into the processor's
   * cache at the speed of the memory; left to the keys, which go there in no order, each would wait for its own line.
   */
  private fetch(high: number): void {
    const { words, blockShift } = this;
    const end = ((high | LOW_BITS) >>> blockShift) * WORDS_PER_BLOCK;
    let bits = 0;
    for (let at = ((high & ~LOW_BITS) >>> blockShift) * WORDS_PER_BLOCK; at <= end; at += WORDS_PER_LINE)
      bits |= words[at] as number;
    // Kept, so that no compiler takes the reading for useless.
    this.fetched = bits;
  }
}
