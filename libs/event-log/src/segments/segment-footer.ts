import { crc32c } from '@node-rs/crc32';
import type { BlockCipher, CipherSession } from '../blocks/block-cipher';
import {
  NONCE_BYTES,
  SESSION_SALT_BYTES,
  TAG_BYTES,
  readTimeRange,
  readTypesBitmap,
  readUint64,
  writeNonce,
  type TimeRange,
  type TypesBitmap,
} from '../blocks/block-format';
import { HASH_BYTES, peakCountOf } from '../tree/merkle-tree';

/** First bytes of the footer of a finished segment. */
export const FOOTER_MAGIC = Buffer.of(0xf5, 0x50, 0x46, 0x54);
/** Last bytes of a finished segment. */
export const TRAILER_MAGIC = Buffer.from('PTGSEND\n');
/** Version of the footer's layout that this code writes and reads. */
export const FOOTER_VERSION = 2;
/** Bytes of a footer's fixed header. */
export const FOOTER_HEADER_BYTES = 192;
/** Bytes at the very end of a finished segment that say where its footer is. */
export const TRAILER_BYTES = 32;
/** Bytes of one entry of the block table. */
export const BLOCK_ENTRY_BYTES = 64;
/** Bytes of one entry of the ids section: hash of source and id, then hash of the content. */
export const IDENTITY_BYTES = 16;
/** Buckets of the ids section: one for each value of the first byte of the id's hash. */
export const ID_BUCKETS = 256;
/** Bytes of the directory of buckets: 257 offsets, in entries. */
export const ID_DIRECTORY_BYTES = (ID_BUCKETS + 1) * 4;

/** Offsets of the fields in the footer's header. */
export const FOOTER_AT = {
  blockCount: 8,
  tableBytes: 12,
  filtersBytes: 16,
  idsBytes: 20,
  firstSeq: 24,
  endSeq: 32,
  dataKeyId: 40,
  identityCount: 44,
  salt: 48,
  nonce: 80,
  peakCount: 92,
  lastTag: 96,
  root: 112,
  times: 144,
  types: 176,
  reserved: 184,
} as const;

/** Where the footer of a finished segment is; the last 32 bytes of the file say it. */
export interface SegmentTrailer {
  readonly footerOffset: number;
  /** Bytes of the whole footer, without the trailer. */
  readonly footerBytes: number;
  /** Bytes of the footer's first part, from its header to its tag: all but the ids. */
  readonly indexBytes: number;
  /** CRC-32C of the whole footer. */
  readonly footerCrc: number;
}

/** What the footer says of one block of its segment. */
export interface BlockEntry extends TimeRange {
  /** Offset in the segment's file. */
  readonly offset: number;
  /** Number of records. */
  readonly count: number;
  /** Bytes on disk, from the header to the tag. */
  readonly bytes: number;
  /** Bytes of its subject filter. */
  readonly filterBytes: number;
  readonly types: TypesBitmap;
}

/** The trailer in the last 32 bytes of a file of `fileBytes` bytes; undefined when the segment is not finished. */
export function decodeSegmentTrailer(bytes: Buffer, fileBytes: number): SegmentTrailer | undefined {
  if (bytes.length !== TRAILER_BYTES || !bytes.subarray(24).equals(TRAILER_MAGIC)) return undefined;
  const footerOffset = readUint64(bytes, 0);
  const footerBytes = readUint64(bytes, 8);
  const indexBytes = bytes.readUInt32BE(16);
  const isWithin = indexBytes >= FOOTER_HEADER_BYTES + TAG_BYTES && indexBytes <= footerBytes;
  if (!isWithin || footerOffset + footerBytes + TRAILER_BYTES !== fileBytes) return undefined;
  return { footerOffset, footerBytes, indexBytes, footerCrc: bytes.readUInt32BE(20) };
}

/** True when the bytes of a whole footer have the checksum that the trailer gives. */
export function isFooterWhole(footer: Buffer, trailer: SegmentTrailer): boolean {
  return footer.length === trailer.footerBytes && crc32c(footer) === trailer.footerCrc;
}

/** Index of a finished segment: the part of its footer before the ids, read in place. */
export class SegmentIndex implements CipherSession {
  readonly firstSeq: number;
  /** Seq after the last record. */
  readonly endSeq: number;
  readonly blockCount: number;
  /** Number of records that have an identity. */
  readonly identityCount: number;
  readonly dataKeyId: number;
  readonly sessionSalt: Buffer;
  /** Tag of the last block. */
  readonly lastTag: Buffer;
  /** RFC 6962 root of the log after the last block. */
  readonly root: Buffer;
  /** Times of the whole segment. */
  readonly times: TimeRange;
  /** Types of the whole segment. */
  readonly types: TypesBitmap;
  private readonly tableAt: number;
  private readonly filtersAt: number;
  private readonly directoryAt: number;

