import { join } from 'node:path';
import { ProtegoError, isProtegoError, messageOf, systemClock, type Clock, type EventSeq } from '@protego/contracts';
import { BlockAssembler, recordBytesOf } from './block-assembler';
import { BLOCK_HEADER_BYTES, TYPE_BYTES_MAX } from './block-format';
import { CommitQueue } from './commit-queue';
import { nodeFileLayer, type LogFileLayer } from './file-layer';
import { acquireLock, type LogLock } from './lock';
import { createIdentity, hasIdentity, readIdentity, type LogIdentity } from './log-identity';
import { RECORD_BYTES_MAX, type LogCheckpoint, type LogRecordInput } from './log-record';
import { recoverLog, type LogRecovery } from './recovery';
import { SEGMENT_FOLDER, listSegments } from './segment-format';
import { SegmentWriter } from './segment-writer';

/** Where and how a log is written. */
export interface EventLogWriterOptions {
  /** Directory of the log; it is created when it is missing. */
  readonly directory: string;
  /** Name of the log, as its checkpoints carry it: no white space, no plus sign, at most 256 characters. */
  readonly origin: string;
  /** Tells the time for the note that says who holds the lock. */
  readonly clock?: Clock;
  /** Size at which the next segment begins, bytes; default 64 MiB. */
  readonly segmentBytesMax?: number;
  /** Size at which a block is closed, bytes; default 256 KiB. */
  readonly blockBytesMax?: number;
  /** Most bytes that may wait for the disk; default 64 MiB. */
  readonly queueBytesMax?: number;
  /** The disk; only a test has another. */
  readonly layer?: LogFileLayer;
}

const MIB = 1 << 20;
/** Keeps the payload of a block, with one record over the limit, within what readers take into memory. */
const BLOCK_BYTES_LIMIT = 16 * MIB;

/**
 * The one writer of a log. Records get their seq in the order of the calls; an append resolves when its records are on
 * the disk. After a failed write every further call is refused: open the log anew.
 */
export class EventLogWriter {
  private isClosed = false;

  private constructor(
    private readonly lock: LogLock,
    private readonly identity: LogIdentity,
    /** What opening had to cut off. */
    readonly recovery: LogRecovery,
    private readonly assembler: BlockAssembler,
    private readonly segments: SegmentWriter,
    private readonly commits: CommitQueue,
    private readonly queueBytesMax: number,
  ) {}

  /**
   * Takes the lock, creates or recovers the log, and makes it ready.
   *
   * @throws ProtegoError `LOG_LOCKED`, `LOG_ORIGIN_FOREIGN`, `LOG_FORMAT_UNKNOWN`, `CONFIG_INVALID`, `LOG_WRITE_FAILED`,
   *   and `LOG_BLOCK_CORRUPT`, `LOG_CHAIN_BROKEN`, `LOG_ROOT_MISMATCH` when what is stored cannot be built upon
   */
  static async open(options: EventLogWriterOptions): Promise<EventLogWriter> {
    const { directory, layer = nodeFileLayer, queueBytesMax = 64 * MIB } = options;
    const limits = limitsOf(options);
    let lock: LogLock | undefined;
    try {
      await layer.makeDirectory(join(directory, SEGMENT_FOLDER));
      lock = await acquireLock(directory, options.clock ?? systemClock);
      const identity = await identityOf(layer, directory, options.origin);
      const { tree, last, recovery } = await recoverLog(directory, layer);
      const place = last === undefined ? undefined : { path: last.segment.path, bytes: last.bytes };
      const segments = await SegmentWriter.open(directory, layer, place);
      const root = tree.root();
      const assembler = new BlockAssembler(tree, last?.bytes, limits);
      const commits = new CommitQueue(assembler, segments, root);
      return new EventLogWriter(lock, identity, recovery, assembler, segments, commits, queueBytesMax);
    } catch (cause) {
      await lock?.release();
      throw isProtegoError(cause) ? cause : notOpened(directory, cause);
    }
  }

  /** Name of the log. */
  get origin(): string {
    return this.identity.origin;
  }

  /** Secret of the log that keys its dedupe index. */
  get dedupeKey(): Buffer {
    return this.identity.dedupeKey;
  }

  /** Number of durable records. */
  get size(): number {
    return this.commits.durableSize;
  }

  /** Seq that the next record gets. */
  get nextSeq(): EventSeq {
    return this.assembler.nextSeq as EventSeq;
  }

  /** Bytes of bodies and columns that wait for the disk. */
  get queuedBytes(): number {
    return this.commits.queuedBytes;
  }

  /** Number of writes, each with one fdatasync, since the log was opened. */
  get groupCount(): number {
    return this.commits.groupCount;
  }

  /** Why nothing can be written any more; undefined while all is well. */
  get failure(): ProtegoError | undefined {
    return this.commits.failure;
  }

