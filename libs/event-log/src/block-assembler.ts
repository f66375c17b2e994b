import { BlockBuilder, type SealedBlock } from './block-builder';
import { COLUMN_BYTES_PER_RECORD } from './block-format';
import type { LogRecordInput } from './log-record';
import type { MerkleTree } from './merkle-tree';
import { segmentHeaderBytes } from './segment-format';

/** Most blocks of one write. */
const GROUP_BLOCKS_MAX = 128;

/** Sizes at which blocks and segments end. */
export interface BlockLimits {
  readonly blockBytesMax: number;
  readonly segmentBytesMax: number;
}

/** Blocks of one segment that are written together. */
export interface BlockGroup {
  readonly blocks: readonly SealedBlock[];
  readonly endSeq: number;
  readonly root: Buffer;
  /** What {@link recordBytesOf} says of all its records together. */
  readonly recordBytes: number;
  /** Set when the group begins a new segment: the tree's peaks before it. */
  readonly newSegmentPeaks?: readonly Buffer[];
}

interface PlannedBlock extends SealedBlock {
  readonly newSegmentPeaks?: readonly Buffer[];
}

/**
 * Turns records into blocks and decides which segment each belongs to. Records get their seq, their leaf hash and their
 * place here, in the order of the calls and before anything is written.
 */
export class BlockAssembler {
  private readonly builder: BlockBuilder;
  private readonly sealed: PlannedBlock[] = [];
  private assigned: number;

  constructor(
    private readonly tree: MerkleTree,
    private segmentBytes: number | undefined,
    private readonly limits: BlockLimits,
  ) {
    this.builder = new BlockBuilder(limits.blockBytesMax);
    this.assigned = tree.size;
  }

  /** Seq of the next record. */
  get nextSeq(): number {
    return this.assigned;
  }

  /** True when records wait to be written. */
  get hasWork(): boolean {
    return this.sealed.length > 0 || !this.builder.isEmpty;
  }

  /** Takes a record; its seq is `nextSeq` as it was before. */
  add(record: LogRecordInput): void {
    if (this.builder.isFull) this.seal();
    this.builder.add(record);
    this.assigned++;
  }

  /** What goes into the next write: all that waits, up to a bound and to the end of the segment. */
  takeGroup(): BlockGroup {
    if (!this.builder.isEmpty) this.seal();
    let count = 1;
    while (count < this.sealed.length && count < GROUP_BLOCKS_MAX && !this.sealed[count]?.newSegmentPeaks) count++;
    const blocks = this.sealed.splice(0, count);
    const last = blocks.at(-1);
    if (last === undefined) throw new Error('nothing waits to be written');
    const recordBytes = blocks.reduce((sum, block) => sum + block.recordBytes, 0);
    return { blocks, endSeq: last.endSeq, root: last.root, recordBytes, newSegmentPeaks: blocks[0]?.newSegmentPeaks };
  }

  private seal(): void {
    const { segmentBytesMax } = this.limits;
    const bytes = this.builder.bytes;
    const opensSegment = this.segmentBytes === undefined || this.segmentBytes + bytes > segmentBytesMax;
    const isFirstOfSegment = this.segmentBytes === segmentHeaderBytes(this.tree.size);
    if (!opensSegment || isFirstOfSegment) {
      this.segmentBytes = (this.segmentBytes ?? 0) + bytes;
      this.sealed.push(this.builder.seal(this.tree));
      return;
    }
    const newSegmentPeaks = this.tree.peaks();
    this.segmentBytes = segmentHeaderBytes(this.tree.size) + bytes;
    this.sealed.push({ ...this.builder.seal(this.tree), newSegmentPeaks });
  }
}

/** Bytes that a record takes while it waits: its body and its columns. */
export function recordBytesOf(record: LogRecordInput): number {
  return record.body.length + COLUMN_BYTES_PER_RECORD;
}
