import { compress } from 'lz4-napi';
import { CODEC_LZ4, CODEC_NONE } from './block-format';
import type { RawBlock } from './block-builder';

/** Smaller payloads are stored as they are: the way through the thread pool costs more than their bytes. */
export const COMPRESSED_BYTES_MIN = 4096;
/** Payloads that are compressed at one time: the threads of the pool also serve the disk. */
const JOBS_MAX = 2;

/** A block that only lacks what is known at the write: its place, its group and the tag before it. */
export interface PackedBlock {
  readonly raw: RawBlock;
  readonly codec: number;
  /** What is to be encrypted; it is valid until {@link PackedBlock.release}. */
  readonly content: Buffer;
  /** Gives the memory of the content back. */
  release(): void;
}

interface Job {
  readonly raw: RawBlock;
  packed?: PackedBlock;
  isStarted: boolean;
}

/** Compresses blocks in the thread pool, several at a time, and gives them back in their order. */
export class BlockCompressor {
  private readonly jobs: Job[] = [];
  private running = 0;
  private failure: Error | undefined;
  private wake: (() => void) | undefined;

  /** Number of blocks that were given and not taken. */
  get length(): number {
    return this.jobs.length;
  }

  /** Takes a block. */
  push(raw: RawBlock): void {
    const job: Job = { raw, isStarted: false };
    if (raw.payload.length < COMPRESSED_BYTES_MIN) job.packed = asItIs(raw);
    this.jobs.push(job);
    this.startJobs();
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

  private startJobs(): void {
    for (const job of this.jobs) {
      if (this.running >= JOBS_MAX) return;
      if (job.isStarted || job.packed !== undefined) continue;
      job.isStarted = true;
      this.running++;
      compress(job.raw.payload).then(
        (content) => this.finish(job, content),
        (cause: unknown) => this.fail(cause),
      );
    }
  }

  private finish(job: Job, content: Buffer): void {
    const { raw } = job;
    if (content.length < raw.payload.length) {
      raw.release();
      job.packed = { raw, codec: CODEC_LZ4, content, release: () => undefined };
    } else job.packed = asItIs(raw);
    this.running--;
    this.startJobs();
    this.wakeUp();
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

function asItIs(raw: RawBlock): PackedBlock {
  return { raw, codec: CODEC_NONE, content: raw.payload, release: () => raw.release() };
}
