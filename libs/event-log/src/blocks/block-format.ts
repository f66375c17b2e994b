import { crc32c } from '@node-rs/crc32';
import { EVENT_SUBJECTS_MAX } from '@protego/contracts';
import { HASH_BYTES } from '../tree/merkle-tree';

/** Version of the block layout that this code writes and reads. */
export const BLOCK_VERSION = 2;
/** First bytes of a block. */
export const BLOCK_MAGIC = Buffer.of(0xf5, 0x50, 0x42, 0x4b);
/** Bytes of the fixed header. */
export const BLOCK_HEADER_BYTES = 208;
/** Bytes of the header that the encryption authenticates; the checksums follow them. */
export const BLOCK_BOUND_BYTES = 200;
/** Most records of one block. */
export const BLOCK_RECORDS_MAX = 8192;
/** Most bytes at which a writer may be told to close a block; one record may carry it over that. */
export const BLOCK_BYTES_LIMIT = 16 << 20;
/** Most bytes of a raw payload: a reader refuses a header that says more before it takes memory. */
export const RAW_BYTES_MAX = BLOCK_BYTES_LIMIT + (1 << 20);
/** Most bytes of the UTF-8 form of a record's type. */
export const TYPE_BYTES_MAX = 255;
/** Most subjects of one record. */
export const RECORD_SUBJECTS_MAX = EVENT_SUBJECTS_MAX;
/** Bits of a subject filter for each subject: with eight positions about one block in 7000 is read in vain for each name. */
export const FILTER_BITS_PER_SUBJECT = 20;
/** Subjects at which a writer closes a block: 64 for each of the most records. The last record may carry it over that. */
export const BLOCK_SUBJECTS_MAX = BLOCK_RECORDS_MAX * 64;
/** Most bytes of a block's subject filter. More subjects than it has room for only make it say yes more often. */
export const FILTER_BYTES_MAX = (BLOCK_SUBJECTS_MAX * FILTER_BITS_PER_SUBJECT) / 8;
/** Bytes of an AES-256-GCM tag. */
export const TAG_BYTES = 16;
/** Bytes of an AES-256-GCM nonce: four of zero, then the session's counter. */
export const NONCE_BYTES = 12;
/** Random bytes from which a writer session's block key is derived. */
export const SESSION_SALT_BYTES = 32;
/** Random bytes at the head of each leaf: without them short bodies could be guessed from a published leaf hash. */
export const RANDOM_BYTES = 16;
/** Prefix 0x00 of RFC 6962, random bytes, three times and the length of the sealed part: what a leaf has before it. */
export const LEAF_HEAD_BYTES = 1 + RANDOM_BYTES + 3 * 8 + 4;
/** Bytes that one record takes in the columns. */
export const COLUMN_BYTES_PER_RECORD = 4 + 2 + 8 + 8;
/** Codec: the payload is stored as it is. */
export const CODEC_NONE = 0;
/** Codec: LZ4, with the raw length (u32, little-endian) before one LZ4 block. */
export const CODEC_LZ4 = 1;

const CODEC_AT = 6;
const FLAGS_AT = 7;
const FIRST_SEQ_AT = 8;
const GROUP_AT = 16;
const COUNT_AT = 24;
const RAW_BYTES_AT = 28;
const CIPHER_BYTES_AT = 32;
const FILTER_BYTES_AT = 36;
const DATA_KEY_ID_AT = 40;
const TIMES_AT = 48;
const TYPES_AT = 80;
const SALT_AT = 88;
const NONCE_AT = 120;
const PREVIOUS_AT = 132;
const ROOT_AT = 148;
const RESERVED_AT = 180;
const FILTER_CRC_AT = 196;
const CONTENT_CRC_AT = 200;
const HEADER_CRC_AT = 204;

/** Sixty-four bits, one for each class of record types ({@link typeBitOf}), as two 32-bit words. */
export interface TypesBitmap {
  readonly high: number;
  readonly low: number;
}

/** Least and greatest times of some records, milliseconds since the Unix epoch. */
export interface TimeRange {
  readonly timeMsMin: number;
  readonly timeMsMax: number;
  readonly arrivedAtMsMin: number;
  readonly arrivedAtMsMax: number;
}

/** Header of a block; `docs/reference/log-format.md` gives its bytes. */
export interface BlockHeader extends TimeRange {
  readonly codec: number;
  readonly firstSeq: number;
  /** First seq of the write that the block was part of: everything before it was durable when the write began. */
  readonly groupFirstSeq: number;
  /** Number of records. */
  readonly count: number;
  /** Bytes of the payload before compression. */
  readonly rawBytes: number;
  /** Bytes of the encrypted payload, without the tag. */
  readonly cipherBytes: number;
  /** Bytes of the subject filter; 0 when no record names a subject. */
  readonly filterBytes: number;
  readonly dataKeyId: number;
  readonly types: TypesBitmap;
  readonly sessionSalt: Buffer;
  readonly nonce: Buffer;
  /** Tag of the block before; zeros before the first of the log. */
  readonly previousTag: Buffer;
  /** RFC 6962 root of the log after this block. */
  readonly root: Buffer;
  /** CRC-32C of the subject filter alone: for a reader that passes over the block because of it, and reads nothing else. */
  readonly filterCrc: number;
  /** CRC-32C of filter, ciphertext and tag. */
  readonly contentCrc: number;
}

