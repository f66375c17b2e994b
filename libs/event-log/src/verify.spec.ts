import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32c } from '@node-rs/crc32';
import { LeafHasher } from './leaf-hasher';
import { EventLogReader } from './reader';
import { SegmentCursor } from './segment-cursor';
import { inTemporaryDirectory, sampleRecord, sampleRecords } from './testing';
import { EventLogWriter } from './writer';

const SEGMENT_HEADER = 32;
const BLOCK_HEADER = 112;
const BLOCK_RECORDS = 3;

async function writeBlocks(directory: string, blocks: number, more: { segmentBytesMax?: number } = {}): Promise<void> {
  const writer = await EventLogWriter.open({ directory, origin: 'north', ...more });
  for (let i = 0; i < blocks; i++) await writer.append(sampleRecords(BLOCK_RECORDS, i * BLOCK_RECORDS));
  await writer.close();
}

const segmentsOf = (directory: string): string[] =>
  readdirSync(join(directory, 'segments')).map((name) => join(directory, 'segments', name));

/** Offset in a block's payload → number of the record that the byte belongs to; the type table belongs to the first. */
function ownerOf(payload: Buffer, at: number, bodiesAt: number): number {
  const columns: [width: number][] = [[16], [8], [8], [8], [4], [4], [2]];
  let start = 0;
  for (const [width] of columns) {
    if (at < start + width * BLOCK_RECORDS) return Math.floor((at - start) / width);
    start += width * BLOCK_RECORDS;
  }
  if (at < bodiesAt) return 0;
  let end = bodiesAt;
  for (let i = 0; i < BLOCK_RECORDS; i++) {
    end += payload.readUInt32BE(BLOCK_RECORDS * 44 + 4 * i);
    if (at < end) return i;
  }
  throw new Error('offset beyond the payload');
}

jest.setTimeout(30_000);

