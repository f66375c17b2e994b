import { dirname, join } from 'node:path';
import { blockCorrupt, chainBroken, rootMismatch } from './log-errors';
import type { BlockView } from './block-view';
import { writeAll, type LogFileLayer } from './file-layer';
import { LeafHasher } from './leaf-hasher';
import { HASH_BYTES, MerkleTree } from './merkle-tree';
import { HOP_WINDOW_BYTES, SCAN_WINDOW_BYTES, SegmentCursor, type BlockRead } from './segment-cursor';
import { listSegments, segmentHeaderBytes, type SegmentFileName } from './segment-format';
import { findBlockAfter, hasUnwrittenPage, isUnwrittenHole } from './tail';

/** Folder beside the segments for tails that were cut off. */
const TORN_FOLDER = 'torn';

/** What opening a log for writing had to cut off. */
export interface LogRecovery {
  /** Bytes of unfinished blocks that were cut; 0 after a clean end. */
  readonly cutBytes: number;
  /** File name of the segment they were cut from. */
  readonly segment?: string;
  /** File that the cut bytes were copied to before, so that nothing is lost. */
  readonly keptAt?: string;
}

/** State of a log whose every record is whole and durable. */
export interface RecoveredLog {
  /** The tree over all records. */
  readonly tree: MerkleTree;
  /** The segment to go on with and its size in bytes; none in an empty log. */
  readonly last?: { readonly segment: SegmentFileName; readonly bytes: number };
  readonly recovery: LogRecovery;
}

/**
 * Brings a log to a state that can be built upon: re-hashes its last segment against the stored roots, cuts a torn tail,
 * and makes durable what was only in the cache. A tail is torn when its bytes are missing, or when the disk never wrote a
 * page of it, which reads as zeros; both happen only to what was never acknowledged. What is whole and wrong is damage.
 *
 * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_CHAIN_BROKEN`, `LOG_ROOT_MISMATCH` for what no crash can leave behind
 */
export async function recoverLog(directory: string, layer: LogFileLayer): Promise<RecoveredLog> {
  const segments = listSegments(directory);
  const last = segments.at(-1);
  if (last === undefined) return { tree: new MerkleTree(), recovery: { cutBytes: 0 } };
  const scan = scanLastSegment(last);
  if (scan === undefined) return dropUnborn(directory, layer, last);
  checkJoin(segments, scan.head);
  const cutBytes = scan.fileBytes - scan.goodBytes;
  const file = await layer.open(last.path, 'change');
  let keptAt: string | undefined;
  try {
    if (cutBytes > 0) {
      keptAt = await keepTail(directory, layer, last, scan);
      await file.truncate(scan.goodBytes);
      await file.fsync();
    }
    // After a kill the tail may be whole in the cache and not yet on the disk.
    await file.fdatasync();
  } finally {
    await file.close();
  }
  const recovery = cutBytes > 0 ? { cutBytes, segment: last.name, keptAt } : { cutBytes };
  return { tree: scan.tree, last: { segment: last, bytes: scan.goodBytes }, recovery };
}

/** Removes a last segment that a crash left without a whole header: no block was ever written to it. */
async function dropUnborn(directory: string, layer: LogFileLayer, unborn: SegmentFileName): Promise<RecoveredLog> {
  const cursor = new SegmentCursor(unborn, { windowBytes: HOP_WINDOW_BYTES });
  const cutBytes = cursor.fileBytes();
  cursor.close();
  await layer.remove(unborn.path);
  await layer.syncDirectory(dirname(unborn.path));
  const before = await recoverLog(directory, layer);
  return { ...before, recovery: { cutBytes: cutBytes + before.recovery.cutBytes, segment: unborn.name } };
}

interface SegmentScan {
  readonly head: MerkleTree;
  readonly tree: MerkleTree;
  readonly goodBytes: number;
  readonly fileBytes: number;
}

/** Undefined for a segment without a whole header and without a block. */
function scanLastSegment(segment: SegmentFileName): SegmentScan | undefined {
  const cursor = new SegmentCursor(segment, { windowBytes: SCAN_WINDOW_BYTES, isReused: true });
  try {
    const fileBytes = cursor.fileBytes();
    const head = cursor.head();
    if (head === undefined || typeof head === 'string') {
      const place = { segment: segment.name, offset: 0, seq: segment.firstSeq };
      if (fileBytes > segmentHeaderBytes(segment.firstSeq) || findBlockAfter(cursor, 0) !== undefined) {
        throw blockCorrupt(place, head ?? 'segment header is missing');
      }
      return undefined;
    }
    const tree = MerkleTree.fromPeaks(head.size, head.peaks());
    const goodBytes = replayBlocks(cursor, tree);
    return { head, tree, goodBytes, fileBytes };
  } finally {
    cursor.close();
  }
}

