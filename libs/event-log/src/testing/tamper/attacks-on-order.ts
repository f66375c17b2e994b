import type { SeededRandom } from '../index';
import { changed, fileOf, lastSegment, type TamperCase } from './tamper-attack';
import type { BlockAt, CleanLog, SegmentAt } from './tamper-log';

/** The end of the log cut off between two blocks. */
export function cutAtBorder(log: CleanLog, random: SeededRandom): TamperCase | undefined {
  const { path, blocks } = lastSegment(log);
  if (blocks.length === 0) return undefined;
  const { offset, seq } = random.pick(blocks);
  const changes = changed(path, fileOf(log, path).subarray(0, offset));
  return { changes, kind: 'truncated', seq, seqEnd: log.size };
}

/** The end of the log cut off within a block. */
export function cutInside(log: CleanLog, random: SeededRandom): TamperCase | undefined {
  const { path, blocks } = lastSegment(log);
  if (blocks.length === 0) return undefined;
  const { offset, bytes, seq } = random.pick(blocks);
  const changes = changed(path, fileOf(log, path).subarray(0, offset + random.integer(1, bytes - 1)));
  return { changes, kind: 'truncated', seq, seqEnd: log.size };
}

/** The last segments removed. */
export function cutSegments(log: CleanLog, random: SeededRandom): TamperCase {
  const from = random.integer(1, log.segments.length - 1);
  const cut = log.segments.slice(from);
  const changes = new Map(cut.map(({ path }) => [path, undefined]));
  return { changes, kind: 'truncated', seq: cut[0]?.firstSeq, seqEnd: log.size };
}

/** The end of a finished segment cut off. */
export function cutMiddle(log: CleanLog, random: SeededRandom): TamperCase | undefined {
  const segment = random.pick(log.segments.slice(0, -1));
  if (segment === undefined) return undefined;
  const file = fileOf(log, segment.path);
  const at = random.integer(segment.headerBytes, file.length - 1);
  const changes = changed(segment.path, file.subarray(0, at));
  const lost = segment.blocks.find(({ offset, bytes }) => offset + bytes > at);
  if (lost === undefined) return { changes, kind: 'index', seq: segment.firstSeq, seqEnd: segment.seqEnd };
  return { changes, kind: 'missing', seq: lost.seq, seqEnd: segment.seqEnd };
}

/** A segment removed that is not the last. */
export function removeSegment(log: CleanLog, random: SeededRandom): TamperCase {
  const { path, firstSeq, seqEnd } = random.pick(log.segments.slice(0, -1));
  return { changes: changed(path, undefined), kind: 'missing', seq: firstSeq, seqEnd };
}

/** Up to three neighbouring blocks taken out. */
export function removeBlocks(log: CleanLog, random: SeededRandom): TamperCase | undefined {
  const segment = random.pick(log.segments);
  if (segment.blocks.length < 3) return undefined;
  const from = random.below(segment.blocks.length - 1);
  const isLast = segment === lastSegment(log);
  const to = random.integer(from + 1, Math.min(segment.blocks.length - (isLast ? 1 : 0), from + 3));
  const [first, next] = [segment.blocks[from] as BlockAt, segment.blocks[to]];
  const file = fileOf(log, segment.path);
  const end = next?.offset ?? segment.footerOffset ?? file.length;
  const content = Buffer.concat([file.subarray(0, first.offset), file.subarray(end)]);
  const seqEnd = segment.blocks[to - 1]?.seqEnd;
  return { changes: changed(segment.path, content), kind: 'missing', seq: first.seq, seqEnd };
}

/** A block put in again. */
export function repeatBlock(log: CleanLog, random: SeededRandom): TamperCase | undefined {
  const segment = random.pick(log.segments);
  if (segment.blocks.length === 0) return undefined;
  const { offset, bytes, seq, seqEnd } = random.pick(segment.blocks);
  const file = fileOf(log, segment.path);
  const behind = random.pick(segment.blocks.filter((block) => block.offset >= offset));
  const at = behind.offset + behind.bytes;
  const content = Buffer.concat([file.subarray(0, at), file.subarray(offset, offset + bytes), file.subarray(at)]);
  return { changes: changed(segment.path, content), kind: 'repeated', seq, seqEnd };
}

/** Two blocks of one segment in each other's place. */
export function swapBlocks(log: CleanLog, random: SeededRandom): TamperCase | undefined {
  const segment = random.pick(log.segments);
  if (segment.blocks.length < 2) return undefined;
  const from = random.below(segment.blocks.length - 1);
  const a = segment.blocks[from] as BlockAt;
  const b = random.pick(segment.blocks.slice(from + 1));
  const file = fileOf(log, segment.path);
  const part = (start: number, end: number): Buffer => file.subarray(start, end);
  const content = Buffer.concat([
    part(0, a.offset),
    part(b.offset, b.offset + b.bytes),
    part(a.offset + a.bytes, b.offset),
    part(a.offset, a.offset + a.bytes),
    part(b.offset + b.bytes, file.length),
  ]);
  return { changes: changed(segment.path, content), kind: 'reordered', seq: a.seq, seqEnd: b.seqEnd };
}

/** Two blocks of different segments in each other's place. */
export function swapAcross(log: CleanLog, random: SeededRandom): TamperCase | undefined {
  const [a, b] = [random.pick(log.blocks), random.pick(log.blocks)].sort((x, y) => x.seq - y.seq);
  if (a === undefined || b === undefined || a.path === b.path) return undefined;
  const blockOf = ({ path, offset, bytes }: BlockAt): Buffer => fileOf(log, path).subarray(offset, offset + bytes);
  const withOther = (mine: BlockAt, other: BlockAt): Buffer => {
    const file = fileOf(log, mine.path);
    return Buffer.concat([file.subarray(0, mine.offset), blockOf(other), file.subarray(mine.offset + mine.bytes)]);
  };
  const changes = new Map([
    [a.path, withOther(a, b)],
    [b.path, withOther(b, a)],
  ]);
  return { changes, kind: 'reordered', seq: a.seq, seqEnd: a.seqEnd, also: ['altered'] };
}

/** The whole log as it was when an earlier writer closed it: nothing in it tells, only what a subscriber has. */
export function rollBackLog(log: CleanLog): TamperCase {
  const changes = new Map<string, Buffer | undefined>();
  for (const path of [...log.files.keys(), ...log.earlier.files.keys()]) {
    changes.set(path, log.earlier.files.get(path));
  }
  return { changes, against: log.checkpoints.at(-1)?.note, kind: 'truncated', seq: log.earlier.size, seqEnd: log.size };
}

/** An older copy of a segment that has grown since, in place of it. */
export function rollBackSegment(log: CleanLog): TamperCase | undefined {
  const path = [...log.earlier.files.keys()]
    .filter((name) => name.startsWith('segments/'))
    .sort()
    .at(-1) as string;
  const segment = log.segments.find((candidate) => candidate.path === path) as SegmentAt;
  const { size } = log.earlier;
  if (segment.seqEnd === size) return undefined;
  const isLast = segment === lastSegment(log);
  const kind = isLast ? 'truncated' : 'missing';
  const seqEnd = isLast ? log.size : segment.seqEnd;
  return { changes: changed(path, log.earlier.files.get(path)), kind, seq: size, seqEnd };
}

/** An older note as the latest. */
export function rollBackCheckpoint(log: CleanLog, random: SeededRandom): TamperCase | undefined {
  if (log.checkpoints.length < 3) return undefined;
  const { note } = random.pick(log.checkpoints.slice(0, -2));
  return { changes: changed('checkpoint', Buffer.from(note)), kind: 'checkpoint' };
}
