import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { ProtegoError, messageOf } from '@protego/contracts';
import { HASH_BYTES, MerkleTree, peakCountOf } from '../tree/merkle-tree';

/** Folder of the segments in a log's directory. */
export const SEGMENT_FOLDER = 'segments';
/** Version of the segment layout that this code writes and reads. */
export const SEGMENT_VERSION = 2;

const MAGIC = Buffer.from('\xf5PTGSEG\n', 'latin1');
const FIXED_BYTES = 32;
const CRC_AT = 24;
const RESERVED_AT = 28;
const NAME = /^(\d{16})\.seg$/;

/** A segment file by its name. */
export interface SegmentFileName {
  readonly name: string;
  readonly path: string;
  readonly firstSeq: number;
}

/** File name of the segment that starts at `firstSeq`. */
export function segmentNameOf(firstSeq: number): string {
  return `${String(firstSeq).padStart(16, '0')}.seg`;
}

/**
 * The segments of a log in order; files with other names are none of them.
 *
 * @throws ProtegoError `LOG_NOT_FOUND` when the folder of segments is missing
 */
export function listSegments(directory: string): SegmentFileName[] {
  const folder = join(directory, SEGMENT_FOLDER);
  return namesIn(folder)
    .filter((name) => NAME.test(name))
    .sort()
    .map((name) => ({ name, path: join(folder, name), firstSeq: Number(name.slice(0, 16)) }));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    throw new ProtegoError('LOG_NOT_FOUND', `cannot list \`${folder}\`: ${messageOf(cause)}`, { folder }, { cause });
  }
}

/** Bytes of the header of the segment that starts at `firstSeq`. */
export function segmentHeaderBytes(firstSeq: number): number {
  return FIXED_BYTES + HASH_BYTES * peakCountOf(firstSeq);
}

/** Header of a segment: it carries the tree so far, so that a writer re-reads only the last segment when it opens. */
export function encodeSegmentHeader(firstSeq: number, peaks: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(segmentHeaderBytes(firstSeq));
  MAGIC.copy(header);
  header.writeUInt32BE(SEGMENT_VERSION, 8);
  header.writeUInt32BE(peaks.length, 12);
  header.writeBigUInt64BE(BigInt(firstSeq), 16);
  for (const [i, peak] of peaks.entries()) peak.copy(header, FIXED_BYTES + HASH_BYTES * i);
  header.writeUInt32BE(crc32c(header), CRC_AT);
  return header;
}

/** The tree at the head of the segment that is named for `firstSeq`, or why these bytes are not its header. */
export function decodeSegmentHeader(bytes: Buffer, firstSeq: number): MerkleTree | string {
  if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return 'file is not a segment';
  const unsigned = Buffer.from(bytes);
  unsigned.writeUInt32BE(0, CRC_AT);
  if (crc32c(unsigned) !== bytes.readUInt32BE(CRC_AT)) return 'segment header fails its CRC';
  if (bytes.readUInt32BE(8) !== SEGMENT_VERSION) return 'segment header has an unknown version';
  if (bytes.readUInt32BE(RESERVED_AT) !== 0) return 'segment header has a reserved field that is not zero';
  if (Number(bytes.readBigUInt64BE(16)) !== firstSeq) return 'segment header contradicts the name of the file';
  const peaks: Buffer[] = [];
  for (let at = FIXED_BYTES; at < bytes.length; at += HASH_BYTES) peaks.push(bytes.subarray(at, at + HASH_BYTES));
  if (bytes.readUInt32BE(12) !== peaks.length) return 'segment header contradicts itself';
  return MerkleTree.fromPeaks(firstSeq, peaks);
}
