import { ProtegoError, isProtegoError } from '@protego/contracts';
import type { LogKeys } from '@protego/enclave';
import { BlockCipher } from '../blocks/block-cipher';
import type { LogIdentity } from '../log-identity';
import { HISTORY_FILE } from '../tree/checkpoint-files';
import { MerkleTree } from '../tree/merkle-tree';
import { listSegments, type SegmentFileName } from '../segments/segment-format';
import { noteKeyId, type NoteVerifier } from '../tree/signed-note';
import { broughtRoot, hasHistory, storedRoots, type ExpectedRoot } from './verify-checkpoints';
import { verifiedIdentity } from './verify-identity';
import { ProblemList, rangeText, type LogProblem, type VerifiedAmount } from './verify-report';
import { RecordVerifier, type ExpiredRange } from './verify-records';
import { SegmentVerifier } from './verify-segment';
import { TileVerifier, leafHashesOfTiles, leavesInTiles } from './verify-tiles';
import { TreeFollower } from './verify-tree';

/** How often a verification starts again because segments have expired. */
const TRIES_MAX = 5;
/** Offsets in a segment have 32 bits. */
const SEGMENT_FILE_BYTES_MAX = 2 ** 32;

export { PROBLEMS_MAX, type LogProblem, type LogProblemKind, type VerifiedAmount } from './verify-report';

/** Which log is verified, how thoroughly, and against what. */
export interface VerifyOptions {
  /** Directory of the log. */
  readonly directory: string;
  readonly keys: LogKeys;
  /**
   * Leaves out what an earlier verification has seen: a checkpoint (note) whose root must be met, or a size. Reading starts
   * at the segment that holds it, or at the last one.
   */
  readonly from?: string | number;
  /** Signed checkpoints from elsewhere: what the log holds must be what they name. */
  readonly against?: readonly (string | Uint8Array)[] | string | Uint8Array;
  /** The key that must have signed the checkpoints, as a C2SP verifier key, when the investigator knows it. */
  readonly verifierKey?: string;
  /** Content of a `log.json` that is not in its place yet; default: the file in `directory`. */
  readonly logJson?: Buffer;
  /** False leaves out what needs bodies decoded: canonical form, and the type column against the body. Default true. */
  readonly decodesBodies?: boolean;
  /** Called after each segment. */
  readonly onProgress?: (progress: { readonly size: number; readonly bytesRead: number }) => void;
}

/** Result of a verification. */
export interface VerifyReport {
  /** True when no problem was found. */
  readonly ok: boolean;
  /** Seq of the first record that the log holds; greater than 0 after an expiry. */
  readonly firstSeq: number;
  /** Seq of the first record that was read. */
  readonly fromSeq: number;
  /** Number of records of the log, up to its end or to the last one that could be made out. */
  readonly size: number;
  /** Root that was computed from the records, hex; that of the last sound header where records cannot be read. */
  readonly rootHash: string;
  /** The first {@link PROBLEMS_MAX}, in order of seq. */
  readonly problems: readonly LogProblem[];
  /** Number of all problems. */
  readonly problemCount: number;
  readonly checked: VerifiedAmount;
  readonly bytesRead: number;
  /**
   * Seq of the first record that no checkpoint of the log covers: up to there the log is known to go on. 0 when there is no
   * checkpoint: then nothing but the hashes of the log itself speaks for it.
   */
  readonly unsignedFrom: number;
  /** Bytes of a last block that is not whole: a writer is at it, or a crash was; the next writer cuts them. */
  readonly tornBytes: number;
}

/**
 * Checks a log: every CRC, tag and key; the order of blocks and the chain of their tags; every leaf against the roots in
 * headers, segments, footers and checkpoints; the tiles; the footers; the form of the bodies. Damage is reported, not thrown.
 *
 * @throws ProtegoError `LOG_NOT_FOUND`, `LOG_FORMAT_UNKNOWN`; `LOG_CHECKPOINT_INVALID` when `from` is not a checkpoint of
 *   this log
 */
