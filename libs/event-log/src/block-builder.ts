import { randomFillSync } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import {
  BLOCK_HEADER_BYTES,
  BLOCK_RECORDS_MAX,
  COLUMN_BYTES_PER_RECORD,
  RANDOM_BYTES,
  columnOffsets,
  writeBlockHeader,
} from './block-format';
import { LeafHasher } from './leaf-hasher';
import { RECORD_BYTES_MAX, type LogRecordInput } from './log-record';
import { HASH_BYTES, type MerkleTree } from './merkle-tree';

/** A block that is ready to be written; its header still lacks the group, which is known only at the write. */
export interface SealedBlock {
  /** Header and payload. */
  readonly bytes: Buffer;
  readonly firstSeq: number;
  /** Seq after the last record. */
  readonly endSeq: number;
  /** RFC 6962 root of the log after the block. */
  readonly root: Buffer;
  /** Bytes of bodies and columns. */
  readonly recordBytes: number;
}

/** Collects records and encodes them as one block. The column buffers are kept and serve the next block. */
export class BlockBuilder {
  private count = 0;
  private bodyBytes = 0;
  private typeTableBytes = 0;
  private readonly randoms = Buffer.allocUnsafeSlow(BLOCK_RECORDS_MAX * RANDOM_BYTES);
  private randomsReady = 0;
  private readonly times = new Float64Array(BLOCK_RECORDS_MAX);
  private readonly arrivals = new Float64Array(BLOCK_RECORDS_MAX);
  private readonly recordings = new Float64Array(BLOCK_RECORDS_MAX);
  private readonly lengths = new Uint32Array(BLOCK_RECORDS_MAX);
  private readonly typeIndexes = new Uint16Array(BLOCK_RECORDS_MAX);
  private readonly typeTable = new Map<string, number>();
  private readonly leafHashes = Buffer.allocUnsafeSlow(BLOCK_RECORDS_MAX * HASH_BYTES);
  private readonly bodies: Buffer;
  private readonly hasher = new LeafHasher();

  constructor(private readonly blockBytesMax: number) {
    this.bodies = Buffer.allocUnsafeSlow(blockBytesMax + RECORD_BYTES_MAX);
  }

  /** True when the block holds nothing. */
  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** True when the block should be sealed before another record is added. */
  get isFull(): boolean {
    return this.count === BLOCK_RECORDS_MAX || this.bytes >= this.blockBytesMax;
  }

  /** Bytes of the block as it stands. */
  get bytes(): number {
    return BLOCK_HEADER_BYTES + this.count * COLUMN_BYTES_PER_RECORD + this.typeTableBytes + this.bodyBytes;
  }

  /** Takes a record and hashes its leaf. */
  add(record: LogRecordInput): void {
    const i = this.count++;
    const { body, timeMs, arrivedAtMs, recordedAtMs } = record;
    if (i >= this.randomsReady) this.refillRandoms(i);
    this.times[i] = timeMs;
    this.arrivals[i] = arrivedAtMs;
    this.recordings[i] = recordedAtMs;
    this.lengths[i] = body.length;
    this.typeIndexes[i] = this.typeIndexOf(record.type);
    body.copy(this.bodies, this.bodyBytes);
    this.hasher.setRandom(this.randoms, i);
    this.hasher.setTimes(timeMs, arrivedAtMs, recordedAtMs);
    this.leafHashes.write(this.hasher.hashWithBody(body, 0, body.length), i * HASH_BYTES, HASH_BYTES, 'latin1');
    this.bodyBytes += body.length;
  }

  /** Appends the leaves to the tree, returns the encoded block and starts an empty one. */
  seal(tree: MerkleTree): SealedBlock {
    const { count } = this;
    const firstSeq = tree.size;
    const bytes = Buffer.allocUnsafeSlow(this.bytes);
    const recordBytes = count * COLUMN_BYTES_PER_RECORD + this.bodyBytes;
    tree.appendLeaves(this.leafHashes, count);
    const root = tree.root();
    const payload = bytes.subarray(BLOCK_HEADER_BYTES);
    this.writeColumns(payload);
    this.writeTypesAndBodies(payload);
    writeBlockHeader(bytes, {
      firstSeq,
      count,
      payloadBytes: payload.length,
      typeTableBytes: this.typeTableBytes,
      bodyBytes: this.bodyBytes,
      ...this.timeRange(),
      root,
      payloadCrc: crc32c(payload),
    });
    this.clear();
    return { bytes, firstSeq, endSeq: firstSeq + count, root, recordBytes };
  }

  private refillRandoms(from: number): void {
    // Filled in steps, so that a block of one record does not pay for thousands.
    const until = Math.min(BLOCK_RECORDS_MAX, from + Math.max(64, from));
    randomFillSync(this.randoms, from * RANDOM_BYTES, (until - from) * RANDOM_BYTES);
    this.randomsReady = until;
  }

  private typeIndexOf(type: string): number {
    const known = this.typeTable.get(type);
    if (known !== undefined) return known;
    this.typeTableBytes += 1 + Buffer.byteLength(type);
    this.typeTable.set(type, this.typeTable.size);
    return this.typeTable.size - 1;
  }

  private writeColumns(payload: Buffer): void {
    const { count } = this;
    const at = columnOffsets(count);
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    const hashes = new DataView(this.leafHashes.buffer, this.leafHashes.byteOffset);
    this.randoms.copy(payload, 0, 0, count * RANDOM_BYTES);
    for (let i = 0; i < count; i++) {
      view.setFloat64(at.timeMs + 8 * i, this.times[i] as number);
      view.setFloat64(at.arrivedAtMs + 8 * i, this.arrivals[i] as number);
      view.setFloat64(at.recordedAtMs + 8 * i, this.recordings[i] as number);
      view.setUint32(at.leafCheck + 4 * i, hashes.getUint32(HASH_BYTES * i));
      view.setUint32(at.length + 4 * i, this.lengths[i] as number);
      view.setUint16(at.type + 2 * i, this.typeIndexes[i] as number);
    }
  }

  private writeTypesAndBodies(payload: Buffer): void {
    let at = columnOffsets(this.count).typeTable;
    for (const type of this.typeTable.keys()) {
      const length = payload.write(type, at + 1, 'utf8');
      payload[at] = length;
      at += 1 + length;
    }
    this.bodies.copy(payload, at, 0, this.bodyBytes);
  }

  private timeRange(): { timeMsMin: number; timeMsMax: number; arrivedAtMsMin: number; arrivedAtMsMax: number } {
    const times = rangeOf(this.times, this.count);
    const arrivals = rangeOf(this.arrivals, this.count);
    return {
      timeMsMin: times.least,
      timeMsMax: times.greatest,
      arrivedAtMsMin: arrivals.least,
      arrivedAtMsMax: arrivals.greatest,
    };
  }

  private clear(): void {
    // Random bytes are used once: those not taken yet move to the front.
    const left = this.randomsReady - this.count;
    this.randoms.copyWithin(0, this.count * RANDOM_BYTES, this.randomsReady * RANDOM_BYTES);
    this.randomsReady = left;
    this.count = 0;
    this.bodyBytes = 0;
    this.typeTableBytes = 0;
    this.typeTable.clear();
  }
}

/** Least and greatest of the first `count` values. */
export function rangeOf(values: Float64Array, count: number): { least: number; greatest: number } {
  let least = Infinity;
  let greatest = -Infinity;
  for (let i = 0; i < count; i++) {
    const value = values[i] as number;
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return { least, greatest };
}
