import { BlockBuilder } from './block-builder';
import { BlockPacker, type PackedBlock } from './block-packer';
import type { LogRecordInput } from '../log-record';
import type { MerkleTree } from '../tree/merkle-tree';

/** Most blocks of one write. */
const GROUP_BLOCKS_MAX = 128;

/**
 * Turns records into blocks. Records get their seq here, in the order of the calls, and their place in the tree before
 * anything of them is written.
 */
export class BlockAssembler {
  private readonly builder: BlockBuilder;
  private readonly packer: BlockPacker;
  /** Seq of the first record that is in no sealed block. */
  private unsealed: number;
  private assigned: number;

  /** @param subjectKey 16 bytes: keys the subject filters */
  constructor(tree: MerkleTree, blockBytesMax: number, subjectKey: Buffer) {
    this.builder = new BlockBuilder(blockBytesMax, subjectKey);
    this.packer = new BlockPacker(tree);
    this.unsealed = this.assigned = tree.size;
  }

  /** Seq of the next record. */
  get nextSeq(): number {
    return this.assigned;
  }

  /** True when records wait to be written. */
  get hasWork(): boolean {
    return this.packer.length > 0 || !this.builder.isEmpty;
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
    if (this.packer.length === 0 && !this.builder.isEmpty) this.seal();
    return this.packer.take(GROUP_BLOCKS_MAX);
  }

  /** Ends what runs in the background. */
  close(): Promise<void> {
    return this.packer.close();
  }

  private seal(): void {
    this.packer.push(this.builder.seal(this.unsealed));
    this.unsealed = this.assigned;
  }
}