export function verifyLog(options: VerifyOptions): VerifyReport {
  for (let tries = 1; ; tries++) {
    try {
      return verifyOnce(options);
    } catch (cause) {
      // Segments that expire while the log is verified are gone from its list when that is read again.
      if (!isProtegoError(cause) || cause.code !== 'LOG_RANGE_MISSING' || tries >= TRIES_MAX) throw cause;
    }
  }
}

function verifyOnce(options: VerifyOptions): VerifyReport {
  const problems = new ProblemList();
  const identity = verifiedIdentity(options, problems);
  return identity === undefined ? emptyReport(problems) : new LogVerifier(options, identity, problems).run();
}

class LogVerifier {
  private readonly segments: readonly SegmentFileName[];
  private readonly verifier: NoteVerifier;
  private readonly expected: readonly ExpectedRoot[];
  private readonly tiles: TileVerifier;
  private readonly tree: TreeFollower;
  private readonly records: RecordVerifier;
  private readonly cipher: BlockCipher;
  /** Greatest size that a checkpoint of the log, or its tiles, name when the verification starts. */
  private readonly published: number;
  private readonly inTiles: number;
  /** Number of the first segment that is read. */
  private readonly start: number;
  private size = 0;
  private bytesRead = 0;
  private tornBytes = 0;

  constructor(
    private readonly options: VerifyOptions,
    identity: LogIdentity,
    private readonly problems: ProblemList,
  ) {
    const { directory, keys } = options;
    this.cipher = new BlockCipher(keys, identity.logId);
    const { publicKey } = keys.signer;
    this.verifier = { name: identity.origin, keyId: noteKeyId(identity.origin, publicKey), publicKey };
    const stored = storedRoots(directory, this.verifier, problems);
    this.published = stored.reduce((size, root) => Math.max(size, root.size), 0);
    this.inTiles = leavesInTiles(directory);
    // A writer may be at work: what it has promised by now is in segments that are listed after that.
    this.segments = listSegments(directory);
    const from = this.startingRoot();
    this.expected = [...stored, ...from.roots, ...this.broughtRoots()].sort((a, b) => a.size - b.size);
    this.start = Math.max(
      0,
      this.segments.findLastIndex(({ firstSeq }) => firstSeq <= from.size),
    );
    this.tiles = new TileVerifier(directory, this.published);
    this.tree = new TreeFollower(directory, this.tiles, this.expected, problems, this.published);
    this.records = new RecordVerifier({
      directory,
      tree: this.tree,
      problems,
      decodesBodies: options.decodesBodies !== false,
    });
  }

  run(): VerifyReport {
    const fromSeq = this.segments[this.start]?.firstSeq ?? 0;
    const isPartial = this.start > 0;
    if (!isPartial && fromSeq > 0) this.passExpired(fromSeq);
    for (let i = this.start; i < this.segments.length; i++) {
      this.verifySegment(this.segments[i] as SegmentFileName, this.segments[i + 1]?.firstSeq, i === this.start);
      this.options.onProgress?.({ size: this.size, bytesRead: this.bytesRead });
    }
    this.tree.finish();
    if (!isPartial) this.checkExpiry(fromSeq);
    this.checkEnd();
    this.checkHistory();
    this.records.finish(this.problems);
    return this.report(fromSeq);
  }

  private startingRoot(): { size: number; roots: ExpectedRoot[] } {
    const { from } = this.options;
    if (from === undefined) return { size: 0, roots: [] };
    if (typeof from === 'number') return { size: from, roots: [] };
    const mine = new ProblemList();
    const root = broughtRoot(from, this.verifier, mine);
    const problem = mine.inOrder()[0];
    if (root === undefined) throw new ProtegoError('LOG_CHECKPOINT_INVALID', problem?.message ?? 'invalid checkpoint');
    return { size: root.size, roots: [root] };
  }

