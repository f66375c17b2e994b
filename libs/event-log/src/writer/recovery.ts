import { dirname, join } from 'node:path';
import type { BlockCipher } from '../blocks/block-cipher';
import { BLOCK_HEADER_BYTES, TAG_BYTES } from '../blocks/block-format';
import type { BlockView } from '../blocks/block-view';
import { checkSize } from '../tree/checkpointer';
import { writeAll, type LogFile, type LogFileLayer } from './file-layer';
import { FooterBuilder } from '../segments/footer-builder';
import { leafHashesOf } from '../blocks/leaf-hasher';
import { blockCorrupt, chainBroken, rootMismatch, writeFailure, type LogPlace } from '../log-errors';
import { MerkleTree } from '../tree/merkle-tree';
import { HOP_WINDOW_BYTES, SCAN_WINDOW_BYTES, SegmentCursor, type BlockRead } from '../segments/segment-cursor';
import { isFooterWhole, type SegmentIndex } from '../segments/segment-footer';
import { listSegments, segmentHeaderBytes, type SegmentFileName } from '../segments/segment-format';
import type { LogEnd, OpenSegment } from '../segments/segment-writer';
import { findBlockAfter, hasUnwrittenSector, isUnwrittenHole } from '../segments/tail';

/** Folder beside the segments for tails that were cut off. */
const TORN_FOLDER = 'torn';

/** What opening a log for writing had to cut off. */
export interface LogRecovery {
  /** Bytes of unfinished blocks and footers that were cut; 0 after a clean end. */
  readonly cutBytes: number;
  /** File name of the segment they were cut from. */
  readonly segment?: string;
  /** File that the cut bytes were copied to before, so that nothing is lost; missing when the disk is full. */
  readonly keptAt?: string;
}

/** State of a log whose every record is whole and durable. */
export interface RecoveredLog {
  /** The tree over all records. */
  readonly tree: MerkleTree;
  readonly end: LogEnd;
  readonly recovery: LogRecovery;
}

/**
 * Brings a log to a state that can be built upon: authenticates and re-hashes its unfinished segment against the stored
 * roots, cuts a torn tail, and makes durable what was only in the cache. A tail is torn when its bytes are missing, or when
 * the disk never wrote a sector of it, which reads as zeros; both happen only to what was never acknowledged. A footer
 * that is not whole is cut as well: all that it says follows from the blocks. What else is whole and wrong is damage.
 *
 * @param signedSize records that a signed checkpoint covers: a log that has fewer is left as it is
 * @throws ProtegoError `LOG_BLOCK_CORRUPT`, `LOG_CHAIN_BROKEN`, `LOG_ROOT_MISMATCH` for what no crash can leave behind;
 *   `LOG_TRUNCATED`, `LOG_KEY_MISSING`
 */
export async function recoverLog(
  directory: string,
  layer: LogFileLayer,
  cipher: BlockCipher,
  signedSize: number,
): Promise<RecoveredLog> {
  const segments = listSegments(directory);
  const last = segments.at(-1);
  if (last === undefined) {
    checkSize(directory, 0, signedSize);
    return emptyLog();
  }
  const before = endBefore(segments, cipher);
  const scan = scanLastSegment(last, before, cipher);
  checkSize(directory, scan?.tree.size ?? last.firstSeq, signedSize);
  if (scan === undefined) return dropUnborn(directory, layer, last, cipher);
  const { tree, lastTag } = scan;
  const cutBytes = scan.fileBytes - scan.goodBytes;
  const file = await layer.open(last.path, 'change');
  let keptAt: string | undefined;
  try {
    if (cutBytes > 0) {
      keptAt = await keepTail(directory, layer, last, scan);
      await file.truncate(scan.goodBytes);
      await file.fsync();
    }
    // After a kill, or after an fdatasync that failed, the last write may be whole in the cache and not on the disk. The
    // kernel may hold its pages for clean then and sync nothing: only written again do they reach the disk.
    await rewrite(file, last, scan.lastWriteAt, scan.goodBytes);
    await file.fdatasync();
  } finally {
    await file.close();
  }
  const recovery = cutBytes > 0 ? { cutBytes, segment: last.name, keptAt } : { cutBytes };
  return { tree, end: { seq: tree.size, root: tree.root(), lastTag, open: scan.open }, recovery };
}

function emptyLog(): RecoveredLog {
  const tree = new MerkleTree();
  const end = { seq: 0, root: tree.root(), lastTag: Buffer.alloc(TAG_BYTES) };
  return { tree, end, recovery: { cutBytes: 0 } };
}