  /**
   * Appends the records together: all of them or none. Resolves when every one is durable. The bodies are copied before
   * the call returns.
   *
   * @throws ProtegoError `LOG_RECORD_TOO_LARGE`, `LOG_RECORD_INVALID` (nothing was taken); `INTAKE_BUSY` (nothing was
   *   taken, try again later); `LOG_WRITE_FAILED` (may or may not be found in the log after it was opened again);
   *   `LOG_CLOSED`
   */
  async append(records: readonly LogRecordInput[]): Promise<{ firstSeq: EventSeq; count: number }> {
    const bytes = this.checkedBytes(records);
    const firstSeq = this.nextSeq;
    for (const record of records) this.assembler.add(record);
    if (records.length > 0) this.commits.enqueued(bytes);
    await this.commits.waitFor(this.assembler.nextSeq);
    return { firstSeq, count: records.length };
  }

  /** What the durable records commit to. */
  checkpoint(): LogCheckpoint {
    return { size: this.commits.durableSize, rootHash: this.commits.durableRoot.toString('hex') };
  }

  /**
   * Resolves when all that was appended so far is durable.
   *
   * @throws ProtegoError `LOG_WRITE_FAILED`
   */
  flushed(): Promise<void> {
    return this.commits.waitFor(this.assembler.nextSeq);
  }

  /** Writes what waits, closes the files and gives the lock back. Does not throw when the log failed before. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    // Whoever appended has been told of a failure; closing after one only frees what is held.
    await this.flushed().catch(() => undefined);
    try {
      await this.segments.close();
    } finally {
      await this.lock.release();
    }
  }

  private checkedBytes(records: readonly LogRecordInput[]): number {
    if (this.commits.failure !== undefined) throw this.commits.failure;
    if (this.isClosed) throw new ProtegoError('LOG_CLOSED', 'the log is closed');
    let bytes = 0;
    for (const record of records) {
      checkRecord(record);
      bytes += recordBytesOf(record);
    }
    const { queueBytesMax } = this;
    if (bytes > queueBytesMax) {
      const message = `one append of ${bytes} bytes is more than the queue of ${queueBytesMax} bytes takes`;
      throw new ProtegoError('LOG_RECORD_TOO_LARGE', message, { bytes, queueBytesMax });
    }
    if (this.commits.queuedBytes + bytes > queueBytesMax) {
      const queuedBytes = this.commits.queuedBytes;
      throw new ProtegoError('INTAKE_BUSY', `${queuedBytes} bytes wait for the disk`, { queuedBytes, queueBytesMax });
    }
    return bytes;
  }
}

function notOpened(directory: string, cause: unknown): ProtegoError {
  const message = `cannot open the log in \`${directory}\`: ${messageOf(cause)}`;
  return new ProtegoError('LOG_WRITE_FAILED', message, { directory }, { cause });
}

function checkRecord({ body, type, timeMs, arrivedAtMs, recordedAtMs }: LogRecordInput): void {
  if (body.length > RECORD_BYTES_MAX) {
    const message = `a record of ${body.length} bytes is more than ${RECORD_BYTES_MAX}`;
    throw new ProtegoError('LOG_RECORD_TOO_LARGE', message, { bytes: body.length, bytesMax: RECORD_BYTES_MAX });
  }
  const isTyped = type.length > 0 && (type.length * 3 <= TYPE_BYTES_MAX || Buffer.byteLength(type) <= TYPE_BYTES_MAX);
  const isTimed = Number.isFinite(timeMs) && Number.isFinite(arrivedAtMs) && Number.isFinite(recordedAtMs);
  if (body.length > 0 && isTyped && isTimed) return;
  const message = `a record needs a body, a type of at most ${TYPE_BYTES_MAX} bytes and finite times`;
  throw new ProtegoError('LOG_RECORD_INVALID', message, { type: type.slice(0, 64) });
}

async function identityOf(layer: LogFileLayer, directory: string, origin: string): Promise<LogIdentity> {
  if (!hasIdentity(directory)) {
    if (listSegments(directory).length === 0) return createIdentity(layer, directory, origin);
    throw new ProtegoError('LOG_BLOCK_CORRUPT', `\`${directory}\` has segments and no \`log.json\``, { directory });
  }
  const identity = readIdentity(directory);
  if (identity.origin === origin) return identity;
  const message = `\`${directory}\` is the log of \`${identity.origin}\`, not of \`${origin.slice(0, 256)}\``;
  throw new ProtegoError('LOG_ORIGIN_FOREIGN', message, { directory, origin: identity.origin });
}

function limitsOf(options: EventLogWriterOptions): { blockBytesMax: number; segmentBytesMax: number } {
  const { blockBytesMax = 256 << 10, segmentBytesMax = 64 * MIB, queueBytesMax = 64 * MIB } = options;
  const areSizes = [blockBytesMax, segmentBytesMax, queueBytesMax].every((bytes) => Number.isSafeInteger(bytes));
  if (!areSizes || blockBytesMax <= BLOCK_HEADER_BYTES || blockBytesMax > BLOCK_BYTES_LIMIT || segmentBytesMax < 1) {
    throw new ProtegoError('CONFIG_INVALID', 'sizes of blocks, segments and queue must be whole bytes within limits');
  }
  return { blockBytesMax, segmentBytesMax };
}
