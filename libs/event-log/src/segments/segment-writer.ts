import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { LogKeys } from '@protego/enclave';
import { type BlockCipher, type CipherSession } from '../blocks/block-cipher';
import type { PackedBlock } from '../blocks/block-packer';
import {
  BLOCK_HEADER_BYTES,
  NONCE_BYTES,
  SESSION_SALT_BYTES,
  TAG_BYTES,
  contentCrcOf,
  filterCrcOf,
  finishBlockHeader,
  writeBlockHeader,
  writeNonce,
} from '../blocks/block-format';
import { writeAll, type LogFile, type LogFileLayer } from '../writer/file-layer';
import { FOOTER_NONCES, FooterBuilder } from './footer-builder';
import { SEGMENT_FOLDER, encodeSegmentHeader, segmentHeaderBytes, segmentNameOf } from './segment-format';

/** Sizes at which segments end. A block that is larger alone stands alone in its segment. */
export interface SegmentLimits {
  /** Bytes of header and blocks; the footer comes on top. */
  readonly segmentBytesMax: number;
  readonly segmentRecordsMax: number;
}

/** A segment that can be written on. */
export interface OpenSegment {
  readonly path: string;
  readonly firstSeq: number;
  /** Offset of the next block. */
  readonly bytes: number;
  /** What its footer will say of the blocks that are there. */
  readonly footer: FooterBuilder;
}

/** State of the log to go on from. */
export interface LogEnd {
  readonly seq: number;
  readonly root: Buffer;
  /** Tag of the last block; zeros in an empty log. */
  readonly lastTag: Buffer;
  /** The segment to go on with; none when the last one is finished, or in an empty log. */
  readonly open?: OpenSegment;
}

/** What a segment writer needs to know of its log. */
export interface SegmentWriterOptions {
  readonly directory: string;
  readonly layer: LogFileLayer;
  readonly cipher: BlockCipher;
  /** Tells the number of the data key to encrypt under; asked before each write. */
  readonly keys: Pick<LogKeys, 'dataKeyId'>;
  readonly limits: SegmentLimits;
  /** Called when a segment is finished and durable. */
  readonly onFinished: (firstSeq: number, endSeq: number) => void;
}

/**
 * Encrypts blocks, writes them to the end of the newest segment, finishes segments and starts new ones. One call at a
 * time. All of a session's encryption is under one key, and each call takes the next nonce; a new data key begins a new
 * session, within a segment too.
 */
export class SegmentWriter {
  private file: LogFile | undefined;
  private firstSeq = 0;
  private position = 0;
  private seq: number;
  private root: Buffer;
  private lastTag: Buffer;
  private footer: FooterBuilder;
  private session: CipherSession;
  private nonceCounter = 0;

  private constructor(
    private readonly options: SegmentWriterOptions,
    end: LogEnd,
  ) {
    this.seq = end.seq;
    this.root = end.root;
    this.lastTag = end.lastTag;
    this.footer = end.open?.footer ?? new FooterBuilder();
    this.firstSeq = end.open?.firstSeq ?? end.seq;
    this.position = end.open?.bytes ?? 0;
    this.session = newSession(options.keys.dataKeyId);
  }

  /**
   * Goes on with a recovered log, under a fresh session key.
   *
   * @throws ProtegoError `LOG_KEY_MISSING`
   */
  static async open(options: SegmentWriterOptions, end: LogEnd): Promise<SegmentWriter> {
    const writer = new SegmentWriter(options, end);
    options.cipher.keyOf(writer.session);
    if (end.open !== undefined) writer.file = await options.layer.open(end.open.path, 'change');
    return writer;
  }

  /** How many of the blocks, from the first, go into the segment that is open; 0 when the next one must be started. */
  fittingCount(blocks: readonly PackedBlock[]): number {
    if (this.file === undefined) return 0;
    const { segmentBytesMax, segmentRecordsMax } = this.options.limits;
    let bytes = this.position;
    let count = 0;
    for (const block of blocks) {
      bytes += bytesOf(block);
      const records = block.raw.firstSeq + block.raw.count - this.firstSeq;
      if (bytes > segmentBytesMax || records > segmentRecordsMax) break;
      count++;
    }
    const isEmpty = this.position === segmentHeaderBytes(this.firstSeq);
    return count === 0 && isEmpty ? 1 : count;
  }

