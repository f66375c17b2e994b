import type { ProtegoError } from '@protego/contracts';
import type { BlockAssembler } from '../blocks/block-assembler';
import type { PackedBlock } from '../blocks/block-packer';
import { writeFailure } from '../log-errors';
import type { SegmentWriter } from '../segments/segment-writer';

/** What is derived from durable records and may lag behind them: tiles and checkpoints. */
export interface DurabilityFollower {
  /** Told after each write; must not block. */
  durable(size: number, root: Buffer): void;
  /** Undefined when more may be written; else resolves when the follower has caught up, and rejects when it cannot. */
  room(): Promise<void> | undefined;
}

interface Waiter {
  readonly endSeq: number;
  resolve(): void;
  reject(failure: ProtegoError): void;
}

/**
 * Group commit: one write is on its way at a time, and all that comes meanwhile goes together into the next. A failed
 * write is final, because after a failed fsync the kernel may have dropped the pages that a second call would report as
 * written.
 */
export class CommitQueue {
  private readonly waiters: Waiter[] = [];
  private isRunning = false;
  private failed: ProtegoError | undefined;
  private durable: number;
  private waitingBytes = 0;
  private syncs = 0;

  constructor(
    private readonly assembler: BlockAssembler,
    private readonly segments: SegmentWriter,
    private root: Buffer,
    private readonly follower: DurabilityFollower,
  ) {
    this.durable = assembler.nextSeq;
  }

  /** Number of durable records. */
  get durableSize(): number {
    return this.durable;
  }

  /** Root over the durable records. */
  get durableRoot(): Buffer {
    return this.root;
  }

  /** Bytes that are taken and not durable yet. */
  get queuedBytes(): number {
    return this.waitingBytes;
  }

  /** Number of groups that were made durable. */
  get groupCount(): number {
    return this.syncs;
  }

  /** Why nothing can be written any more. */
  get failure(): ProtegoError | undefined {
    return this.failed;
  }

  /** Counts records that were just given to the assembler, and sees to it that they are written. */
  enqueued(bytes: number): void {
    this.waitingBytes += bytes;
    if (this.isRunning) return;
    this.isRunning = true;
    // What arrives in the same turn of the event loop shares the first write.
    setImmediate(() => void this.run());
  }

  /** Resolves when all records before `endSeq` are durable. */
  waitFor(endSeq: number): Promise<void> {
    if (this.failed !== undefined) return Promise.reject(this.failed);
    if (endSeq <= this.durable) return Promise.resolve();
    return new Promise((resolve, reject) => this.waiters.push({ endSeq, resolve, reject }));
  }

  private async run(): Promise<void> {
    try {
      while (this.failed === undefined && this.assembler.hasWork) await this.commit(await this.assembler.takeBlocks());
    } catch (cause) {
      this.fail(cause);
      return;
    }
    this.isRunning = false;
  }

  /** Writes the blocks in as few writes as the segments' borders allow. */
  private async commit(blocks: readonly PackedBlock[]): Promise<void> {
    for (let from = 0; from < blocks.length;) {
      let group = this.fitting(blocks, from);
      if (group.length === 0) {
        await this.segments.startSegmentFor(blocks[from] as PackedBlock);
        group = this.fitting(blocks, from);
      }
      await this.segments.writeGroup(group);
      this.acknowledge(group);
      await this.follower.room();
      from += group.length;
    }
  }

  private fitting(blocks: readonly PackedBlock[], from: number): readonly PackedBlock[] {
    const rest = from === 0 ? blocks : blocks.slice(from);
    return rest.slice(0, this.segments.fittingCount(rest));
  }

  private acknowledge(group: readonly PackedBlock[]): void {
    this.syncs++;
    for (const { raw, root } of group) {
      this.durable = raw.firstSeq + raw.count;
      this.root = root;
      this.waitingBytes -= raw.recordBytes;
    }
    this.settle();
    this.follower.durable(this.durable, this.root);
  }

  private settle(): void {
    const first = this.waiters.findIndex((waiter) => waiter.endSeq > this.durable);
    const done = this.waiters.splice(0, first < 0 ? this.waiters.length : first);
    for (const waiter of done) waiter.resolve();
  }

  /** Refuses all that waits and all that comes. The first failure is the one that stays. */
  fail(cause: unknown): void {
    const failure = (this.failed ??= writeFailure('write the log', cause));
    for (const waiter of this.waiters.splice(0)) waiter.reject(failure);
  }
}
