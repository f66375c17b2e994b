import { randomFillSync } from 'node:crypto';
import { crypto_shorthash, crypto_shorthash_BYTES, crypto_shorthash_KEYBYTES } from 'sodium-native';
import { ProtegoError } from '@protego/contracts';
import { FILTER_BITS_PER_SUBJECT, FILTER_BYTES_MAX } from './block-format';

/** Positions that one subject sets. */
export const SUBJECT_FILTER_POSITIONS = 8;
/**
 * Random bytes at the head of a filter, which decide where it puts a subject. Many blocks name the same devices: without
 * them a subject that one such block seems to hold would seem to be in all of them.
 */
export const SUBJECT_FILTER_SALT_BYTES = 8;

/** Subjects whose hashes are kept from block to block. */
const KNOWN_MAX = 65_536;
/** Longer texts are hashed through a buffer of their own. */
const SCRATCH_BYTES = 1024;

/**
 * SipHash-2-4 (libsodium's `crypto_shorthash`) of subjects in UTF-8. The result stands in `low` and `high` until the next
 * call: a block has thousands of subjects, and an object each would cost more than the hash.
 */
class SubjectHasher {
  low = 0;
  high = 0;
  private readonly output = Buffer.alloc(crypto_shorthash_BYTES);
  private readonly scratch = Buffer.alloc(SCRATCH_BYTES);

  constructor(private readonly key: Buffer) {
    if (key.length === crypto_shorthash_KEYBYTES) return;
    const message = `a key for subject filters has ${crypto_shorthash_KEYBYTES} bytes, not ${key.length}`;
    throw new ProtegoError('CONFIG_INVALID', message, { bytes: key.length });
  }

  hash(subject: string): void {
    const { output, scratch } = this;
    const isShort = subject.length * 3 <= scratch.length;
    const input = isShort ? scratch.subarray(0, scratch.write(subject, 'utf8')) : Buffer.from(subject, 'utf8');
    crypto_shorthash(output, input, this.key);
    this.low = output.readUInt32LE(0);
    this.high = output.readUInt32LE(4);
  }
}

/**
 * Makes the subject filters of one block after the other: a Bloom filter over the distinct subjects of its records, laid
 * out as `docs/reference/log-format.md` says.
 */
export class SubjectFilterBuilder {
  private readonly hasher: SubjectHasher;
  private readonly positions = new FilterPositions();
  /** Subject → slot in the columns below. */
  private readonly slots = new Map<string, number>();
  private lows = new Uint32Array(1024);
  private highs = new Uint32Array(1024);
  /** Number of the block that the subject was last added in. */
  private blocks = new Uint32Array(1024);
  private block = 1;
  /** Slots of this block's subjects. */
  private chosen = new Uint32Array(1024);
  private chosenCount = 0;
  private evictedCount = 0;

  /**
   * @param key 16 bytes, {@link LogKeys.subjectKey}
   * @throws ProtegoError `CONFIG_INVALID` when the key has another length
   */
  constructor(key: Buffer) {
    this.hasher = new SubjectHasher(key);
  }

  /** Number of distinct subjects in the block so far. */
  get count(): number {
    return this.chosenCount;
  }

  /** Bytes of the block's filter as it stands. */
  get bytes(): number {
    return subjectFilterBytes(this.chosenCount);
  }

  /** Number of hashes that were dropped from memory to stay within its bound. */
  get evictions(): number {
    return this.evictedCount;
  }

  /** Adds a subject of a record to the block; one that was added before changes nothing. */
  add(subject: string): void {
    const slot = this.slots.get(subject) ?? this.learn(subject);
    if (this.blocks[slot] === this.block) return;
    this.blocks[slot] = this.block;
    if (this.chosenCount === this.chosen.length) this.chosen = grown(this.chosen);
    this.chosen[this.chosenCount++] = slot;
  }

  /** Writes the filter at `offset` of `target` over whatever stands there, and starts the next block; returns its bytes. */
  writeInto(target: Buffer, offset: number): number {
    const { bytes, chosenCount, chosen, lows, highs, positions } = this;
    if (chosenCount > 0) {
      randomFillSync(target, offset, SUBJECT_FILTER_SALT_BYTES);
      target.fill(0, offset + SUBJECT_FILTER_SALT_BYTES, offset + bytes);
      positions.enter(target, offset, bytes);
      for (let i = 0; i < chosenCount; i++) {
        const slot = chosen[i] as number;
        positions.set(lows[slot] as number, highs[slot] as number);
      }
    }
    this.clear();
    return bytes;
  }

  /** The filter in a buffer of its own; starts the next block. Empty when no record named a subject. */
  take(): Buffer {
    const filter = Buffer.allocUnsafeSlow(this.bytes);
    this.writeInto(filter, 0);
    return filter;
  }

