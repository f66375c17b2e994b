import type { ErrorCode, ProtegoError } from '@protego/contracts';
import { filterCrcOf } from '../blocks/block-format';
import type { BlockIndex, IndexGap, IndexedBlock } from '../blocks/block-index';
import type { BlockView } from '../blocks/block-view';
import { blockCorrupt, chainBroken } from '../log-errors';
import type { LogRecord } from '../log-record';
import { rangeMissing, type LogSource } from './log-scan';
import type { RecordChoice, RecordCriteria } from './record-choice';
import { BAD_FILTER, HOP_WINDOW_BYTES, SegmentCursor } from '../segments/segment-cursor';
import { listSegments, type SegmentFileName } from '../segments/segment-format';

/** Most places of damage that the figures of one query list; more are counted. */
export const DAMAGE_LISTED_MAX = 100;

/** What a query asks for. */
export interface LogQueryOptions extends RecordCriteria {
  /** First seq that is wanted; default: the first that the log still holds. */
  readonly fromSeq?: number;
  /** Seq after the last that is wanted; default: the end of the log. */
  readonly toSeq?: number;
  /** `backwards` gives the records from the last to the first. Default `forwards`. */
  readonly direction?: 'forwards' | 'backwards';
  /** `skip` steps over a block that cannot be read and counts what was lost with it. Default `throw`. */
  readonly onDamage?: 'throw' | 'skip';
}

/** Records that a query could not read. */
export interface DamagedRange {
  readonly code: ErrorCode;
  readonly segment: string;
  /** Byte offset in the segment's file. */
  readonly offset: number;
  /** First seq that is lost. */
  readonly seq: number;
  /** Seq after the last that is lost; undefined when nothing whole follows. */
  readonly endSeq?: number;
  readonly message: string;
}

/** What a query touched. */
export interface QueryStats {
  /** Segments of the log. */
  readonly segments: number;
  /** Those of which no block was read. */
  readonly segmentsSkipped: number;
  /** Blocks of the segments that hold the wanted seqs. */
  readonly blocks: number;
  /** Those that were read and opened: the others cannot hold what is asked for. */
  readonly blocksRead: number;
  /** Records of the blocks that were read. */
  readonly recordsRead: number;
  /** Records that were given out. */
  readonly recordsFound: number;
  /** Records known to be lost in damaged blocks; always 0 unless damage is skipped, as the next two. */
  readonly recordsDamaged: number;
  readonly damageCount: number;
  /** The first {@link DAMAGE_LISTED_MAX} places. */
  readonly damage: readonly DamagedRange[];
}

/** Counts as they grow. */
type Counts = { -readonly [K in keyof QueryStats]: QueryStats[K] } & { damage: DamagedRange[] };

/**
 * Records that fit a query, in order of seq. It reads only blocks that may hold one, by the footers of finished segments
 * and the headers of the others, and holds one block in memory at a time. It sees what was written when it reached the
 * segment. Each iteration is a query of its own.
 */
export class LogQuery implements Iterable<LogRecord> {
  private counts = noCounts();

  constructor(
    private readonly source: LogSource,
    private readonly choice: RecordChoice,
    private readonly options: LogQueryOptions,
  ) {}

  /** What the latest iteration has touched so far. */
  get stats(): QueryStats {
    return this.counts;
  }

  /**
   * Runs the query.
   *
   * @throws ProtegoError `LOG_RANGE_MISSING` when `fromSeq` has expired; unless damage is skipped: `LOG_BLOCK_CORRUPT`,
   *   `LOG_CHAIN_BROKEN` with segment, offset and seq, and `LOG_KEY_MISSING`
   */
  *[Symbol.iterator](): Generator<LogRecord, void, undefined> {
    this.counts = noCounts();
    const segments = listSegments(this.source.directory);
    const { fromSeq = 0, toSeq = Infinity } = this.options;
    const first = segments[0];
    if (this.options.fromSeq !== undefined && first !== undefined && fromSeq < first.firstSeq)
      throw rangeMissing(fromSeq, first.firstSeq);
    this.counts.segments = this.counts.segmentsSkipped = segments.length;
    const held = segments
      .map((segment, i) => ({ segment, next: segments[i + 1] }))
      .filter(({ segment, next }) => segment.firstSeq < toSeq && (next === undefined || next.firstSeq > fromSeq));
    if (this.options.direction === 'backwards') held.reverse();
    for (const { segment, next } of held) yield* this.recordsOf(segment, next);
  }

  private *recordsOf(segment: SegmentFileName, next: SegmentFileName | undefined): Generator<LogRecord> {
    const index = this.source.indexes.of(segment, next === undefined);
    this.counts.blocks += index.blocks.length;
    const cursor = new SegmentCursor(segment, { windowBytes: HOP_WINDOW_BYTES });
    const readBefore = this.counts.blocksRead;
    try {
      for (const item of this.plan(index, next)) {
        if ('failure' in item) this.damaged(item);
        else yield* this.chosen(cursor, item);
      }
    } finally {
      if (this.counts.blocksRead > readBefore) this.counts.segmentsSkipped--;
      cursor.close();
    }
  }

