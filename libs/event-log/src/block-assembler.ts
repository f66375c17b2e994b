import { BlockBuilder } from './block-builder';
import { BlockCompressor, type PackedBlock } from './block-compressor';
import type { LogRecordInput } from './log-record';
import type { MerkleTree } from './merkle-tree';

/** Most blocks of one write. */
const GROUP_BLOCKS_MAX = 128;

/**
 * Turns records into blocks. Records get their seq and their leaf hash here, in the order of the calls and before
 * anything is written.
 */
export class BlockAssembler {
  private readonly builder: BlockBuilder;
  private readonly compressor = new BlockCompressor();
  private assigned: number;

  /** @param subjectKey 16 bytes: keys the subject filters */
  constructor(
    private readonly tree: MerkleTree,
    blockBytesMax: number,
    subjectKey: Buffer,
  ) {
    this.builder = new BlockBuilder(blockBytesMax, subjectKey);
    this.assigned = tree.size;
  }

  /** Seq of the next record. */
  get nextSeq(): number {
    return this.assigned;
  }

  /** True when records wait to be written. */
  get hasWork(): boolean {
    return this.compressor.length > 0 || !this.builder.isEmpty;
  }

  /** Takes a record; its seq is `nextSeq` as it was before. */
  add(record: LogRecordInput): void {
    if (this.builder.isFull) this.seal();
    this.builder.add(record);
    this.assigned++;
  }

  /** What goes into the next write: all that is ready, up to a bound. Waits for the first block. */
  takeBlocks(): Promise<PackedBlock[]> {
    // A block that fills while others wait for the disk is left to fill: fewer and larger blocks compress better.
    if (this.compressor.length === 0 && !this.builder.isEmpty) this.seal();
    return this.compressor.take(GROUP_BLOCKS_MAX);
  }

  private seal(): void {
    this.compressor.push(this.builder.seal(this.tree));
  }
}