  /** Finishes the open segment, if there is one, and starts the next before `block`. */
  async startSegmentFor(block: PackedBlock): Promise<void> {
    const { raw, peaksBefore } = block;
    const { firstSeq } = raw;
    this.renewSession();
    await this.finishSegment(peaksBefore);
    const { directory, layer } = this.options;
    const path = join(directory, SEGMENT_FOLDER, segmentNameOf(firstSeq));
    const file = await layer.open(path, 'create');
    this.file = file;
    this.firstSeq = firstSeq;
    this.position = await writeAll(file, [encodeSegmentHeader(firstSeq, peaksBefore)], 0);
    // The segment is durable, with its entry in the directory, before a block goes into it.
    await file.fsync();
    await layer.syncDirectory(dirname(path));
  }

  /** Writes the blocks as one group and makes them durable. */
  async writeGroup(blocks: readonly PackedBlock[]): Promise<void> {
    const { file } = this;
    const groupFirstSeq = blocks[0]?.raw.firstSeq;
    if (file === undefined || groupFirstSeq === undefined) throw new Error('no segment, or nothing to write');
    this.renewSession();
    const start = this.position;
    const buffers: Buffer[] = [];
    for (const block of blocks) this.encrypt(block, groupFirstSeq, buffers);
    await file.writeDurably(buffers, start);
  }

  /** Closes the file; the segment stays open for the next session. */
  async close(): Promise<void> {
    const { file } = this;
    this.file = undefined;
    await file?.close();
  }

  /** After a rotation of the data key all that follows is encrypted under the new one. */
  private renewSession(): void {
    const { cipher, keys } = this.options;
    if (keys.dataKeyId === this.session.dataKeyId) return;
    const session = newSession(keys.dataKeyId);
    // A key that is missing must fail here, before anything is encrypted.
    cipher.keyOf(session);
    this.session = session;
    // The salt is new and so is the key: its nonces begin anew.
    this.nonceCounter = 0;
  }

  private async finishSegment(peaks: readonly Buffer[]): Promise<void> {
    const { file, firstSeq, seq: endSeq, position: offset, lastTag, root } = this;
    if (file === undefined) return;
    const end = { firstSeq, endSeq, offset, lastTag, root, peaks };
    const footer = this.footer.encode(end, this.session, this.nonceCounter, this.options.cipher);
    this.nonceCounter += FOOTER_NONCES;
    await file.writeDurably([footer], offset);
    this.footer.clear();
    await this.close();
    this.options.onFinished(firstSeq, endSeq);
  }

  /** Adds the block's parts to `buffers`, as they stand on the disk from the position on. */
  private encrypt(block: PackedBlock, groupFirstSeq: number, buffers: Buffer[]): void {
    const { raw, codec, content, root } = block;
    const { filter } = raw;
    const nonce = Buffer.allocUnsafe(NONCE_BYTES);
    writeNonce(nonce, 0, this.nonceCounter++);
    const header = Buffer.allocUnsafe(BLOCK_HEADER_BYTES);
    const sizes = { rawBytes: raw.payload.length, cipherBytes: content.length, filterBytes: filter.length };
    const { timeMsMin, timeMsMax, arrivedAtMsMin, arrivedAtMsMax, firstSeq, count, types } = raw;
    const times = { timeMsMin, timeMsMax, arrivedAtMsMin, arrivedAtMsMax };
    const chain = { nonce, previousTag: this.lastTag, root, filterCrc: filterCrcOf(filter), ...this.session };
    writeBlockHeader(header, { codec, firstSeq, groupFirstSeq, count, ...sizes, ...times, types, ...chain });
    const place = { segmentFirstSeq: this.firstSeq, offset: this.position };
    const parts = { header, filter, nonce, payload: content };
    const { ciphertext, tag } = this.options.cipher.sealBlock(this.session, place, parts);
    raw.release();
    finishBlockHeader(header, contentCrcOf(filter, ciphertext, tag));
    buffers.push(header);
    if (filter.length > 0) buffers.push(filter);
    buffers.push(ciphertext, tag);
    this.footer.addBlock({ ...times, types, count, ...sizes }, this.position, filter, raw.identities);
    this.position += bytesOf(block);
    this.lastTag = tag;
    this.seq = firstSeq + count;
    this.root = root;
  }
}

function newSession(dataKeyId: number): CipherSession {
  return { dataKeyId, sessionSalt: randomBytes(SESSION_SALT_BYTES) };
}

function bytesOf({ raw, content }: PackedBlock): number {
  return BLOCK_HEADER_BYTES + raw.filter.length + content.length + TAG_BYTES;
}
