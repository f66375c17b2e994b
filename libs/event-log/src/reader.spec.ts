import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EventSeq } from '@protego/contracts';
import fc from 'fast-check';
import type { LogRecord } from './log-record';
import { EventLogReader } from './reader';
import { inTemporaryDirectory, sampleRecords } from './testing';
import { EventLogWriter } from './writer';

const limits = { blockBytesMax: 2000, segmentBytesMax: 9000 };
const open = (directory: string): Promise<EventLogWriter> =>
  EventLogWriter.open({ directory, origin: 'north', ...limits });

describe('EventLogReader', () => {
  it('tells the totals of an empty log', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await open(directory);
      const reader = await EventLogReader.open({ directory });
      expect(reader.stat()).toEqual({ origin: 'north', segments: 0, bytes: 0, ...writer.checkpoint() });
      expect(writer.checkpoint().rootHash).toMatch(/^e3b0c442/);
      expect([[...reader.records()], reader.verify().ok, reader.dedupeKey.length]).toEqual([[], true, 32]);
      expect(reader.dedupeKey).toEqual(writer.dedupeKey);
      await writer.close();
    });
  });

  it('gives every range of seqs, and the totals of the times', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await open(directory);
      const records = sampleRecords(400);
      for (let at = 0; at < 400; at += 25) await writer.append(records.slice(at, at + 25));
      await writer.close();
      const reader = await EventLogReader.open({ directory });
      fc.assert(
        fc.property(fc.nat(450), fc.nat(450), (fromSeq, toSeq) => {
          const bodies = [...reader.records({ fromSeq, toSeq })].map(({ body }) => body.toString());
          expect(bodies).toEqual(records.slice(fromSeq, Math.max(fromSeq, toSeq)).map(({ body }) => body.toString()));
        }),
        { numRuns: 60 },
      );
      expect(reader.recordAt(399 as EventSeq)).toEqual({ seq: 399, ...records[399] });
      expect(reader.recordAt(400 as EventSeq)).toBeUndefined();
      expect(reader.stat()).toMatchObject({
        firstTimeMs: records[0]?.timeMs,
        lastTimeMs: records[399]?.timeMs,
        lastArrivedAtMs: records[399]?.arrivedAtMs,
      });
    });
  });

  it('throws with the place when a block in the middle is damaged', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await open(directory);
      for (let i = 0; i < 6; i++) await writer.append(sampleRecords(5, i * 5));
      await writer.close();
      const reader = await EventLogReader.open({ directory });
      const path = join(directory, 'segments', readdirSync(join(directory, 'segments'))[0] ?? '');
      const bytes = readFileSync(path);
      const at = bytes.indexOf('"event-12"');
      bytes[at] = 0;
      writeFileSync(path, bytes);
      const seen: number[] = [];
      const read = (): void => {
        for (const { seq } of reader.records()) seen.push(seq);
      };
      const details = { segment: '0000000000000000.seg', seq: 10, offset: expect.any(Number) as unknown };
      expect(read).toThrow(expect.objectContaining({ code: 'LOG_BLOCK_CORRUPT', details }));
      expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });
  });

  it('follows a log over segments while it grows, from before there is anything', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await open(directory);
      const reader = await EventLogReader.open({ directory });
      const aborter = new AbortController();
      const followed: LogRecord[] = [];
      const following = (async () => {
        for await (const record of reader.follow({ fromSeq: 10, signal: aborter.signal, pollMs: 1 })) {
          followed.push(record);
          if (followed.length === 490) aborter.abort();
        }
      })();
      for (let i = 0; i < 50; i++) {
        await writer.append(sampleRecords(10, i * 10));
        if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await following;
      expect(followed.map(({ seq }) => seq)).toEqual(Array.from({ length: 490 }, (_, i) => 10 + i));
      expect(reader.stat().segments).toBeGreaterThan(5);
      await writer.close();
    });
  });

  it('stops following at once when the signal aborts', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await open(directory);
      await writer.append(sampleRecords(3));
      const reader = await EventLogReader.open({ directory });
      const signal = AbortSignal.timeout(20);
      let count = 0;
      for await (const record of reader.follow({ signal, pollMs: 60_000 })) count += record.seq >= 0 ? 1 : 0;
      expect(count).toBe(3);
      await writer.close();
    });
  });

  it('sees a prefix of the log at every instant while a writer appends', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await open(directory);
      const reader = await EventLogReader.open({ directory });
      for (let i = 0; i < 60; i++) {
        const pending = writer.append(sampleRecords(7, i * 7));
        const durable = writer.size;
        const seqs = [...reader.records()].map(({ seq }) => seq);
        expect(seqs).toEqual(Array.from(seqs, (_, k) => k));
        expect(seqs.length).toBeGreaterThanOrEqual(durable);
        expect(reader.stat().size).toBeGreaterThanOrEqual(durable);
        if (i % 3 === 0) await pending;
      }
      await writer.close();
    });
  });
});
