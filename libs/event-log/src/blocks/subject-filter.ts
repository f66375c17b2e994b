import { randomFillSync } from 'node:crypto';
import type { EncodedTexts } from '@protego/contracts';
import { SipHash } from '../siphash/siphash';
import { FILTER_BITS_PER_SUBJECT, FILTER_BYTES_MAX } from './block-format';

/** Positions that one subject sets. */
export const SUBJECT_FILTER_POSITIONS = 8;
/**
 * Random bytes at the head of a filter, which decide where it puts a subject. Many blocks name the same devices: without
 * them a subject that one such block seems to hold would seem to be in all of them.
 */
export const SUBJECT_FILTER_SALT_BYTES = 8;

const SLOTS_MIN = 1024;
/** Of the slots that may be taken. */
const LOAD_MAX = 0.5;

/**
 * Makes the subject filters of one block after the other: a Bloom filter over the distinct subjects of its records, laid
 * out as `docs/reference/log-format.md` says. Subjects are told apart by their hash, which is all that a filter keeps.
 */
export class SubjectFilterBuilder {
  private readonly hasher: SipHash;
  private readonly positions = new FilterPositions();
  /** Hashes of the block's subjects, by open addressing. */
  private lows = new Uint32Array(SLOTS_MIN);
  private highs = new Uint32Array(SLOTS_MIN);
  private taken = new Uint8Array(SLOTS_MIN);
  /** Slots that are taken. */
  private chosen = new Uint32Array(SLOTS_MIN * LOAD_MAX);
  private chosenCount = 0;

  /**
   * @param key 16 bytes, {@link LogKeys.subjectKey}
   * @throws ProtegoError `CONFIG_INVALID` when the key has another length
   */
  constructor(key: Buffer) {
    this.hasher = new SipHash(key);
  }

  /** Number of distinct subjects in the block so far. */
  get count(): number {
    return this.chosenCount;
  }

  /** Bytes of the block's filter as it stands. */
  get bytes(): number {
    return subjectFilterBytes(this.chosenCount);
  }

  /** Adds a subject of a record to the block; one that was added before changes nothing. */
  add(subject: string): void {
    const { hasher } = this;
    hasher.hash(subject);
    this.put(hasher.low, hasher.high);
  }

  /** Adds subjects of a record; {@link EncodedTexts.isWhole} must be true of them. */
  addEncoded(subjects: EncodedTexts): void {
    const { hasher } = this;
    for (let at = subjects.start; at < subjects.end; at = subjects.textEnd(at)) {
      hasher.hashBytes(subjects.bytes, subjects.textStart(at), subjects.textEnd(at));
      this.put(hasher.low, hasher.high);
    }
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

  private put(low: number, high: number): void {
    const { lows, highs, taken } = this;
    const mask = taken.length - 1;
    let slot = low & mask;
    for (; taken[slot] !== 0; slot = (slot + 1) & mask) if (lows[slot] === low && highs[slot] === high) return;
    lows[slot] = low;
    highs[slot] = high;
    taken[slot] = 1;
    this.chosen[this.chosenCount++] = slot;
    if (this.chosenCount === this.chosen.length) this.grow();
  }

  /** Doubles the room; a block's bound on its subjects bounds it. */
  private grow(): void {
    const { lows, highs, chosen } = this;
    const slots = 2 * lows.length;
    this.lows = new Uint32Array(slots);
    this.highs = new Uint32Array(slots);
    this.taken = new Uint8Array(slots);
    this.chosen = new Uint32Array(slots * LOAD_MAX);
    this.chosenCount = 0;
    for (const slot of chosen) this.put(lows[slot] as number, highs[slot] as number);
  }

  private clear(): void {
    this.taken.fill(0);
    this.chosenCount = 0;
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
    const hasher = new SipHash(key);
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
