import {
  copyFileSync,
  cpSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fixedKeys } from '@protego/enclave/testing';
import { nodeFileLayer, writeThenSync, type LogFile, type LogFileLayer } from './file-layer';
import { EventLogReader } from '../reader/reader';
import { SegmentCursor } from '../segments/segment-cursor';
import { FOOTER_MAGIC } from '../segments/segment-footer';
import { inTemporaryDirectory, removeSigned, sampleRecords } from '../testing';
import { EventLogWriter, type EventLogWriterOptions } from './writer';

const keys = fixedKeys();
const open = (directory: string, more: Partial<EventLogWriterOptions> = {}): Promise<EventLogWriter> =>
  EventLogWriter.open({ directory, origin: 'north', keys, ...more });

const segmentsOf = (directory: string): string[] =>
  readdirSync(join(directory, 'segments')).map((name) => join(directory, 'segments', name));

const seqsIn = async (directory: string): Promise<number[]> =>
  [...(await EventLogReader.open({ directory, keys })).records()].map(({ seq }) => seq);

const upTo = (size: number): number[] => Array.from({ length: size }, (_, seq) => seq);

/** Appends the batches one after the other; returns the size of the last segment after each. */
async function written(
  directory: string,
  batches: readonly number[],
  more?: Partial<EventLogWriterOptions>,
): Promise<number[]> {
  const writer = await open(directory, more);
  const sizes: number[] = [];
  for (const count of batches) {
    await writer.append(sampleRecords(count, writer.nextSeq));
    sizes.push(statSync(segmentsOf(directory).at(-1) ?? '').size);
  }
  await writer.close();
  removeSigned(directory);
  return sizes;
}

// Hundreds of openings of a log, on a machine that may be busy.
jest.setTimeout(30_000);

/** Offsets of the blocks of a segment, by the group that they were written in. */
function groupsOf(path: string): Map<number, number[]> {
  const cursor = new SegmentCursor({ name: basename(path), path, firstSeq: 0 }, { windowBytes: 1 << 16 });
  const groups = new Map<number, number[]>();
  for (;;) {
    const read = cursor.peekHeader();
    if (read.kind !== 'header') break;
    const { groupFirstSeq } = read.header;
    groups.set(groupFirstSeq, [...(groups.get(groupFirstSeq) ?? []), read.offset]);
    cursor.skip(read.header);
  }
  cursor.close();
  return groups;
}