describe('verify', () => {
  it('names the record that a flipped bit belongs to, wherever the bit is', async () => {
    await inTemporaryDirectory(async (directory) => {
      await writeBlocks(directory, 3);
      const [segment = ''] = segmentsOf(directory);
      const whole = readFileSync(segment);
      const reader = await EventLogReader.open({ directory });
      let block = SEGMENT_HEADER;
      for (let firstSeq = 0; firstSeq < 9; firstSeq += BLOCK_RECORDS) {
        const payloadBytes = whole.readUInt32BE(block + 28);
        const bodiesAt = BLOCK_RECORDS * 50 + whole.readUInt32BE(block + 32);
        const payload = whole.subarray(block + BLOCK_HEADER, block + BLOCK_HEADER + payloadBytes);
        for (let at = 0; at < BLOCK_HEADER + payloadBytes; at++) {
          const flipped = Buffer.from(whole);
          flipped[block + at] = (flipped[block + at] ?? 0) ^ (1 << (at % 8));
          writeFileSync(segment, flipped);
          const owner = at < BLOCK_HEADER ? 0 : ownerOf(payload, at - BLOCK_HEADER, bodiesAt);
          const report = reader.verify();
          expect({ at, ...report }).toMatchObject({
            at,
            ok: false,
            problemCount: 1,
            problems: [{ code: 'LOG_BLOCK_CORRUPT', seq: firstSeq + owner, offset: block }],
          });
        }
        block += BLOCK_HEADER + payloadBytes;
      }
      expect(block).toBe(whole.length);
    });
  });

  it('finds a flipped bit in the header of a segment', async () => {
    await inTemporaryDirectory(async (directory) => {
      await writeBlocks(directory, 6, { segmentBytesMax: 1500 });
      const segment = segmentsOf(directory)[1] ?? '';
      const whole = readFileSync(segment);
      const reader = await EventLogReader.open({ directory });
      for (let at = 0; at < SEGMENT_HEADER + 32; at++) {
        const flipped = Buffer.from(whole);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
        writeFileSync(segment, flipped);
        expect(reader.verify().problems).toMatchObject([{ code: 'LOG_BLOCK_CORRUPT', offset: 0 }]);
        expect(() => [...reader.records()]).toThrow(expect.objectContaining({ code: 'LOG_BLOCK_CORRUPT' }));
      }
    });
  });

  it('names the record that was altered with all CRCs made to fit', async () => {
    await inTemporaryDirectory(async (directory) => {
      await writeBlocks(directory, 3);
      const [segment = ''] = segmentsOf(directory);
      const bytes = readFileSync(segment);
      const at = bytes.indexOf('"event-4"');
      bytes.write('"event-9"', at);
      const block = bytes.lastIndexOf(Buffer.of(0xf5, 0x50, 0x42, 0x4b), at);
      const payload = bytes.subarray(block + BLOCK_HEADER, block + BLOCK_HEADER + bytes.readUInt32BE(block + 28));
      bytes.writeUInt32BE(crc32c(payload), block + 104);
      bytes.writeUInt32BE(crc32c(bytes.subarray(block, block + 108)), block + 108);
      writeFileSync(segment, bytes);
      const reader = await EventLogReader.open({ directory });
      expect([...reader.records()]).toHaveLength(9);
      expect(reader.verify()).toMatchObject({ ok: false, problems: [{ code: 'LOG_ROOT_MISMATCH', seq: 4 }] });
      // Whoever knows the format makes the leaf check fit too; the stored root still tells.
      const cursor = new SegmentCursor({ name: '', path: segment, firstSeq: 0 }, { windowBytes: 1 << 20 });
      cursor.position = block;
      const read = cursor.next();
      cursor.close();
      if (read.kind !== 'block') throw new Error('no block');
      payload.write(read.block.leafHashAt(1, new LeafHasher()).slice(0, 4), BLOCK_RECORDS * 40 + 4, 'latin1');
      bytes.writeUInt32BE(crc32c(payload), block + 104);
      bytes.writeUInt32BE(crc32c(bytes.subarray(block, block + 108)), block + 108);
      writeFileSync(segment, bytes);
      expect(reader.verify()).toMatchObject({ problems: [{ code: 'LOG_ROOT_MISMATCH', seq: 3, offset: block }] });
      await expect(EventLogWriter.open({ directory, origin: 'north' })).rejects.toMatchObject({
        code: 'LOG_ROOT_MISMATCH',
      });
    });
  });

  it('reports bodies that are not canonical and types that are not those of the bodies', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await EventLogWriter.open({ directory, origin: 'north' });
      const good = sampleRecord(0);
      await writer.append([
        good,
        { ...good, body: Buffer.from('{"type": "device.connected"}') },
        { ...good, type: 'device.lost' },
        { ...good, body: Buffer.from('no JSON') },
      ]);
      await writer.close();
      const reader = await EventLogReader.open({ directory });
      expect(reader.verify().problems.map(({ code, seq }) => [code, seq])).toEqual([
        ['LOG_BLOCK_CORRUPT', 1],
        ['LOG_BLOCK_CORRUPT', 2],
        ['LOG_BLOCK_CORRUPT', 3],
      ]);
      expect(reader.verify({ decodesBodies: false })).toMatchObject({ ok: true, size: 4 });
    });
  });

  it('tells a tail that is torn from one that was altered, and reports progress', async () => {
    await inTemporaryDirectory(async (directory) => {
      await writeBlocks(directory, 4, { segmentBytesMax: 1500 });
      const last = segmentsOf(directory).at(-1) ?? '';
      const whole = readFileSync(last);
      const reader = await EventLogReader.open({ directory });
      const seen: number[] = [];
      const report = reader.verify({ onProgress: ({ size }) => seen.push(size) });
      expect([report.ok, seen.at(-1), seen.length]).toEqual([true, 12, segmentsOf(directory).length]);
      expect(report.bytesRead).toBe(reader.stat().bytes);
      writeFileSync(last, whole.subarray(0, whole.length - 10));
      expect(reader.verify()).toMatchObject({ ok: true, problems: [] });
      expect(reader.verify().tornBytes).toBeGreaterThan(100);
      // The same in a segment that another follows cannot be the work of a crash.
      const first = segmentsOf(directory)[0] ?? '';
      writeFileSync(first, readFileSync(first).subarray(0, -10));
      expect(reader.verify()).toMatchObject({ ok: false, problems: [{ code: 'LOG_BLOCK_CORRUPT' }, {}] });
    });
  });
});
