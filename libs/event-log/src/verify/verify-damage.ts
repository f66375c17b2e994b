import { firstWhere, type BlockPlace, type Findings, type FoundBlock } from './verify-salvage';
import type { LogProblemKind } from './verify-report';

/** A part of a segment in the order of seq. */
export type Piece =
  | { readonly kind: 'block'; readonly seq: number; readonly seqEnd: number; readonly found: FoundBlock & OpenBlock }
  /** Records that cannot be read. */
  | { readonly kind: 'gap'; readonly seq: number; readonly seqEnd: number };

type OpenBlock = Required<Pick<FoundBlock, 'block' | 'tag'>>;

/** What happened to a range of records of one segment. */
export interface Damage {
  readonly kind: Extract<LogProblemKind, 'altered' | 'missing' | 'repeated' | 'reordered'>;
  readonly seq: number;
  /** Undefined where the log ends in damage whose extent nothing tells. */
  readonly seqEnd: number | undefined;
  readonly offset: number;
  readonly reason: string;
}

/** Result of {@link diagnose}. */
export interface Diagnosis {
  readonly pieces: readonly Piece[];
  readonly damages: readonly Damage[];
}

/** What is known of the damaged part of a segment before its blocks are looked at. */
export interface DamagedPart {
  /** Seq that the records before lead to, and offset where they end. */
  readonly from: { readonly seq: number; readonly offset: number };
  /** Seq at which the segment ends, when its footer or the next segment says so. */
  readonly seqEnd: number | undefined;
  /** Blocks that the segment's footer lists, by their first seq; undefined without a footer. */
  readonly listed: ReadonlyMap<number, BlockPlace> | undefined;
  /** Offset where the part ends. */
  readonly end: number;
}

interface Span {
  readonly offset: number;
  readonly end: number;
  /** Missing for bytes that are no block at all. */
  readonly found?: FoundBlock;
}

/** Tells from the blocks that were found what was altered, taken out, put in twice or moved. */
export function diagnose(findings: Findings, part: DamagedPart): Diagnosis {
  const damages: Damage[] = [];
  const authentic = findings.blocks.filter((found): found is FoundBlock & OpenBlock => found.block !== undefined);
  const once = withoutRepeats(authentic, part.from.seq, damages);
  reportReordered(once, damages);
  const pieces: Piece[] = once.map((found) => ({ kind: 'block', ...rangeOf(found), found }));
  pieces.sort((a, b) => a.seq - b.seq);
  const strangers = spansWithout(authentic, findings, part);
  const gaps = gapsBetween(pieces, part, lastSeqOf(findings, part));
  const listedSeqs = part.listed === undefined ? undefined : [...part.listed.keys()].sort((a, b) => a - b);
  for (const gap of gaps) damages.push(...new GapReader(gap, strangers, part, listedSeqs).read());
  const unreadable = gaps.map(({ seq, seqEnd }): Piece => ({ kind: 'gap', seq, seqEnd }));
  return { pieces: [...pieces, ...unreadable].sort((a, b) => a.seq - b.seq), damages };
}

function rangeOf({ header }: FoundBlock): { seq: number; seqEnd: number } {
  return { seq: header.firstSeq, seqEnd: header.firstSeq + header.count };
}

function withoutRepeats<T extends FoundBlock>(blocks: readonly T[], fromSeq: number, damages: Damage[]): T[] {
  const seen = new Set<number>();
  return blocks.filter((found) => {
    const range = rangeOf(found);
    const isNew = range.seq >= fromSeq && !seen.has(range.seq);
    seen.add(range.seq);
    if (!isNew) damages.push({ kind: 'repeated', ...range, offset: found.offset, reason: 'block stands here again' });
    return isNew;
  });
}

