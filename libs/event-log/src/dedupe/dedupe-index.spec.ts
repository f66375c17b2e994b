import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fixedKeys } from '@protego/enclave/testing';
import fc from 'fast-check';
import { DedupeIndex, type DedupeIndexOptions } from './dedupe-index';
import type { RecordIdentity } from '../log-record';
import { listSegments } from '../segments/segment-format';
import { inTemporaryDirectory, sampleRecord } from '../testing';
import { EventLogWriter } from '../writer/writer';

const DAY_MS = 86_400_000;
const START_MS = sampleRecord(0).arrivedAtMs;
const SEGMENT_RECORDS = 50;
const keys = fixedKeys();
const body = (text: string): Buffer => Buffer.from(text);

interface Fixture {
  readonly directory: string;
  readonly writer: EventLogWriter;
  readonly index: DedupeIndex;
  /** Appends events number `from` to `to - 1`, which arrive at `arrivedAtMs`; returns their verdicts. */
  append(from: number, to: number, arrivedAtMs?: number): Promise<Set<string>>;
  /** Resolves when the index has taken all finished segments. */
  settled(): Promise<void>;
}

type Limits = Partial<Omit<DedupeIndexOptions, 'directory' | 'keys'>>;

async function withLog<T>(limits: Limits, use: (fixture: Fixture) => Promise<T>): Promise<T> {
  return inTemporaryDirectory(async (directory) => {
    const finished: Promise<void>[] = [];
    const opened: { index?: DedupeIndex } = {};
    const writer = await EventLogWriter.open({
      directory,
      origin: 'north',
      keys,
      segmentRecordsMax: SEGMENT_RECORDS,
      onSegmentFinished: ({ firstSeq }) =>
        void finished.push(opened.index?.segmentFinished(firstSeq) ?? Promise.resolve()),
    });
    const index = (opened.index = await DedupeIndex.open({ directory, keys, ...limits }));
    const append: Fixture['append'] = async (from, to, arrivedAtMs = START_MS) => {
      const verdicts = new Set<string>();
      for (let first = from; first < to; first += 10) {
        const numbers = Array.from({ length: Math.min(10, to - first) }, (_, i) => first + i);
        const records = numbers.flatMap((number) => {
          const identity = identityOf(index, number);
          const verdict = index.admit(identity, arrivedAtMs);
          verdicts.add(verdict);
          return verdict === 'new' ? [{ ...sampleRecord(number), arrivedAtMs, identity }] : [];
        });
        await writer.append(records);
      }
      return verdicts;
    };
    try {
      return await use({ directory, writer, index, append, settled: async () => void (await Promise.all(finished)) });
    } finally {
      await writer.close();
    }
  });
}

const identityOf = (index: DedupeIndex, number: number, content = number): RecordIdentity =>
  index.identityOfBody('ehr', `id-${number}`, body(`${content}`));

jest.setTimeout(60_000);