  private constructor(
    private readonly bytes: Buffer,
    /** Offset of the footer in the segment's file. */
    readonly footerOffset: number,
  ) {
    this.firstSeq = readUint64(bytes, FOOTER_AT.firstSeq);
    this.endSeq = readUint64(bytes, FOOTER_AT.endSeq);
    this.blockCount = bytes.readUInt32BE(FOOTER_AT.blockCount);
    this.identityCount = bytes.readUInt32BE(FOOTER_AT.identityCount);
    this.dataKeyId = bytes.readUInt32BE(FOOTER_AT.dataKeyId);
    this.sessionSalt = bytes.subarray(FOOTER_AT.salt, FOOTER_AT.salt + SESSION_SALT_BYTES);
    this.lastTag = bytes.subarray(FOOTER_AT.lastTag, FOOTER_AT.lastTag + TAG_BYTES);
    this.root = bytes.subarray(FOOTER_AT.root, FOOTER_AT.root + HASH_BYTES);
    this.times = readTimeRange(bytes, FOOTER_AT.times);
    this.types = readTypesBitmap(bytes, FOOTER_AT.types);
    this.tableAt = FOOTER_HEADER_BYTES + HASH_BYTES * bytes.readUInt32BE(FOOTER_AT.peakCount);
    this.filtersAt = this.tableAt + bytes.readUInt32BE(FOOTER_AT.tableBytes);
    this.directoryAt = this.filtersAt + bytes.readUInt32BE(FOOTER_AT.filtersBytes);
  }

  /**
   * The index in the first `indexBytes` bytes of a footer, or why they are not the index of this segment.
   *
   * @param bytes kept, not copied
   * @throws ProtegoError `LOG_KEY_MISSING`
   */
  static open(
    bytes: Buffer,
    trailer: SegmentTrailer,
    segmentFirstSeq: number,
    cipher: BlockCipher,
  ): SegmentIndex | string {
    const reason = contradictionIn(bytes, trailer, segmentFirstSeq);
    if (reason !== undefined) return reason;
    const index = new SegmentIndex(bytes, trailer.footerOffset);
    const tagAt = bytes.length - TAG_BYTES;
    const place = { segmentFirstSeq, offset: trailer.footerOffset };
    const bound = cipher.boundWith(place, bytes.subarray(0, tagAt));
    const nonce = bytes.subarray(FOOTER_AT.nonce, FOOTER_AT.nonce + NONCE_BYTES);
    const sealed = { ciphertext: Buffer.alloc(0), tag: bytes.subarray(tagAt) };
    if (cipher.open(index, nonce, bound, sealed) === undefined) return 'footer is not what the writer wrote';
    return index.contradiction() ?? index;
  }

  /** Number of records. */
  get count(): number {
    return this.endSeq - this.firstSeq;
  }

  /** The tree after the segment: roots of its complete subtrees, greatest first. */
  peaks(): Buffer[] {
    const peaks: Buffer[] = [];
    for (let at = FOOTER_HEADER_BYTES; at < this.tableAt; at += HASH_BYTES)
      peaks.push(this.bytes.subarray(at, at + HASH_BYTES));
    return peaks;
  }

  /** What is said of block `i`, from 0. */
  blockAt(i: number): BlockEntry {
    const { bytes } = this;
    const at = this.entryAt(i);
    return {
      offset: bytes.readUInt32BE(at),
      count: bytes.readUInt32BE(at + 4),
      filterBytes: bytes.readUInt32BE(at + 12),
      bytes: bytes.readUInt32BE(at + 16),
      ...readTimeRange(bytes, at + 24),
      types: readTypesBitmap(bytes, at + 56),
    };
  }

  /** Subject filter of block `i`; it shares memory with the index. */
  filterAt(i: number): Buffer {
    const at = this.filtersAt + this.bytes.readUInt32BE(this.entryAt(i) + 8);
    return this.bytes.subarray(at, at + this.bytes.readUInt32BE(this.entryAt(i) + 12));
  }

  /** Number of identities whose id hash starts with the byte `bucket`. */
  bucketCount(bucket: number): number {
    return this.identityCount === 0 ? 0 : this.bucketStart(bucket + 1) - this.bucketStart(bucket);
  }