/** Removes a last segment that a crash left without a whole header: no block was ever written to it. */
async function dropUnborn(
  directory: string,
  layer: LogFileLayer,
  unborn: SegmentFileName,
  cipher: BlockCipher,
): Promise<RecoveredLog> {
  const cursor = new SegmentCursor(unborn, { windowBytes: HOP_WINDOW_BYTES });
  const cutBytes = cursor.fileBytes();
  cursor.close();
  await layer.remove(unborn.path);
  await layer.syncDirectory(dirname(unborn.path));
  const before = await recoverLog(directory, layer, cipher, 0);
  return { ...before, recovery: { cutBytes: cutBytes + before.recovery.cutBytes, segment: unborn.name } };
}

/** Writes a part of a segment again as it stands. */
async function rewrite(file: LogFile, segment: SegmentFileName, from: number, to: number): Promise<void> {
  const cursor = new SegmentCursor(segment, { windowBytes: SCAN_WINDOW_BYTES });
  try {
    for (let at = from; at < to; at += SCAN_WINDOW_BYTES) {
      const bytes = cursor.view(at, Math.min(SCAN_WINDOW_BYTES, to - at));
      if (bytes !== undefined) await writeAll(file, [Buffer.from(bytes)], at);
    }
  } finally {
    cursor.close();
  }
}

interface SegmentScan {
  readonly tree: MerkleTree;
  /** Offset of the last write: of the first block of its group, of the footer, or of the header. All before is durable. */
  readonly lastWriteAt: number;
  readonly lastTag: Buffer;
  /** Offset where what is whole ends. */
  readonly goodBytes: number;
  readonly fileBytes: number;
  /** Missing when the segment is finished. */
  readonly open?: OpenSegment;
}

/** Where the segment before the last ends. */
interface JoinedEnd {
  readonly place: LogPlace;
  readonly seq: number;
  readonly root: Buffer;
  readonly lastTag: Buffer;
}

/** End of the segment before the last; undefined when that has expired. */
function endBefore(segments: readonly SegmentFileName[], cipher: BlockCipher): JoinedEnd | undefined {
  const before = segments.at(-2);
  if (before === undefined) {
    if (segments[0]?.firstSeq !== 0) return undefined;
    const { end } = emptyLog();
    return { ...end, place: { segment: segments[0].name, offset: 0, seq: 0 } };
  }
  const cursor = new SegmentCursor(before, { windowBytes: HOP_WINDOW_BYTES });
  try {
    const index = cursor.index(cipher);
    const place = { segment: before.name, offset: cursor.fileBytes(), seq: before.firstSeq };
    if (index === undefined) throw blockCorrupt(place, 'segment has no footer, and another follows it');
    if (typeof index === 'string') throw blockCorrupt(place, index);
    return { place: { ...place, seq: index.endSeq }, seq: index.endSeq, root: index.root, lastTag: index.lastTag };
  } finally {
    cursor.close();
  }
}

/** Undefined for a segment without a whole header and without a block. */
function scanLastSegment(
  segment: SegmentFileName,
  before: JoinedEnd | undefined,
  cipher: BlockCipher,
): SegmentScan | undefined {
  const cursor = new SegmentCursor(segment, { windowBytes: SCAN_WINDOW_BYTES });
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
    checkJoin(head, before);
    return finishedScan(cursor, cipher) ?? replayBlocks(cursor, head, before, cipher);
  } finally {
    cursor.close();
  }
}

/** The segment before the last must end where the last begins, with the same root. */
function checkJoin(head: MerkleTree, before: JoinedEnd | undefined): void {
  if (before === undefined) return;
  if (before.seq !== head.size) throw chainBroken(before.place, `the next segment starts at seq ${head.size}`);
  if (!before.root.equals(head.root())) {
    throw chainBroken(before.place, 'the next segment goes on from another root');
  }
}

/** What the footer of the segment says; undefined when it has none that is whole. */
function finishedScan(cursor: SegmentCursor, cipher: BlockCipher): SegmentScan | undefined {
  const trailer = cursor.trailer();
  if (trailer === undefined) return undefined;
  const footer = cursor.view(trailer.footerOffset, trailer.footerBytes);
  if (footer === undefined || !isFooterWhole(footer, trailer)) return undefined;
  const index = cursor.index(cipher);
  if (index === undefined || typeof index === 'string') return undefined;
  const tree = treeOf(index);
  const fileBytes = cursor.fileBytes();
  const lastWriteAt = trailer.footerOffset;
  return tree && { tree, lastWriteAt, lastTag: Buffer.from(index.lastTag), goodBytes: fileBytes, fileBytes };
}

