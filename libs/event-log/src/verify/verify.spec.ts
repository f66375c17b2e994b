import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '@protego/contracts';
import { fixedKeys } from '@protego/enclave/testing';
import { signCheckpoint } from '../tree/checkpoint';
import type { LogRecordInput } from '../log-record';
import { inTemporaryDirectory, sampleRecord, sampleRecords } from '../testing';
import { PROBLEMS_MAX, verifyLog } from './verify';
import { EventLogWriter } from '../writer/writer';
import type { EventLogWriterOptions } from '../writer/writer-options';

const keys = fixedKeys();
const origin = 'north';

async function write(
  directory: string,
  batches: LogRecordInput[][],
  more: Partial<EventLogWriterOptions> = {},
): Promise<void> {
  const writer = await EventLogWriter.open({ directory, origin, keys, ...more });
  for (const batch of batches) await writer.append(batch);
  await writer.close();
}

const batchesOf = (count: number, records = 10, from = 0): LogRecordInput[][] =>
  Array.from({ length: count }, (_, i) => sampleRecords(records, from + i * records));

const segmentsOf = (directory: string): string[] =>
  readdirSync(join(directory, 'segments')).map((name) => join(directory, 'segments', name));

const noteOf = (directory: string): string => readFileSync(join(directory, 'checkpoint'), 'utf8');

const SMALL = { segmentRecordsMax: 100, checkpoint: { everyRecords: 100, everyMs: 60_000 } };

jest.setTimeout(120_000);

