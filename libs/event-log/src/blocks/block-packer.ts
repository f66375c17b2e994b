import { compressSync } from 'lz4-napi';
import { CODEC_LZ4, CODEC_NONE } from './block-format';
import type { RawBlock } from './block-builder';
import { hashLeaves } from './leaf-hasher';
import { LeafThread } from './leaf-thread';
import type { MerkleTree } from '../tree/merkle-tree';

/** Smaller payloads are stored as they are: that costs a reader less than it saves. */
export const COMPRESSED_BYTES_MIN = 4096;
/**
 * Smaller payloads are not worth the way to a thread and back: they take half a millisecond, and on a busy machine the
 * thread may wait for longer than that for a processor.
 */
const THREAD_BYTES_MIN = 131_072;
/** So many large blocks start the thread: a log that takes fewer is better off without. */
const BLOCKS_BEFORE_THREAD = 4;

/** A block that only lacks what is known at the write: its place, its group and the tag before it. */
export interface PackedBlock {
  readonly raw: RawBlock;
  readonly codec: number;
  /** What is to be encrypted; it is valid until the block's memory is given back. */
  readonly content: Buffer;
  /** RFC 6962 root of the log after the block. */
  readonly root: Buffer;
  /** Complete subtrees of the log before the block, greatest first. */
  readonly peaksBefore: readonly Buffer[];
}

interface Job {
  readonly raw: RawBlock;
  packed?: PackedBlock;
}

/**
 * Hashes and compresses blocks, appends their leaves to the tree, and gives them back in their order. Large blocks go
 * through a thread, so that making the next block and writing the last one need not wait for that.
 */
export class BlockPacker {
  private readonly jobs: Job[] = [];
  private largeBlocks = 0;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;

  constructor(
    private readonly tree: MerkleTree,
    private readonly thread = new LeafThread(),
  ) {}

  /** Number of blocks that were given and not taken. */
  get length(): number {
    return this.jobs.length;
  }

  /** Takes the block that follows the one before. */
  push(raw: RawBlock): void {
    const job: Job = { raw };
    this.jobs.push(job);
    const { thread } = this;
    const isLarge = raw.payload.length >= THREAD_BYTES_MIN;
    if (isLarge && ++this.largeBlocks === BLOCKS_BEFORE_THREAD) thread.start();
    // While the thread has blocks the tree is behind them: no other may overtake.
    if (thread.pending === 0 && !(isLarge && thread.isReady)) job.packed = this.packHere(raw);
    else
      thread.run(raw).then(
        (compressedBytes) => this.finish(job, compressedBytes),
        (cause: unknown) => this.fail(cause),
      );
  }

  /** The blocks at the head that are ready, at most `max`; waits for the first. At least one must have been given. */
  async take(max: number): Promise<PackedBlock[]> {
    while (this.jobs[0]?.packed === undefined) {
      if (this.failure !== undefined) throw this.failure;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    const ready: PackedBlock[] = [];
    for (const { packed } of this.jobs) {
      if (packed === undefined || ready.length === max) break;
      ready.push(packed);
    }
    this.jobs.splice(0, ready.length);
    return ready;
  }

  /** Ends the thread. */
  close(): Promise<void> {
    return this.thread.close();
  }

  private packHere(raw: RawBlock): PackedBlock {
    const { payload, count, memory } = raw;
    const peaksBefore = this.tree.peaks();
    hashLeaves(payload, count, memory.nodes);
    this.tree.appendLeaves(memory.nodes, count);
    const compressed = payload.length < COMPRESSED_BYTES_MIN ? payload : compressSync(payload);
    return this.packed(raw, compressed.length < payload.length ? compressed : payload, peaksBefore);
  }

  private finish(job: Job, compressedBytes: number): void {
    const { raw } = job;
    const peaksBefore = this.tree.peaks();
    this.tree.appendFolded(raw.memory.nodes, raw.count);
    job.packed = this.packed(raw, raw.payload.subarray(0, compressedBytes || raw.payload.length), peaksBefore);
    this.wakeUp();
  }

  /** A block whose leaves are in the tree. */
  private packed(raw: RawBlock, content: Buffer, peaksBefore: readonly Buffer[]): PackedBlock {
    const codec = content.length < raw.payload.length ? CODEC_LZ4 : CODEC_NONE;
    return { raw, codec, content, peaksBefore, root: this.tree.root() };
  }

  private fail(cause: unknown): void {
    this.failure = cause instanceof Error ? cause : new Error(String(cause));
    this.wakeUp();
  }

  private wakeUp(): void {
    const { wake } = this;
    this.wake = undefined;
    wake?.();
  }
}