/** One damage from the first to the last record of all blocks that stand on the wrong side of another. */
function reportReordered(blocks: readonly FoundBlock[], damages: Damage[]): void {
  const leastAfter: number[] = [];
  let least = Infinity;
  for (let i = blocks.length - 1; i >= 0; i--) {
    leastAfter[i] = least;
    least = Math.min(least, (blocks[i] as FoundBlock).header.firstSeq);
  }
  let greatest = -Infinity;
  const moved = blocks.filter((found, i) => {
    const { firstSeq } = found.header;
    const isMoved = firstSeq < greatest || firstSeq > (leastAfter[i] as number);
    greatest = Math.max(greatest, firstSeq);
    return isMoved;
  });
  const first = moved[0];
  if (first === undefined) return;
  const ranges = moved.map(rangeOf);
  damages.push({
    kind: 'reordered',
    seq: ranges.reduce((least, { seq }) => Math.min(least, seq), Infinity),
    seqEnd: ranges.reduce((greatest, { seqEnd }) => Math.max(greatest, seqEnd), 0),
    offset: first.offset,
    reason: 'blocks stand in another order',
  });
}

/** What stands in the part besides authentic blocks, in the order of the file. */
function spansWithout(authentic: readonly FoundBlock[], findings: Findings, part: DamagedPart): Span[] {
  const spans: Span[] = [];
  const known = new Set<FoundBlock>(authentic);
  let at = part.from.offset;
  for (const found of findings.blocks) {
    if (found.offset > at) spans.push({ offset: at, end: found.offset });
    if (!known.has(found)) spans.push({ offset: found.offset, end: found.offset + found.bytes, found });
    at = found.offset + found.bytes;
  }
  if (findings.end > at) spans.push({ offset: at, end: findings.end });
  return spans;
}

/** Seq at which the part ends as far as anything tells. */
function lastSeqOf({ blocks }: Findings, part: DamagedPart): number {
  if (part.seqEnd !== undefined) return part.seqEnd;
  // Without a footer the headers tell, also those of blocks that cannot be opened, unless they belong elsewhere.
  return blocks.reduce((last, found) => Math.max(last, rangeOf(found).seqEnd), part.from.seq);
}

/** A range of records that no authentic block holds, and where in the file it would have to be. */
interface Gap {
  readonly seq: number;
  readonly seqEnd: number;
  readonly offset: number;
  readonly end: number;
}

function gapsBetween(pieces: readonly Piece[], part: DamagedPart, seqEnd: number): Gap[] {
  const gaps: Gap[] = [];
  let { seq, offset } = part.from;
  for (const piece of pieces) {
    if (piece.kind !== 'block') continue;
    if (piece.seq > seq) gaps.push({ seq, seqEnd: piece.seq, offset, end: piece.found.offset });
    seq = piece.seqEnd;
    offset = piece.found.offset + piece.found.bytes;
  }
  if (seqEnd > seq || (gaps.length === 0 && pieces.length === 0)) gaps.push({ seq, seqEnd, offset, end: part.end });
  else if (offset < part.end && seqEnd === seq) gaps.push({ seq, seqEnd, offset, end: part.end });
  return gaps;
}

/** Reads out of what stands in a gap what became of its records. */
class GapReader {
  private readonly damages: Damage[] = [];
  private readonly spans: readonly Span[];
  private isBehindMissing = false;

  constructor(
    private readonly gap: Gap,
    strangers: readonly Span[],
    private readonly part: DamagedPart,
    /** First seqs of the blocks that the footer lists, ascending. */
    private readonly listedSeqs: readonly number[] | undefined,
  ) {
    this.spans = spansIn(strangers, gap.offset, gap.end);
  }

