import { canonicalJson, messageOf, type ErrorCode, type ProtegoError } from '@protego/contracts';
import { rangeOf } from './block-builder';
import type { BlockView } from './block-view';
import { LeafHasher } from './leaf-hasher';
import { blockCorrupt, chainBroken, rootMismatch, type LogPlace } from './log-errors';
import { HASH_BYTES, MerkleTree } from './merkle-tree';
import { SCAN_WINDOW_BYTES, SegmentCursor, type BlockRead } from './segment-cursor';
import { listSegments, type SegmentFileName } from './segment-format';
import { findBlockAfter } from './tail';

/** Most problems that one report lists; more are counted. */
export const PROBLEMS_MAX = 100;

/** Something in the log that is not as it was written. */
export interface LogProblem {
  readonly code: ErrorCode;
  /** First seq that is concerned. */
  readonly seq?: number;
  readonly segment?: string;
  /** Byte offset of the block in the segment. */
  readonly offset?: number;
  readonly message: string;
}

/** How thoroughly a log is verified, and who is told how far it is. */
export interface VerifyOptions {
  /** Called after each segment. */
  readonly onProgress?: (progress: { readonly size: number; readonly bytesRead: number }) => void;
  /** False leaves out what needs bodies decoded: canonical form, and the type column against the body. Default true. */
  readonly decodesBodies?: boolean;
}

/** Result of a full scan. */
export interface VerifyReport {
  /** True when no problem was found. */
  readonly ok: boolean;
  /** Number of records up to the end or the last problem that could be stepped over. */
  readonly size: number;
  /** Root that was computed from the records; that of the last sound header when an altered record stands before. */
  readonly rootHash: string;
  /** The first {@link PROBLEMS_MAX}, in order of seq. */
  readonly problems: readonly LogProblem[];
  /** Number of all problems. */
  readonly problemCount: number;
  readonly bytesRead: number;
  /** Bytes of a last block that is not whole: a writer is at it, or a crash was; the next writer cuts them. */
  readonly tornBytes: number;
}

/**
 * Checks CRCs, order, every leaf against its block's root, the joins of the segments, the columns that no leaf covers,
 * and the form of the bodies.
 */
export function verifyLog(directory: string, options: VerifyOptions = {}): VerifyReport {
  return new LogVerifier(options).run(listSegments(directory));
}

class LogVerifier {
  private readonly problems: LogProblem[] = [];
  private problemCount = 0;
  private readonly hasher = new LeafHasher();
  private size = 0;
  private bytesRead = 0;
  private tornBytes = 0;
  /** Undefined after an altered block, until the next segment's header gives a tree to go on from. */
  private tree: MerkleTree | undefined = new MerkleTree();
  private root = new MerkleTree().root();

  constructor(private readonly options: VerifyOptions) {}

  run(segments: readonly SegmentFileName[]): VerifyReport {
    for (const [i, segment] of segments.entries()) {
      const cursor = new SegmentCursor(segment, { windowBytes: SCAN_WINDOW_BYTES, isReused: true });
      try {
        this.verifySegment(cursor, i === segments.length - 1);
        this.bytesRead += cursor.position;
      } finally {
        cursor.close();
      }
      this.options.onProgress?.({ size: this.size, bytesRead: this.bytesRead });
    }
    const { problems, problemCount, size, bytesRead, tornBytes } = this;
    const rootHash = (this.tree?.root() ?? this.root).toString('hex');
    return { ok: problemCount === 0, size, rootHash, problems, problemCount, bytesRead, tornBytes };
  }

  private verifySegment(cursor: SegmentCursor, isLast: boolean): void {
    if (!this.verifyHead(cursor, isLast)) return;
    for (;;) {
      const read = cursor.next();
      if (read.kind === 'block') this.verifyBlock(cursor, read.block, read.offset);
      else if (!this.stepOver(cursor, read, isLast)) return;
    }
  }

  /** Checks the join with what came before; false when the segment holds nothing that can be read. */
  private verifyHead(cursor: SegmentCursor, isLast: boolean): boolean {
    const { firstSeq, name } = cursor.segment;
    const place = { segment: name, offset: 0, seq: firstSeq };
    const head = cursor.head();
    if (head === undefined) {
      cursor.position = cursor.fileBytes();
      if (isLast) this.tornBytes += cursor.position;
      else this.report(blockCorrupt(place, 'segment header is not whole'));
      return false;
    }
    if (firstSeq !== this.size) {
      this.report(chainBroken({ ...place, seq: Math.min(firstSeq, this.size) }, `records end at seq ${this.size}`));
      this.tree = undefined;
    }
    this.size = firstSeq;
    if (typeof head === 'string') {
      this.report(blockCorrupt(place, head));
      return true;
    }
    if (this.tree !== undefined && !this.tree.root().equals(head.root())) {
      this.report(chainBroken(place, 'the segment goes on from another root'));
    }
    this.tree = head;
    return true;
  }

