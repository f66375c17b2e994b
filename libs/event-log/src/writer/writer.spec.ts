import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '@protego/contracts';
import { fixedKeys } from '@protego/enclave/testing';
import fc from 'fast-check';
import { BLOCK_HEADER_BYTES, BLOCK_MAGIC, RECORD_SUBJECTS_MAX, readBlockHeader } from '../blocks/block-format';
import type { LogRecordInput } from '../log-record';
import { merkleRootOf } from '../tree/merkle-tree';
import { EventLogReader } from '../reader/reader';
import { SteeredLayer, inTemporaryDirectory, sampleRecord, sampleRecords, segmentPaths } from '../testing';
import { EventLogWriter, type EventLogWriterOptions } from './writer';

const origin = 'north.example/log';
const keys = fixedKeys();
const open = (directory: string, more: Partial<EventLogWriterOptions> = {}): Promise<EventLogWriter> =>
  EventLogWriter.open({ directory, origin, keys, ...more });

const recordArbitrary: fc.Arbitrary<LogRecordInput> = fc
  .record({
    type: fc.constantFrom('device.connected', 'access.record-read', 'typ-é'),
    data: fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), { maxKeys: 3 }),
    times: fc.tuple(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat()),
    sealed: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
    subjects: fc.array(fc.string({ minLength: 1 }), { maxLength: 4 }),
    identity: fc.option(
      fc.record({
        idHigh: fc.nat(0xffff_ffff),
        idLow: fc.integer({ min: 1, max: 0xffff_ffff }),
        contentHigh: fc.nat(0xffff_ffff),
        contentLow: fc.nat(0xffff_ffff),
      }),
      { nil: undefined },
    ),
  })
  .map(({ type, data, times: [timeMs, arrivedAtMs, recordedAtMs], ...rest }) => ({
    ...rest,
    body: Buffer.from(canonicalJson({ type, data })),
    type,
    timeMs,
    arrivedAtMs,
    recordedAtMs,
  }));

// Hundreds of openings of a log, on a machine that may be busy.
jest.setTimeout(30_000);

