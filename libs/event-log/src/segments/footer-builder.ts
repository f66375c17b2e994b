import { crc32c } from '@node-rs/crc32';
import type { BlockCipher, CipherSession } from '../blocks/block-cipher';
import {
  NONCE_BYTES,
  TAG_BYTES,
  blockBytesOf,
  writeNonce,
  writeTimeRange,
  writeTypesBitmap,
  writeUint64,
  type BlockHeader,
  type TimeRange,
} from '../blocks/block-format';
import { HASH_BYTES } from '../tree/merkle-tree';
import {
  BLOCK_ENTRY_BYTES,
  FOOTER_AT,
  FOOTER_HEADER_BYTES,
  FOOTER_MAGIC,
  FOOTER_VERSION,
  IDENTITY_BYTES,
  ID_BUCKETS,
  ID_DIRECTORY_BYTES,
  TRAILER_BYTES,
  TRAILER_MAGIC,
  bucketName,
} from './segment-footer';

/** 32-bit words of one identity: idHigh, idLow, contentHigh, contentLow. */
const WORDS = 4;

/** What the footer keeps of a block's header. */
export type IndexedHeader = TimeRange & Pick<BlockHeader, 'count' | 'filterBytes' | 'cipherBytes' | 'types'>;

/** State of the log at the end of a segment. */
export interface SegmentEnd {
  readonly firstSeq: number;
  readonly endSeq: number;
  /** Offset of the footer: where the last block ends. */
  readonly offset: number;
  readonly lastTag: Buffer;
  readonly root: Buffer;
  readonly peaks: readonly Buffer[];
}

/** Nonces that one footer takes: its own, and one for each bucket. */
export const FOOTER_NONCES = 1 + ID_BUCKETS;

/** Gathers what the footer of the segment that is being written will say. */
export class FooterBuilder {
  private blockCount = 0;
  private table = Buffer.alloc(256 * BLOCK_ENTRY_BYTES);
  private filters: Buffer[] = [];
  private filtersBytes = 0;
  private identities = new Uint32Array(1024 * WORDS);
  private identityWords = 0;
  private times = { timeMsMin: Infinity, timeMsMax: -Infinity, arrivedAtMsMin: Infinity, arrivedAtMsMax: -Infinity };
  private typesHigh = 0;
  private typesLow = 0;

  /** Number of blocks so far. */
  get blocks(): number {
    return this.blockCount;
  }

  /**
   * Takes the next block of the segment.
   *
   * @param filter kept, not copied
   * @param identities of its records that have one, four words each, in order
   */
  addBlock(header: IndexedHeader, offset: number, filter: Buffer, identities: Uint32Array): void {
    const at = this.blockCount++ * BLOCK_ENTRY_BYTES;
    if (at === this.table.length) this.table = Buffer.concat([this.table, Buffer.alloc(at)]);
    const { table } = this;
    table.writeUInt32BE(offset, at);
    table.writeUInt32BE(header.count, at + 4);
    table.writeUInt32BE(this.filtersBytes, at + 8);
    table.writeUInt32BE(header.filterBytes, at + 12);
    table.writeUInt32BE(blockBytesOf(header), at + 16);
    table.writeUInt32BE(0, at + 20);
    writeTimeRange(table, header, at + 24);
    writeTypesBitmap(table, header.types, at + 56);
    this.widen(header);
    if (filter.length > 0) this.filters.push(filter);
    this.filtersBytes += filter.length;
    this.addIdentities(identities);
  }

  /** The footer and the trailer, end to end; takes {@link FOOTER_NONCES} nonces from `nonceCounter` on. */
  encode(end: SegmentEnd, session: CipherSession, nonceCounter: number, cipher: BlockCipher): Buffer {
    const identityCount = this.identityWords / WORDS;
    const hasIds = identityCount > 0;
    const peaksBytes = HASH_BYTES * end.peaks.length;
    const tableBytes = this.blockCount * BLOCK_ENTRY_BYTES;
    const directoryBytes = hasIds ? ID_DIRECTORY_BYTES : 0;
    const sectionsBytes = peaksBytes + tableBytes + this.filtersBytes + directoryBytes;
    const indexBytes = FOOTER_HEADER_BYTES + sectionsBytes + TAG_BYTES;
    const idsBytes = hasIds ? identityCount * IDENTITY_BYTES + ID_BUCKETS * TAG_BYTES : 0;
    const bytes = Buffer.alloc(indexBytes + idsBytes + TRAILER_BYTES);
    this.writeHeader(bytes, end, session, directoryBytes + idsBytes);
    writeNonce(bytes, FOOTER_AT.nonce, nonceCounter);
    let at = FOOTER_HEADER_BYTES;
    for (const peak of end.peaks) at += peak.copy(bytes, at);
    at += this.table.copy(bytes, at, 0, tableBytes);
    for (const filter of this.filters) at += filter.copy(bytes, at);
    const place = { segmentFirstSeq: end.firstSeq, offset: end.offset };
    if (hasIds) {
      const { starts, sorted } = this.sortedIdentities();
      for (let bucket = 0; bucket <= ID_BUCKETS; bucket++)
        bytes.writeUInt32BE(starts[bucket] as number, at + 4 * bucket);
      at += ID_DIRECTORY_BYTES;
      this.sealBuckets(bytes, indexBytes, starts, sorted, (bucket, plain) => {
        const bound = cipher.boundWith(place, bucketName(bucket));
        return cipher.seal(session, nonceOf(nonceCounter + 1 + bucket), bound, plain);
      });
    }
    const bound = cipher.boundWith(place, bytes.subarray(0, at));
    cipher.seal(session, nonceOf(nonceCounter), bound, Buffer.alloc(0)).tag.copy(bytes, at);
    writeTrailer(bytes, end.offset, indexBytes);
    return bytes;
  }