function treeOf(index: SegmentIndex): MerkleTree | undefined {
  const tree = MerkleTree.fromPeaks(index.endSeq, index.peaks());
  return tree.root().equals(index.root) ? tree : undefined;
}

/** Appends every whole block's leaves to the tree, and gathers what the segment's footer will say. */
function replayBlocks(
  cursor: SegmentCursor,
  head: MerkleTree,
  before: JoinedEnd | undefined,
  cipher: BlockCipher,
): SegmentScan {
  const { segment } = cursor;
  const footer = new FooterBuilder();
  const tree = head;
  const fileBytes = cursor.fileBytes();
  let lastTag = before?.lastTag;
  let lastWriteAt = 0;
  for (;;) {
    const read = cursor.next(cipher);
    const place = { segment: segment.name, offset: read.offset, seq: tree.size };
    if (read.kind === 'unauthentic') throw read.failure ?? blockCorrupt(place, read.reason);
    if (read.kind !== 'block') {
      if (read.kind === 'bad') refuseUnlessTorn(cursor, read, tree.size);
      if (lastTag === undefined) throw chainBroken(place, 'the segments before it are missing');
      const open = { path: segment.path, firstSeq: segment.firstSeq, bytes: read.offset, footer };
      return { tree, lastWriteAt, lastTag, goodBytes: read.offset, fileBytes, open };
    }
    const { header } = read.block;
    if (header.firstSeq !== tree.size) throw chainBroken(place, `block starts at seq ${header.firstSeq}`);
    if (lastTag?.equals(header.previousTag) === false) throw chainBroken(place, 'block follows another block');
    const filter = cursor.view(read.offset + BLOCK_HEADER_BYTES, header.filterBytes) ?? Buffer.alloc(0);
    footer.addBlock(header, read.offset, Buffer.from(filter), identitiesOf(read.block));
    tree.appendLeaves(leafHashesOf(read.block), header.count);
    if (!tree.root().equals(header.root)) throw rootMismatch(place, 'records differ from the stored root');
    lastTag = read.tag;
    if (header.groupFirstSeq === header.firstSeq) lastWriteAt = read.offset;
  }
}

/** Identities of the records that have one, four words each. */
function identitiesOf(block: BlockView): Uint32Array {
  const words = new Uint32Array(4 * block.count);
  let used = 0;
  for (let i = 0; i < block.count; i++) {
    const identity = block.identityAt(i);
    if (identity === undefined) continue;
    words[used++] = identity.idHigh;
    words[used++] = identity.idLow;
    words[used++] = identity.contentHigh;
    words[used++] = identity.contentLow;
  }
  return words.subarray(0, used);
}

/** Copies a tail beside the segments before it is cut; returns the path of the copy, or nothing when the disk is full. */
async function keepTail(
  directory: string,
  layer: LogFileLayer,
  segment: SegmentFileName,
  scan: SegmentScan,
): Promise<string | undefined> {
  const folder = join(directory, TORN_FOLDER);
  const path = join(folder, `${segment.name}-${scan.goodBytes}-${scan.fileBytes}.torn`);
  try {
    await layer.makeDirectory(folder);
    await layer.remove(path).catch(() => undefined);
    await copyTail(await layer.open(path, 'create'), segment, scan);
    return path;
  } catch (cause) {
    // The tail was never acknowledged: a full disk must not keep the log from being opened, and so from being expired.
    if (writeFailure('keep the tail', cause).code !== 'LOG_DISK_FULL') throw cause;
    await layer.remove(path).catch(() => undefined);
    return undefined;
  }
}

async function copyTail(copy: LogFile, segment: SegmentFileName, scan: SegmentScan): Promise<void> {
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
}

function refuseUnlessTorn(cursor: SegmentCursor, bad: BlockRead & { kind: 'bad' }, seq: number): void {
  const found = findBlockAfter(cursor, bad.offset);
  const isTorn =
    found === undefined
      ? hasUnwrittenSector(cursor, bad.offset, cursor.fileBytes())
      : isUnwrittenHole(cursor, bad.offset, seq, found);
  if (isTorn) return;
  throw blockCorrupt({ segment: cursor.segment.name, offset: bad.offset, seq }, bad.reason);
}
