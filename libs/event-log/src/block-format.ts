import { crc32c } from '@node-rs/crc32';
import { HASH_BYTES } from './merkle-tree';

/** Version of the block layout that this code writes and reads. */
export const BLOCK_VERSION = 1;
/** First bytes of a block. 0xF5 never occurs in UTF-8, so no body can hold them. */
export const BLOCK_MAGIC = Buffer.of(0xf5, 0x50, 0x42, 0x4b);
/** Bytes of the fixed header. */
export const BLOCK_HEADER_BYTES = 112;
/** Most records of one block. */
export const BLOCK_RECORDS_MAX = 8192;
/** Most bytes of the UTF-8 form of a record's type. */
export const TYPE_BYTES_MAX = 255;
/** Random bytes at the head of each leaf: without them short bodies could be guessed from a published leaf hash. */
export const RANDOM_BYTES = 16;
/** Bytes that one record takes in the columns. */
export const COLUMN_BYTES_PER_RECORD = RANDOM_BYTES + 3 * 8 + 4 + 4 + 2;

const FIRST_SEQ_AT = 8;
const GROUP_AT = 16;
const COUNT_AT = 24;
const PAYLOAD_BYTES_AT = 28;
const TYPE_TABLE_BYTES_AT = 32;
const BODY_BYTES_AT = 36;
const TIMES_AT = 40;
const ROOT_AT = 72;
const PAYLOAD_CRC_AT = 104;
const HEADER_CRC_AT = 108;

/** Header of a block; `docs/reference/log-format.md` gives its bytes. */
export interface BlockHeader {
  readonly firstSeq: number;
  /** First seq of the write that the block was part of: everything before it was durable when the write began. */
  readonly groupFirstSeq: number;
  /** Number of records. */
  readonly count: number;
  readonly payloadBytes: number;
  readonly typeTableBytes: number;
  readonly bodyBytes: number;
  readonly timeMsMin: number;
  readonly timeMsMax: number;
  readonly arrivedAtMsMin: number;
  readonly arrivedAtMsMax: number;
  /** RFC 6962 root of the log after this block. */
  readonly root: Buffer;
  readonly payloadCrc: number;
}

/** Offsets of the columns in the payload of a block of `count` records. */
export interface ColumnOffsets {
  readonly timeMs: number;
  readonly arrivedAtMs: number;
  readonly recordedAtMs: number;
  readonly leafCheck: number;
  readonly length: number;
  readonly type: number;
  readonly typeTable: number;
}

/** Where each column starts; the random bytes start at 0. */
export function columnOffsets(count: number): ColumnOffsets {
  const timeMs = count * RANDOM_BYTES;
  const leafCheck = timeMs + count * 24;
  return {
    timeMs,
    arrivedAtMs: timeMs + count * 8,
    recordedAtMs: timeMs + count * 16,
    leafCheck,
    length: leafCheck + count * 4,
    type: leafCheck + count * 8,
    typeTable: leafCheck + count * 10,
  };
}

/** Writes all of the header but its group and its CRC, which are known only when the block is written to disk. */
export function writeBlockHeader(target: Buffer, header: Omit<BlockHeader, 'groupFirstSeq'>): void {
  BLOCK_MAGIC.copy(target);
  target.writeUInt16BE(BLOCK_VERSION, 4);
  target.writeUInt16BE(0, 6);
  target.writeBigUInt64BE(BigInt(header.firstSeq), FIRST_SEQ_AT);
  target.writeUInt32BE(header.count, COUNT_AT);
  target.writeUInt32BE(header.payloadBytes, PAYLOAD_BYTES_AT);
  target.writeUInt32BE(header.typeTableBytes, TYPE_TABLE_BYTES_AT);
  target.writeUInt32BE(header.bodyBytes, BODY_BYTES_AT);
  target.writeDoubleBE(header.timeMsMin, TIMES_AT);
  target.writeDoubleBE(header.timeMsMax, TIMES_AT + 8);
  target.writeDoubleBE(header.arrivedAtMsMin, TIMES_AT + 16);
  target.writeDoubleBE(header.arrivedAtMsMax, TIMES_AT + 24);
  header.root.copy(target, ROOT_AT);
  target.writeUInt32BE(header.payloadCrc, PAYLOAD_CRC_AT);
}

/** Writes the group and, last of all, the CRC of the header. */
export function finishBlockHeader(target: Buffer, groupFirstSeq: number): void {
  target.writeBigUInt64BE(BigInt(groupFirstSeq), GROUP_AT);
  target.writeUInt32BE(crc32c(target.subarray(0, HEADER_CRC_AT)), HEADER_CRC_AT);
}

/** The header in these bytes, or why they are not one. */
export function readBlockHeader(bytes: Buffer): BlockHeader | string {
  if (!bytes.subarray(0, BLOCK_MAGIC.length).equals(BLOCK_MAGIC)) return 'no block starts here';
  if (crc32c(bytes.subarray(0, HEADER_CRC_AT)) !== bytes.readUInt32BE(HEADER_CRC_AT)) return 'header fails its CRC';
  if (bytes.readUInt16BE(4) !== BLOCK_VERSION || bytes.readUInt16BE(6) !== 0) return 'header has an unknown version';
  const header = decodeFields(bytes);
  const columnBytes = header.count * COLUMN_BYTES_PER_RECORD;
  const isConsistent = header.payloadBytes === columnBytes + header.typeTableBytes + header.bodyBytes;
  if (!isConsistent || header.count < 1 || header.count > BLOCK_RECORDS_MAX) return 'header contradicts itself';
  return header;
}

function decodeFields(bytes: Buffer): BlockHeader {
  return {
    firstSeq: Number(bytes.readBigUInt64BE(FIRST_SEQ_AT)),
    groupFirstSeq: Number(bytes.readBigUInt64BE(GROUP_AT)),
    count: bytes.readUInt32BE(COUNT_AT),
    payloadBytes: bytes.readUInt32BE(PAYLOAD_BYTES_AT),
    typeTableBytes: bytes.readUInt32BE(TYPE_TABLE_BYTES_AT),
    bodyBytes: bytes.readUInt32BE(BODY_BYTES_AT),
    timeMsMin: bytes.readDoubleBE(TIMES_AT),
    timeMsMax: bytes.readDoubleBE(TIMES_AT + 8),
    arrivedAtMsMin: bytes.readDoubleBE(TIMES_AT + 16),
    arrivedAtMsMax: bytes.readDoubleBE(TIMES_AT + 24),
    root: Buffer.from(bytes.subarray(ROOT_AT, ROOT_AT + HASH_BYTES)),
    payloadCrc: bytes.readUInt32BE(PAYLOAD_CRC_AT),
  };
}
