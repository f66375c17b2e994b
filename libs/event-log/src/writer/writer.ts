import { dirname, join } from 'node:path';
import { ProtegoError, systemClock, type EventSeq } from '@protego/contracts';
import { BlockAssembler } from '../blocks/block-assembler';
import { BlockCipher } from '../blocks/block-cipher';
import { readSignedState, type SignedCheckpoint } from '../tree/checkpoint-files';
import type { CheckpointListener } from '../tree/checkpointer';
import { CommitQueue, type DurabilityFollower } from './commit-queue';
import { nodeFileLayer, type LogFileLayer } from './file-layer';
import { readLeafHashes } from '../blocks/leaf-hash-source';
import { acquireLock, type LogLock } from './lock';
import { writeFailure } from '../log-errors';
import { createIdentity, hasIdentity, readIdentity, requireFittingKeys, type LogIdentity } from '../log-identity';
import type { LogCheckpoint, LogRecordInput } from '../log-record';
import { checkedBytesOf } from '../blocks/record-check';
import { recoverLog, type LogRecovery } from './recovery';
import { SEGMENT_FOLDER, listSegments } from '../segments/segment-format';
import { SegmentWriter } from '../segments/segment-writer';
import { parseVerifierKey } from '../tree/signed-note';
import { TreePublisher } from '../tree/tree-publisher';
import { limitsOf, type EventLogWriterOptions, type WriterLimits } from './writer-options';

export type { EventLogWriterOptions, FinishedSegment } from './writer-options';

/** What a writer is made of. */
interface WriterParts {
  readonly lock: LogLock;
  readonly identity: LogIdentity;
  readonly recovery: LogRecovery;
  readonly limits: WriterLimits;
  readonly assembler: BlockAssembler;
  readonly segments: SegmentWriter;
  readonly published: TreePublisher;
  readonly commits: CommitQueue;
}

/**
 * The one writer of a log. Records get their seq in the order of the calls; an append resolves when its records are on
 * the disk. After a failed write every further call is refused: open the log anew.
 */
export class EventLogWriter {
  private isClosed = false;

  private constructor(private readonly parts: WriterParts) {}

  /**
   * Takes the lock, creates or recovers the log, and makes it ready.
   *
   * @throws ProtegoError `LOG_LOCKED`, `LOG_ORIGIN_FOREIGN`, `LOG_FORMAT_UNKNOWN`, `LOG_KEY_MISSING`, `CONFIG_INVALID`;
   *   `LOG_DISK_FULL`, `LOG_READ_ONLY`, `LOG_WRITE_FAILED`; and `LOG_BLOCK_CORRUPT`, `LOG_CHAIN_BROKEN`,
   *   `LOG_ROOT_MISMATCH`, `LOG_TILE_MISMATCH`, `LOG_TRUNCATED`, `LOG_FORKED`, `LOG_CHECKPOINT_INVALID` when what is stored
   *   cannot be built upon
   */
  static async open(options: EventLogWriterOptions): Promise<EventLogWriter> {
    const { directory, layer = nodeFileLayer } = options;
    const limits = limitsOf(options);
    let lock: LogLock | undefined;
    try {
      await layer.makeDirectory(join(directory, SEGMENT_FOLDER));
      // A writer that was killed may have made entries that everyone sees and no disk holds.
      for (const path of [dirname(directory), directory, join(directory, SEGMENT_FOLDER)])
        await layer.syncDirectory(path);
      lock = await acquireLock(directory, options.clock ?? systemClock);
      return new EventLogWriter(await partsOf(options, layer, limits, lock));
    } catch (cause) {
      await lock?.release();
      throw writeFailure(`open the log in \`${directory}\``, cause, { directory });
    }
  }

  /** Name of the log, its id, and the key that verifies its checkpoints. */
  get identity(): LogIdentity {
    return this.parts.identity;
  }

  /** Name of the log. */
  get origin(): string {
    return this.parts.identity.origin;
  }

