import { ProtegoError } from '@protego/contracts';
import type { BlockCipher } from '../blocks/block-cipher';
import { TAG_BYTES, type BlockHeader } from '../blocks/block-format';
import type { BlockIndex, BlockIndexes, IndexGap } from '../blocks/block-index';
import type { BlockView } from '../blocks/block-view';
import { blockCorrupt, chainBroken, type LogPlace } from '../log-errors';
import { SCAN_WINDOW_BYTES, SegmentCursor, type BlockRead, type SealedRead } from '../segments/segment-cursor';
import { listSegments, type SegmentFileName } from '../segments/segment-format';

/** The log that is read: its directory, and what opens and finds its blocks. */
export interface LogSource {
  readonly directory: string;
  readonly cipher: BlockCipher;
  readonly indexes: BlockIndexes;
}

type NotBlock = Exclude<BlockRead | SealedRead, { kind: 'block' | 'sealed' }>;

/** Says of a block, before it is opened, whether its records are wanted. */
export type BlockChoice = (header: BlockHeader, filter: Buffer) => boolean;

/**
 * Walks the blocks of a log in order, from the one that holds `fromSeq`, and checks that each goes on from the one before.
 * At the end of the log it returns undefined and can be asked again: a writer may have gone on.
 */
export class LogScan {
  private cursor: SegmentCursor | undefined;
  private root: Buffer | undefined;
  /** Tag of the block before; undefined where that was not read. */
  private tag: Buffer | undefined;
  private nextSeq: number;

  /**
   * @param fromSeq undefined: from the first record that the log still holds
   * @param isWanted leaves blocks closed; all are wanted without it
   */
  constructor(
    private readonly source: LogSource,
    private readonly fromSeq: number | undefined,
    private readonly isWanted?: BlockChoice,
  ) {
    this.nextSeq = fromSeq ?? 0;
  }

  /**
   * The next block, or undefined at the end of what is written.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_CHAIN_BROKEN` with segment, offset and seq; `LOG_RANGE_MISSING` when
   *   the first record that is wanted has expired; `LOG_KEY_MISSING`
   */
  next(): BlockView | undefined {
    for (;;) {
      if (this.cursor === undefined && !this.start()) return undefined;
      const cursor = this.cursor as SegmentCursor;
      const { read, later } = this.readSettled(cursor);
      if (read.kind === 'block' || read.kind === 'sealed') {
        const block = this.accept(cursor, read);
        if (block !== undefined) return block;
      } else if (!this.goOn(cursor, read, later)) return undefined;
    }
  }

  /** Closes the open file. */
  close(): void {
    this.cursor?.close();
    this.cursor = undefined;
  }

  /**
   * What stands next. Where no block does although a segment follows, this one was finished since: then it is read again,
   * because what the writer put there meanwhile comes first.
   */
  private readSettled(cursor: SegmentCursor): { read: BlockRead | SealedRead; later?: SegmentFileName } {
    const read = this.read(cursor);
    if (read.kind === 'block' || read.kind === 'sealed' || read.kind === 'unauthentic') return { read };
    const later = listSegments(this.source.directory).find(({ firstSeq }) => firstSeq > cursor.segment.firstSeq);
    cursor.forget();
    return later === undefined ? { read } : { read: this.read(cursor), later };
  }

  private read(cursor: SegmentCursor): BlockRead | SealedRead {
    if (this.isWanted === undefined) return cursor.next(this.source.cipher);
    const ahead = cursor.peekHeader();
    if (ahead.kind !== 'header') return ahead;
    const filter = cursor.peekFilter(ahead.header) ?? Buffer.alloc(0);
    return this.isWanted(ahead.header, filter) ? cursor.next(this.source.cipher) : cursor.nextSealed();
  }

