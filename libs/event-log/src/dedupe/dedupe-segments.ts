import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { LogKeys } from '@protego/enclave';
import { BlockCipher, type CipherSession } from '../blocks/block-cipher';
import { NONCE_BYTES, TAG_BYTES, readUint64, writeNonce } from '../blocks/block-format';
import { readFully } from '../files-if-there';
import { blockCorrupt } from '../log-errors';
import { readIdentity } from '../log-identity';
import type { RecordIdentity } from '../log-record';
import { HOP_WINDOW_BYTES, SegmentCursor } from '../segments/segment-cursor';
import { SEGMENT_FOLDER, listSegments, segmentNameOf, type SegmentFileName } from '../segments/segment-format';
import { FOOTER_AT, IDENTITY_BYTES, ID_BUCKETS, SegmentIndex, bucketName } from '../segments/segment-footer';

/** 32-bit words of one identity in a bucket: idHigh, idLow, contentHigh, contentLow. */
export const IDENTITY_WORDS = IDENTITY_BYTES / 4;

const EMPTY = new Uint32Array(0);

/** Identities of the records that are in no finished segment. */
export interface OpenIdentities {
  readonly identities: readonly RecordIdentity[];
  /** Newest arrival of these records, milliseconds since the Unix epoch; `-Infinity` when there are none. */
  readonly arrivedAtMsMax: number;
}

/** What the segments of a log say of its ids. */
export interface LogIdentities {
  /** In order. */
  readonly finished: readonly SegmentIdentities[];
  readonly open: OpenIdentities;
}

/** Opens the ids of a log's segments. */
export class SegmentIdentitiesReader {
  private readonly cipher: BlockCipher;

  /** @throws ProtegoError `LOG_NOT_FOUND`, `LOG_FORMAT_UNKNOWN`, `LOG_BLOCK_CORRUPT` when `log.json` is damaged */
  constructor(
    private readonly directory: string,
    keys: LogKeys,
  ) {
    this.cipher = new BlockCipher(keys, readIdentity(directory).logId);
  }

  /**
   * All of the log.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT` when a footer or an unfinished segment was altered; `LOG_KEY_MISSING`
   */
  readAll(): LogIdentities {
    const finished: SegmentIdentities[] = [];
    const identities: RecordIdentity[] = [];
    let arrivedAtMsMax = -Infinity;
    for (const file of listSegments(this.directory)) {
      using(file, HOP_WINDOW_BYTES, (cursor) => {
        const segment = this.finishedAt(cursor);
        if (segment !== undefined) finished.push(segment);
        else arrivedAtMsMax = Math.max(arrivedAtMsMax, this.readOpen(cursor, identities));
      });
    }
    return { finished, open: { identities, arrivedAtMsMax } };
  }

  /**
   * One finished segment.
   *
   * @throws ProtegoError as {@link SegmentIdentitiesReader.readAll}; also when the segment has no footer
   */
  open(firstSeq: number): SegmentIdentities {
    const name = segmentNameOf(firstSeq);
    const file = { name, path: join(this.directory, SEGMENT_FOLDER, name), firstSeq };
    const found = using(file, HOP_WINDOW_BYTES, (cursor) => this.finishedAt(cursor));
    if (found === undefined) throw blockCorrupt({ segment: name, offset: 0, seq: firstSeq }, 'footer is missing');
    return found;
  }

  private finishedAt(cursor: SegmentCursor): SegmentIdentities | undefined {
    const trailer = cursor.trailer();
    if (trailer === undefined) return undefined;
    const { segment } = cursor;
    const bytes = cursor.view(trailer.footerOffset, trailer.indexBytes) ?? Buffer.alloc(0);
    const index = SegmentIndex.open(bytes, trailer, segment.firstSeq, this.cipher);
    if (typeof index !== 'string') return new SegmentIdentities(segment, index, bytes, this.cipher);
    throw blockCorrupt({ segment: segment.name, offset: trailer.footerOffset, seq: segment.firstSeq }, index);
  }

  /** Adds the identities of an unfinished segment; a block that is not whole ends it. Returns the newest arrival. */
  private readOpen(cursor: SegmentCursor, identities: RecordIdentity[]): number {
    let newestMs = -Infinity;
    for (;;) {
      const read = cursor.next(this.cipher);
      if (read.kind === 'end' || read.kind === 'torn') return newestMs;
      if (read.kind !== 'block') {
        const { name, firstSeq } = cursor.segment;
        throw blockCorrupt({ segment: name, offset: read.offset, seq: firstSeq }, read.reason);
      }
      newestMs = Math.max(newestMs, read.block.header.arrivedAtMsMax);
      for (let i = 0; i < read.block.count; i++) {
        const identity = read.block.identityAt(i);
        if (identity !== undefined) identities.push(identity);
      }
    }
  }
}

