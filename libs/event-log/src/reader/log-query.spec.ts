import { readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { canonicalJson, subjectsOfEvent, type ProtegoEvent } from '@protego/contracts';
import { fixedKeys } from '@protego/enclave/testing';
import fc from 'fast-check';
import type { LogQueryOptions } from './log-query';
import { BLOCK_HEADER_BYTES } from '../blocks/block-format';
import type { BlockView } from '../blocks/block-view';
import { subjectsOfRecord } from '../evidence/record-selection';
import type { LogRecord, LogRecordInput } from '../log-record';
import { EventLogReader } from './reader';
import { inTemporaryDirectory } from '../testing';
import { EventLogWriter } from '../writer/writer';

const keys = fixedKeys();
const TYPES = ['device.joined', 'device.left', 'access.signed-in', 'care.relationship-started', 'deviceless.thing'];
const NAMES = Array.from({ length: 12 }, (_, i) => `name-${i}`);
const START_MS = 1_700_000_000_000;

interface EmptiedFilter {
  readonly segment: string;
  readonly offset: number;
  readonly firstSeq: number;
  readonly count: number;
  readonly name: string;
}

interface Stored {
  readonly names: readonly string[];
}
const subjectsOf = ({ body }: LogRecord): readonly string[] => (JSON.parse(body.toString()) as Stored).names;

/** Record `n`: times that go back now and then, types in runs, one to three names, or none. */
function record(n: number): LogRecordInput {
  const timeMs = START_MS + n * 10 - (n % 17 === 0 ? 5_000 : 0);
  const names = n % 5 === 0 ? [] : [NAMES[n % 7]!, NAMES[Math.floor(n / 40) % 12]!];
  return {
    body: Buffer.from(canonicalJson({ n, names })),
    timeMs,
    arrivedAtMs: START_MS + n * 10 + 3,
    recordedAtMs: START_MS + n * 10 + 5,
    type: TYPES[Math.floor(n / 30) % TYPES.length]!,
    subjects: names,
  };
}

const limits = { blockBytesMax: 1200, segmentBytesMax: 9000 };
const openReader = (directory: string): Promise<EventLogReader> => EventLogReader.open({ directory, keys, subjectsOf });

async function fill(directory: string, count: number): Promise<EventLogWriter> {
  const writer = await EventLogWriter.open({ directory, origin: 'north', keys, ...limits });
  const records = Array.from({ length: count }, (_, n) => record(n));
  for (let at = 0; at < count; at += 20) await writer.append(records.slice(at, at + 20));
  return writer;
}

function fits(stored: LogRecord, options: LogQueryOptions): boolean {
  const { fromSeq = 0, toSeq = Infinity, fromTimeMs = -Infinity, toTimeMs = Infinity, types, subjects } = options;
  const isOfType = (type: string): boolean =>
    type.endsWith('.*') ? stored.type.split('.')[0] === type.slice(0, -2) : stored.type === type;
  return (
    stored.seq >= fromSeq &&
    stored.seq < toSeq &&
    stored.timeMs >= fromTimeMs &&
    stored.timeMs < toTimeMs &&
    (types === undefined || types.some(isOfType)) &&
    (subjects === undefined || subjectsOf(stored).some((name) => subjects.includes(name)))
  );
}

const queries = (count: number): fc.Arbitrary<LogQueryOptions> =>
  fc.record(
    {
      fromSeq: fc.nat(count + 20),
      toSeq: fc.nat(count + 20),
      fromTimeMs: fc.integer({ min: START_MS - 6000, max: START_MS + count * 10 }),
      toTimeMs: fc.integer({ min: START_MS - 6000, max: START_MS + count * 10 }),
      types: fc.uniqueArray(fc.constantFrom(...TYPES, 'device.*', 'care.*', 'unknown.*', 'unknown.type'), {
        maxLength: 3,
      }),
      subjects: fc.uniqueArray(fc.constantFrom(...NAMES, 'nobody'), { maxLength: 3 }),
      direction: fc.constantFrom('forwards', 'backwards'),
    },
    { requiredKeys: [] },
  );

const segmentPath = (directory: string, n: number): string => {
  const folder = join(directory, 'segments');
  return join(folder, readdirSync(folder).sort()[n] ?? '');
};

describe('LogQuery', () => {
  it('gives what a full scan filtered gives, in either direction', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await fill(directory, 900);
      const reader = await openReader(directory);
      const all = [...reader.records()];
      expect(all).toHaveLength(900);
      expect(reader.stat().segments).toBeGreaterThan(5);
      fc.assert(
        fc.property(queries(900), (options) => {
          const expected = all.filter((stored) => fits(stored, options)).map(({ seq }) => seq);
          const found = [...reader.query(options)].map(({ seq }) => seq);
          expect(found).toEqual(options.direction === 'backwards' ? expected.reverse() : expected);
        }),
        { numRuns: 60 },
      );
      expect([...reader.query({ fromSeq: 700, toSeq: 702 })]).toEqual(all.slice(700, 702));
      await writer.close();
    });
  });

  it('reads no block that time, type or subject excludes', async () => {
    await inTemporaryDirectory(async (directory) => {
      await (await fill(directory, 1500)).close();
      const reader = await openReader(directory);
      const { segments, blocks } = statsOf(reader, {});
      expect(blocks).toBeGreaterThan(70);
      expect(statsOf(reader, {})).toMatchObject({ blocksRead: blocks, segmentsSkipped: 0, recordsFound: 1500 });
      const byNobody = statsOf(reader, { subjects: ['nobody'] });
      expect(byNobody).toMatchObject({ segments, blocks, recordsFound: 0 });
      // The salts are random: now and then a filter is wrong.
      expect([byNobody.blocksRead < 10, byNobody.segmentsSkipped > segments - 10]).toEqual([true, true]);
      expect(statsOf(reader, { types: ['unknown.type'] }).blocksRead).toBe(0);
      expect(statsOf(reader, { toTimeMs: START_MS - 6000 }).blocksRead).toBe(0);
      const byTime = statsOf(reader, { fromTimeMs: START_MS + 14_000 });
      expect([byTime.blocksRead <= 0.1 * blocks, byTime.recordsFound > 0]).toEqual([true, true]);
      const bySeq = statsOf(reader, { fromSeq: 1450 });
      expect([bySeq.blocks < 0.3 * blocks, bySeq.blocksRead <= 0.1 * blocks]).toEqual([true, true]);
    });
  });

  it('takes one block at a time: stopping early reads no more', async () => {
    await inTemporaryDirectory(async (directory) => {
      await (await fill(directory, 1500)).close();
      const reader = await openReader(directory);
      const query = reader.query({ direction: 'backwards' });
      for (const { seq } of query) {
        expect(seq).toBe(1499);
        break;
      }
      expect([query.stats.blocksRead, query.stats.recordsFound]).toEqual([1, 1]);
    });
  });

  it('stops at a damaged block with its place, or steps over it and says what was lost', async () => {
    await inTemporaryDirectory(async (directory) => {
      await (await fill(directory, 1500)).close();
      const reader = await openReader(directory);
      const victim = [...reader.blocks()].find(({ header }) => header.firstSeq > 600)!.header;
      const at = readFileSync(segmentPathOf(directory, victim.firstSeq)).indexOf(victim.root) - 148;
      flip(segmentPathOf(directory, victim.firstSeq), at + 300);
      const place = { segment: expect.any(String) as unknown, offset: at, seq: victim.firstSeq };
      const refused = expect.objectContaining({ code: 'LOG_BLOCK_CORRUPT', details: place }) as Error;
      for (const direction of ['forwards', 'backwards'] as const) {
        const found: number[] = [];
        const run = (): void => {
          for (const { seq } of reader.query({ direction })) found.push(seq);
        };
        expect(run).toThrow(refused);
        expect(found).toHaveLength(direction === 'forwards' ? victim.firstSeq : 1500 - victim.firstSeq - victim.count);
        const query = reader.query({ direction, onDamage: 'skip' });
        const endSeq = victim.firstSeq + victim.count;
        const lost = (seq: number): boolean => seq >= victim.firstSeq && seq < endSeq;
        const rest = Array.from({ length: 1500 }, (_, n) => n).filter((n) => !lost(n));
        const got = [...query].map(({ seq }) => seq as number);
        expect(got).toEqual(direction === 'forwards' ? rest : rest.reverse());
        expect(query.stats).toMatchObject({
          recordsDamaged: victim.count,
          damageCount: 1,
          damage: [{ code: 'LOG_BLOCK_CORRUPT', offset: at, seq: victim.firstSeq, endSeq }],
        });
      }
    });
  });

  it('steps over damaged headers, cut segments and missing ones', async () => {
    await inTemporaryDirectory(async (directory) => {
      await (await fill(directory, 1500)).close();
      const before = await openReader(directory);
      const starts = readdirSync(join(directory, 'segments')).map((name) => Number(name.slice(0, 16)));
      const headers = [...before.blocks()].map(({ header }) => header);
      // Without its footer a segment is read by its headers: damage one of them.
      const footerless = segmentPath(directory, 1);
      const bytes = readFileSync(footerless);
      truncateSync(footerless, Number(bytes.readBigUInt64BE(bytes.length - 32)));
      const broken = headers.filter(({ firstSeq }) => firstSeq > starts[1]!)[1]!;
      flip(footerless, bytes.indexOf(broken.root));
      truncateSync(segmentPath(directory, 3), readFileSync(segmentPath(directory, 3)).length / 2);
      rmSync(segmentPath(directory, 5));
      const reader = await openReader(directory);
      const query = reader.query({ onDamage: 'skip' });
      const found = [...query].map(({ seq }) => seq as number);
      const { damage, damageCount, recordsDamaged } = query.stats;
      expect(damageCount).toBe(3);
      expect(found.length + recordsDamaged).toBe(1500);
      expect(damage[0]).toMatchObject({ seq: broken.firstSeq, endSeq: broken.firstSeq + broken.count });
      expect(damage[1]).toMatchObject({ code: 'LOG_BLOCK_CORRUPT', endSeq: starts[4] });
      expect(damage[2]).toMatchObject({ code: 'LOG_CHAIN_BROKEN', seq: starts[5], endSeq: starts[6] });
      const isLost = (n: number): boolean => damage.some(({ seq, endSeq = seq }) => n >= seq && n < endSeq);
      expect(found).toEqual(Array.from({ length: 1500 }, (_, n) => n).filter((n) => !isLost(n)));
      expect([...reader.query({ onDamage: 'skip', direction: 'backwards' })].map(({ seq }) => seq)).toEqual(
        found.reverse(),
      );
      expect(() => [...reader.query()]).toThrow(expect.objectContaining({ details: damage0(damage[0]!) }));
      expect(() => reader.stat()).toThrow(expect.objectContaining({ code: 'LOG_BLOCK_CORRUPT' }));
    });
  });

  it('finds one subject among many by reading its blocks and at most one in a hundred of the others', async () => {
    await inTemporaryDirectory(async (directory) => {
      const holding = await fillWithRareSubject(directory, 300_000, 10);
      const reader = await openReader(directory);
      const query = reader.query({ subjects: ['rare'] });
      expect([...query].map(({ seq }) => seq)).toEqual(holding);
      const { blocks, blocksRead, recordsFound } = query.stats;
      expect([recordsFound, blocks > 3000]).toEqual([10, true]);
      // No two of the ten are in one block.
      expect(blocksRead - recordsFound).toBeGreaterThanOrEqual(0);
      expect(blocksRead - recordsFound).toBeLessThanOrEqual(0.01 * (blocks - recordsFound));
      expect(blocksRead).toBeLessThanOrEqual(0.02 * blocks);
    });
  }, 120_000);

  describe.each([
    ['of an unfinished segment', -1],
    ['of a finished segment whose footer is damaged', 1],
  ])('with a damaged subject filter %s', (_, nth) => {
    it('says that the block is damaged, and never passes over it in silence', async () => {
      await inTemporaryDirectory(async (directory) => {
        await (await fill(directory, 1500)).close();
        const victim = emptyFilterIn(directory, nth, (await openReader(directory)).blocks());
        const { firstSeq, count, offset } = victim;
        const reader = await openReader(directory);
        const place = { segment: victim.segment, offset, seq: firstSeq };
        const refused = expect.objectContaining({ code: 'LOG_BLOCK_CORRUPT', details: place }) as Error;
        const expected = Array.from({ length: 1500 }, (_, n) => n)
          .filter((n) => n < firstSeq || n >= firstSeq + count)
          .filter((n) => record(n).subjects?.includes(victim.name));
        for (const direction of ['forwards', 'backwards'] as const) {
          for (const name of [victim.name, 'nobody'])
            expect(() => [...reader.query({ subjects: [name], direction })]).toThrow(refused);
          const query = reader.query({ subjects: [victim.name], direction, onDamage: 'skip' });
          const found = [...query].map(({ seq }) => seq as number);
          expect(found).toEqual(direction === 'forwards' ? expected : [...expected].reverse());
          expect(query.stats).toMatchObject({
            recordsDamaged: count,
            damageCount: 1,
            damage: [{ code: 'LOG_BLOCK_CORRUPT', offset, seq: firstSeq, endSeq: firstSeq + count }],
          });
        }
        expect([...reader.query({ subjects: [victim.name], toSeq: firstSeq })].length).toBeGreaterThan(0);
        expect([...reader.query({ subjects: [victim.name], toTimeMs: START_MS - 6000 })]).toEqual([]);
        const follow = async (): Promise<void> => {
          const { signal } = new AbortController();
          for await (const { seq } of reader.follow({ fromSeq: firstSeq, subjects: ['nobody'], signal }))
            throw new Error(`record ${seq}`);
        };
        await expect(follow()).rejects.toThrow(refused);
      });
    });
  });

  it('finds each person of an event that names as many as there is room for', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await EventLogWriter.open({ directory, origin: 'north', keys });
      const counts = [70, 1, 1755, 2200];
      for (const [n, count] of counts.entries()) await writer.append([crowdedRecord(n, count)]);
      await writer.close();
      const reader = await EventLogReader.open({ directory, keys, subjectsOf: subjectsOfRecord });
      for (const [n, count] of counts.entries())
        for (let person = 0; person < count; person += 23)
          expect([...reader.query({ subjects: [tokenOf(n, person)] })].map(({ seq }) => seq)).toEqual([n]);
    });
  });

  it('needs to be told the subjects of a record', async () => {
    await inTemporaryDirectory(async (directory) => {
      await (await fill(directory, 20)).close();
      const reader = await EventLogReader.open({ directory, keys });
      expect(() => reader.query({ subjects: ['a'] })).toThrow(expect.objectContaining({ code: 'INTERNAL' }));
    });
  });
});