describe('EventLogWriter', () => {
  it('gives back what was appended, in order, across blocks, segments and openings', async () => {
    const options = { blockBytesMax: 300, segmentBytesMax: 1500, segmentRecordsMax: 20 };
    const batches = fc.array(fc.array(recordArbitrary, { maxLength: 9 }), { maxLength: 9 });
    await fc.assert(
      fc.asyncProperty(batches, fc.nat(9), (appends, reopenAt) =>
        inTemporaryDirectory(async (directory) => {
          let writer = await open(directory, options);
          for (const [i, append] of appends.entries()) {
            if (i === reopenAt) {
              await writer.close();
              writer = await open(directory, options);
            }
            const { firstSeq, count } = await writer.append(append);
            expect([firstSeq, count]).toEqual([writer.size - append.length, append.length]);
          }
          const checkpoint = writer.checkpoint();
          await writer.close();
          const reader = await EventLogReader.open({ directory, keys });
          const expected = appends.flat().map(({ subjects: _, identity: __, ...record }, seq) => ({ seq, ...record }));
          expect([...reader.records()].map(({ leaf: _, ...record }) => record)).toEqual(expected);
          expect(reader.stat()).toMatchObject(checkpoint);
          expect(reader.verify()).toMatchObject({ ok: true, problems: [], tornBytes: 0, ...checkpoint });
        }),
      ),
      { numRuns: 40 },
    );
  });

  it('commits to the RFC 6962 root over random bytes, times and bodies', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await open(directory);
      const records = sampleRecords(5).map((record, i) => ({ ...record, sealed: Buffer.alloc(i, 'x') }));
      await writer.append(records);
      const { rootHash } = writer.checkpoint();
      await writer.close();
      const reader = await EventLogReader.open({ directory, keys });
      const leaves = [...reader.records()].map(({ leaf }) => Buffer.from(leaf));
      for (const [i, { timeMs, arrivedAtMs, recordedAtMs, sealed = Buffer.alloc(0), body }] of records.entries()) {
        const head = Buffer.alloc(28);
        [timeMs, arrivedAtMs, recordedAtMs].forEach((ms, k) => head.writeDoubleBE(ms, 8 * k));
        head.writeUInt32BE(sealed.length, 24);
        expect(leaves[i]?.subarray(16)).toEqual(Buffer.concat([head, sealed, body]));
      }
      expect(rootHash).toBe(merkleRootOf(leaves));
      expect(new Set(leaves.map((leaf) => leaf.toString('hex', 0, 16))).size).toBe(5);
    });
  });

  it('acknowledges only what is synced, and syncs all that waited in one go', async () => {
    await inTemporaryDirectory(async (directory) => {
      const layer = new SteeredLayer();
      const writer = await open(directory, { layer });
      let release = (): void => undefined;
      layer.syncGate = new Promise((resolve) => (release = resolve));
      let acked = 0;
      const first = writer.append(sampleRecords(3)).then(() => acked++);
      while (layer.writes < 2) await new Promise((resolve) => setImmediate(resolve));
      const later = Array.from({ length: 20 }, (_, i) => writer.append([sampleRecord(3 + i)]).then(() => acked++));
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect([acked, writer.size, writer.nextSeq, layer.syncs]).toEqual([0, 0, 23, 0]);
      expect(writer.checkpoint().size).toBe(0);
      release();
      await Promise.all([first, ...later]);
      expect([acked, writer.size, layer.syncs, writer.groupCount, writer.queuedBytes]).toEqual([21, 23, 2, 2, 0]);
      await writer.close();
    });
  });

  it('writes the rest after a short write', async () => {
    await inTemporaryDirectory(async (directory) => {
      const layer = new SteeredLayer();
      layer.writeBytesMax = 7;
      const writer = await open(directory, { layer });
      await writer.append(sampleRecords(4));
      await writer.close();
      const reader = await EventLogReader.open({ directory, keys });
      expect([...reader.records()]).toHaveLength(4);
    });
  });

  it.each(['syncFailure', 'writeFailure'] as const)('is poisoned by one %s', async (kind) => {
    await inTemporaryDirectory(async (directory) => {
      const layer = new SteeredLayer();
      const writer = await open(directory, { layer });
      await writer.append(sampleRecords(2));
      layer[kind] = new Error('the disk is gone');
      const pending = [writer.append(sampleRecords(1)), writer.append(sampleRecords(1)), writer.flushed()];
      const failed = { status: 'rejected', reason: expect.objectContaining({ code: 'LOG_WRITE_FAILED' }) as unknown };
      expect(await Promise.allSettled(pending)).toEqual([failed, failed, failed]);
      layer[kind] = undefined;
      const syncs = layer.syncs;
      await expect(writer.append(sampleRecords(1))).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' });
      expect(layer.syncs).toBe(syncs);
      expect(writer.size).toBe(2);
      expect(writer.failure?.code).toBe('LOG_WRITE_FAILED');
      await writer.close();
    });
  });

  it('refuses appends beyond the bound of its queue, and takes them once there is room', async () => {
    await inTemporaryDirectory(async (directory) => {
      const layer = new SteeredLayer();
      const writer = await open(directory, { layer, queueBytesMax: 1300 });
      let release = (): void => undefined;
      layer.syncGate = new Promise((resolve) => (release = resolve));
      const first = writer.append(sampleRecords(5));
      await expect(writer.append(sampleRecords(5))).rejects.toMatchObject({ code: 'INTAKE_BUSY' });
      expect(writer.nextSeq).toBe(5);
      release();
      await first;
      await writer.append(sampleRecords(5));
      await expect(writer.append(sampleRecords(9))).rejects.toMatchObject({ code: 'LOG_RECORD_TOO_LARGE' });
      await writer.close();
    });
  });

  it('refuses a record that it cannot keep, with all that came with it', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await open(directory);
      const good = sampleRecord(0);
      const refusals: [LogRecordInput, string][] = [
        [{ ...good, body: Buffer.alloc(65_537, 32) }, 'LOG_RECORD_TOO_LARGE'],
        [{ ...good, body: Buffer.alloc(0) }, 'LOG_RECORD_INVALID'],
        [{ ...good, type: '' }, 'LOG_RECORD_INVALID'],
        [{ ...good, type: 'é'.repeat(128) }, 'LOG_RECORD_INVALID'],
        [{ ...good, timeMs: Number.NaN }, 'LOG_RECORD_INVALID'],
        [{ ...good, arrivedAtMs: Infinity }, 'LOG_RECORD_INVALID'],
        [{ ...good, sealed: Buffer.alloc(131_073) }, 'LOG_RECORD_TOO_LARGE'],
        [
          { ...good, subjects: Array.from({ length: RECORD_SUBJECTS_MAX + 1 }, (_, i) => `s${i}`) },
          'LOG_RECORD_INVALID',
        ],
      ];
      for (const [record, code] of refusals) {
        await expect(writer.append([good, record])).rejects.toMatchObject({ code });
      }
      await writer.append([{ ...good, body: Buffer.alloc(65_536, 32), type: 'é'.repeat(127) }]);
      expect(writer.size).toBe(1);
      await writer.close();
      await expect(writer.append([good])).rejects.toMatchObject({ code: 'LOG_CLOSED' });
    });
  });

  it('starts segments that stay within their size and join without a gap', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await open(directory, { blockBytesMax: 1024, segmentBytesMax: 8192 });
      for (let i = 0; i < 40; i++) await writer.append(sampleRecords(5, i * 5));
      void writer.append(sampleRecords(300, 200));
      await writer.close();
      const names = readdirSync(join(directory, 'segments'));
      expect(names.length).toBeGreaterThan(5);
      for (const name of names) {
        expect(name).toMatch(/^\d{16}\.seg$/);
        // The footer comes on top: without identities some hundred bytes for each block.
        expect(statSync(join(directory, 'segments', name)).size).toBeLessThanOrEqual(8192 + 8192);
      }
      const reader = await EventLogReader.open({ directory, keys });
      expect(reader.stat()).toMatchObject({ origin, size: 500, segments: names.length });
      expect([...reader.records({ fromSeq: 123, toSeq: 321 })].map(({ seq }) => seq)).toEqual(
        Array.from({ length: 198 }, (_, i) => 123 + i),
      );
    });
  });

  it('refuses another origin, a foreign format, and segments without identity', async () => {
    await inTemporaryDirectory(async (directory) => {
      await (await open(directory)).close();
      await expect(open(directory, { origin: 'south' })).rejects.toMatchObject({ code: 'LOG_ORIGIN_FOREIGN' });
      writeFileSync(join(directory, 'log.json'), '{"format":1}');
      await expect(open(directory)).rejects.toMatchObject({ code: 'LOG_FORMAT_UNKNOWN' });
      await expect(EventLogReader.open({ directory, keys })).rejects.toMatchObject({ code: 'LOG_FORMAT_UNKNOWN' });
      writeFileSync(join(directory, 'log.json'), '{"format":1');
      await expect(open(directory)).rejects.toMatchObject({ code: 'LOG_BLOCK_CORRUPT' });
    });
    await expect(EventLogReader.open({ directory: '/nonexistent', keys })).rejects.toMatchObject({
      code: 'LOG_NOT_FOUND',
    });
    await inTemporaryDirectory((directory) =>
      expect(open(directory, { origin: 'two words' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' }),
    );
  });

  it('tells a full and a read-only disk apart, keeps what it acknowledged, and opens again', async () => {
    await inTemporaryDirectory(async (directory) => {
      const layer = new SteeredLayer();
      const writer = await open(directory, { layer });
      await writer.append(sampleRecords(20));
      layer.roomBytes = 300;
      await expect(writer.append(sampleRecords(20, 20))).rejects.toMatchObject({ code: 'LOG_DISK_FULL' });
      await expect(writer.append(sampleRecords(1))).rejects.toMatchObject({ code: 'LOG_DISK_FULL' });
      await writer.close();
      const reader = await EventLogReader.open({ directory, keys });
      expect([...reader.records()]).toHaveLength(20);
      layer.roomBytes = Infinity;
      const again = await open(directory, { layer });
      expect([again.size, again.recovery.cutBytes]).toEqual([20, 300]);
      layer.writeFailure = Object.assign(new Error('read-only'), { code: 'EROFS' });
      await expect(again.append(sampleRecords(1, 20))).rejects.toMatchObject({ code: 'LOG_READ_ONLY' });
      await again.close();
    });
  });

  it('refuses other keys than those of the log, and a data key that is missing', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await open(directory, { keys: fixedKeys('test', 2) });
      await writer.append(sampleRecords(2));
      await writer.close();
      await expect(open(directory, { keys: fixedKeys('other') })).rejects.toMatchObject({ code: 'LOG_KEY_MISSING' });
      // The first data key alone does not open what was written under the second.
      await expect(open(directory)).rejects.toMatchObject({ code: 'LOG_KEY_MISSING' });
      await (await open(directory, { keys: fixedKeys('test', 3) })).close();
    });
  });

  it('finishes segments with a footer, and says which', async () => {
    await inTemporaryDirectory(async (directory) => {
      const finished: { firstSeq: number; endSeq: number }[] = [];
      const onSegmentFinished = (segment: { firstSeq: number; endSeq: number }): number => finished.push(segment);
      const writer = await open(directory, { segmentRecordsMax: 10, onSegmentFinished });
      for (let i = 0; i < 7; i++) await writer.append(sampleRecords(4, 4 * i));
      await writer.close();
      expect(finished).toEqual([
        { firstSeq: 0, endSeq: 8 },
        { firstSeq: 8, endSeq: 16 },
        { firstSeq: 16, endSeq: 24 },
      ]);
      const ends = segmentPaths(directory).map((path) => readFileSync(path).subarray(-8).toString('latin1'));
      expect(ends.map((end) => end === 'PTGSEND\n')).toEqual([true, true, true, false]);
    });
  });

  it('never encrypts twice under one key and nonce, whatever is written and opened again', async () => {
    await inTemporaryDirectory(async (directory) => {
      const seen = new Set<string>();
      for (let session = 0; session < 4; session++) {
        const writer = await open(directory, { segmentRecordsMax: 20, blockBytesMax: 1000 });
        for (let i = 0; i < 6; i++) await writer.append(sampleRecords(15, writer.nextSeq));
        await writer.close();
      }
      let blocks = 0;
      for (const path of segmentPaths(directory)) {
        const bytes = readFileSync(path);
        for (let at = bytes.indexOf(BLOCK_MAGIC); at >= 0; at = bytes.indexOf(BLOCK_MAGIC, at + 1)) {
          const header = readBlockHeader(bytes.subarray(at, at + BLOCK_HEADER_BYTES));
          if (typeof header === 'string') continue;
          blocks++;
          seen.add(`${header.sessionSalt.toString('hex')}/${header.nonce.toString('hex')}`);
        }
      }
      expect(blocks).toBeGreaterThan(40);
      expect(seen.size).toBe(blocks);
    });
  });

  it('signs what is durable on demand and at the end', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await open(directory);
      await expect(writer.signCheckpoint()).rejects.toMatchObject({ code: 'LOG_RANGE_MISSING' });
      const heard: number[] = [];
      writer.onCheckpoint(({ size }) => heard.push(size));
      void writer.append(sampleRecords(3));
      const note = await writer.signCheckpoint();
      expect(note.split('\n').slice(0, 3)).toEqual([
        origin,
        '3',
        Buffer.from(writer.checkpoint().rootHash, 'hex').toString('base64'),
      ]);
      await writer.append(sampleRecords(2, 3));
      await writer.close();
      expect(heard).toEqual([3, 5]);
      expect(readFileSync(join(directory, 'checkpoint'), 'utf8')).toBe(writer.latestCheckpoint?.note);
    });
  });
});
