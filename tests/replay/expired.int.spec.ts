import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventLogWriter } from '@protego/event-log';
import type { RunManifest } from '@protego/replay';
import { importHistory, openHistory } from '../history-log';
import { linesOfHistory, writeLines } from './invariance';
import { protego } from './replay-process';

const HISTORY = join(__dirname, '../../replay-data/general');
const EVENTS = 6_000;
const SEGMENT_RECORDS = 5_000;
const DAY_MS = 86_400_000;

jest.setTimeout(300_000);

/** The records of a log in one of shorter segments, with the same keys; without those of the import, which are of today. */
async function copyInSegments(from: string, to: string): Promise<void> {
  cpSync(join(from, 'keys'), join(to, 'keys'), { recursive: true });
  const { house, reader } = await openHistory(from);
  try {
    const writer = await EventLogWriter.open({
      ...{ directory: to, origin: reader.origin, keys: house.keys, segmentRecordsMax: SEGMENT_RECORDS },
    });
    for (const { body, sealed, timeMs, arrivedAtMs, recordedAtMs, type } of reader.records())
      if (timeMs < recordedAtMs - DAY_MS)
        await writer.append([{ body, sealed, timeMs, arrivedAtMs, recordedAtMs, type }]);
    await writer.close();
  } finally {
    await house.close();
  }
}

describe('a replay of a log whose first records have expired', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-expired-'));
  const log = join(directory, 'log');
  const snapshots = join(log, 'snapshots');
  const kept = join(directory, 'kept-snapshots');
  const before = join(directory, 'before');
  const from = ['--from', String(EVENTS - 100)];

  function replayed(name: string, ...args: string[]): RunManifest {
    const made = protego('replay', '--log', log, '--out', join(directory, name), '--json', ...args);
    expect(made).toMatchObject({ status: 0 });
    return JSON.parse(made.stdout) as RunManifest;
  }

  beforeAll(async () => {
    const lines = linesOfHistory(HISTORY).slice(0, EVENTS);
    const whole = join(directory, 'whole');
    await importHistory(whole, 'cloudevents', [writeLines(join(directory, 'events.ndjson'), lines)]);
    await copyInSegments(whole, log);
    replayed('first', '--save-snapshots', '512');
    expect(replayed('before', ...from).range).toMatchObject({ firstSeq: 0 });
    cpSync(snapshots, kept, { recursive: true });
    expect(protego('log', 'expire', '--log', log, '--older-than', '1d', '--reason', 'a day')).toMatchObject({
      status: 0,
    });
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('has no snapshots that rest on them, and would not begin at one', () => {
    expect(existsSync(snapshots)).toBe(false);
    const without = replayed('without', ...from);
    cpSync(kept, snapshots, { recursive: true });
    const again = replayed('again', ...from);
    expect(without.range).toMatchObject({ firstSeq: SEGMENT_RECORDS, readFrom: SEGMENT_RECORDS });
    expect(again).toEqual(without);
  });

  it('cannot verify a run that rests on them, and says so, also of one that began at a snapshot after them', () => {
    const { range } = JSON.parse(readFileSync(join(before, 'manifest.json'), 'utf8')) as RunManifest;
    expect(range.readFrom).toBeGreaterThan(SEGMENT_RECORDS);
    const verified = protego('replay', 'verify', join(before, 'manifest.json'), '--log', log);
    expect(verified).toMatchObject({ status: 2 });
    expect(verified.stderr).toContain('LOG_RANGE_MISSING');
  });

  it('verifies a run of what is left', () => {
    replayed('after');
    expect(protego('replay', 'verify', join(directory, 'after', 'manifest.json'), '--log', log).stdout).toMatch(
      /^MATCH\n/,
    );
  });
});
