import { isProtegoError } from '@protego/contracts';
import type { BlockCipher } from '../blocks/block-cipher';
import { BLOCK_HEADER_BYTES, TAG_BYTES, blockBytesOf, readBlockHeader } from '../blocks/block-format';
import type { BlockView } from '../blocks/block-view';
import type { LogPlace } from '../log-errors';
import { HASH_BYTES, type MerkleTree } from '../tree/merkle-tree';
import { SCAN_WINDOW_BYTES, SegmentCursor, type BlockRead } from '../segments/segment-cursor';
import {
  FOOTER_AT,
  FOOTER_HEADER_BYTES,
  FOOTER_MAGIC,
  TRAILER_BYTES,
  type SegmentIndex,
} from '../segments/segment-footer';
import type { SegmentFileName } from '../segments/segment-format';
import { hasUnwrittenSector } from '../segments/tail';
import { diagnose, type Damage } from './verify-damage';
import { FooterCheck, footerAtEnd } from './verify-footer';
import { Salvager, placesOf, type BlockPlace, type Findings } from './verify-salvage';

/** What the verifier of a log does with what is found in a segment, in the order of seq. */
export interface SegmentVisitor {
  /** Takes an authentic block. `previousTag` is false when it does not name the block before. */
  takeBlock(block: BlockView, place: LogPlace, tag: Buffer): void;
  /** Passes over records that cannot be read. */
  passGap(seq: number, seqEnd: number): void;
  /** Takes what happened to records. */
  takeDamage(damage: Damage, segment: string): void;
  /** Takes what is wrong with a footer. */
  takeIndexProblem(place: LogPlace, seqEnd: number, reason: string): void;
  /** Counts a footer that was compared. */
  takeFooter(): void;
}

/** Where a segment ends. */
export interface SegmentEnding {
  readonly seq: number;
  /** Bytes of a last block or footer that is not whole. */
  readonly tornBytes: number;
}

/** Scans one segment: as it should be, as long as it is; from the first thing that is wrong on, by what can be found in it. */
export class SegmentVerifier {
  readonly cursor: SegmentCursor;
  private readonly accepted = new Map<number, BlockPlace>();
  private index: SegmentIndex | string | undefined;
  private footer: FooterCheck | undefined;
  private seq: number;
  private lastTag: Buffer | undefined;

  constructor(
    private readonly file: SegmentFileName,
    private readonly cipher: BlockCipher,
    private readonly visitor: SegmentVisitor,
    /** First seq of the segment after this one; undefined in the last. */
    private readonly nextFirstSeq: number | undefined,
  ) {
    this.cursor = new SegmentCursor(file, { windowBytes: SCAN_WINDOW_BYTES, isFixed: true });
    this.seq = file.firstSeq;
  }

  /** The tree at the segment's head; undefined when the header is not whole; else what is wrong with it. */
  head(): MerkleTree | string | undefined {
    return this.cursor.head();
  }

  /** Scans the blocks. `rootAt` gives the root of the log at the end, as far as it is known. */
  run(rootAt: () => Buffer | undefined): SegmentEnding {
    this.openFooter();
    for (;;) {
      const read = this.cursor.next(this.cipher);
      if (read.kind !== 'block' || read.block.header.firstSeq !== this.seq) return this.leave(read, rootAt);
      const { block, offset, tag } = read;
      this.accept(offset, block);
      this.visitor.takeBlock(block, this.placeAt(offset), tag);
      this.seq += block.count;
      this.lastTag = tag;
    }
  }

  /** Closes the file. */
  close(): void {
    this.cursor.close();
  }

  private openFooter(): void {
    this.index = this.readIndex();
    if (this.index === undefined || typeof this.index === 'string') return;
    const check = FooterCheck.open(this.cursor, this.index, this.cipher);
    if (typeof check === 'string') this.index = check;
    else this.footer = check;
  }

  private readIndex(): SegmentIndex | string | undefined {
    try {
      return this.cursor.index(this.cipher);
    } catch (cause) {
      if (!isProtegoError(cause) || cause.code !== 'LOG_KEY_MISSING') throw cause;
      return cause.message;
    }
  }

  private accept(offset: number, block: BlockView): void {
    const { firstSeq, count } = block.header;
    this.accepted.set(firstSeq, { firstSeq, count, offset, bytes: blockBytesOf(block.header) });
    this.footer?.addBlock(block, offset);
  }

  private placeAt(offset: number): LogPlace {
    return { segment: this.file.name, offset, seq: this.seq };
  }

  /** Ends a scan that met no further block: all is well, or only the footer is not, or blocks are not. */
  private leave(read: BlockRead, rootAt: () => Buffer | undefined): SegmentEnding {
    const { footer, index } = this;
    const footerOffset = this.cursor.trailer()?.footerOffset;
    const isAtFooter = read.offset === footerOffset || this.startsFooter(read.offset);
    const isEnd = read.kind === 'end' || (read.kind !== 'block' && isAtFooter);
    const seqEnd = typeof index === 'object' ? index.endSeq : this.nextFirstSeq;
    if (!isEnd || (seqEnd !== undefined && seqEnd !== this.seq)) return this.salvage(read.offset);
    if (footer !== undefined) this.finishFooter(footer, rootAt());
    else if (typeof index === 'string') this.reportFooter(read.offset, index);
    else if (isAtFooter && !this.isTornFooter(read.offset)) this.reportFooter(read.offset, 'trailer was altered');
    else if (this.nextFirstSeq !== undefined) this.reportFooter(read.offset, 'footer is missing');
    else return { seq: this.seq, tornBytes: this.cursor.fileBytes() - read.offset };
    return { seq: this.seq, tornBytes: 0 };
  }

