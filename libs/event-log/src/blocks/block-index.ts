import { isProtegoError, type ProtegoError } from '@protego/contracts';
import type { BlockCipher } from './block-cipher';
import type { BlockHeader, TimeRange, TypesBitmap } from './block-format';
import { blockCorrupt, chainBroken } from '../log-errors';
import type { MerkleTree } from '../tree/merkle-tree';
import { HOP_WINDOW_BYTES, SegmentCursor, type NoBlock } from '../segments/segment-cursor';
import type { SegmentIndex } from '../segments/segment-footer';
import type { SegmentFileName } from '../segments/segment-format';
import { findBlockAfter } from '../segments/tail';

/** How much of finished segments is remembered. */
export interface IndexLimits {
  readonly segmentsMax: number;
  /** Most bytes of subject filters. */
  readonly bytesMax: number;
}

const LIMITS: IndexLimits = { segmentsMax: 16, bytesMax: 32 << 20 };

/** What can be known of a block without opening it. */
export interface IndexedBlock extends TimeRange {
  /** Offset in the segment's file. */
  readonly offset: number;
  readonly firstSeq: number;
  /** Number of records. */
  readonly count: number;
  readonly types: TypesBitmap;
  /** Subject filter; empty when no record of the block names a subject. */
  readonly filter: Buffer;
  /** CRC-32C that the block's header gives its filter; undefined where an authenticated footer gave the filter. */
  readonly filterCrc?: number;
}

/** Bytes of a segment that are no block although there should be one. */
export interface IndexGap {
  readonly offset: number;
  /** First seq that is missing. */
  readonly seq: number;
  /** Seq after the last that is missing; undefined when nothing whole follows. */
  readonly endSeq?: number;
  /** Says why, and where. */
  readonly failure: ProtegoError;
}

/** The blocks of one segment at one instant. */
export interface BlockIndex {
  readonly segment: SegmentFileName;
  /** In order of seq. */
  readonly blocks: readonly IndexedBlock[];
  /** In order of seq; none in a sound segment. */
  readonly gaps: readonly IndexGap[];
  /** Seq after the last record of the last block. */
  readonly endSeq: number;
  /** RFC 6962 root of the log after the last block; undefined when the segment has no block and no sound header. */
  readonly root?: Buffer;
  /** Offset where the blocks end. */
  readonly endOffset: number;
  /** Bytes up to the end of the last block, or of the file once it is finished. */
  readonly bytes: number;
  /** True when this was read from the authenticated footer, and can change no more. */
  readonly isFinished: boolean;
}

/**
 * Finds the blocks of segments: from the footer where there is a sound one, else by hopping from header to header.
 * Finished segments are remembered, a bounded number of them.
 */
export class BlockIndexes {
  private readonly kept = new Map<string, { readonly index: BlockIndex; readonly bytes: number }>();
  private keptBytes = 0;
  private evictedCount = 0;

  constructor(
    private readonly cipher: BlockCipher,
    private readonly limits: IndexLimits = LIMITS,
  ) {}

  /** Number of indexes that were dropped to stay within the bounds. */
  get evictions(): number {
    return this.evictedCount;
  }

  /**
   * Index of a segment.
   *
   * @param isLast true when no segment follows: a block that is not whole is then one that is being written
   */
  of(segment: SegmentFileName, isLast: boolean): BlockIndex {
    const known = this.kept.get(segment.path);
    if (known !== undefined) return known.index;
    const cursor = new SegmentCursor(segment, { windowBytes: HOP_WINDOW_BYTES });
    try {
      const footer = footerOf(cursor, this.cipher);
      if (footer === undefined) return new Hop(cursor, isLast).run();
      const index = indexFrom(cursor, footer);
      this.keep(index);
      return index;
    } finally {
      cursor.close();
    }
  }

  private keep(index: BlockIndex): void {
    const bytes = index.blocks.reduce((sum, { filter }) => sum + filter.length, 0);
    this.kept.set(index.segment.path, { index, bytes });
    this.keptBytes += bytes;
    for (const [path, oldest] of this.kept) {
      if (this.kept.size <= this.limits.segmentsMax && this.keptBytes <= this.limits.bytesMax) return;
      this.kept.delete(path);
      this.keptBytes -= oldest.bytes;
      this.evictedCount++;
    }
  }
}

/** The footer's index; undefined when there is none that can be relied on: the blocks themselves tell as much. */
function footerOf(cursor: SegmentCursor, cipher: BlockCipher): SegmentIndex | undefined {
  try {
    const index = cursor.index(cipher);
    return typeof index === 'string' ? undefined : index;
  } catch (cause) {
    if (isProtegoError(cause) && cause.code === 'LOG_KEY_MISSING') return undefined;
    throw cause;
  }
}

