import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock } from '@protego/contracts';
import { fixedKeys } from '@protego/enclave/testing';
import { SnapshotFiles } from '../snapshots/snapshot-files';
import { writerAuthority } from '../evidence/log-authority';
import { applyExpiries, expireSegments } from './expiry';
import { nodeFileLayer } from '../writer/file-layer';
import { makeInclusionProof, checkInclusion } from '../tree/proof';
import { EventLogReader } from '../reader/reader';
import { listSegments } from '../segments/segment-format';
import { inTemporaryDirectory, sampleRecord } from '../testing';
import { TileStore } from '../tree/tile-store';
import { leafHash } from '../tree/merkle-tree';
import { EventLogWriter } from '../writer/writer';

const DAY_MS = 86_400_000;
const START_MS = Date.parse('2026-01-01T00:00:00Z');
const keys = fixedKeys('expiry');

/** Twelve days of 100 records each, a day a segment. */
async function inOldLog(
  test: (directory: string, writer: EventLogWriter, clock: Clock) => Promise<void>,
): Promise<void> {
  await inTemporaryDirectory(async (root) => {
    const directory = join(root, 'log');
    const writer = await EventLogWriter.open({ directory, origin: 'old.example', keys, segmentRecordsMax: 100 });
    const clock: Clock = { wallMs: () => START_MS + 12 * DAY_MS, monotonicMs: () => 0 };
    try {
      for (let day = 0; day < 12; day++) {
        const timeMs = START_MS + day * DAY_MS;
        const times = { timeMs, arrivedAtMs: timeMs, recordedAtMs: timeMs };
        await writer.append(Array.from({ length: 100 }, (_, i) => ({ ...sampleRecord(100 * day + i), ...times })));
      }
      await test(directory, writer, clock);
    } finally {
      await writer.close();
    }
  });
}

describe('expiry', () => {
  it('deletes what is older than the period, whole segments only, and keeps every hash', async () => {
    await inOldLog(async (directory, writer, clock) => {
      const before = await EventLogReader.open({ directory, keys });
      const leaf = Buffer.from(before.recordAt(250 as never)?.leaf as Buffer);
      const authority = writerAuthority({ writer, clock, site: 'general-hospital' });
      const options = { directory, keys, authority, clock, olderThanMs: 7 * DAY_MS, reason: 'seven days' };
      const root = new TileStore(directory, 500);
      const summary = await expireSegments(options);
      expect(summary).toMatchObject({ segments: 5, firstSeq: 500, eventSeq: 1_200 });
      expect(summary?.rootHash).toBe(root.root().toString('hex'));
      expect(summary?.bytes).toBeGreaterThan(1_000);
      expect(listSegments(directory)[0]?.firstSeq).toBe(500);
      const reader = await EventLogReader.open({ directory, keys });
      expect(reader.stat()).toMatchObject({ firstSeq: 500, size: 1_201 });
      expect(() => [...reader.records({ fromSeq: 499 })]).toThrow(
        expect.objectContaining({ code: 'LOG_RANGE_MISSING' }),
      );
      expect([...reader.records()]).toHaveLength(701);
      const store = new TileStore(directory, 1_201);
      const claim = { index: 250, size: 1_201, leafHash: leafHash(leaf), root: store.root() };
      checkInclusion(claim, makeInclusionProof(store, 250));
      expect(await expireSegments(options)).toBeUndefined();
      expect(writer.size).toBe(1_201);
    });
  });

  it('deletes the snapshots, which rest on what expired, also on the start after it was cut off', async () => {
    await inOldLog(async (directory, writer, clock) => {
      const log = { keys, logId: (await EventLogReader.open({ directory, keys })).identity.logId };
      const snapshots = new SnapshotFiles(log, directory, 'any');
      const save = (): void => snapshots.save({ seq: 700, floorMs: null }, Buffer.from('state'));
      save();
      const authority = writerAuthority({ writer, clock, site: 'general-hospital' });
      const options = { directory, keys, authority, clock, olderThanMs: 7 * DAY_MS, reason: 'seven days' };
      const layer = { ...nodeFileLayer, remove: () => Promise.reject(new Error('cut off')) };
      await expect(expireSegments({ ...options, layer })).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' });
      expect(snapshots.list()).toEqual([]);
      save();
      const reader = await EventLogReader.open({ directory, keys });
      expect(await applyExpiries({ directory, reader })).toBe(5);
      expect(snapshots.list()).toEqual([]);
      save();
      expect(await applyExpiries({ directory, reader })).toBe(0);
      expect(snapshots.list()).toHaveLength(1);
    });
  });

  it('leaves the newest segment whatever its age, and goes on after a new start', async () => {
    await inOldLog(async (directory, writer) => {
      const clock: Clock = { wallMs: () => START_MS + 1_000 * DAY_MS, monotonicMs: () => 0 };
      const authority = writerAuthority({ writer, clock, site: 'general-hospital' });
      const summary = await expireSegments({ directory, keys, authority, clock, olderThanMs: 1, reason: 'all' });
      expect(summary?.firstSeq).toBeGreaterThanOrEqual(1_100);
      await writer.close();
      const again = await EventLogWriter.open({ directory, origin: 'old.example', keys });
      expect(again.size).toBe(1_201);
      await again.append([sampleRecord(1_201)]);
      await again.close();
    });
  });

  it('is carried through on the next start when it was cut off after the event', async () => {
    await inOldLog(async (directory, writer, clock) => {
      const authority = writerAuthority({ writer, clock, site: 'general-hospital' });
      let removals = 0;
      const layer = {
        ...nodeFileLayer,
        remove: (path: string) => (removals++ < 2 ? nodeFileLayer.remove(path) : Promise.reject(new Error('power'))),
      };
      const options = { directory, keys, authority, clock, olderThanMs: 7 * DAY_MS, reason: 'seven days', layer };
      await expect(expireSegments(options)).rejects.toMatchObject({ code: 'LOG_WRITE_FAILED' });
      expect(listSegments(directory)[0]?.firstSeq).toBe(200);
      const reader = await EventLogReader.open({ directory, keys });
      expect(await applyExpiries({ directory, reader })).toBe(3);
      expect(listSegments(directory)[0]?.firstSeq).toBe(500);
      expect(await applyExpiries({ directory, reader })).toBe(0);
      expect(readdirSync(join(directory, 'segments')).length).toBeGreaterThan(6);
    });
  });

  it('refuses a period that makes no sense, and a log in which nothing is recorded first', async () => {
    await inOldLog(async (directory, writer, clock) => {
      const authority = {
        ...writerAuthority({ writer, clock, site: 'x' }),
        append: () => Promise.reject(new Error('full')),
      };
      const options = { directory, keys, authority, clock, olderThanMs: 7 * DAY_MS, reason: 'seven days' };
      await expect(expireSegments({ ...options, olderThanMs: 0 })).rejects.toMatchObject({ code: 'USAGE_INVALID' });
      await expect(expireSegments(options)).rejects.toThrow('full');
      expect(listSegments(directory)[0]?.firstSeq).toBe(0);
    });
  });
});