describe('recovery', () => {
  it('cuts a tail that is torn at any byte of the last block, and nothing else', async () => {
    await inTemporaryDirectory(async (directory) => {
      const [, , before = 0, end = 0] = await written(directory, [3, 1, 4, 2]);
      const [segment = ''] = segmentsOf(directory);
      const whole = readFileSync(segment);
      for (let bytes = before; bytes < end; bytes += bytes - before < 16 || end - bytes < 24 ? 1 : 7) {
        writeFileSync(segment, whole.subarray(0, bytes));
        expect(await seqsIn(directory)).toEqual(upTo(8));
        removeSigned(directory);
        const writer = await open(directory);
        const cutBytes = bytes - before;
        expect(writer.recovery.cutBytes).toBe(cutBytes);
        expect(writer.recovery.segment).toBe(cutBytes > 0 ? '0000000000000000.seg' : undefined);
        const { keptAt } = writer.recovery;
        if (cutBytes > 0) expect(readFileSync(keptAt ?? '').equals(whole.subarray(before, bytes))).toBe(true);
        expect([writer.size, statSync(segment).size]).toEqual([8, before]);
        await writer.close();
      }
      const writer = await open(directory);
      await writer.append(sampleRecords(2, 8));
      await writer.close();
      const reader = await EventLogReader.open({ directory, keys });
      expect(reader.verify()).toMatchObject({ ok: true, size: 10 });
    });
  });

  it('refuses a last block that is there in full and damaged, and cuts nothing', async () => {
    await inTemporaryDirectory(async (directory) => {
      const [before = 0, end = 0] = await written(directory, [3, 2]);
      const [segment = ''] = segmentsOf(directory);
      const whole = readFileSync(segment);
      for (let at = before; at < end; at += 3) {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ 0x10;
        writeFileSync(segment, damaged);
        await expect(open(directory)).rejects.toMatchObject({ code: 'LOG_BLOCK_CORRUPT', details: { seq: 3 } });
        expect(readFileSync(segment).equals(damaged)).toBe(true);
      }
    });
  });

  it('cuts a last block of which the disk never wrote a page, and keeps what it cut', async () => {
    await inTemporaryDirectory(async (directory) => {
      const [before = 0, end = 0] = await written(directory, [3, 40]);
      const [segment = ''] = segmentsOf(directory);
      const sector = Math.ceil((before + 208) / 512) * 512;
      const holed = Buffer.from(readFileSync(segment)).fill(0, sector, sector + 512);
      expect(sector).toBeLessThan(end);
      writeFileSync(segment, holed);
      const writer = await open(directory);
      expect([writer.size, writer.recovery.cutBytes]).toEqual([3, end - before]);
      expect(readFileSync(writer.recovery.keptAt ?? '').equals(holed.subarray(before))).toBe(true);
      await writer.close();
    });
  });

  it('refuses a damaged block that a whole one follows, and cuts nothing', async () => {
    await inTemporaryDirectory(async (directory) => {
      const [before = 0, end = 0] = await written(directory, [3, 2, 1]);
      const [segment = ''] = segmentsOf(directory);
      const whole = readFileSync(segment);
      for (let at = before; at < end; at++) {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] ?? 0) ^ 1;
        writeFileSync(segment, damaged);
        await expect(open(directory)).rejects.toMatchObject({
          code: 'LOG_BLOCK_CORRUPT',
          details: { segment: '0000000000000000.seg', offset: before, seq: 3 },
        });
        expect(readFileSync(segment).equals(damaged)).toBe(true);
      }
    });
  });

  it('cuts a write of which the disk left out a page, when nothing of it was acknowledged', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await open(directory, { blockBytesMax: 3000 });
      await writer.append(sampleRecords(10));
      await writer.append(sampleRecords(300, 10));
      await writer.close();
      const [segment = ''] = segmentsOf(directory);
      const whole = readFileSync(segment);
      const groups = [...groupsOf(segment)];
      const at = groups.findIndex(([, offsets]) => offsets.length > 1);
      const [groupFirstSeq, [first = 0, second = 0]] = groups[at] ?? [0, []];
      const later = groups[at + 1]?.[1][0] ?? 0;
      const hole = Math.ceil(first / 512) * 512;
      expect([at > 0, hole + 512 < second, later > second]).toEqual([true, true, true]);
      removeSigned(directory);
      // A crash before the sync of the last group may keep any of its pages.
      const holed = Buffer.from(whole).fill(0, hole, hole + 512);
      writeFileSync(segment, holed.subarray(0, later));
      const again = await open(directory);
      expect([again.size, statSync(segment).size]).toEqual([groupFirstSeq, first]);
      await again.close();
      // What a later group follows was durable, though a whole block of its own group follows first.
      removeSigned(directory);
      writeFileSync(segment, holed);
      await expect(open(directory)).rejects.toMatchObject({ code: 'LOG_BLOCK_CORRUPT' });
      // The same hole in a page that was synced before is no trace of a crash.
      writeFileSync(segment, Buffer.from(whole).fill(0, 0, 1024));
      await expect(open(directory)).rejects.toMatchObject({ code: 'LOG_BLOCK_CORRUPT' });
      // A flipped bit within the group is none either.
      whole[5000] = (whole[5000] ?? 0) ^ 4;
      writeFileSync(segment, whole);
      await expect(open(directory)).rejects.toMatchObject({ code: 'LOG_BLOCK_CORRUPT' });
    });
  });

  it('removes a last segment whose header was not finished', async () => {
    await inTemporaryDirectory(async (directory) => {
      await written(directory, [2, 2, 2, 2], { segmentBytesMax: 700 });
      const count = segmentsOf(directory).length;
      const last = segmentsOf(directory).at(-1) ?? '';
      const firstSeq = Number(/(\d{16})\.seg$/.exec(last)?.[1]);
      const header = readFileSync(last);
      for (const bytes of [0, 1, 31, 33]) {
        writeFileSync(last, header.subarray(0, bytes));
        expect(await seqsIn(directory)).toEqual(upTo(firstSeq));
        const writer = await open(directory);
        expect([writer.size, writer.recovery.cutBytes, segmentsOf(directory).length]).toEqual([
          firstSeq,
          bytes,
          count - 1,
        ]);
        await writer.close();
      }
    });
  });

  it('goes on in a segment that has a header and no block', async () => {
    await inTemporaryDirectory(async (directory) => {
      await written(directory, [2]);
      truncateSync(segmentsOf(directory)[0] ?? '', 32);
      const writer = await open(directory, { segmentBytesMax: 40 });
      await writer.append(sampleRecords(3));
      await writer.append(sampleRecords(3, 3));
      await writer.close();
      expect(segmentsOf(directory)).toHaveLength(2);
      expect(await seqsIn(directory)).toEqual(upTo(6));
    });
  });

  it('refuses a log that lacks a segment or has one of another log', async () => {
    await inTemporaryDirectory(async (parent) => {
      const [one, two, mixed] = ['one', 'two', 'mixed'].map((name) => join(parent, name)) as [string, string, string];
      for (const directory of [one, two]) {
        mkdirSync(directory);
        await written(directory, [2, 2, 2, 2], { segmentBytesMax: 700 });
      }
      const [first = '', second = '', ...rest] = segmentsOf(one);
      cpSync(one, mixed, { recursive: true });
      const lastName = rest.at(-1)?.slice(one.length) ?? second.slice(one.length);
      copyFileSync(join(two, lastName), join(mixed, lastName));
      await expect(open(mixed)).rejects.toMatchObject({ code: 'LOG_CHAIN_BROKEN' });
      await expect(seqsIn(mixed)).rejects.toMatchObject({ code: 'LOG_CHAIN_BROKEN' });
      expect((await EventLogReader.open({ directory: mixed, keys })).verify().ok).toBe(false);
      rmSync(rest.length > 0 ? second : first);
      await expect(seqsIn(one)).rejects.toMatchObject({ code: 'LOG_CHAIN_BROKEN' });
      const reader = await EventLogReader.open({ directory: one, keys });
      expect(() => reader.stat()).toThrow(expect.objectContaining({ code: 'LOG_CHAIN_BROKEN' }));
      expect(reader.verify().problems.map(({ code }) => code)).toContain('LOG_CHAIN_BROKEN');
    });
  });

  it('refuses to cut records that a checkpoint covers, and leaves them as they are', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await open(directory);
      await writer.append(sampleRecords(4));
      await writer.signCheckpoint();
      await writer.close();
      const [segment = ''] = segmentsOf(directory);
      const whole = readFileSync(segment);
      writeFileSync(segment, whole.subarray(0, whole.length - 5));
      await expect(open(directory)).rejects.toMatchObject({ code: 'LOG_TRUNCATED' });
      expect(readFileSync(segment).equals(whole.subarray(0, whole.length - 5))).toBe(true);
      writeFileSync(segment, whole);
      await (await open(directory)).close();
    });
  });

  it('cuts a footer that is torn at any byte, goes on, and writes it again', async () => {
    await inTemporaryDirectory(async (directory) => {
      const limits = { segmentRecordsMax: 6 };
      await written(directory, [3, 3, 1], limits);
      const [segment = '', next = ''] = segmentsOf(directory);
      rmSync(next);
      const whole = readFileSync(segment);
      const blocksEnd = whole.indexOf(FOOTER_MAGIC);
      for (let bytes = blocksEnd; bytes < whole.length; bytes += 7) {
        for (const path of segmentsOf(directory)) rmSync(path);
        writeFileSync(segment, whole.subarray(0, bytes));
        removeSigned(directory);
        const writer = await open(directory, limits);
        expect([writer.size, writer.recovery.cutBytes]).toEqual([6, bytes - blocksEnd]);
        await writer.append(sampleRecords(2, 6));
        await writer.close();
        expect(segmentsOf(directory)).toHaveLength(2);
        expect(readFileSync(segment).subarray(-8).toString()).toBe('PTGSEND\n');
        expect(await seqsIn(directory)).toEqual(upTo(8));
      }
      // A finished segment that nothing follows is gone on from without reading its blocks.
      for (const path of segmentsOf(directory)) rmSync(path);
      writeFileSync(segment, whole);
      removeSigned(directory);
      const writer = await open(directory, limits);
      expect([writer.size, writer.recovery.cutBytes]).toEqual([6, 0]);
      await writer.append(sampleRecords(1, 6));
      await writer.close();
      expect((await EventLogReader.open({ directory, keys })).verify()).toMatchObject({ ok: true, size: 7 });
    });
  });

  it('opens after a crash at each step of the disk', async () => {
    for (let step = 1; step < 60; step++) {
      await inTemporaryDirectory(async (directory) => {
        const layer = new StoppingLayer(step);
        let acknowledged = 0;
        let writer: EventLogWriter | undefined;
        try {
          writer = await open(directory, { layer, segmentRecordsMax: 5, checkpoint: RARELY });
          for (; acknowledged < 12; acknowledged += 2) await writer.append(sampleRecords(2, acknowledged));
        } catch (cause) {
          expect(cause).toMatchObject({ code: 'LOG_WRITE_FAILED' });
        }
        await writer?.close().catch((cause: unknown) => expect(cause).toMatchObject({ code: 'LOG_WRITE_FAILED' }));
        await layer.release();
        const again = await open(directory, { segmentRecordsMax: 5 });
        expect(again.size).toBeGreaterThanOrEqual(acknowledged);
        await again.append(sampleRecords(2, again.size));
        const { size } = again;
        await again.close();
        expect(await seqsIn(directory)).toEqual(upTo(size));
      });
    }
  });
});

