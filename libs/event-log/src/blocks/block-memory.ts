import { BLOCK_RECORDS_MAX } from './block-format';
import { HASH_BYTES } from '../tree/merkle-tree';

/** Blocks' memory that waits to be used again. */
const FREE_MAX = 16;

const NODES_BYTES = 2 * BLOCK_RECORDS_MAX * HASH_BYTES;

/** Memory that one block is made in; a thread can work on it where it is. */
export interface BlockMemory {
  /** Columns, type table and leaves. */
  readonly bytes: Buffer<SharedArrayBuffer>;
  /** Leaf hashes, and the nodes over them, which are fewer. */
  readonly nodes: Buffer<SharedArrayBuffer>;
}

/** Memory for one block after the other: what a block gives back serves another. */
export class BlockMemoryPool {
  private readonly free: BlockMemory[] = [];

  constructor(private readonly blockBytes: number) {}

  /** Memory with any content. */
  take(): BlockMemory {
    return this.free.pop() ?? { bytes: sharedBuffer(this.blockBytes), nodes: sharedBuffer(NODES_BYTES) };
  }

  /** Takes memory back that nobody reads any more. */
  give(memory: BlockMemory): void {
    if (this.free.length < FREE_MAX) this.free.push(memory);
  }
}

function sharedBuffer(bytes: number): Buffer<SharedArrayBuffer> {
  return Buffer.from(new SharedArrayBuffer(bytes));
}