  private broughtRoots(): ExpectedRoot[] {
    const { against } = this.options;
    const notes = typeof against === 'string' || against instanceof Uint8Array ? [against] : (against ?? []);
    return notes.flatMap((note) => broughtRoot(note, this.verifier, this.problems) ?? []);
  }

  /** Feeds the hashes of expired records from the tiles: they carry the tree that checkpoints name. */
  private passExpired(firstSeq: number): void {
    const step = 1 << 16;
    for (let seq = 0; seq < firstSeq; seq += step) {
      const hashes = leafHashesOfTiles(this.options.directory, seq, Math.min(firstSeq, seq + step));
      if (hashes === undefined) {
        this.tree.lose();
        return;
      }
      this.tree.appendAnyway(hashes);
    }
  }

  private verifySegment(file: SegmentFileName, nextFirstSeq: number | undefined, isFirst: boolean): void {
    const segment = this.openSegment(file, nextFirstSeq);
    if (typeof segment === 'string') {
      this.passSegment(file, nextFirstSeq, isFirst, segment);
      return;
    }
    try {
      const isLast = nextFirstSeq === undefined;
      if (!this.enter(segment, file, isFirst, isLast)) return;
      this.records.startSegment(file.firstSeq);
      const ending = segment.run(() => this.tree.root());
      this.size = ending.seq;
      this.tornBytes += ending.tornBytes;
    } finally {
      this.bytesRead += segment.cursor.fileBytes();
      segment.close();
    }
  }

  /** A verifier of the segment, or why there can be none. */
  private openSegment(file: SegmentFileName, nextFirstSeq: number | undefined): SegmentVerifier | string {
    try {
      const segment = new SegmentVerifier(file, this.cipher, this.records, nextFirstSeq);
      if (segment.cursor.fileBytes() <= SEGMENT_FILE_BYTES_MAX) return segment;
      segment.close();
      return 'file is larger than any segment';
    } catch (cause) {
      if (!isProtegoError(cause)) throw cause;
      const isListed = listSegments(this.options.directory).some(({ name }) => name === file.name);
      if (cause.code === 'LOG_RANGE_MISSING' && !isListed) throw cause;
      return cause.message;
    }
  }

  /** Reports a segment of which nothing can be read. */
  private passSegment(
    { firstSeq, name }: SegmentFileName,
    nextFirstSeq: number | undefined,
    isFirst: boolean,
    reason: string,
  ): void {
    if (isFirst && this.start > 0) this.tree.lose();
    if (!isFirst && firstSeq > this.size) this.reportMissing(this.size, firstSeq, name);
    this.size = nextFirstSeq ?? firstSeq;
    this.records.takeDamage({ kind: 'altered', seq: firstSeq, seqEnd: nextFirstSeq, offset: 0, reason }, name);
    this.records.passGap(firstSeq, this.size);
    this.records.startAfterGap();
  }

  /** Checks how a segment joins what came before; false when it holds nothing that can be read. */
  private enter(segment: SegmentVerifier, file: SegmentFileName, isFirst: boolean, isLast: boolean): boolean {
    const { firstSeq, name } = file;
    const head = segment.head();
    if (head === undefined && isLast) {
      this.tornBytes += segment.cursor.fileBytes();
      return false;
    }
    if (!isFirst && firstSeq > this.size) this.reportMissing(this.size, firstSeq, name);
    this.size = firstSeq;
    const report = (reason: string): void =>
      this.problems.add({
        code: 'LOG_BLOCK_CORRUPT',
        kind: 'altered',
        seq: firstSeq,
        seqEnd: firstSeq,
        segment: name,
        offset: 0,
        message: `segment \`${name}\`: ${reason}`,
      });
    if (head === undefined || typeof head === 'string') {
      report(head ?? 'header is not whole');
      return true;
    }
    const root = this.tree.root();
    if (isFirst && (this.start > 0 || root === undefined)) this.tree.resume(head);
    else if (root === undefined) this.tree.resume(head);
    else if (!root.equals(head.root())) report('header carries another tree than the records before it');
    return true;
  }