  private learn(subject: string): number {
    const slot = this.slots.size;
    if (slot === this.lows.length) {
      this.lows = grown(this.lows);
      this.highs = grown(this.highs);
      this.blocks = grown(this.blocks);
    }
    this.hasher.hash(subject);
    this.lows[slot] = this.hasher.low;
    this.highs[slot] = this.hasher.high;
    this.blocks[slot] = 0;
    this.slots.set(subject, slot);
    return slot;
  }

  private clear(): void {
    this.chosenCount = 0;
    this.block++;
    // Only between blocks, where no slot is in use: the map holds at most one block's subjects over the bound.
    if (this.slots.size <= KNOWN_MAX) return;
    this.evictedCount += this.slots.size;
    this.slots.clear();
  }
}

/** Bytes of a filter over `count` distinct subjects, its salt included: a multiple of 8 up to a bound, 0 for none. */
export function subjectFilterBytes(count: number): number {
  if (count === 0) return 0;
  const bytes = SUBJECT_FILTER_SALT_BYTES + Math.ceil((count * FILTER_BITS_PER_SUBJECT) / 64) * 8;
  return Math.min(bytes, FILTER_BYTES_MAX);
}

/** Asks filters whether they may hold one of some subjects. */
export class SubjectProbe {
  private readonly lows: Uint32Array;
  private readonly highs: Uint32Array;
  private readonly positions = new FilterPositions();

  /**
   * @param key 16 bytes, {@link LogKeys.subjectKey}
   * @throws ProtegoError `CONFIG_INVALID` when the key has another length
   */
  constructor(subjects: readonly string[], key: Buffer) {
    const hasher = new SubjectHasher(key);
    this.lows = new Uint32Array(subjects.length);
    this.highs = new Uint32Array(subjects.length);
    for (const [i, subject] of subjects.entries()) {
      hasher.hash(subject);
      this.lows[i] = hasher.low;
      this.highs[i] = hasher.high;
    }
  }

  /** False only when the filter holds none of the subjects. */
  mayMatch(filter: Buffer): boolean {
    if (filter.length <= SUBJECT_FILTER_SALT_BYTES) return false;
    this.positions.enter(filter, 0, filter.length);
    for (let i = 0; i < this.lows.length; i++)
      if (this.positions.has(this.lows[i] as number, this.highs[i] as number)) return true;
    return false;
  }
}

/** Sets and asks the positions of hashed subjects in one filter after the other. */
class FilterPositions {
  private bytes: Buffer = Buffer.alloc(0);
  private at = 0;
  private bits = 1;
  private saltLow = 0;
  private saltHigh = 0;

  /** Goes to the filter `bytes[offset, offset + length)`, whose salt is written. */
  enter(bytes: Buffer, offset: number, length: number): void {
    this.bytes = bytes;
    this.at = offset + SUBJECT_FILTER_SALT_BYTES;
    this.bits = (length - SUBJECT_FILTER_SALT_BYTES) * 8;
    this.saltHigh = bytes.readUInt32BE(offset);
    this.saltLow = bytes.readUInt32BE(offset + 4);
  }

  set(low: number, high: number): void {
    const { bytes, at, bits } = this;
    const step = this.stepOf(high);
    for (let i = 0, bit = this.firstOf(low); i < SUBJECT_FILTER_POSITIONS; i++) {
      bytes[at + (bit >>> 3)]! |= 1 << (bit & 7);
      bit += step;
      if (bit >= bits) bit -= bits;
    }
  }

  has(low: number, high: number): boolean {
    const { bytes, at, bits } = this;
    const step = this.stepOf(high);
    for (let i = 0, bit = this.firstOf(low); i < SUBJECT_FILTER_POSITIONS; i++) {
      if (((bytes[at + (bit >>> 3)] as number) & (1 << (bit & 7))) === 0) return false;
      bit += step;
      if (bit >= bits) bit -= bits;
    }
    return true;
  }

  // Position i is (mixed low + i * (mixed high | 1)) mod bits. First and step are below the bits: one subtraction is enough.
  private firstOf(low: number): number {
    return mix32(low ^ this.saltLow) % this.bits;
  }

  private stepOf(high: number): number {
    return ((mix32(high ^ this.saltHigh) | 1) >>> 0) % this.bits;
  }
}

/** The finalizer of MurmurHash3 (32 bits): every bit of the result depends on every bit of the word. */
function mix32(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function grown(column: Uint32Array): Uint32Array<ArrayBuffer> {
  const wider = new Uint32Array(column.length * 2);
  wider.set(column);
  return wider;
}