function using<T>(file: SegmentFileName, windowBytes: number, use: (cursor: SegmentCursor) => T): T {
  const cursor = new SegmentCursor(file, { windowBytes });
  try {
    return use(cursor);
  } finally {
    cursor.close();
  }
}

/**
 * The ids of one finished segment, which stay on the disk. Of the footer it keeps the directory of the buckets only: the
 * block table and the filters of many segments would fill the memory.
 */
export class SegmentIdentities {
  readonly firstSeq: number;
  /** Seq after the last record. */
  readonly endSeq: number;
  /** Number of ids. */
  readonly count: number;
  /** Newest arrival of its records, milliseconds since the Unix epoch. */
  readonly arrivedAtMsMax: number;
  private readonly session: CipherSession;
  private readonly footerOffset: number;
  /** Nonce counter of the footer; bucket `i` was encrypted with the one `1 + i` after it. */
  private readonly nonceCounter: number;
  private readonly bucketsOffset: number;
  /** Number of the first entry of each bucket, and of all entries. */
  private readonly starts = new Uint32Array(ID_BUCKETS + 1);

  /** @param bytes of which `index` was opened */
  constructor(
    private readonly file: SegmentFileName,
    index: SegmentIndex,
    bytes: Buffer,
    private readonly cipher: BlockCipher,
  ) {
    this.firstSeq = index.firstSeq;
    this.endSeq = index.endSeq;
    this.count = index.identityCount;
    this.arrivedAtMsMax = index.times.arrivedAtMsMax;
    this.session = { dataKeyId: index.dataKeyId, sessionSalt: Buffer.from(index.sessionSalt) };
    this.footerOffset = index.footerOffset;
    this.nonceCounter = readUint64(bytes, FOOTER_AT.nonce + 4);
    this.bucketsOffset = index.footerOffset + bytes.length;
    for (let i = 0; i < ID_BUCKETS; i++) this.starts[i + 1] = (this.starts[i] as number) + index.bucketCount(i);
  }

  /**
   * Identities whose id hash starts with the byte `bucket`, {@link IDENTITY_WORDS} words each, in the order of their records.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT`
   */
  readBucket(bucket: number): Uint32Array {
    return this.readBuckets(bucket, bucket + 1)[0] ?? EMPTY;
  }

  /** The buckets `[from, to)`, read at once; each as {@link SegmentIdentities.readBucket} gives it. */
  readBuckets(from: number, to: number): Uint32Array[] {
    if (this.count === 0) return Array.from({ length: to - from }, () => EMPTY);
    const offset = this.bucketOffset(from);
    const bytes = this.bytesAt(offset, this.bucketOffset(to) - offset);
    return Array.from({ length: to - from }, (_, i) => {
      const start = this.bucketOffset(from + i) - offset;
      const end = this.bucketOffset(from + i + 1) - offset;
      return this.openBucket(from + i, bytes.subarray(start, end - TAG_BYTES), bytes.subarray(end - TAG_BYTES, end));
    });
  }

  private bucketOffset(bucket: number): number {
    return this.bucketsOffset + (this.starts[bucket] as number) * IDENTITY_BYTES + bucket * TAG_BYTES;
  }

  private openBucket(bucket: number, ciphertext: Buffer, tag: Buffer): Uint32Array {
    const place = { segmentFirstSeq: this.firstSeq, offset: this.footerOffset };
    const nonce = Buffer.alloc(NONCE_BYTES);
    writeNonce(nonce, 0, this.nonceCounter + 1 + bucket);
    const bound = this.cipher.boundWith(place, bucketName(bucket));
    const plain = this.cipher.open(this.session, nonce, bound, { ciphertext, tag });
    if (plain === undefined) throw this.corrupt(this.bucketOffset(bucket));
    return wordsOf(plain);
  }

  private bytesAt(offset: number, length: number): Buffer {
    const descriptor = openSync(this.file.path, 'r');
    try {
      const bytes = Buffer.allocUnsafe(length);
      if (readFully(descriptor, bytes, offset) !== length) throw this.corrupt(offset);
      return bytes;
    } finally {
      closeSync(descriptor);
    }
  }

  private corrupt(offset: number): Error {
    return blockCorrupt({ segment: this.file.name, offset, seq: this.firstSeq }, 'ids of the footer were altered');
  }
}

/** @param bigEndian turned around in place where words can be read there */
function wordsOf(bigEndian: Buffer): Uint32Array {
  const isAligned = bigEndian.byteOffset % Uint32Array.BYTES_PER_ELEMENT === 0;
  const bytes = isAligned ? bigEndian : Buffer.from(new Uint8Array(bigEndian).buffer);
  return new Uint32Array(bytes.swap32().buffer, bytes.byteOffset, bytes.length / 4);
}
