import { ProtegoError, messageOf } from '@protego/contracts';
import type { BlockAssembler, BlockGroup } from './block-assembler';
import type { SegmentWriter } from './segment-writer';

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
      while (this.assembler.hasWork) await this.commit(this.assembler.takeGroup());
    } catch (cause) {
      this.fail(cause);
      return;
    }
    this.isRunning = false;
  }

  private async commit(group: BlockGroup): Promise<void> {
    const first = group.blocks[0];
    if (group.newSegmentPeaks !== undefined && first !== undefined) {
      await this.segments.startSegment(first.firstSeq, group.newSegmentPeaks);
    }
    await this.segments.writeGroup(group.blocks);
    this.syncs++;
    this.durable = group.endSeq;
    this.root = group.root;
    this.waitingBytes -= group.recordBytes;
    this.settle();
  }

  private settle(): void {
    const first = this.waiters.findIndex((waiter) => waiter.endSeq > this.durable);
    const done = this.waiters.splice(0, first < 0 ? this.waiters.length : first);
    for (const waiter of done) waiter.resolve();
  }

  private fail(cause: unknown): void {
    const message = `the log could not be written: ${messageOf(cause)}`;
    const failure = new ProtegoError('LOG_WRITE_FAILED', message, {}, { cause });
    this.failed = failure;
    for (const waiter of this.waiters.splice(0)) waiter.reject(failure);
  }
}
