import { crc32c } from '@node-rs/crc32';
import type { SeededRandom } from '../index';
import { BLOCK_HEADER_BYTES, blockBytesOf, readBlockHeader } from '../../blocks/block-format';
import { HASH_BYTES } from '../../tree/merkle-tree';
import { TRAILER_BYTES } from '../../segments/segment-footer';
import { changed, fileOf, tileSeq, tilesOf, type TamperCase } from './tamper-attack';
import type { BlockAt, CleanLog, SegmentAt } from './tamper-log';

function flipped(bytes: Buffer, offset: number, random: SeededRandom): Buffer {
  const copy = Buffer.from(bytes);
  copy[offset] = (copy[offset] as number) ^ (1 << random.below(8));
  return copy;
}

/** One bit of a block, anywhere. */
export function flipBlock(log: CleanLog, random: SeededRandom): TamperCase {
  const block = random.pick(log.blocks);
  const offset = block.offset + random.below(block.bytes);
  const changes = changed(block.path, flipped(fileOf(log, block.path), offset, random));
  return { changes, kind: 'altered', seq: block.seq, seqEnd: block.seqEnd };
}

/** As one who knows the format and has no key: the checksums fit again. */
export function flipBlockWithCrc(log: CleanLog, random: SeededRandom): TamperCase {
  const block = random.pick(log.blocks);
  // Of the header: group, times, types, session salt, nonce, tag before, root. Of the rest: all.
  const ranges = [
    [16, 24],
    [48, 180],
    [BLOCK_HEADER_BYTES, block.bytes],
  ] as const;
  return flipBetween(log, block, random.pick(ranges), random);
}

/** The same in what a header says of its block: codec, flags, first seq, counts, lengths, number of the data key. */
export function flipHeaderField(log: CleanLog, random: SeededRandom): TamperCase {
  const ranges = [
    [6, 16],
    [24, 48],
  ] as const;
  return flipBetween(log, random.pick(log.blocks), random.pick(ranges), random);
}

function flipBetween(
  log: CleanLog,
  block: BlockAt,
  [from, to]: readonly [number, number],
  random: SeededRandom,
): TamperCase {
  const file = flipped(fileOf(log, block.path), block.offset + random.integer(from, to - 1), random);
  const bytes = file.subarray(block.offset, block.offset + block.bytes);
  bytes.writeUInt32BE(crc32c(bytes.subarray(BLOCK_HEADER_BYTES)), 200);
  bytes.writeUInt32BE(crc32c(bytes.subarray(0, 204)), 204);
  const header = readBlockHeader(bytes);
  const runsOut = typeof header !== 'string' && block.offset + blockBytesOf(header) > file.length;
  // Of the last block that says it is longer than the file, nothing tells whether the file was cut.
  const kind = runsOut && block === log.blocks.at(-1) ? 'truncated' : 'altered';
  return { changes: changed(block.path, file), kind, seq: block.seq, seqEnd: block.seqEnd };
}

/** One bit of a segment header. */
export function flipSegmentHeader(log: CleanLog, random: SeededRandom): TamperCase {
  const { path, firstSeq, headerBytes } = random.pick(log.segments);
  const changes = changed(path, flipped(fileOf(log, path), random.below(headerBytes), random));
  return { changes, kind: 'altered', seq: firstSeq, seqEnd: firstSeq };
}

/** One bit of a footer or trailer. */
export function flipFooter(log: CleanLog, random: SeededRandom): TamperCase {
  const { path, footerOffset = 0, firstSeq, seqEnd } = random.pick(finished(log));
  const file = fileOf(log, path);
  // The trailer is short and must be met as well.
  const from = random.chance(0.3) ? file.length - TRAILER_BYTES : footerOffset;
  const changes = changed(path, flipped(file, random.integer(from, file.length - 1), random));
  return { changes, kind: 'index', seq: firstSeq, seqEnd };
}

const finished = (log: CleanLog): SegmentAt[] => log.segments.filter((segment) => segment.footerOffset !== undefined);

/** One bit of a tile. */
export function flipTile(log: CleanLog, random: SeededRandom): TamperCase {
  const tile = random.pick(tilesOf(log));
  const hash = random.below(tile.width);
  const offset = hash * HASH_BYTES + random.below(HASH_BYTES);
  const changes = changed(tile.path, flipped(fileOf(log, tile.path), offset, random));
  return { changes, kind: 'tile', seq: tileSeq(tile, hash), seqEnd: tileSeq(tile, hash + 1) };
}

/** The content of another tile in place of one. */
export function replaceTile(log: CleanLog, random: SeededRandom): TamperCase | undefined {
  const tiles = tilesOf(log);
  const tile = random.pick(tiles);
  const other = random.pick(tiles.filter(({ path, width }) => path !== tile.path && width >= tile.width));
  const mine = fileOf(log, tile.path);
  const content = other === undefined ? undefined : fileOf(log, other.path).subarray(0, mine.length);
  if (content === undefined || content.equals(mine)) return undefined;
  const same = (i: number): boolean => mine.compare(content, i * 32, i * 32 + 32, i * 32, i * 32 + 32) === 0;
  let [first, last] = [0, tile.width - 1];
  while (same(first)) first++;
  while (same(last)) last--;
  const range = { seq: tileSeq(tile, first), seqEnd: tileSeq(tile, last + 1) };
  return { changes: changed(tile.path, content), kind: 'tile', ...range };
}

/** A full tile removed. */
export function removeTile(log: CleanLog, random: SeededRandom): TamperCase {
  const tile = random.pick(tilesOf(log).filter(({ width }) => width === 256));
  return { changes: changed(tile.path, undefined), kind: 'tile', seq: tileSeq(tile, 0), seqEnd: tileSeq(tile, 256) };
}

/** One bit of the latest checkpoint. */
export function flipCheckpoint(log: CleanLog, random: SeededRandom): TamperCase {
  const file = fileOf(log, 'checkpoint');
  return { changes: changed('checkpoint', flipped(file, random.below(file.length), random)), kind: 'checkpoint' };
}

/** One bit of the history of checkpoints. */
export function flipHistory(log: CleanLog, random: SeededRandom): TamperCase {
  const file = fileOf(log, 'checkpoints.jsonl');
  return {
    changes: changed('checkpoints.jsonl', flipped(file, random.below(file.length), random)),
    kind: 'checkpoint',
  };
}

/** One bit of the log's identity. */
export function flipIdentity(log: CleanLog, random: SeededRandom): TamperCase {
  const file = fileOf(log, 'log.json');
  return { changes: changed('log.json', flipped(file, random.below(file.length), random)), kind: 'identity' };
}