  private finishFooter(footer: FooterCheck, root: Buffer | undefined): void {
    this.visitor.takeFooter();
    const reason = footer.finish({ seq: this.seq, tag: this.lastTag ?? Buffer.alloc(0), root });
    if (reason !== undefined) this.reportFooter(this.cursor.trailer()?.footerOffset ?? 0, reason);
  }

  private reportFooter(offset: number, reason: string): void {
    const place = { segment: this.file.name, offset, seq: this.file.firstSeq };
    this.visitor.takeIndexProblem(place, this.seq, reason);
  }

  private startsFooter(offset: number): boolean {
    return this.cursor.view(offset, FOOTER_MAGIC.length)?.equals(FOOTER_MAGIC) === true;
  }

  /** True when the file of the last segment ends before its footer does, as a crash leaves it. */
  private isTornFooter(offset: number): boolean {
    if (this.nextFirstSeq !== undefined) return false;
    const header = this.cursor.view(offset, FOOTER_HEADER_BYTES);
    const fileBytes = this.cursor.fileBytes();
    return header === undefined || offset + footerBytesOf(header) > fileBytes || this.isUnwritten(offset, fileBytes);
  }

  private isUnwritten(from: number, to: number): boolean {
    return hasUnwrittenSector(this.cursor, from, to);
  }

  /** Finds out what happened from `offset` on, and goes through what can still be read. */
  private salvage(offset: number): SegmentEnding {
    const from = { seq: this.seq, offset };
    const shifted = typeof this.index === 'object' ? undefined : footerAtEnd(this.cursor, this.cipher);
    const index = typeof this.index === 'object' ? this.index : shifted?.index;
    const listed = index === undefined ? undefined : placesOf(index);
    const end = shifted?.offset ?? this.cursor.trailer()?.footerOffset ?? this.cursor.fileBytes();
    const seqEnd = index?.endSeq ?? this.nextFirstSeq;
    const places = new Map([...this.accepted, ...(listed ?? [])]);
    const findings = new Salvager(this.cursor, this.cipher).find(from, end, places);
    const tornAt = index === undefined ? this.tornFrom(findings, from) : undefined;
    const kept = tornAt === undefined ? findings : cutAt(findings, tornAt);
    const { pieces, damages } = diagnose(kept, { from, seqEnd, listed, end: kept.end });
    for (const damage of damages) this.visitor.takeDamage(damage, this.file.name);
    if (damages.length === 0 && tornAt === undefined) {
      // All blocks are there, and not where they were written: something else was put in.
      const reason = 'other bytes stand between the blocks';
      this.visitor.takeDamage({ kind: 'altered', ...from, seqEnd: from.seq, reason }, this.file.name);
    }
    for (const piece of pieces) {
      if (piece.kind === 'gap') this.visitor.passGap(piece.seq, piece.seqEnd);
      else {
        const place = { segment: this.file.name, offset: piece.found.offset, seq: piece.seq };
        this.visitor.takeBlock(piece.found.block, place, piece.found.tag);
      }
    }
    const isCrash = tornAt !== undefined && this.nextFirstSeq === undefined;
    const tornBytes = isCrash ? this.cursor.fileBytes() - tornAt : 0;
    return { seq: pieces.at(-1)?.seqEnd ?? this.seq, tornBytes };
  }

  /**
   * Where the end of a segment without footer begins that holds no whole block: a beginning of a block whose bytes run out,
   * or, as only a crash leaves it in the last segment, a part of the last write that the disk never wrote.
   */
  private tornFrom(findings: Findings, from: { readonly seq: number; readonly offset: number }): number | undefined {
    const fileBytes = this.cursor.fileBytes();
    let { seq, offset } = from;
    for (const found of findings.blocks) {
      const isNext = found.block !== undefined && found.header.firstSeq === seq && found.offset === offset;
      if (!isNext) break;
      seq += found.header.count;
      offset += found.bytes;
    }
    if (offset >= findings.end) return undefined;
    const later = findings.blocks.filter((found) => found.offset >= offset);
    if (later.length === 0 && this.isBeginning(offset, fileBytes)) return offset;
    if (this.nextFirstSeq !== undefined) return undefined;
    const isOneWrite = later.every((found) => found.header.groupFirstSeq <= seq && found.header.firstSeq >= seq);
    const firstWhole = later.find((found) => found.block !== undefined)?.offset ?? findings.end;
    return isOneWrite && this.isUnwritten(offset, firstWhole) ? offset : undefined;
  }

  /** True for a block whose bytes run out. */
  private isBeginning(offset: number, fileBytes: number): boolean {
    const bytes = this.cursor.view(offset, BLOCK_HEADER_BYTES);
    if (bytes === undefined) return true;
    const header = readBlockHeader(bytes);
    return typeof header !== 'string' && offset + blockBytesOf(header) > fileBytes;
  }
}

function cutAt({ blocks }: Findings, end: number): Findings {
  return { blocks: blocks.filter(({ offset }) => offset < end), end };
}

/** Bytes of footer and trailer as the footer's header gives them. */
function footerBytesOf(header: Buffer): number {
  const sections = [FOOTER_AT.tableBytes, FOOTER_AT.filtersBytes, FOOTER_AT.idsBytes].reduce(
    (sum, at) => sum + header.readUInt32BE(at),
    0,
  );
  return (
    FOOTER_HEADER_BYTES + sections + TAG_BYTES + TRAILER_BYTES + HASH_BYTES * header.readUInt32BE(FOOTER_AT.peakCount)
  );
}
