import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EventSeq } from '@protego/contracts';
import { fixedKeys } from '@protego/enclave/testing';
import fc from 'fast-check';
import { leafHash } from '../tree/merkle-tree';
import { EventLogReader } from './reader';
import { inTemporaryDirectory, sampleRecords } from '../testing';
import { EventLogWriter } from '../writer/writer';

const keys = fixedKeys();
const limits = { blockBytesMax: 2000, segmentBytesMax: 9000 };
const openWriter = (directory: string): Promise<EventLogWriter> =>
  EventLogWriter.open({ directory, origin: 'north', keys, ...limits });
const openReader = (directory: string): Promise<EventLogReader> => EventLogReader.open({ directory, keys });
const segmentPaths = (directory: string): string[] => {
  const folder = join(directory, 'segments');
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
};

/** A log of `count` sample records in batches of 25. */
async function fill(directory: string, count: number): Promise<void> {
  const writer = await openWriter(directory);
  for (let at = 0; at < count; at += 25) await writer.append(sampleRecords(Math.min(25, count - at), at));
  await writer.close();
}

describe('EventLogReader', () => {
  it('tells the totals of an empty log', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await openWriter(directory);
      const reader = await openReader(directory);
      const totals = { origin: 'north', firstSeq: 0, segments: 0, bytes: 0, ...writer.checkpoint() };
      expect(reader.stat()).toEqual(totals);
      expect(writer.checkpoint().rootHash).toMatch(/^e3b0c442/);
      expect([[...reader.records()], [...reader.query()], [...reader.blocks()]]).toEqual([[], [], []]);
      expect([reader.recordAt(0 as EventSeq), reader.identity]).toEqual([undefined, writer.identity]);
      await writer.close();
    });
  });

  it('gives every range of seqs, and the totals of the times', async () => {
    await inTemporaryDirectory(async (directory) => {
      const records = sampleRecords(400);
      await fill(directory, 400);
      const reader = await openReader(directory);
      fc.assert(
        fc.property(fc.nat(450), fc.nat(450), (fromSeq, toSeq) => {
          const bodies = [...reader.records({ fromSeq, toSeq })].map(({ body }) => body.toString());
          expect(bodies).toEqual(records.slice(fromSeq, Math.max(fromSeq, toSeq)).map(({ body }) => body.toString()));
        }),
        { numRuns: 60 },
      );
      const last = reader.recordAt(399 as EventSeq);
      expect(last).toMatchObject({ seq: 399, ...records[399], sealed: Buffer.alloc(0) });
      expect(last?.leaf.subarray(-(records[399]?.body.length ?? 0))).toEqual(records[399]?.body);
      expect(reader.recordAt(400 as EventSeq)).toBeUndefined();
      expect(reader.stat()).toMatchObject({
        size: 400,
        firstTimeMs: records[0]?.timeMs,
        lastTimeMs: records[399]?.timeMs,
        lastArrivedAtMs: records[399]?.arrivedAtMs,
      });
    });
  });

  it('gives blocks whose columns agree with their records and their leaves', async () => {
    await inTemporaryDirectory(async (directory) => {
      const sealed = Buffer.from('sealed fields');
      const identity = { idHigh: 1, idLow: 2, contentHigh: 3, contentLow: 4 };
      const writer = await openWriter(directory);
      const [plain, full] = sampleRecords(2).map((record, i) => (i === 0 ? record : { ...record, sealed, identity }));
      await writer.append([plain!, full!]);
      const reader = await openReader(directory);
      const [block] = [...reader.blocks()];
      expect([block?.count, block?.types, block?.typeAt(1)]).toEqual([2, ['device.connected'], 'device.connected']);
      expect([block?.identityAt(0), block?.identityAt(1)]).toEqual([undefined, identity]);
      expect([block?.sealedAt(0).length, block?.sealedAt(1)]).toEqual([0, sealed]);
      expect([block?.bodyTextAt(0), block?.bodyTextAt(1)]).toEqual([String(plain!.body), String(full!.body)]);
      expect(block!.decodedAt(1)).toEqual(JSON.parse(String(full!.body)));
      expect(block!.recordAt(1).leaf.readDoubleBE(16)).toBe(full!.timeMs);
      expect(leafHash(block!.leafAt(1))).toHaveLength(32);
      await writer.close();
    });
  });

  it('throws with the place when a block is altered, whatever byte of it', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await openWriter(directory);
      for (let i = 0; i < 6; i++) await writer.append(sampleRecords(5, i * 5));
      await writer.close();
      const reader = await openReader(directory);
      const path = segmentPaths(directory)[0] ?? '';
      const sound = readFileSync(path);
      const offset = blockOffset(directory, reader, 10);
      const end = blockOffset(directory, reader, 15);
      for (let at = offset; at < end; at += 13) {
        const bytes = Buffer.from(sound);
        bytes[at]! ^= 0x10;
        writeFileSync(path, bytes);
        const seen: number[] = [];
        const read = (): void => {
          for (const { seq } of reader.records()) seen.push(seq);
        };
        const details = { segment: '0000000000000000.seg', seq: 10, offset };
        expect(read).toThrow(expect.objectContaining({ code: 'LOG_BLOCK_CORRUPT', details }));
        expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      }
    });
  });

  it('says so when the keys are those of another log, or lack one', async () => {
    await inTemporaryDirectory(async (directory) => {
      await fill(directory, 10);
      const refused = expect.objectContaining({ code: 'LOG_KEY_MISSING' }) as Error;
      await expect(EventLogReader.open({ directory, keys: fixedKeys('other') })).rejects.toThrow(refused);
      const lacking = new Proxy(keys, {
        get: (target, name) =>
          name === 'blockKey'
            ? () => fixedKeys('test', 0).blockKey(1, Buffer.alloc(16), Buffer.alloc(32))
            : target[name as keyof typeof target],
      });
      const reader = await EventLogReader.open({ directory, keys: lacking });
      expect(() => [...reader.records()]).toThrow(refused);
    });
  });

  it('names the first record that is there when older segments have expired', async () => {
    await inTemporaryDirectory(async (directory) => {
      await fill(directory, 400);
      const reader = await openReader(directory);
      const whole = reader.stat();
      const [first, second] = segmentPaths(directory);
      rmSync(first ?? '');
      const firstSeq = Number((second ?? '').slice(-20, -4));
      expect(reader.stat()).toMatchObject({ size: 400, firstSeq, rootHash: whole.rootHash });
      expect([...reader.records()].map(({ seq }) => seq)[0]).toBe(firstSeq);
      expect([...reader.query()]).toHaveLength(400 - firstSeq);
      const missing = expect.objectContaining({ code: 'LOG_RANGE_MISSING', details: { seq: 1, firstSeq } }) as Error;
      expect(() => [...reader.records({ fromSeq: 1 })]).toThrow(missing);
      expect(() => [...reader.query({ fromSeq: 1 })]).toThrow(missing);
      expect(() => reader.recordAt(1 as EventSeq)).toThrow(missing);
    });
  });

  it('follows a log over segments while it grows, from before there is anything', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await openWriter(directory);
      const reader = await openReader(directory);
      const aborter = new AbortController();
      const followed: number[] = [];
      const following = (async () => {
        for await (const { seq } of reader.follow({ fromSeq: 10, signal: aborter.signal, pollMs: 1 })) {
          followed.push(seq);
          if (followed.length === 490) aborter.abort();
        }
      })();
      for (let i = 0; i < 50; i++) {
        await writer.append(sampleRecords(10, i * 10));
        if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      await following;
      expect(followed).toEqual(Array.from({ length: 490 }, (_, i) => 10 + i));
      expect(reader.stat().segments).toBeGreaterThan(5);
      await writer.close();
    });
  });

  it('goes on following after the writer was closed and opened again', async () => {
    await inTemporaryDirectory(async (directory) => {
      await fill(directory, 60);
      const reader = await openReader(directory);
      const aborter = new AbortController();
      const followed: number[] = [];
      const following = (async () => {
        for await (const { seq } of reader.follow({ fromSeq: 30, signal: aborter.signal, pollMs: 1 })) {
          followed.push(seq);
          if (seq === 119) aborter.abort();
        }
      })();
      await new Promise((resolve) => setTimeout(resolve, 5));
      for (let i = 0; i < 2; i++) {
        const writer = await openWriter(directory);
        await writer.append(sampleRecords(30, 60 + 30 * i));
        await writer.close();
      }
      await following;
      expect(followed).toEqual(Array.from({ length: 90 }, (_, i) => 30 + i));
    });
  });

  it('stops following at once when the signal aborts', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await openWriter(directory);
      await writer.append(sampleRecords(3));
      const reader = await openReader(directory);
      const signal = AbortSignal.timeout(20);
      let count = 0;
      for await (const record of reader.follow({ signal, pollMs: 60_000 })) count += record.seq >= 0 ? 1 : 0;
      expect(count).toBe(3);
      await writer.close();
    });
  });

  it('sees a prefix of the log at every instant while a writer appends', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await openWriter(directory);
      const reader = await openReader(directory);
      for (let i = 0; i < 60; i++) {
        const pending = writer.append(sampleRecords(7, i * 7));
        const durable = writer.size;
        const seqs = [...reader.records()].map(({ seq }) => seq);
        expect(seqs).toEqual(Array.from(seqs, (_, k) => k));
        expect(seqs.length).toBeGreaterThanOrEqual(durable);
        expect([...reader.query()].length).toBeGreaterThanOrEqual(durable);
        expect(reader.stat().size).toBeGreaterThanOrEqual(durable);
        if (i % 3 === 0) await pending;
      }
      await writer.close();
    });
  });
});

/** Offset of the block of the first segment that starts at a seq. */
function blockOffset(directory: string, reader: EventLogReader, seq: number): number {
  const path = segmentPaths(directory)[0] ?? '';
  const blocks = [...reader.blocks()].filter(({ header }) => header.firstSeq < seq);
  const bytes = readFileSync(path);
  let at = bytes.indexOf(Buffer.of(0xf5, 0x50, 0x42, 0x4b));
  for (const { header } of blocks) at += 208 + header.filterBytes + header.cipherBytes + 16;
  return at;
}