function indexFrom(cursor: SegmentCursor, footer: SegmentIndex): BlockIndex {
  const blocks: IndexedBlock[] = [];
  let firstSeq = footer.firstSeq;
  for (let i = 0; i < footer.blockCount; i++) {
    const { offset, count, timeMsMin, timeMsMax, arrivedAtMsMin, arrivedAtMsMax, types } = footer.blockAt(i);
    const times = { timeMsMin, timeMsMax, arrivedAtMsMin, arrivedAtMsMax };
    blocks.push({ offset, firstSeq, count, ...times, types, filter: footer.filterAt(i) });
    firstSeq += count;
  }
  return {
    segment: cursor.segment,
    blocks,
    gaps: [],
    endSeq: footer.endSeq,
    root: footer.root,
    endOffset: footer.footerOffset,
    bytes: cursor.fileBytes(),
    isFinished: true,
  };
}

/** Reads the headers of one segment, one after the other. */
class Hop {
  private readonly blocks: IndexedBlock[] = [];
  private readonly gaps: IndexGap[] = [];
  private nextSeq: number;
  private root: Buffer | undefined;

  constructor(
    private readonly cursor: SegmentCursor,
    private readonly isLast: boolean,
  ) {
    this.nextSeq = cursor.segment.firstSeq;
  }

  run(): BlockIndex {
    const { cursor, blocks, gaps } = this;
    const head = cursor.head();
    if (head !== undefined || !this.isLast) this.checkHead(head);
    while (head !== undefined && this.hop());
    return {
      segment: cursor.segment,
      blocks,
      gaps,
      endSeq: this.nextSeq,
      root: this.root,
      endOffset: cursor.position,
      bytes: Math.min(cursor.position, cursor.fileBytes()),
      isFinished: false,
    };
  }

  private checkHead(head: MerkleTree | string | undefined): void {
    if (head !== undefined && typeof head !== 'string') {
      this.root = head.root();
      return;
    }
    const { nextSeq } = this;
    const failure = blockCorrupt(this.placeAt(0), head ?? 'segment header is not whole');
    this.gaps.push({ offset: 0, seq: nextSeq, endSeq: nextSeq, failure });
  }

  /** Takes one block; false at the end of the segment. */
  private hop(): boolean {
    const read = this.cursor.peekHeader();
    if (read.kind === 'header') {
      this.take(read.header, read.offset);
      return true;
    }
    const isEnd = read.kind === 'end' || (read.kind === 'torn' && this.isLast);
    return !isEnd && this.stepOver(read);
  }

  private take(header: BlockHeader, offset: number): void {
    const { firstSeq, count } = header;
    if (firstSeq !== this.nextSeq) {
      const failure = chainBroken(this.placeAt(offset), `block starts at seq ${firstSeq}`);
      this.gaps.push({ offset, seq: this.nextSeq, endSeq: Math.max(firstSeq, this.nextSeq), failure });
    }
    const filter = Buffer.from(this.cursor.peekFilter(header) ?? []);
    this.cursor.skip(header);
    // A block that goes back holds nothing new.
    if (firstSeq < this.nextSeq) return;
    const { timeMsMin, timeMsMax, arrivedAtMsMin, arrivedAtMsMax, types, filterCrc } = header;
    const times = { timeMsMin, timeMsMax, arrivedAtMsMin, arrivedAtMsMax };
    this.blocks.push({ offset, firstSeq, count, ...times, types, filter, filterCrc });
    this.nextSeq = firstSeq + count;
    this.root = header.root;
  }

  /** Goes on to the next whole block; false when there is none. */
  private stepOver(read: Exclude<NoBlock, { kind: 'end' }>): boolean {
    const { offset } = read;
    const failure = blockCorrupt(this.placeAt(offset), read.kind === 'bad' ? read.reason : 'block is not whole');
    const found = findBlockAfter(this.cursor, offset);
    const endSeq = found === undefined ? undefined : Math.max(found.header.firstSeq, this.nextSeq);
    this.gaps.push({ offset, seq: this.nextSeq, endSeq, failure });
    if (found === undefined) return false;
    this.cursor.position = found.offset;
    // The gap accounts for what is missing: the block found is as good as the next.
    this.nextSeq = endSeq as number;
    return true;
  }

  private placeAt(offset: number): { segment: string; offset: number; seq: number } {
    return { segment: this.cursor.segment.name, offset, seq: this.nextSeq };
  }
}