/** Offsets of the columns in the raw payload of a block of `count` records; the lengths start at 0. */
export interface ColumnOffsets {
  readonly type: number;
  readonly id: number;
  readonly content: number;
  /** The leaves follow the type table, and reach to the payload's end. */
  readonly typeTable: number;
}

/** Where each column starts. */
export function columnOffsets(count: number): ColumnOffsets {
  return { type: 4 * count, id: 6 * count, content: 14 * count, typeTable: 22 * count };
}

/** Bytes of a whole block on disk. */
export function blockBytesOf(header: Pick<BlockHeader, 'filterBytes' | 'cipherBytes'>): number {
  return BLOCK_HEADER_BYTES + header.filterBytes + header.cipherBytes + TAG_BYTES;
}

/** Bit of a record type in the bitmap of its block: CRC-32C of its UTF-8, modulo 64. */
export function typeBitOf(type: string): number {
  return crc32c(type) % 64;
}

/** True when the bitmap has the bit. */
export function hasTypeBit(types: TypesBitmap, bit: number): boolean {
  return ((bit < 32 ? types.low >>> bit : types.high >>> (bit - 32)) & 1) === 1;
}

/** Writes the nonce of the session's call number `counter`. */
export function writeNonce(target: Buffer, offset: number, counter: number): void {
  target.writeUInt32BE(0, offset);
  writeUint64(target, counter, offset + 4);
}

/** Writes all of the header but its checksums, which cover what is encrypted with this part of the header bound in. */
export function writeBlockHeader(target: Buffer, header: Omit<BlockHeader, 'contentCrc'>): void {
  BLOCK_MAGIC.copy(target);
  target.writeUInt16BE(BLOCK_VERSION, 4);
  target[CODEC_AT] = header.codec;
  target[FLAGS_AT] = 0;
  writeUint64(target, header.firstSeq, FIRST_SEQ_AT);
  writeUint64(target, header.groupFirstSeq, GROUP_AT);
  target.writeUInt32BE(header.count, COUNT_AT);
  target.writeUInt32BE(header.rawBytes, RAW_BYTES_AT);
  target.writeUInt32BE(header.cipherBytes, CIPHER_BYTES_AT);
  target.writeUInt32BE(header.filterBytes, FILTER_BYTES_AT);
  target.writeUInt32BE(header.dataKeyId, DATA_KEY_ID_AT);
  target.writeUInt32BE(0, DATA_KEY_ID_AT + 4);
  writeTimeRange(target, header, TIMES_AT);
  writeTypesBitmap(target, header.types, TYPES_AT);
  header.sessionSalt.copy(target, SALT_AT);
  header.nonce.copy(target, NONCE_AT);
  header.previousTag.copy(target, PREVIOUS_AT);
  header.root.copy(target, ROOT_AT);
  target.fill(0, RESERVED_AT, FILTER_CRC_AT);
  target.writeUInt32BE(header.filterCrc, FILTER_CRC_AT);
}

/** Writes the two checksums. */
export function finishBlockHeader(target: Buffer, contentCrc: number): void {
  target.writeUInt32BE(contentCrc, CONTENT_CRC_AT);
  target.writeUInt32BE(crc32c(target.subarray(0, HEADER_CRC_AT)), HEADER_CRC_AT);
}

/** CRC-32C of a subject filter; 0 when it is empty. */
export function filterCrcOf(filter: Buffer): number {
  return crc32c(filter);
}

/** CRC-32C of filter, ciphertext and tag, wherever each lies. */
export function contentCrcOf(filter: Buffer, ciphertext: Buffer, tag: Buffer): number {
  return crc32c(tag, crc32c(ciphertext, crc32c(filter)));
}

/** The header in these bytes, or why they are not one. Its buffers are copies. */
export function readBlockHeader(bytes: Buffer): BlockHeader | string {
  if (!bytes.subarray(0, BLOCK_MAGIC.length).equals(BLOCK_MAGIC)) return 'no block starts here';
  if (crc32c(bytes.subarray(0, HEADER_CRC_AT)) !== bytes.readUInt32BE(HEADER_CRC_AT)) return 'header fails its CRC';
  const isKnown = bytes.readUInt16BE(4) === BLOCK_VERSION && bytes[FLAGS_AT] === 0;
  if (!isKnown || bytes[CODEC_AT]! > CODEC_LZ4) return 'header has an unknown version';
  const header = decodeFields(bytes);
  return isConsistent(header) && isReservedZero(bytes) ? header : 'header contradicts itself';
}