  /** Forgets all blocks: the next segment begins. */
  clear(): void {
    this.blockCount = 0;
    this.filters = [];
    this.filtersBytes = 0;
    this.identityWords = 0;
    this.times = { timeMsMin: Infinity, timeMsMax: -Infinity, arrivedAtMsMin: Infinity, arrivedAtMsMax: -Infinity };
    this.typesHigh = this.typesLow = 0;
  }

  private widen(header: IndexedHeader): void {
    const { times } = this;
    times.timeMsMin = Math.min(times.timeMsMin, header.timeMsMin);
    times.timeMsMax = Math.max(times.timeMsMax, header.timeMsMax);
    times.arrivedAtMsMin = Math.min(times.arrivedAtMsMin, header.arrivedAtMsMin);
    times.arrivedAtMsMax = Math.max(times.arrivedAtMsMax, header.arrivedAtMsMax);
    this.typesHigh = (this.typesHigh | header.types.high) >>> 0;
    this.typesLow = (this.typesLow | header.types.low) >>> 0;
  }

  private addIdentities(added: Uint32Array): void {
    const words = this.identityWords + added.length;
    if (words > this.identities.length) {
      const wider = new Uint32Array(Math.max(words, 2 * this.identities.length));
      wider.set(this.identities);
      this.identities = wider;
    }
    this.identities.set(added, this.identityWords);
    this.identityWords = words;
  }

  /** Identities by the first byte of the id's hash, in the order of their records, as big-endian bytes. */
  private sortedIdentities(): { starts: Uint32Array; sorted: Buffer } {
    const { identities, identityWords } = this;
    const starts = new Uint32Array(ID_BUCKETS + 1);
    for (let at = 0; at < identityWords; at += WORDS) starts[((identities[at] as number) >>> 24) + 1]!++;
    for (let bucket = 0; bucket < ID_BUCKETS; bucket++) starts[bucket + 1]! += starts[bucket] as number;
    const next = starts.slice();
    const words = new Uint32Array(identityWords);
    for (let at = 0; at < identityWords; at += WORDS) {
      const to = WORDS * next[(identities[at] as number) >>> 24]!++;
      for (let word = 0; word < WORDS; word++) words[to + word] = identities[at + word] as number;
    }
    return { starts, sorted: Buffer.from(words.buffer).swap32() };
  }

  private sealBuckets(
    target: Buffer,
    offset: number,
    starts: Uint32Array,
    sorted: Buffer,
    seal: (bucket: number, plain: Buffer) => { ciphertext: Buffer; tag: Buffer },
  ): void {
    let at = offset;
    for (let bucket = 0; bucket < ID_BUCKETS; bucket++) {
      const from = (starts[bucket] as number) * IDENTITY_BYTES;
      const { ciphertext, tag } = seal(bucket, sorted.subarray(from, (starts[bucket + 1] as number) * IDENTITY_BYTES));
      at += ciphertext.copy(target, at);
      at += tag.copy(target, at);
    }
  }

  private writeHeader(bytes: Buffer, end: SegmentEnd, session: CipherSession, idsBytes: number): void {
    FOOTER_MAGIC.copy(bytes);
    bytes.writeUInt16BE(FOOTER_VERSION, 4);
    bytes.writeUInt32BE(this.blockCount, FOOTER_AT.blockCount);
    bytes.writeUInt32BE(this.blockCount * BLOCK_ENTRY_BYTES, FOOTER_AT.tableBytes);
    bytes.writeUInt32BE(this.filtersBytes, FOOTER_AT.filtersBytes);
    bytes.writeUInt32BE(idsBytes, FOOTER_AT.idsBytes);
    writeUint64(bytes, end.firstSeq, FOOTER_AT.firstSeq);
    writeUint64(bytes, end.endSeq, FOOTER_AT.endSeq);
    bytes.writeUInt32BE(session.dataKeyId, FOOTER_AT.dataKeyId);
    bytes.writeUInt32BE(this.identityWords / WORDS, FOOTER_AT.identityCount);
    session.sessionSalt.copy(bytes, FOOTER_AT.salt);
    bytes.writeUInt32BE(end.peaks.length, FOOTER_AT.peakCount);
    end.lastTag.copy(bytes, FOOTER_AT.lastTag);
    end.root.copy(bytes, FOOTER_AT.root);
    writeTimeRange(bytes, this.times, FOOTER_AT.times);
    writeTypesBitmap(bytes, { high: this.typesHigh, low: this.typesLow }, FOOTER_AT.types);
  }
}

function writeTrailer(bytes: Buffer, footerOffset: number, indexBytes: number): void {
  const at = bytes.length - TRAILER_BYTES;
  writeUint64(bytes, footerOffset, at);
  writeUint64(bytes, at, at + 8);
  bytes.writeUInt32BE(indexBytes, at + 16);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, at)), at + 20);
  TRAILER_MAGIC.copy(bytes, at + 24);
}

function nonceOf(counter: number): Buffer {
  const nonce = Buffer.allocUnsafe(NONCE_BYTES);
  writeNonce(nonce, 0, counter);
  return nonce;
}