/** Appends every whole block's leaves to the tree; returns the offset where whole blocks end. */
function replayBlocks(cursor: SegmentCursor, tree: MerkleTree): number {
  const hasher = new LeafHasher();
  for (;;) {
    const read = cursor.next();
    if (read.kind !== 'block') {
      if (read.kind === 'bad') refuseUnlessTorn(cursor, read, tree.size);
      return read.offset;
    }
    const place = { segment: cursor.segment.name, offset: read.offset, seq: tree.size };
    if (read.block.header.firstSeq !== tree.size) {
      throw chainBroken(place, `block starts at seq ${read.block.header.firstSeq}`);
    }
    appendBlock(tree, read.block, hasher);
    if (!tree.root().equals(read.block.header.root)) throw rootMismatch(place, 'records differ from the stored root');
  }
}

/** Copies a tail beside the segments before it is cut; returns the path of the copy. */
async function keepTail(
  directory: string,
  layer: LogFileLayer,
  segment: SegmentFileName,
  scan: SegmentScan,
): Promise<string> {
  const folder = join(directory, TORN_FOLDER);
  await layer.makeDirectory(folder);
  const path = join(folder, `${segment.name}-${scan.goodBytes}-${scan.fileBytes}.torn`);
  await layer.remove(path).catch(() => undefined);
  const copy = await layer.open(path, 'create');
  const cursor = new SegmentCursor(segment, { windowBytes: SCAN_WINDOW_BYTES });
  try {
    for (let at = scan.goodBytes, position = 0; at < scan.fileBytes; at += SCAN_WINDOW_BYTES) {
      const bytes = cursor.view(at, Math.min(SCAN_WINDOW_BYTES, scan.fileBytes - at));
      if (bytes !== undefined) position += await writeAll(copy, [Buffer.from(bytes)], position);
    }
    await copy.fsync();
  } finally {
    cursor.close();
    await copy.close();
  }
  return path;
}

function refuseUnlessTorn(cursor: SegmentCursor, bad: BlockRead & { kind: 'bad' }, seq: number): void {
  const found = findBlockAfter(cursor, bad.offset);
  const isTorn =
    found === undefined
      ? hasUnwrittenPage(cursor, bad.offset, cursor.fileBytes())
      : isUnwrittenHole(cursor, bad.offset, seq, found);
  if (isTorn) return;
  throw blockCorrupt({ segment: cursor.segment.name, offset: bad.offset, seq }, bad.reason);
}

/** Hashes the leaves of a block and appends them to a tree. */
export function appendBlock(tree: MerkleTree, block: BlockView, hasher: LeafHasher): void {
  const { count } = block.header;
  const hashes = Buffer.allocUnsafe(count * HASH_BYTES);
  for (let i = 0; i < count; i++) hashes.write(block.leafHashAt(i, hasher), i * HASH_BYTES, HASH_BYTES, 'latin1');
  tree.appendLeaves(hashes, count);
}

/** The segment before the last must end where the last begins, with the same root. */
function checkJoin(segments: readonly SegmentFileName[], head: MerkleTree): void {
  const last = segments.at(-1);
  const before = segments.at(-2);
  const end = before === undefined ? { seq: 0, root: new MerkleTree().root(), offset: 0 } : endOf(before);
  const place = { segment: before?.name ?? last?.name ?? '', offset: end.offset, seq: end.seq };
  if (end.seq !== head.size) throw chainBroken(place, `the next segment starts at seq ${head.size}`);
  if (!end.root.equals(head.root())) throw chainBroken(place, 'the next segment goes on from another root');
}

function endOf(segment: SegmentFileName): { seq: number; root: Buffer; offset: number } {
  const cursor = new SegmentCursor(segment, { windowBytes: HOP_WINDOW_BYTES });
  try {
    let seq = segment.firstSeq;
    let root: Buffer = Buffer.alloc(0);
    for (;;) {
      const read = cursor.peekHeader();
      const { offset } = read;
      if (read.kind === 'end') return { seq, root, offset };
      const place = { segment: segment.name, offset, seq };
      if (read.kind !== 'header') throw blockCorrupt(place, read.kind === 'bad' ? read.reason : 'block is not whole');
      if (read.header.firstSeq !== seq) throw chainBroken(place, `block starts at seq ${read.header.firstSeq}`);
      seq += read.header.count;
      root = read.header.root;
      cursor.skip(read.header);
    }
  } finally {
    cursor.close();
  }
}