/** Writes four times in the order of their names in {@link TimeRange}. */
export function writeTimeRange(target: Buffer, times: TimeRange, offset: number): void {
  target.writeDoubleBE(times.timeMsMin, offset);
  target.writeDoubleBE(times.timeMsMax, offset + 8);
  target.writeDoubleBE(times.arrivedAtMsMin, offset + 16);
  target.writeDoubleBE(times.arrivedAtMsMax, offset + 24);
}

/** Reads what {@link writeTimeRange} wrote. */
export function readTimeRange(bytes: Buffer, offset: number): TimeRange {
  return {
    timeMsMin: bytes.readDoubleBE(offset),
    timeMsMax: bytes.readDoubleBE(offset + 8),
    arrivedAtMsMin: bytes.readDoubleBE(offset + 16),
    arrivedAtMsMax: bytes.readDoubleBE(offset + 24),
  };
}

/** Writes a bitmap as a u64. */
export function writeTypesBitmap(target: Buffer, types: TypesBitmap, offset: number): void {
  target.writeUInt32BE(types.high, offset);
  target.writeUInt32BE(types.low, offset + 4);
}

/** Reads what {@link writeTypesBitmap} wrote. */
export function readTypesBitmap(bytes: Buffer, offset: number): TypesBitmap {
  return { high: bytes.readUInt32BE(offset), low: bytes.readUInt32BE(offset + 4) };
}

/** Writes a whole number below 2^53 as a u64. */
export function writeUint64(target: Buffer, value: number, offset: number): void {
  target.writeUInt32BE(Math.floor(value / 0x1_0000_0000), offset);
  target.writeUInt32BE(value % 0x1_0000_0000, offset + 4);
}

/** Reads a u64; a value above 2^53 comes out rounded, and fits no seq, size or offset. */
export function readUint64(bytes: Buffer, offset: number): number {
  return bytes.readUInt32BE(offset) * 0x1_0000_0000 + bytes.readUInt32BE(offset + 4);
}

/**
 * The header that says another range of records, and for the rest the same; what it is not consistent with is for a reader to
 * find out.
 */
export function headerWithRange(bytes: Buffer, firstSeq: number, count: number): Buffer {
  const header = Buffer.from(bytes.subarray(0, BLOCK_HEADER_BYTES));
  writeUint64(header, firstSeq, FIRST_SEQ_AT);
  header.writeUInt32BE(count, COUNT_AT);
  finishBlockHeader(header, header.readUInt32BE(CONTENT_CRC_AT));
  return header;
}

function isConsistent({ firstSeq, count, codec, rawBytes, cipherBytes, filterBytes }: BlockHeader): boolean {
  if (!Number.isSafeInteger(firstSeq + count)) return false;
  if (count < 1 || count > BLOCK_RECORDS_MAX || rawBytes > RAW_BYTES_MAX) return false;
  if (rawBytes < count * (COLUMN_BYTES_PER_RECORD + LEAF_HEAD_BYTES)) return false;
  if (filterBytes % 8 !== 0 || filterBytes > FILTER_BYTES_MAX) return false;
  return codec === CODEC_NONE ? cipherBytes === rawBytes : cipherBytes > 0 && cipherBytes < rawBytes;
}

function isReservedZero(bytes: Buffer): boolean {
  for (let at = RESERVED_AT; at < FILTER_CRC_AT; at++) if (bytes[at] !== 0) return false;
  return bytes.readUInt32BE(DATA_KEY_ID_AT + 4) === 0;
}

function decodeFields(bytes: Buffer): BlockHeader {
  return {
    codec: bytes[CODEC_AT] as number,
    firstSeq: readUint64(bytes, FIRST_SEQ_AT),
    groupFirstSeq: readUint64(bytes, GROUP_AT),
    count: bytes.readUInt32BE(COUNT_AT),
    rawBytes: bytes.readUInt32BE(RAW_BYTES_AT),
    cipherBytes: bytes.readUInt32BE(CIPHER_BYTES_AT),
    filterBytes: bytes.readUInt32BE(FILTER_BYTES_AT),
    dataKeyId: bytes.readUInt32BE(DATA_KEY_ID_AT),
    ...readTimeRange(bytes, TIMES_AT),
    types: readTypesBitmap(bytes, TYPES_AT),
    sessionSalt: copyOf(bytes, SALT_AT, SESSION_SALT_BYTES),
    nonce: copyOf(bytes, NONCE_AT, NONCE_BYTES),
    previousTag: copyOf(bytes, PREVIOUS_AT, TAG_BYTES),
    root: copyOf(bytes, ROOT_AT, HASH_BYTES),
    filterCrc: bytes.readUInt32BE(FILTER_CRC_AT),
    contentCrc: bytes.readUInt32BE(CONTENT_CRC_AT),
  };
}

function copyOf(bytes: Buffer, offset: number, length: number): Buffer {
  return Buffer.from(bytes.subarray(offset, offset + length));
}
