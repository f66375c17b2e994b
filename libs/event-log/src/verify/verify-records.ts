import { canonicalJson, messageOf } from '@protego/contracts';
import { TAG_BYTES, typeBitOf } from '../blocks/block-format';
import type { BlockView } from '../blocks/block-view';
import { leafHashesOf } from '../blocks/leaf-hasher';
import type { LogPlace } from '../log-errors';
import { MerkleTree } from '../tree/merkle-tree';
import type { Damage } from './verify-damage';
import { rangeText, type LogProblem, type ProblemList, type VerifiedAmount } from './verify-report';
import type { SegmentVisitor } from './verify-segment';
import { leafHashesOfTiles } from './verify-tiles';
import type { TreeFollower } from './verify-tree';

/** Type of the event that says that whole segments were deleted because of their age. */
const EXPIRED_TYPE = 'log.expired';

/** Records that an event in the log says to have expired. */
export interface ExpiredRange {
  readonly fromSeq: number;
  readonly toSeq: number;
  /** Root of the log's first `toSeq` records, hex. */
  readonly rootHash: string;
}

/** What a {@link RecordVerifier} works with. */
export interface RecordVerifierParts {
  readonly directory: string;
  readonly tree: TreeFollower;
  readonly problems: ProblemList;
  readonly decodesBodies: boolean;
}

/** Checks the records of authentic blocks, and what happened to the others, in the order of seq. */
export class RecordVerifier implements SegmentVisitor {
  /** What expiries in the log say. */
  readonly expired: ExpiredRange[] = [];
  /** Root in the last sound header. */
  lastRoot = new MerkleTree().root();
  private lastTag: Buffer | undefined;
  private lastBlock: LogPlace | undefined;
  /** True when a problem of the last block says why the next one does not name its tag. */
  private isLastSuspect = false;
  /** Damages that need the end of the log to be told whole, or that all other blocks must be seen for. */
  private openDamage: LogProblem | undefined;
  private readonly unauthentic: LogProblem[] = [];
  private readonly indexProblems: LogProblem[] = [];
  private records = 0;
  private blocks = 0;
  private footers = 0;

  constructor(private readonly parts: RecordVerifierParts) {}

  /** How much was checked. */
  get amount(): Pick<VerifiedAmount, 'records' | 'blocks' | 'footers'> {
    return { records: this.records, blocks: this.blocks, footers: this.footers };
  }

  /** To be called before the blocks of a segment. */
  startSegment(firstSeq: number): void {
    if (firstSeq === 0) this.lastTag = Buffer.alloc(TAG_BYTES);
  }

  /** Forgets the block before: the next one follows another. */
  startAfterGap(): void {
    this.lastTag = undefined;
  }

  takeBlock(block: BlockView, place: LogPlace, tag: Buffer): void {
    const { header } = block;
    this.blocks++;
    this.records += header.count;
    if (this.lastTag !== undefined && !this.lastTag.equals(header.previousTag) && !this.isLastSuspect) {
      const before = this.lastBlock ?? place;
      this.report('LOG_CHAIN_BROKEN', before, place.seq, 'block is not the one that the next was written after');
    }
    this.isLastSuspect = false;
    this.checkLeaves(block, place);
    this.checkColumns(block, place);
    this.checkBodies(block, place);
    this.lastRoot = header.root;
    this.lastTag = tag;
    this.lastBlock = place;
  }

  passGap(seq: number, seqEnd: number): void {
    this.lastTag = undefined;
    if (seqEnd === seq) return;
    const { tree, directory } = this.parts;
    const hashes = tree.root() === undefined ? undefined : leafHashesOfTiles(directory, seq, seqEnd);
    if (hashes === undefined) tree.lose();
    else tree.appendAnyway(hashes);
  }

  takeDamage({ kind, seq, seqEnd, offset, reason }: Damage, segment: string): void {
    const isOrder = kind !== 'altered';
    const code = isOrder ? 'LOG_CHAIN_BROKEN' : 'LOG_BLOCK_CORRUPT';
    const range = seqEnd === undefined ? `from seq ${seq}` : rangeText(seq, seqEnd);
    const message = `segment \`${segment}\`, offset ${offset}, ${range}: ${reason}`;
    const problem: LogProblem = { code, kind, seq, seqEnd, segment, offset, message };
    if (seqEnd === undefined) this.openDamage = problem;
    else if (reason.includes('authentic')) this.unauthentic.push(problem);
    else this.parts.problems.add(problem);
  }

  takeIndexProblem({ segment, offset, seq }: LogPlace, seqEnd: number, reason: string): void {
    const message = `segment \`${segment}\`, offset ${offset}: ${reason}`;
    this.indexProblems.push({ code: 'LOG_BLOCK_CORRUPT', kind: 'index', seq, seqEnd, segment, offset, message });
  }

  takeFooter(): void {
    this.footers++;
  }