  private reportMissing(seq: number, seqEnd: number, segment?: string): void {
    const message = `${rangeText(seq, seqEnd)} are missing`;
    this.problems.add({ code: 'LOG_CHAIN_BROKEN', kind: 'missing', seq, seqEnd, segment, message });
    this.records.passGap(seq, seqEnd);
    this.records.startAfterGap();
  }

  /** Records before the first segment may be missing only when expiries in the log cover them. */
  private checkExpiry(firstSeq: number): void {
    if (firstSeq === 0) return;
    let covered = 0;
    for (const range of [...this.records.expired].sort((a, b) => a.fromSeq - b.fromSeq)) {
      if (range.fromSeq <= covered) covered = Math.max(covered, range.toSeq);
      this.checkExpiredRoot(range);
    }
    if (covered >= firstSeq) return;
    const message = `${rangeText(covered, firstSeq)} are missing, and no expiry names them`;
    this.problems.add({ code: 'LOG_CHAIN_BROKEN', kind: 'missing', seq: covered, seqEnd: firstSeq, message });
  }

  private checkExpiredRoot({ toSeq, rootHash }: ExpiredRange): void {
    const hashes = leafHashesOfTiles(this.options.directory, 0, toSeq);
    const tree = new MerkleTree();
    if (hashes !== undefined) tree.appendLeaves(hashes);
    if (hashes !== undefined && tree.root().toString('hex') === rootHash) return;
    const message = `tiles of ${rangeText(0, toSeq)} do not lead to the root that their expiry names`;
    this.problems.add({ code: 'LOG_TILE_MISMATCH', kind: 'tile', seq: 0, seqEnd: toSeq, message });
  }

  /** The log must reach as far as the greatest checkpoint, and as the tiles. */
  private checkEnd(): void {
    const last = this.expected.at(-1);
    const promised = Math.max(last?.size ?? 0, this.inTiles);
    if (promised <= this.size) return;
    // Damage at the very end has been reported, with all that may be lost in it.
    if (this.records.extendOpenDamage(promised)) return;
    const who = last !== undefined && last.size > this.size ? last.name : 'a tile';
    this.problems.add({
      code: 'LOG_TRUNCATED',
      kind: 'truncated',
      seq: this.size,
      seqEnd: promised,
      message: `the log ends after ${this.size} records, and ${who} covers ${promised}`,
    });
  }

  /** Every writer makes the history of checkpoints before its first record. */
  private checkHistory(): void {
    if (this.published > 0 || this.size === 0 || hasHistory(this.options.directory)) return;
    const message = 'the log holds records, and its file of checkpoints is missing';
    this.problems.add({ code: 'LOG_CHECKPOINT_INVALID', kind: 'checkpoint', file: HISTORY_FILE, message });
  }

  private report(fromSeq: number): VerifyReport {
    const { problems, size, bytesRead, tornBytes, records } = this;
    return {
      ok: problems.count === 0,
      firstSeq: this.segments[0]?.firstSeq ?? 0,
      fromSeq,
      size,
      rootHash: (this.tree.root() ?? records.lastRoot).toString('hex'),
      problems: problems.inOrder(),
      problemCount: problems.count,
      checked: {
        ...records.amount,
        bytes: bytesRead,
        tiles: this.tiles.tileCount,
        checkpoints: this.tree.checkpointCount,
      },
      bytesRead,
      unsignedFrom: this.published,
      tornBytes,
    };
  }
}

function emptyReport(problems: ProblemList): VerifyReport {
  return {
    ok: false,
    firstSeq: 0,
    fromSeq: 0,
    size: 0,
    rootHash: new MerkleTree().root().toString('hex'),
    problems: problems.inOrder(),
    problemCount: problems.count,
    checked: { records: 0, blocks: 0, bytes: 0, tiles: 0, checkpoints: 0, footers: 0 },
    bytesRead: 0,
    unsignedFrom: 0,
    tornBytes: 0,
  };
}