  private verifyBlock(cursor: SegmentCursor, block: BlockView, offset: number): void {
    const { header } = block;
    const place = { segment: cursor.segment.name, offset, seq: header.firstSeq };
    if (header.firstSeq !== this.size) {
      this.report(chainBroken({ ...place, seq: Math.min(this.size, header.firstSeq) }, `records end at ${this.size}`));
      this.tree = undefined;
    }
    const isLeafSound = this.verifyLeaves(block, place);
    this.size = header.firstSeq + header.count;
    this.root = header.root;
    if (this.tree?.root().equals(header.root) === false) {
      // An altered leaf has been named already; without one, the root itself or several things together were altered.
      if (isLeafSound) this.report(rootMismatch(place, 'records of the block differ from its stored root'));
      this.tree = undefined;
    }
    this.verifyRanges(block, place);
    if (this.options.decodesBodies !== false) this.verifyBodies(block, place);
  }

  private verifyLeaves(block: BlockView, place: LogPlace): boolean {
    const { count } = block.header;
    const hashes = Buffer.allocUnsafe(count * HASH_BYTES);
    let isSound = true;
    for (let i = 0; i < count; i++) {
      hashes.write(block.leafHashAt(i, this.hasher), i * HASH_BYTES, HASH_BYTES, 'latin1');
      if (hashes.readUInt32BE(i * HASH_BYTES) === block.leafCheckAt(i)) continue;
      isSound = false;
      this.report(rootMismatch({ ...place, seq: block.seqAt(i) }, 'record differs from its stored leaf'));
    }
    this.tree?.appendLeaves(hashes, count);
    return isSound;
  }

  private verifyRanges(block: BlockView, place: LogPlace): void {
    const { header } = block;
    const times = rangeOf(
      block.column((i) => block.timeMsAt(i)),
      header.count,
    );
    const arrivals = rangeOf(
      block.column((i) => block.arrivedAtMsAt(i)),
      header.count,
    );
    const isSound =
      times.least === header.timeMsMin &&
      times.greatest === header.timeMsMax &&
      arrivals.least === header.arrivedAtMsMin &&
      arrivals.greatest === header.arrivedAtMsMax;
    if (!isSound) this.report(blockCorrupt(place, 'times in the header differ from those of the records'));
  }

  private verifyBodies(block: BlockView, place: LogPlace): void {
    for (let i = 0; i < block.header.count; i++) {
      const reason = bodyProblem(block.bodyAt(i), block.typeAt(i));
      if (reason !== undefined) this.report(blockCorrupt({ ...place, seq: block.seqAt(i) }, reason));
    }
  }

  /** Reports what is not a block and moves behind it; false at the end of the segment. */
  private stepOver(cursor: SegmentCursor, read: Exclude<BlockRead, { kind: 'block' }>, isLast: boolean): boolean {
    if (read.kind === 'end') return false;
    const place = { segment: cursor.segment.name, offset: read.offset, seq: this.size };
    if (read.kind === 'torn' && isLast) {
      this.tornBytes += read.bytes;
      cursor.position += read.bytes;
      return false;
    }
    this.tree = undefined;
    if (read.kind === 'bad' && read.header !== undefined) {
      this.report(blockCorrupt({ ...place, seq: this.firstAltered(cursor.blockDespiteCrc(read.header)) }, read.reason));
      this.size = read.header.firstSeq + read.header.count;
      this.root = read.header.root;
      cursor.skip(read.header);
      return true;
    }
    this.report(blockCorrupt(place, read.kind === 'bad' ? read.reason : 'block is not whole'));
    const found = findBlockAfter(cursor, read.offset);
    cursor.position = found?.offset ?? cursor.fileBytes();
    // The gap is part of the problem that was just reported.
    this.size = found?.header.firstSeq ?? this.size;
    return found !== undefined;
  }

  /** Seq of the first record of a failing block that is not as it was written; of the block, if each seems sound. */
  private firstAltered(block: BlockView): number {
    for (let i = 0; i < block.header.count; i++) {
      if (!this.isLeafSound(block, i) || bodyProblem(block.bodyAt(i), block.typeAt(i)) !== undefined)
        return block.seqAt(i);
    }
    return this.size;
  }

  private isLeafSound(block: BlockView, i: number): boolean {
    const check = Buffer.alloc(4);
    check.writeUInt32BE(block.leafCheckAt(i));
    return block.leafHashAt(i, this.hasher).startsWith(check.toString('latin1'));
  }

  private report(failure: ProtegoError): void {
    this.problemCount++;
    if (this.problems.length >= PROBLEMS_MAX) return;
    this.problems.push({ ...failure.details, code: failure.code, message: failure.message });
  }
}

function bodyProblem(body: Buffer, type: string): string | undefined {
  const text = body.toString('utf8');
  try {
    const value = JSON.parse(text) as { type?: unknown } | null;
    if (canonicalJson(value) !== text) return 'body is not in canonical form';
    return value?.type === type ? undefined : 'body has another type than its column';
  } catch (cause) {
    return `body is not canonical JSON: ${messageOf(cause)}`;
  }
}