  read(): Damage[] {
    const { seq, seqEnd, offset } = this.gap;
    if (seq === seqEnd) {
      if (this.spans.length > 0)
        this.push('altered', seq, undefined, this.spans[0]?.offset ?? offset, 'no block starts here');
      return this.damages;
    }
    const junk = this.spans.find(({ found }) => found === undefined);
    const owners = new Map<number, FoundBlock>();
    for (const { found } of this.spans)
      if (found !== undefined && !owners.has(found.header.firstSeq)) owners.set(found.header.firstSeq, found);
    const anywhere = this.suspectsIn(this.spans);
    for (const [from, to] of this.blocksWithin()) {
      const own = owners.get(from);
      const place = this.part.listed?.get(from);
      // Where the footer puts the block, or anywhere in the gap without one.
      const { stranger, bytes } =
        place === undefined ? anywhere : this.suspectsIn(spansIn(this.spans, place.offset, place.offset + place.bytes));
      if (own !== undefined) {
        if (!this.isUnproven(own)) this.push('altered', from, to, own.offset, reasonOf(own));
      } else if (stranger !== undefined) this.push('reordered', from, to, stranger.offset, 'another block stands here');
      else if (bytes !== undefined) this.push('altered', from, to, bytes.offset, 'no block starts here');
      else this.push('missing', from, to, junk?.offset ?? offset, 'block is missing');
    }
    return this.damages;
  }

  /** What may stand for a block: a whole one from elsewhere, or bytes that are none. */
  private suspectsIn(spans: readonly Span[]): { readonly stranger?: Span; readonly bytes?: Span } {
    const stranger = spans.find((span) => span.found?.isWhole === true && this.isForeign(span));
    const bytes = spans.find(({ found }) => found === undefined || !found.isWhole);
    return { ...(stranger === undefined ? {} : { stranger }), ...(bytes === undefined ? {} : { bytes }) };
  }

  private push(kind: Damage['kind'], seq: number, seqEnd: number | undefined, offset: number, reason: string): void {
    const last = this.damages.at(-1);
    this.isBehindMissing ||= kind === 'missing';
    // Neighbours that share a fate are one damage.
    if (last?.kind === kind && last.seqEnd === seq && kind === 'missing')
      this.damages[this.damages.length - 1] = { ...last, seqEnd };
    else this.damages.push({ kind, seq, seqEnd, offset, reason });
  }

  /** The blocks of the gap, as far as footer or headers tell them apart. */
  private blocksWithin(): [from: number, to: number][] {
    const { seq, seqEnd } = this.gap;
    const borders = new Set([seq, seqEnd]);
    const isWithin = (border: number): boolean => border > seq && border < seqEnd;
    const listed = this.listedSeqs ?? [];
    for (let i = firstWhere(listed, (first) => first > seq); isWithin(listed[i] ?? seqEnd); i++)
      borders.add(listed[i] as number);
    if (this.listedSeqs === undefined) {
      for (const { found } of this.spans) {
        if (found === undefined) continue;
        const { firstSeq, count } = found.header;
        if (firstSeq < seq || firstSeq >= seqEnd) continue;
        for (const border of [firstSeq, firstSeq + count]) if (isWithin(border)) borders.add(border);
      }
    }
    const sorted = [...borders].sort((a, b) => a - b);
    return sorted.slice(1).map((to, i) => [sorted[i] as number, to]);
  }

  private isForeign({ found }: Span): boolean {
    const firstSeq = found?.header.firstSeq ?? 0;
    return firstSeq < this.gap.seq || firstSeq >= this.gap.seqEnd;
  }

  /**
   * True for a block of an unfinished segment behind missing records: nothing tells where it stood, so it cannot be
   * authenticated, and need not be altered.
   */
  private isUnproven(found: FoundBlock): boolean {
    return this.part.listed === undefined && found.isWhole && this.isBehindMissing;
  }
}

/** The spans that reach into `[from, to)`; they are in the order of the file and do not overlap. */
function spansIn(spans: readonly Span[], from: number, to: number): readonly Span[] {
  return spans.slice(
    firstWhere(spans, ({ end }) => end > from),
    firstWhere(spans, ({ offset }) => offset >= to),
  );
}

function reasonOf({ isWhole }: FoundBlock): string {
  return isWhole ? 'block is not authentic at this place' : 'block fails its CRC';
}