  /** What opening had to cut off. */
  get recovery(): LogRecovery {
    return this.parts.recovery;
  }

  /** Number of durable records. */
  get size(): number {
    return this.parts.commits.durableSize;
  }

  /** Seq that the next record gets. */
  get nextSeq(): EventSeq {
    return this.parts.assembler.nextSeq as EventSeq;
  }

  /** Bytes of leaves and columns that wait for the disk. */
  get queuedBytes(): number {
    return this.parts.commits.queuedBytes;
  }

  /** Number of writes, each made durable by itself, since the log was opened. */
  get groupCount(): number {
    return this.parts.commits.groupCount;
  }

  /** Why nothing can be written any more; undefined while all is well. */
  get failure(): ProtegoError | undefined {
    return this.parts.commits.failure;
  }

  /**
   * Appends the records together: all of them or none. Resolves when every one is durable. What the records hold is
   * copied before the call returns.
   *
   * @throws ProtegoError `LOG_RECORD_TOO_LARGE`, `LOG_RECORD_INVALID` (nothing was taken); `INTAKE_BUSY` (nothing was
   *   taken, try again later); `LOG_DISK_FULL`, `LOG_READ_ONLY`, `LOG_WRITE_FAILED` (may or may not be found in the log
   *   after it was opened again); `LOG_CLOSED`
   */
  async append(records: readonly LogRecordInput[]): Promise<{ firstSeq: EventSeq; count: number }> {
    const { assembler, commits } = this.parts;
    const bytes = this.checkedBytes(records);
    const firstSeq = this.nextSeq;
    for (const record of records) assembler.add(record);
    if (records.length > 0) commits.enqueued(bytes);
    await commits.waitFor(assembler.nextSeq);
    return { firstSeq, count: records.length };
  }

  /** What the durable records commit to. */
  checkpoint(): LogCheckpoint {
    const { commits } = this.parts;
    return { size: commits.durableSize, rootHash: commits.durableRoot.toString('hex') };
  }

  /**
   * Resolves when all that was appended so far is durable.
   *
   * @throws ProtegoError `LOG_DISK_FULL`, `LOG_READ_ONLY`, `LOG_WRITE_FAILED`
   */
  flushed(): Promise<void> {
    return this.parts.commits.waitFor(this.parts.assembler.nextSeq);
  }

  /**
   * Signs what is durable now, with all that was appended before, and returns the signed note.
   *
   * @throws ProtegoError `LOG_RANGE_MISSING` in a log without records; `LOG_DISK_FULL`, `LOG_READ_ONLY`, `LOG_WRITE_FAILED`
   */
  async signCheckpoint(): Promise<string> {
    await this.flushed();
    let signed: SignedCheckpoint | undefined;
    try {
      signed = await this.parts.published.sign();
    } catch (cause) {
      throw writeFailure('sign a checkpoint', cause);
    }
    if (signed === undefined) throw new ProtegoError('LOG_RANGE_MISSING', 'the log has no record to sign for');
    return signed.note;
  }

  /** The latest checkpoint that was signed; undefined in a log that has none yet. */
  get latestCheckpoint(): SignedCheckpoint | undefined {
    return this.parts.published.latest;
  }

  /** Calls the listener with every checkpoint from now on, after it is on the disk; returns how to end that. */
  onCheckpoint(listener: CheckpointListener): () => void {
    return this.parts.published.onCheckpoint(listener);
  }

  /** The full tiles over records before this seq are durable: such records may expire. */
  get tilesSyncedSize(): number {
    return this.parts.published.syncedSize;
  }

  /** Makes the tiles written so far durable, so that the records under them may expire. */
  syncTiles(): Promise<void> {
    return this.parts.published.syncTiles();
  }