describe('DedupeIndex', () => {
  it('agrees with a map of all ids, in memory, on the disk and after it was opened again', async () => {
    await withLog({}, async ({ directory, writer, index, append, settled }) => {
      expect(await append(0, 230)).toEqual(new Set(['new']));
      expect(await append(100, 240)).toEqual(new Set(['duplicate', 'new']));
      await settled();
      const reopened = await DedupeIndex.open({ directory, keys });
      for (const known of [index, reopened]) {
        expect(known.stat()).toMatchObject({ ids: 240, openIds: 40, segments: 4 });
        const verdicts = Array.from({ length: 260 }, (_, number) => [
          known.check(identityOf(known, number)),
          known.check(identityOf(known, number, -1)),
        ]);
        const expected = verdicts.map((_, number) => (number < 240 ? ['duplicate', 'conflict'] : ['new', 'new']));
        expect(verdicts).toEqual(expected);
      }
      expect(writer.size).toBe(240);
    });
  });

  it('agrees with a map whatever comes in which order', async () => {
    const event = fc.record({ id: fc.nat(30), content: fc.nat(2), isForgotten: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 120 }), (events) =>
        withLog({}, async ({ index }) => {
          const model = new Map<number, number>();
          for (const { id, content, isForgotten } of events) {
            const known = model.get(id);
            const expected = known === undefined ? 'new' : known === content ? 'duplicate' : 'conflict';
            const identity = identityOf(index, id, content);
            expect(index.check(identity)).toBe(expected);
            expect(index.admit(identity, START_MS)).toBe(expected);
            if (known === undefined) model.set(id, content);
            if (isForgotten) {
              index.forget(identity);
              model.delete(id);
            }
          }
          expect([index.size, index.evictedCount]).toEqual([model.size, 0]);
        }),
      ),
      { numRuns: 20 },
    );
  });

  it('drops the ids of segments whose newest arrival is before the horizon, and counts them', async () => {
    await withLog({ horizonMs: 2 * DAY_MS }, async ({ directory, index, append, settled }) => {
      await append(0, 60, START_MS);
      await append(60, 110, START_MS + DAY_MS);
      await settled();
      index.add(identityOf(index, 999), START_MS + 2 * DAY_MS);
      expect([index.size, index.evictedCount]).toEqual([111, 0]);
      index.add(identityOf(index, 1000), START_MS + 2 * DAY_MS + 1);
      expect([index.size, index.evictedCount]).toEqual([62, 50]);
      expect([0, 49, 50, 109].map((number) => index.check(identityOf(index, number)))).toEqual([
        'new',
        'new',
        'duplicate',
        'duplicate',
      ]);
      // A check at a later time than any before looks back from that time.
      expect(index.check(identityOf(index, 70), START_MS + 5 * DAY_MS)).toBe('new');
      const reopened = await DedupeIndex.open({ directory, keys, horizonMs: DAY_MS });
      expect([reopened.size, reopened.evictedCount]).toEqual([110, 0]);
      const short = await DedupeIndex.open({ directory, keys, horizonMs: DAY_MS / 2 });
      expect([short.size, short.evictedCount]).toEqual([60, 50]);
    });
  });

  it('remembers an import of old events among new ones', async () => {
    await withLog({ horizonMs: Infinity }, async ({ append, settled, index }) => {
      await append(0, 70, START_MS);
      await append(70, 140, START_MS - 400 * DAY_MS);
      await settled();
      expect(await append(0, 140, START_MS)).toEqual(new Set(['duplicate']));
      expect([index.size, index.evictedCount]).toEqual([140, 0]);
    });
  });

  it('keeps its bounds: filters of a given size, ids in memory, buckets in the clear', async () => {
    const limits = { filterBytesMax: 4096, cacheBytesMax: 64, openIdsMax: 60 };
    await withLog(limits, async ({ index, append, settled }) => {
      // Ids leave the memory when the index of their segment has been read back, which a busy machine may be late with.
      for (let number = 0; number < 640; number += 10) {
        await append(number, number + 10);
        await settled();
      }
      expect(await append(0, 640)).toEqual(new Set(['duplicate']));
      const fresh = Array.from({ length: 5000 }, (_, number) => index.check(identityOf(index, 10_000 + number)));
      expect(new Set(fresh)).toEqual(new Set(['new']));
      expect(index.stat().falsePositives).toBeGreaterThan(0);
      for (let number = 0; number < 25; number++) index.add(identityOf(index, 20_000 + number), START_MS);
      expect([index.stat().openIds, index.evictedCount]).toEqual([5, 60]);
    });
  });

  it('forgets a segment that was deleted, and takes one that it met at opening only once', async () => {
    await withLog({}, async ({ index, append, settled }) => {
      await append(0, 110);
      await settled();
      await index.segmentFinished(0);
      expect(index.stat()).toMatchObject({ ids: 110, segments: 2 });
      index.segmentRemoved(0);
      expect([index.size, index.evictedCount, index.check(identityOf(index, 3))]).toEqual([60, 50, 'new']);
      await expect(index.segmentFinished(100)).rejects.toMatchObject({ code: 'LOG_BLOCK_CORRUPT' });
    });
  });

  it('refuses ids on the disk that were altered', async () => {
    await withLog({}, async ({ directory, index, append, settled }) => {
      await append(0, 60);
      await settled();
      const path = listSegments(directory)[0]?.path ?? '';
      const whole = readFileSync(path);
      const flipped = Buffer.from(whole);
      // The ids stand right before the trailer of 32 bytes.
      for (let at = flipped.length - 4000; at < flipped.length - 32; at += 8) flipped[at] = (flipped[at] as number) ^ 1;
      writeFileSync(path, flipped);
      expect(() => Array.from({ length: 60 }, (_, number) => index.check(identityOf(index, number)))).toThrow(
        expect.objectContaining({ code: 'LOG_BLOCK_CORRUPT' }),
      );
      await expect(DedupeIndex.open({ directory, keys })).rejects.toMatchObject({ code: 'LOG_BLOCK_CORRUPT' });
      writeFileSync(path, whole);
    });
  });

  it('hashes under the key of the log, and tells source and id apart', async () => {
    await withLog({}, async ({ directory, index }) => {
      const hash = (source: string, id: string): string =>
        JSON.stringify(index.identityOf(source, id, Buffer.alloc(8, 3)));
      expect(hash('a', 'bc')).not.toBe(hash('ab', 'c'));
      expect(index.identityOf('a', 'x'.repeat(5000), Buffer.alloc(8, 3))).toMatchObject({ contentHigh: 0x03030303 });
      expect(() => index.identityOf('a', 'b', Buffer.alloc(7))).toThrow(/8 bytes/);
      for (const limits of [{ horizonMs: 0 }, { filterBytesMax: 100 }, { openIdsMax: 0 }]) {
        await expect(DedupeIndex.open({ directory, keys, ...limits })).rejects.toMatchObject({
          code: 'CONFIG_INVALID',
        });
      }
      await expect(DedupeIndex.open({ directory: join(directory, 'none'), keys })).rejects.toMatchObject({
        code: 'LOG_NOT_FOUND',
      });
      expect(() => index.add(identityOf(index, 1), Number.NaN)).toThrow(/not finite/);
    });
  });
});