  /** Where the encrypted bucket is in the segment's file; empty buckets are there too, except in a segment without identities. */
  bucketPlace(bucket: number): { readonly offset: number; readonly bytes: number } {
    const entries = this.identityCount === 0 ? 0 : this.bucketStart(bucket);
    const offset = this.footerOffset + this.bytes.length + entries * IDENTITY_BYTES + bucket * TAG_BYTES;
    return { offset, bytes: this.bucketCount(bucket) * IDENTITY_BYTES + TAG_BYTES };
  }

  /**
   * Entries of a bucket from its encrypted bytes, 16 bytes each in the order of their records; undefined when they are
   * not what the writer wrote.
   */
  openBucket(bucket: number, sealed: Buffer, cipher: BlockCipher): Buffer | undefined {
    const place = { segmentFirstSeq: this.firstSeq, offset: this.footerOffset };
    const nonce = Buffer.alloc(NONCE_BYTES);
    writeNonce(nonce, 0, readUint64(this.bytes, FOOTER_AT.nonce + 4) + 1 + bucket);
    const tagAt = sealed.length - TAG_BYTES;
    const parts = { ciphertext: sealed.subarray(0, tagAt), tag: sealed.subarray(tagAt) };
    return cipher.open(this, nonce, cipher.boundWith(place, bucketName(bucket)), parts);
  }

  private bucketStart(bucket: number): number {
    return this.bytes.readUInt32BE(this.directoryAt + 4 * bucket);
  }

  private entryAt(i: number): number {
    return this.tableAt + BLOCK_ENTRY_BYTES * i;
  }

  /** What the tag vouches for is what a writer wrote; this holds a wrong writer's sums away from readers. */
  private contradiction(): string | undefined {
    const { bytes, directoryAt, filtersAt } = this;
    const directoryBytes = this.identityCount === 0 ? 0 : ID_DIRECTORY_BYTES;
    if (directoryAt + directoryBytes + TAG_BYTES !== bytes.length) return 'footer contradicts itself';
    if (directoryBytes > 0 && this.bucketStart(ID_BUCKETS) !== this.identityCount) return 'directory of ids is wrong';
    let records = 0;
    for (let i = 0; i < this.blockCount; i++) {
      const { count } = this.blockAt(i);
      records += count;
      const end = bytes.readUInt32BE(this.entryAt(i) + 8) + bytes.readUInt32BE(this.entryAt(i) + 12);
      if (filtersAt + end > directoryAt) return 'filter lies outside of its section';
    }
    return records === this.count ? undefined : 'block table does not add up';
  }
}

/** Bytes that bind an encrypted bucket to its number. */
export function bucketName(bucket: number): Buffer {
  const name = Buffer.allocUnsafe(4);
  name.writeUInt32BE(bucket);
  return name;
}

function contradictionIn(bytes: Buffer, trailer: SegmentTrailer, segmentFirstSeq: number): string | undefined {
  if (bytes.length !== trailer.indexBytes || !bytes.subarray(0, 4).equals(FOOTER_MAGIC)) return 'no footer starts here';
  if (bytes.readUInt16BE(4) !== FOOTER_VERSION) return 'footer has an unknown version';
  if (readUint64(bytes, FOOTER_AT.firstSeq) !== segmentFirstSeq) return 'footer belongs to another segment';
  const endSeq = readUint64(bytes, FOOTER_AT.endSeq);
  const blockCount = bytes.readUInt32BE(FOOTER_AT.blockCount);
  const identityCount = bytes.readUInt32BE(FOOTER_AT.identityCount);
  const peaksBytes = HASH_BYTES * bytes.readUInt32BE(FOOTER_AT.peakCount);
  const tableBytes = bytes.readUInt32BE(FOOTER_AT.tableBytes);
  const directoryBytes = identityCount === 0 ? 0 : ID_DIRECTORY_BYTES;
  const idsBytes = identityCount === 0 ? 0 : identityCount * IDENTITY_BYTES + ID_BUCKETS * TAG_BYTES;
  const sections = peaksBytes + tableBytes + bytes.readUInt32BE(FOOTER_AT.filtersBytes) + directoryBytes;
  const isConsistent =
    endSeq >= segmentFirstSeq &&
    Number.isSafeInteger(endSeq) &&
    peaksBytes === HASH_BYTES * peakCountOf(endSeq) &&
    tableBytes === blockCount * BLOCK_ENTRY_BYTES &&
    bytes.readUInt32BE(FOOTER_AT.idsBytes) === directoryBytes + idsBytes &&
    trailer.footerBytes === bytes.length + idsBytes &&
    FOOTER_HEADER_BYTES + sections + TAG_BYTES === bytes.length;
  return isConsistent ? undefined : 'footer contradicts itself';
}