  /** Gives damage at the end of the log its extent, when there is some; returns whether there is. */
  extendOpenDamage(seqEnd: number): boolean {
    if (this.openDamage === undefined) return false;
    this.openDamage = { ...this.openDamage, seqEnd };
    return true;
  }

  /** Reports what was held back. When no block at all could be opened, neither the blocks are at fault but keys or log id. */
  finish(problems: ProblemList): void {
    if (this.openDamage !== undefined) problems.add(this.openDamage);
    if (this.unauthentic.length > 1 && this.blocks === 0) {
      const message = 'no block opens: the log id in `log.json` or the data keys are not those of the log';
      problems.add({ code: 'LOG_KEY_MISSING', kind: 'identity', file: 'log.json', message });
    } else for (const problem of [...this.unauthentic, ...this.indexProblems]) problems.add(problem);
  }

  /** Compares the leaves with the root in the header; tiles that lead to it tell which records are others. */
  private checkLeaves(block: BlockView, place: LogPlace): void {
    const { tree } = this.parts;
    const { firstSeq, count, root } = block.header;
    const outcome = tree.appendBlock(leafHashesOf(block), root);
    if (outcome === 'agrees') return;
    this.isLastSuspect = true;
    if (outcome === 'header') {
      this.report('LOG_ROOT_MISMATCH', place, firstSeq + count, 'header names another root than its records give');
    }
  }

  /** Times and types in the header must be those of the records. */
  private checkColumns(block: BlockView, place: LogPlace): void {
    const { header } = block;
    let [timeMin, timeMax, arrivedMin, arrivedMax] = [Infinity, -Infinity, Infinity, -Infinity];
    for (let i = 0; i < header.count; i++) {
      const timeMs = block.timeMsAt(i);
      const arrivedAtMs = block.arrivedAtMsAt(i);
      if (timeMs < timeMin) timeMin = timeMs;
      if (timeMs > timeMax) timeMax = timeMs;
      if (arrivedAtMs < arrivedMin) arrivedMin = arrivedAtMs;
      if (arrivedAtMs > arrivedMax) arrivedMax = arrivedAtMs;
    }
    const isTimed =
      timeMin === header.timeMsMin &&
      timeMax === header.timeMsMax &&
      arrivedMin === header.arrivedAtMsMin &&
      arrivedMax === header.arrivedAtMsMax;
    const end = header.firstSeq + header.count;
    if (!isTimed) this.report('LOG_BLOCK_CORRUPT', place, end, 'header has other times than its records');
    let [high, low] = [0, 0];
    for (const type of block.types) {
      const bit = typeBitOf(type);
      if (bit < 32) low |= 1 << bit;
      else high |= 1 << (bit - 32);
    }
    const isTyped = high >>> 0 === header.types.high && low >>> 0 === header.types.low;
    if (!isTyped) this.report('LOG_BLOCK_CORRUPT', place, end, 'header has other types than its records');
  }

  private checkBodies(block: BlockView, place: LogPlace): void {
    const expiredIndex = block.types.indexOf(EXPIRED_TYPE);
    if (expiredIndex < 0 && !this.parts.decodesBodies) return;
    for (let i = 0; i < block.count; i++) {
      if (this.parts.decodesBodies) {
        const reason = bodyProblem(block.bodyTextAt(i), block.typeAt(i));
        const seq = block.seqAt(i);
        if (reason !== undefined) this.report('LOG_BLOCK_CORRUPT', { ...place, seq }, seq + 1, reason);
      }
      if (block.typeIndexAt(i) === expiredIndex) this.takeExpiry(block.bodyTextAt(i));
    }
  }

  private takeExpiry(body: string): void {
    try {
      const { data } = JSON.parse(body) as { data?: Partial<ExpiredRange> };
      const { fromSeq, toSeq, rootHash } = data ?? {};
      if (typeof fromSeq !== 'number' || typeof toSeq !== 'number' || typeof rootHash !== 'string') return;
      this.expired.push({ fromSeq, toSeq, rootHash });
    } catch {
      // A body that is no JSON says nothing; where bodies are decoded it is reported.
    }
  }

  private report(code: LogProblem['code'], place: LogPlace, seqEnd: number, reason: string): void {
    const { segment, offset, seq } = place;
    const message = `segment \`${segment}\`, offset ${offset}, ${rangeText(seq, seqEnd)}: ${reason}`;
    this.parts.problems.add({ code, kind: 'altered', seq, seqEnd, segment, offset, message });
  }
}

function bodyProblem(text: string, type: string): string | undefined {
  try {
    const value = JSON.parse(text) as { type?: unknown } | null;
    if (canonicalJson(value) !== text) return 'body is not in canonical form';
    return value?.type === type ? undefined : 'body has another type than its column';
  } catch (cause) {
    return `body is not canonical JSON: ${messageOf(cause)}`;
  }
}
