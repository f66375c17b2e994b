import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fixedKeys } from '@protego/enclave/testing';
import { EventLogWriter, type LogRecordInput } from '../../index';
import { SeededRandom, sampleRecord } from '../index';
import { BlockCipher } from '../../blocks/block-cipher';
import { blockBytesOf, type BlockHeader } from '../../blocks/block-format';
import { readIdentity } from '../../log-identity';
import { SegmentCursor } from '../../segments/segment-cursor';
import { listSegments, segmentHeaderBytes } from '../../segments/segment-format';

/** Name of the logs that are tampered with. */
export const ORIGIN = 'protego/north';

/** Files of a log's directory by their path below it. */
export type LogFiles = ReadonlyMap<string, Buffer>;

/** Where a block stands. */
export interface BlockAt {
  readonly path: string;
  readonly header: BlockHeader;
  readonly seq: number;
  readonly seqEnd: number;
  readonly offset: number;
  readonly bytes: number;
}

/** A segment and where its parts stand. */
export interface SegmentAt {
  readonly path: string;
  readonly firstSeq: number;
  readonly seqEnd: number;
  readonly headerBytes: number;
  readonly blocks: readonly BlockAt[];
  /** Offset of the footer; undefined in the segment that is not finished. */
  readonly footerOffset: number | undefined;
}

/** A log that was written as it should be, and what is known of it. */
export interface CleanLog {
  readonly directory: string;
  readonly files: LogFiles;
  readonly segments: readonly SegmentAt[];
  readonly blocks: readonly BlockAt[];
  readonly size: number;
  /** Sizes of the checkpoints, ascending. */
  readonly checkpoints: readonly { readonly size: number; readonly note: string }[];
  /** The directory as it was when an earlier writer had closed it. */
  readonly earlier: { readonly files: LogFiles; readonly size: number };
}

/** Keys that the logs of the campaign have. */
export const KEYS = fixedKeys('tamper', 2);

/** Records from `from` to `to - 1`, of different lengths, most of them with subjects and identities. */
export function recordsOf(random: SeededRandom, from: number, to: number): LogRecordInput[] {
  return Array.from({ length: to - from }, (_, i) => {
    const number = from + i;
    const type = random.pick(['device.connected', 'device.lost', 'access.granted']);
    const record = sampleRecord(number, type, 'text '.repeat(random.below(30)));
    const identity = {
      idHigh: Math.imul(number + 1, 0x9e3779b1) >>> 0,
      idLow: number,
      contentHigh: random.below(2 ** 31),
      contentLow: number,
    };
    const sealed = random.chance(0.2) ? Buffer.alloc(random.below(200), number) : Buffer.alloc(0);
    return { ...record, sealed, subjects: [`device/${number % 11}`], ...(random.chance(0.9) ? { identity } : {}) };
  });
}

/** Writes a log in two sessions, with checkpoints, several segments and many small blocks. */
export async function writeCleanLog(directory: string, seed: number): Promise<CleanLog> {
  const random = new SeededRandom(seed);
  const size = random.integer(700, 1600);
  const pause = random.integer(300, size - 200);
  await writeSession(directory, random, 0, pause);
  const earlier = { files: readFiles(directory), size: pause };
  await writeSession(directory, random, pause, size);
  return describeLog(directory, earlier);
}

/** Appends records in batches of random sizes, and closes the log. */
export async function writeSession(
  directory: string,
  random: SeededRandom,
  from: number,
  to: number,
  segmentRecordsMax = random.integer(120, 400),
): Promise<void> {
  const checkpoint = { everyRecords: random.integer(60, 200), everyMs: 60_000 };
  const writer = await EventLogWriter.open({ directory, origin: ORIGIN, keys: KEYS, segmentRecordsMax, checkpoint });
  for (let seq = from; seq < to;) {
    const end = Math.min(to, seq + random.integer(1, 40));
    await writer.append(recordsOf(random, seq, end));
    seq = end;
  }
  await writer.close();
}

/** Reads where everything stands. */
export function describeLog(directory: string, earlier: CleanLog['earlier']): CleanLog {
  const cipher = new BlockCipher(KEYS, readIdentity(directory).logId);
  const segments = listSegments(directory).map(({ name, path, firstSeq }): SegmentAt => {
    const cursor = new SegmentCursor({ name, path, firstSeq }, { windowBytes: 1 << 16 });
    const blocks: BlockAt[] = [];
    for (;;) {
      const read = cursor.next(cipher);
      if (read.kind !== 'block') {
        const footerOffset = cursor.trailer()?.footerOffset;
        cursor.close();
        const headerBytes = segmentHeaderBytes(firstSeq);
        const seqEnd = blocks.at(-1)?.seqEnd ?? firstSeq;
        return { path: `segments/${name}`, firstSeq, seqEnd, headerBytes, blocks, footerOffset };
      }
      const { header } = read.block;
      const [seq, seqEnd] = [header.firstSeq, header.firstSeq + header.count];
      blocks.push({ path: `segments/${name}`, header, seq, seqEnd, offset: read.offset, bytes: blockBytesOf(header) });
    }
  });
  const files = readFiles(directory);
  const blocks = segments.flatMap((segment) => segment.blocks);
  const lines = (files.get('checkpoints.jsonl') ?? Buffer.alloc(0)).toString('utf8').trimEnd().split('\n');
  const checkpoints = lines.map((line) => {
    const { note } = JSON.parse(line) as { note: string };
    return { note, size: Number(note.split('\n')[1]) };
  });
  return { directory, files, segments, blocks, size: blocks.at(-1)?.seqEnd ?? 0, checkpoints, earlier };
}

/** Files that a verification covers. */
export function readFiles(directory: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  const visit = (folder: string): void => {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) visit(path);
      else files.set(relative(directory, path), readFileSync(path));
    }
  };
  visit(directory);
  for (const path of ['writer.json', 'tile/synced', 'tile/written']) files.delete(path);
  return files;
}

/** Puts files in place of others; undefined removes one. Returns how to put the directory back. */
export function applyFiles(
  directory: string,
  before: LogFiles,
  changes: ReadonlyMap<string, Buffer | undefined>,
): () => void {
  const put = (path: string, content: Buffer | undefined): void => {
    if (content === undefined) return rmSync(join(directory, path), { force: true });
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  };
  for (const [path, content] of changes) put(path, content);
  return () => {
    for (const path of changes.keys()) put(path, before.get(path));
  };
}
