import type { BlockView } from './block-view';
import { blockCorrupt, chainBroken, type LogPlace } from './log-errors';
import { HOP_WINDOW_BYTES, SCAN_WINDOW_BYTES, SegmentCursor, type BlockRead } from './segment-cursor';
import { listSegments, type SegmentFileName } from './segment-format';

/**
 * Walks the blocks of a log in order, from the one that holds `fromSeq`. At the end of the log it returns undefined and
 * can be asked again: a writer may have gone on.
 */
export class LogScan {
  private cursor: SegmentCursor | undefined;
  private root: Buffer | undefined;
  private nextSeq: number;

  constructor(
    private readonly directory: string,
    fromSeq: number,
  ) {
    this.nextSeq = fromSeq;
  }

  /**
   * The next block, or undefined at the end of what is written.
   *
   * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_CHAIN_BROKEN` with segment, offset and seq
   */
  next(): BlockView | undefined {
    for (;;) {
      if (this.cursor === undefined && !this.start()) return undefined;
      const cursor = this.cursor as SegmentCursor;
      const read = cursor.next();
      if (read.kind === 'block') return this.accept(cursor, read);
      const later = listSegments(this.directory).find(({ firstSeq }) => firstSeq > cursor.segment.firstSeq);
      if (later === undefined) return this.endAt(cursor, read);
      // The segment was finished since: what the writer put there meanwhile comes first.
      cursor.forget();
      const again = cursor.next();
      if (again.kind === 'block') return this.accept(cursor, again);
      if (again.kind !== 'end') throw blockCorrupt(this.placeOf(cursor, again.offset), reasonOf(again));
      if (!this.enter(later, again.offset)) return undefined;
    }
  }

  /** Closes the open file. */
  close(): void {
    this.cursor?.close();
    this.cursor = undefined;
  }

  /** Opens the segment that holds the first wanted record and hops to its block; false while the log is too short. */
  private start(): boolean {
    const segments = listSegments(this.directory);
    const index = segments.findLastIndex(({ firstSeq }) => firstSeq <= this.nextSeq);
    const segment = segments[index];
    if (segment === undefined) {
      const first = segments[0];
      if (first === undefined) return false;
      throw chainBroken({ segment: first.name, offset: 0, seq: this.nextSeq }, 'the segments before are missing');
    }
    const place = hopTo(segment, this.nextSeq);
    if (place === undefined) return false;
    const cursor = new SegmentCursor(segment, { windowBytes: SCAN_WINDOW_BYTES });
    cursor.position = place.offset;
    this.nextSeq = place.seq;
    this.root = place.root;
    this.cursor = cursor;
    return true;
  }

  private accept(cursor: SegmentCursor, read: BlockRead & { kind: 'block' }): BlockView {
    const { header } = read.block;
    if (header.firstSeq !== this.nextSeq) {
      throw chainBroken(this.placeOf(cursor, read.offset), `block starts at seq ${header.firstSeq}`);
    }
    this.nextSeq += header.count;
    this.root = header.root;
    return read.block;
  }

  private endAt(cursor: SegmentCursor, read: BlockRead): undefined {
    cursor.forget();
    if (read.kind === 'bad') throw blockCorrupt(this.placeOf(cursor, read.offset), read.reason);
    return undefined;
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

interface BlockPlace {
  readonly offset: number;
  readonly seq: number;
  readonly root: Buffer;
}

/**
 * Place of the block that holds `seq`, or the end of the segment when that is not written yet; undefined when the
 * segment's header is not.
 */
function hopTo(segment: SegmentFileName, seq: number): BlockPlace | undefined {
  const cursor = new SegmentCursor(segment, { windowBytes: HOP_WINDOW_BYTES });
  try {
    const head = cursor.head();
    if (head === undefined) return undefined;
    if (typeof head === 'string') throw blockCorrupt({ segment: segment.name, offset: 0, seq: segment.firstSeq }, head);
    let at: BlockPlace = { offset: cursor.position, seq: segment.firstSeq, root: head.root() };
    for (;;) {
      const read = cursor.peekHeader();
      if (read.kind !== 'header' || read.header.firstSeq + read.header.count > seq) return at;
      const place = { segment: segment.name, offset: at.offset, seq: at.seq };
      if (read.header.firstSeq !== at.seq) throw chainBroken(place, `block starts at seq ${read.header.firstSeq}`);
      cursor.skip(read.header);
      at = { offset: cursor.position, seq: at.seq + read.header.count, root: read.header.root };
    }
  } finally {
    cursor.close();
  }
}

function reasonOf(read: BlockRead): string {
  return read.kind === 'bad' ? read.reason : 'block is not whole';
}