  /** Opens the segment that holds the first wanted record, at its block; false while the log is too short. */
  private start(): boolean {
    const segments = listSegments(this.source.directory);
    const first = segments[0];
    if (first === undefined) return false;
    if (this.fromSeq === undefined) this.nextSeq = Math.max(this.nextSeq, first.firstSeq);
    if (this.nextSeq < first.firstSeq) throw rangeMissing(this.nextSeq, first.firstSeq);
    const at = segments.findLastIndex(({ firstSeq }) => firstSeq <= this.nextSeq);
    const segment = segments[at] as SegmentFileName;
    const index = this.source.indexes.of(segment, at === segments.length - 1);
    // Without a root there is no header yet, and so nothing to read.
    if (index.root === undefined && index.gaps.length === 0) return false;
    this.enterAt(index, this.nextSeq);
    return true;
  }

  private enterAt(index: BlockIndex, seq: number): void {
    const gap = index.gaps.find((missing) => missing.offset === 0 || isWithin(missing, seq));
    if (gap !== undefined) throw gap.failure;
    const block = index.blocks.find(({ firstSeq, count }) => firstSeq + count > seq);
    this.cursor = new SegmentCursor(index.segment, { windowBytes: SCAN_WINDOW_BYTES });
    this.cursor.position = block?.offset ?? index.endOffset;
    this.nextSeq = block?.firstSeq ?? index.endSeq;
    this.root = block === undefined ? index.root : undefined;
    this.tag = this.nextSeq === 0 ? Buffer.alloc(TAG_BYTES) : undefined;
  }

  /** Checks a block's place in the log; returns it when it was opened. */
  private accept(
    cursor: SegmentCursor,
    read: (BlockRead | SealedRead) & { kind: 'block' | 'sealed' },
  ): BlockView | undefined {
    const header = read.kind === 'block' ? read.block.header : read.header;
    const place = this.placeOf(cursor, read.offset);
    if (header.firstSeq !== this.nextSeq) throw chainBroken(place, `block starts at seq ${header.firstSeq}`);
    if (this.tag?.equals(header.previousTag) === false) throw chainBroken(place, 'block follows another block');
    this.nextSeq += header.count;
    this.root = header.root;
    this.tag = read.tag;
    return read.kind === 'block' ? read.block : undefined;
  }

  /** Where no block stands: true when the next segment can be read; false at the end of the log. */
  private goOn(cursor: SegmentCursor, read: NotBlock, later: SegmentFileName | undefined): boolean {
    const isEnd = read.kind === 'end' || (read.kind === 'torn' && later === undefined);
    if (isEnd) return later !== undefined && this.enter(later, read.offset);
    if (read.kind === 'unauthentic' && read.failure !== undefined) throw read.failure;
    throw blockCorrupt(this.placeOf(cursor, read.offset), read.kind === 'torn' ? 'block is not whole' : read.reason);
  }

  /** Goes on to the next segment; false while its header is being written. */
  private enter(segment: SegmentFileName, endOffset: number): boolean {
    const before = this.cursor as SegmentCursor;
    if (segment.firstSeq !== this.nextSeq) {
      throw chainBroken(this.placeOf(before, endOffset), `the next segment starts at seq ${segment.firstSeq}`);
    }
    const cursor = new SegmentCursor(segment, { windowBytes: SCAN_WINDOW_BYTES });
    try {
      const head = cursor.head();
      if (head === undefined) return false;
      const place = this.placeOf(cursor, 0);
      if (typeof head === 'string') throw blockCorrupt(place, head);
      if (this.root?.equals(head.root()) === false) throw chainBroken(place, 'the segment goes on from another root');
      before.close();
      this.cursor = cursor;
      return true;
    } finally {
      if (this.cursor !== cursor) cursor.close();
    }
  }

  private placeOf(cursor: SegmentCursor, offset: number): LogPlace {
    return { segment: cursor.segment.name, offset, seq: this.nextSeq };
  }
}

/** `LOG_RANGE_MISSING`: a record is wanted that the log holds no more. */
export function rangeMissing(seq: number, firstSeq: number): ProtegoError {
  const message = `record ${seq} has expired: the first that is there is ${firstSeq}`;
  return new ProtegoError('LOG_RANGE_MISSING', message, { seq, firstSeq });
}

function isWithin(gap: IndexGap, seq: number): boolean {
  return gap.seq <= seq && seq < (gap.endSeq ?? Infinity);
}