  /** What is to be read of a segment, and what is missing between, in the order of the query. */
  private plan(index: BlockIndex, next: SegmentFileName | undefined): (IndexedBlock | IndexGap)[] {
    const { fromSeq = 0, toSeq = Infinity } = this.options;
    const blocks = index.blocks
      .filter(({ firstSeq, count }) => firstSeq < toSeq && firstSeq + count > fromSeq)
      .filter((block) => this.choice.mayFit(block))
      .map((block) => (this.choice.mayName(block.filter) ? block : filterGapOf(index, block)))
      .filter((item) => item !== undefined);
    const gaps = gapsOf(index, next).filter(({ seq, endSeq = Infinity }) => seq < toSeq && endSeq >= fromSeq);
    if (gaps.length === 0) return this.options.direction === 'backwards' ? blocks.reverse() : blocks;
    const items = [...gaps, ...blocks].sort((a, b) => a.offset - b.offset);
    return this.options.direction === 'backwards' ? items.reverse() : items;
  }

  private *chosen(cursor: SegmentCursor, planned: IndexedBlock): Generator<LogRecord> {
    const block = this.open(cursor, planned);
    if (block === undefined) return;
    const { fromSeq = 0, toSeq = Infinity, direction } = this.options;
    const { firstSeq, count } = block.header;
    const wanted = this.choice.wantedIn(block, Math.max(0, fromSeq - firstSeq), Math.min(count, toSeq - firstSeq));
    if (direction === 'backwards') wanted.reverse();
    for (const i of wanted) {
      this.counts.recordsFound++;
      yield block.recordAt(i);
    }
  }

  private open(cursor: SegmentCursor, planned: IndexedBlock): BlockView | undefined {
    const { offset, firstSeq, count } = planned;
    cursor.position = offset;
    this.counts.blocksRead++;
    const read = cursor.next(this.source.cipher);
    if (read.kind === 'block' && read.block.header.firstSeq === firstSeq && read.block.count === count) {
      this.counts.recordsRead += count;
      return read.block;
    }
    const place = { segment: cursor.segment.name, offset, seq: firstSeq };
    const reason = 'reason' in read ? read.reason : 'another block stands here than the index says';
    const failure = 'failure' in read ? read.failure : undefined;
    this.damaged(
      { offset, seq: firstSeq, endSeq: firstSeq + count, failure: failure ?? blockCorrupt(place, reason) },
      place.segment,
    );
    return undefined;
  }

  private damaged(gap: IndexGap, segment = String(gap.failure.details['segment'])): void {
    const { offset, seq, endSeq, failure } = gap;
    if (this.options.onDamage !== 'skip') throw failure;
    this.counts.damageCount++;
    this.counts.recordsDamaged += (endSeq ?? seq) - seq;
    if (this.counts.damage.length >= DAMAGE_LISTED_MAX) return;
    this.counts.damage.push({ code: failure.code, segment, offset, seq, endSeq, message: failure.message });
  }
}

/** The gaps of a segment, with the one before the next segment. */
function gapsOf({ segment, gaps, endSeq, endOffset }: BlockIndex, next: SegmentFileName | undefined): IndexGap[] {
  const ended = gaps.map((gap) => ({ ...gap, endSeq: gap.endSeq ?? next?.firstSeq }));
  const isOpen = gaps.at(-1) !== undefined && gaps.at(-1)?.endSeq === undefined;
  if (next === undefined || isOpen || next.firstSeq === endSeq) return ended;
  const place = { segment: segment.name, offset: endOffset, seq: Math.min(endSeq, next.firstSeq) };
  const failure: ProtegoError = chainBroken(place, `the next segment starts at seq ${next.firstSeq}`);
  return [...ended, { ...place, endSeq: Math.max(place.seq, next.firstSeq), failure }];
}

/**
 * What is missing with a block that its subject filter excludes: nothing when the filter is sound. One that is damaged says
 * nothing about the block.
 */
function filterGapOf({ segment }: BlockIndex, block: IndexedBlock): IndexGap | undefined {
  const { offset, firstSeq, count, filter, filterCrc } = block;
  if (filterCrc === undefined || filterCrcOf(filter) === filterCrc) return undefined;
  const failure = blockCorrupt({ segment: segment.name, offset, seq: firstSeq }, BAD_FILTER);
  return { offset, seq: firstSeq, endSeq: firstSeq + count, failure };
}

function noCounts(): Counts {
  return {
    segments: 0,
    segmentsSkipped: 0,
    blocks: 0,
    blocksRead: 0,
    recordsRead: 0,
    recordsFound: 0,
    recordsDamaged: 0,
    damageCount: 0,
    damage: [],
  };
}