  /**
   * Writes what waits, signs a last checkpoint, closes the files and gives the lock back. Does not throw when the log
   * failed before.
   */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    const { published, segments, assembler, lock } = this.parts;
    // Whoever appended has been told of a failure; closing after one only frees what is held.
    await this.flushed().catch(() => undefined);
    try {
      await published.close();
    } catch (cause) {
      if (this.failure === undefined) throw writeFailure('close the log', cause);
    } finally {
      await assembler.close();
      await segments.close().finally(() => lock.release());
    }
  }

  private checkedBytes(records: readonly LogRecordInput[]): number {
    const { commits, limits } = this.parts;
    if (commits.failure !== undefined) throw commits.failure;
    if (this.isClosed) throw new ProtegoError('LOG_CLOSED', 'the log is closed');
    let bytes = 0;
    for (const record of records) {
      bytes += checkedBytesOf(record);
    }
    const { queueBytesMax } = limits;
    if (bytes > queueBytesMax) {
      const message = `one append of ${bytes} bytes is more than the queue of ${queueBytesMax} bytes takes`;
      throw new ProtegoError('LOG_RECORD_TOO_LARGE', message, { bytes, queueBytesMax });
    }
    if (commits.queuedBytes + bytes > queueBytesMax) {
      const { queuedBytes } = commits;
      throw new ProtegoError('INTAKE_BUSY', `${queuedBytes} bytes wait for the disk`, { queuedBytes, queueBytesMax });
    }
    return bytes;
  }
}

/** Recovers the log under the lock and puts the writer together. */
async function partsOf(
  options: EventLogWriterOptions,
  layer: LogFileLayer,
  limits: WriterLimits,
  lock: LogLock,
): Promise<WriterParts> {
  const { directory, keys } = options;
  const identity = await identityOf(layer, options);
  const cipher = new BlockCipher(keys, identity.logId);
  const signed = readSignedState(directory, [parseVerifierKey(identity.verifierKey)]);
  const { tree, end, recovery } = await recoverLog(directory, layer, cipher, signed?.size ?? 0);
  const published = await TreePublisher.open({
    directory,
    layer,
    origin: identity.origin,
    signer: keys.signer,
    tree,
    readLeafHashes: (from, to) => readLeafHashes(directory, cipher, from, to),
    clock: options.clock ?? systemClock,
    policy: options.checkpoint,
    schedule: options.schedule,
  });
  try {
    const onFinished = (firstSeq: number, endSeq: number): void => options.onSegmentFinished?.({ firstSeq, endSeq });
    const segments = await SegmentWriter.open({ directory, layer, cipher, keys, limits, onFinished }, end);
    const assembler = new BlockAssembler(tree, limits.blockBytesMax, keys.subjectKey);
    const commits = new CommitQueue(assembler, segments, end.root, followerOf(published));
    return { lock, identity, recovery, limits, assembler, segments, published, commits };
  } catch (cause) {
    await published.close().catch(() => undefined);
    throw cause;
  }
}

/** A log whose tiles or checkpoints cannot be written takes no more records: it could not prove them. */
function followerOf(published: TreePublisher): DurabilityFollower {
  return {
    durable: (size, root) => published.durable(size, root),
    room: () => (published.failure === undefined ? published.room() : Promise.reject(published.failure as Error)),
  };
}

async function identityOf(layer: LogFileLayer, options: EventLogWriterOptions): Promise<LogIdentity> {
  const { directory, origin, keys } = options;
  if (!hasIdentity(directory)) {
    if (listSegments(directory).length === 0) return createIdentity(layer, directory, origin, keys);
    throw new ProtegoError('LOG_BLOCK_CORRUPT', `\`${directory}\` has segments and no \`log.json\``, { directory });
  }
  const identity = readIdentity(directory);
  if (identity.origin !== origin) {
    const message = `\`${directory}\` is the log of \`${identity.origin}\`, not of \`${origin.slice(0, 256)}\``;
    throw new ProtegoError('LOG_ORIGIN_FOREIGN', message, { directory, origin: identity.origin });
  }
  requireFittingKeys(directory, identity, keys);
  return identity;
}