/** No checkpoint but at the end, so that every step is the same in every run. */
const RARELY = { everyRecords: 1_000_000, everyMs: 1_000_000 };

/** A disk that stops at its n-th step: the step and all later ones fail. */
class StoppingLayer implements LogFileLayer {
  private steps = 0;
  private readonly files: LogFile[] = [];

  constructor(private readonly stopAt: number) {}

  /** Closes what a killed process would have let go of. */
  async release(): Promise<void> {
    for (const file of this.files) await file.close().catch(() => undefined);
  }

  async open(path: string, mode: 'create' | 'change'): Promise<LogFile> {
    this.step();
    const file = await nodeFileLayer.open(path, mode);
    this.files.push(file);
    const stepped = <T>(run: () => Promise<T>): Promise<T> => {
      this.step();
      return run();
    };
    const steps = {
      writev: async (buffers: readonly Buffer[], position: number) => stepped(() => file.writev(buffers, position)),
      fdatasync: async () => stepped(() => file.fdatasync()),
    };
    return {
      ...steps,
      writeDurably: (buffers, position) => writeThenSync(steps, buffers, position),
      fsync: async () => stepped(() => file.fsync()),
      truncate: async (bytes) => stepped(() => file.truncate(bytes)),
      close: () => file.close(),
    };
  }

  async makeDirectory(path: string): Promise<void> {
    this.step();
    await nodeFileLayer.makeDirectory(path);
  }

  async syncDirectory(path: string): Promise<void> {
    this.step();
    await nodeFileLayer.syncDirectory(path);
  }

  async rename(from: string, to: string): Promise<void> {
    this.step();
    await nodeFileLayer.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    this.step();
    await nodeFileLayer.remove(path);
  }

  private step(): void {
    if (++this.steps >= this.stopAt) throw new Error('the disk stopped');
  }
}