describe('EventLogReader.follow', () => {
  it('follows one subject and one type', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await fill(directory, 600);
      const reader = await openReader(directory);
      const criteria = { types: ['device.*'], subjects: [NAMES[3]!] };
      const expected = [...reader.records({ fromSeq: 100 })].filter((stored) => fits(stored, criteria));
      const found: LogRecord[] = [];
      const aborter = new AbortController();
      for await (const stored of reader.follow({ ...criteria, fromSeq: 100, signal: aborter.signal, pollMs: 1 })) {
        found.push(stored);
        if (found.length === expected.length) aborter.abort();
      }
      expect(expected.length).toBeGreaterThan(10);
      expect(found).toEqual(expected);
      await writer.close();
    });
  });
});

function statsOf(reader: EventLogReader, options: LogQueryOptions): ReturnType<EventLogReader['query']>['stats'] {
  const query = reader.query(options);
  for (const stored of query) expect(stored.seq).toBeGreaterThanOrEqual(0);
  return query.stats;
}

function damage0({ segment, offset, seq }: { segment: string; offset: number; seq: number }): unknown {
  return { segment, offset, seq };
}

function segmentPathOf(directory: string, seq: number): string {
  const names = readdirSync(join(directory, 'segments')).sort();
  return join(directory, 'segments', names.findLast((name) => Number(name.slice(0, 16)) <= seq) ?? '');
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at]! ^= 1;
  writeFileSync(path, bytes);
}