describe('verifyLog', () => {
  it('says how much it checked of a sound log, and reports progress', async () => {
    await inTemporaryDirectory(async (directory) => {
      await write(directory, batchesOf(35), SMALL);
      const seen: number[] = [];
      const report = verifyLog({ directory, keys, onProgress: ({ size }) => seen.push(size) });
      expect(report).toMatchObject({ ok: true, firstSeq: 0, fromSeq: 0, size: 350, problems: [], tornBytes: 0 });
      expect(report.checked).toMatchObject({ records: 350, blocks: 35, footers: 3 });
      expect(report.checked.tiles).toBeGreaterThanOrEqual(3);
      expect(report.checked.checkpoints).toBeGreaterThanOrEqual(2);
      expect([seen.length, seen.at(-1)]).toEqual([4, 350]);
      expect(report.rootHash).toBe(Buffer.from(noteOf(directory).split('\n')[2] ?? '', 'base64').toString('hex'));
    });
  });

  it('reports bodies that are not canonical and types that are not those of the bodies', async () => {
    await inTemporaryDirectory(async (directory) => {
      const good = sampleRecord(0);
      const body = Buffer.from('{"type": "device.connected"}');
      const bad = [
        { ...good, body },
        { ...good, type: 'device.lost' },
        { ...good, body: Buffer.from('no JSON') },
      ];
      await write(directory, [[good, ...bad]]);
      const { problems } = verifyLog({ directory, keys });
      expect(problems.map(({ code, kind, seq, seqEnd }) => [code, kind, seq, seqEnd])).toEqual([
        ['LOG_BLOCK_CORRUPT', 'altered', 1, 2],
        ['LOG_BLOCK_CORRUPT', 'altered', 2, 3],
        ['LOG_BLOCK_CORRUPT', 'altered', 3, 4],
      ]);
      expect(verifyLog({ directory, keys, decodesBodies: false })).toMatchObject({ ok: true, size: 4 });
      await write(directory, [Array.from({ length: PROBLEMS_MAX + 5 }, () => ({ ...good, body }))]);
      const report = verifyLog({ directory, keys });
      expect([report.problems.length, report.problemCount]).toEqual([PROBLEMS_MAX, PROBLEMS_MAX + 8]);
    });
  });

  it('takes an unfinished end for the work of a crash, unless a checkpoint covers it', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await EventLogWriter.open({ directory, origin, keys, ...SMALL });
      for (const batch of batchesOf(5)) await writer.append(batch);
      const last = segmentsOf(directory).at(-1) ?? '';
      const whole = readFileSync(last);
      for (const bytes of [whole.length - 1, whole.length - 300]) {
        writeFileSync(last, whole.subarray(0, bytes));
        const report = verifyLog({ directory, keys });
        expect(report).toMatchObject({ ok: true, size: 40, problems: [] });
        expect(report.tornBytes).toBeGreaterThan(100);
      }
      // The disk left out a sector of the last write.
      const holed = Buffer.from(whole);
      const sector = Math.floor((whole.length - 200) / 512) * 512;
      holed.fill(0, sector, sector + 512);
      writeFileSync(last, holed);
      expect(verifyLog({ directory, keys })).toMatchObject({ ok: true, problems: [] });
      writeFileSync(last, whole);
      await writer.close();
      writeFileSync(last, whole.subarray(0, -1));
      expect(verifyLog({ directory, keys }).problems).toMatchObject([
        { code: 'LOG_TRUNCATED', kind: 'truncated', seq: 40, seqEnd: 50 },
      ]);
    });
  });

  it('starts at the segment of a checkpoint or a size, and checks all that follows', async () => {
    await inTemporaryDirectory(async (directory) => {
      await write(directory, batchesOf(22), SMALL);
      const note = noteOf(directory);
      await write(directory, batchesOf(20, 10, 220), SMALL);
      expect(verifyLog({ directory, keys, from: note })).toMatchObject({ ok: true, fromSeq: 200, size: 420 });
      expect(verifyLog({ directory, keys, from: 399 })).toMatchObject({
        ok: true,
        fromSeq: 300,
        checked: { records: 120 },
      });
      const [first = '', , third = ''] = segmentsOf(directory);
      const [soundFirst, soundThird] = [readFileSync(first), readFileSync(third)];
      // What lies before was checked before; what lies after is found.
      writeFileSync(first, soundFirst.subarray(0, 1000));
      expect(verifyLog({ directory, keys, from: note }).ok).toBe(true);
      writeFileSync(third, Buffer.concat([soundThird.subarray(0, 900), Buffer.of(1), soundThird.subarray(901)]));
      expect(verifyLog({ directory, keys, from: note }).problems).toMatchObject([{ kind: 'altered' }]);
      expect(verifyLog({ directory, keys, from: 300 }).ok).toBe(true);
      expect(() => verifyLog({ directory, keys, from: 'no note' })).toThrow(
        expect.objectContaining({ code: 'LOG_CHECKPOINT_INVALID' }),
      );
    });
  });

  it('compares the log with checkpoints that are brought', async () => {
    await inTemporaryDirectory(async (directory) => {
      await write(directory, batchesOf(12), SMALL);
      const note = noteOf(directory);
      const sign = (size: number, root = Buffer.alloc(32, 7), signer = keys.signer): Promise<string> =>
        signCheckpoint({ origin, size, root, extensions: [] }, signer);
      const kindsFor = (...against: (string | Uint8Array)[]): unknown[] =>
        verifyLog({ directory, keys, against }).problems.map(({ code, seq, seqEnd }) => [code, seq, seqEnd]);
      expect(kindsFor(note, Buffer.from(note))).toEqual([]);
      expect(kindsFor(await sign(77))).toEqual([['LOG_FORKED', 0, 77]]);
      expect(kindsFor(note, await sign(500))).toEqual([['LOG_TRUNCATED', 120, 500]]);
      expect(kindsFor(await sign(120, Buffer.alloc(32), fixedKeys('other').signer))).toEqual([
        ['LOG_CHECKPOINT_INVALID', undefined, undefined],
      ]);
      const { problems } = verifyLog({ directory, keys, against: note, verifierKey: 'north+00000000+AAAA' });
      expect(problems).toMatchObject([{ code: 'LOG_CHECKPOINT_INVALID', kind: 'checkpoint' }]);
    });
  });

  it('accepts that the first segments are gone only when the log says that they expired', async () => {
    await inTemporaryDirectory(async (directory) => {
      await write(directory, batchesOf(31), SMALL);
      const rootHash = verifyLog({ directory, keys }).rootHash;
      const [first = '', second = '', third = ''] = segmentsOf(directory);
      const expired = (toSeq: number, root: string): LogRecordInput => {
        const data = { fromSeq: 0, toSeq, rootHash: root, reason: 'old' };
        return {
          ...sampleRecord(900),
          type: 'log.expired',
          body: Buffer.from(canonicalJson({ data, type: 'log.expired' })),
        };
      };
      rmSync(first);
      expect(verifyLog({ directory, keys }).problems).toMatchObject([{ kind: 'missing', seq: 0, seqEnd: 100 }]);
      await write(directory, [[expired(310, rootHash)]], SMALL);
      expect(verifyLog({ directory, keys })).toMatchObject({ ok: true, firstSeq: 100, size: 311 });
      rmSync(third);
      expect(verifyLog({ directory, keys }).problems).toMatchObject([{ kind: 'missing', seq: 200, seqEnd: 300 }]);
      rmSync(second);
      expect(verifyLog({ directory, keys })).toMatchObject({ ok: true, firstSeq: 300, size: 311 });
      await write(directory, [[expired(200, rootHash)]], SMALL);
      expect(verifyLog({ directory, keys }).problems).toMatchObject([{ kind: 'tile', seq: 0, seqEnd: 200 }]);
    });
  });

  it('tells keys of another log, and a log id that no block was written under', async () => {
    await inTemporaryDirectory(async (directory) => {
      await write(directory, batchesOf(3));
      expect(verifyLog({ directory, keys: fixedKeys('other') }).problems).toMatchObject([
        { code: 'LOG_KEY_MISSING', kind: 'identity', file: 'log.json' },
      ]);
      const path = join(directory, 'log.json');
      const text = readFileSync(path, 'utf8');
      writeFileSync(
        path,
        text.replace(/"logId":"./, (start) => start.slice(0, -1) + (start.endsWith('0') ? '1' : '0')),
      );
      expect(verifyLog({ directory, keys }).problems).toMatchObject([{ kind: 'identity' }]);
      writeFileSync(path, text.replace(',', ', '));
      expect(verifyLog({ directory, keys }).problems).toMatchObject([{ kind: 'identity' }]);
      expect(() => verifyLog({ directory: join(directory, 'none'), keys })).toThrow(
        expect.objectContaining({ code: 'LOG_NOT_FOUND' }),
      );
    });
  });
});