const tokenOf = (event: number, person: number): string => `~s.${`${event}-${person}`.padStart(22, 'A')}`;

/** A record as the vault stores it, with the tokens of `count` persons. */
function crowdedRecord(n: number, count: number): LogRecordInput {
  const accounts = Array.from({ length: count }, (_, person) => tokenOf(n, person));
  const envelope = { specversion: '1.0' as const, id: `e-${n}`, source: 's', type: TYPES[0]!, site: 'north' };
  const event: ProtegoEvent = {
    ...envelope,
    time: '2026-01-01T00:00:00Z',
    data: { device: { uid: 'host' }, accounts },
  };
  return { ...record(n), type: event.type, body: Buffer.from(canonicalJson(event)), subjects: subjectsOfEvent(event) };
}

/**
 * Clears all bits in the filter of a block of a segment, and a bit of the segment's footer where it has one. `name` is a
 * subject of the block.
 */
function emptyFilterIn(directory: string, nth: number, blocks: Iterable<BlockView>): EmptiedFilter {
  const path = readdirSync(join(directory, 'segments'))
    .sort()
    .map((name) => join(directory, 'segments', name))
    .at(nth)!;
  const bytes = readFileSync(path);
  const starts = [...blocks].filter(({ header }) => bytes.includes(header.root)).map(({ header }) => header);
  const { firstSeq, count, root, filterBytes } = starts.find(
    (header) => header.filterBytes > 0 && header !== starts[0],
  )!;
  const offset = bytes.indexOf(root) - 148;
  bytes.fill(0, offset + BLOCK_HEADER_BYTES + 8, offset + BLOCK_HEADER_BYTES + filterBytes);
  if (nth >= 0) bytes[Number(bytes.readBigUInt64BE(bytes.length - 32)) + 50]! ^= 1;
  writeFileSync(path, bytes);
  const names = Array.from({ length: count }, (_, i) => record(firstSeq + i).subjects ?? []).flat();
  return { segment: basename(path), offset, firstSeq, count, name: names[0]! };
}

/** A log in which every record names a device and a person, and `rare` of them `rare` as well; returns their seqs. */
async function fillWithRareSubject(directory: string, count: number, rare: number): Promise<number[]> {
  // Blocks of about 60 records, so that their number makes a rate of one in a hundred certain.
  const writer = await EventLogWriter.open({ directory, origin: 'north', keys, blockBytesMax: 8 << 10 });
  const holding: number[] = [];
  const inFlight: Promise<unknown>[] = [];
  for (let at = 0; at < count; at += 500) {
    const batch = Array.from({ length: 500 }, (_, i): LogRecordInput => {
      const n = at + i;
      const isRare = n % Math.floor(count / rare) === 1234;
      if (isRare) holding.push(n);
      const names = [`device-${n % 5000}`, `person-${n % 30_011}`, ...(isRare ? ['rare'] : [])];
      const body = Buffer.from(`{"n":${n},"names":${JSON.stringify(names)}}`);
      return { ...record(n), body, subjects: names };
    });
    inFlight.push(writer.append(batch));
    if (inFlight.length >= 8) await inFlight.shift();
  }
  await Promise.all(inFlight);
  await writer.close();
  return holding;
}
