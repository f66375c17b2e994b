import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson } from '@protego/contracts';
import { EventLogWriter, verifyLog, type LogRecordInput } from '../../index';
import { SeededRandom, inTemporaryDirectory, sampleRecord } from '../index';
import { listSegments } from '../../segments/segment-format';
import { KEYS, ORIGIN, recordsOf, writeSession } from './tamper-log';

/** TAMPER_CLEAN_LOGS=200 runs the whole campaign; a failure names its seed. */
const LOGS = Number(process.env['TAMPER_CLEAN_LOGS'] ?? 15);
const SEED = Number(process.env['TAMPER_SEED'] ?? 1);

/** What is wrong with a log that nobody touched; undefined when nothing is reported. */
function alarmOf(directory: string, step: string, seed: number): string[] {
  const { ok, problems } = verifyLog({ directory, keys: KEYS });
  return ok ? [] : [`seed ${seed}, ${step}: ${JSON.stringify(problems.slice(0, 3))}`];
}

/** A copy of the directory as a crash in the middle of a write leaves it; undefined when a new segment had begun. */
async function crashedCopy(
  directory: string,
  copy: string,
  random: SeededRandom,
  size: number,
): Promise<number | undefined> {
  const writer = await EventLogWriter.open({ directory, origin: ORIGIN, keys: KEYS, segmentRecordsMax: 300 });
  await writer.append(recordsOf(random, size, size + 20));
  cpSync(directory, copy, { recursive: true });
  const before = listSegments(copy).at(-1);
  await writer.append(recordsOf(random, size + 20, size + 60));
  const after = listSegments(directory).at(-1);
  let isTorn = false;
  if (before !== undefined && after?.name === before.name) {
    const [short, long] = [readFileSync(before.path), readFileSync(after.path)];
    writeFileSync(before.path, long.subarray(0, random.integer(short.length, long.length - 1)));
    isTorn = true;
  }
  await writer.close();
  rmSync(join(copy, 'writer.json'), { force: true });
  return isTorn ? size + 20 : undefined;
}

async function expire(directory: string, random: SeededRandom): Promise<void> {
  const segments = listSegments(directory);
  const keptFrom = segments[random.below(segments.length)]?.firstSeq ?? 0;
  const kept = segments.filter(({ firstSeq }) => firstSeq >= keptFrom);
  if (keptFrom === 0) return;
  const data = { fromSeq: 0, toSeq: keptFrom, rootHash: rootAt(directory, keptFrom), reason: 'age' };
  const body = Buffer.from(canonicalJson({ data, id: 'expired-1', type: 'log.expired' }));
  const event: LogRecordInput = { ...sampleRecord(0), type: 'log.expired', body };
  const writer = await EventLogWriter.open({ directory, origin: ORIGIN, keys: KEYS });
  await writer.append([event]);
  await writer.close();
  for (const { path } of segments) if (!kept.some((segment) => segment.path === path)) rmSync(path);
}

/** Root of the first `size` records, as the log gives it when the rest is not there. */
function rootAt(directory: string, size: number): string {
  const short = `${directory}-short`;
  cpSync(directory, short, { recursive: true });
  for (const { path, firstSeq } of listSegments(short)) if (firstSeq >= size) rmSync(path);
  const { rootHash } = verifyLog({ directory: short, keys: KEYS, decodesBodies: false });
  rmSync(short, { recursive: true });
  return rootHash;
}

async function alarmsOfSeed(root: string, seed: number): Promise<string[]> {
  const random = new SeededRandom(seed);
  const [directory, crashed] = [join(root, 'log'), join(root, 'crashed')];
  const alarms: string[] = [];
  let size = 0;
  for (let session = 0; session < random.integer(1, 3); session++) {
    const end = size + (random.chance(0.1) ? 0 : random.integer(1, 700));
    await writeSession(directory, random, size, end);
    size = end;
    alarms.push(...alarmOf(directory, `session ${session}`, seed));
  }
  await crashedCopy(directory, crashed, random, size);
  alarms.push(...alarmOf(directory, 'after the crash, elsewhere', seed));
  if (existsSync(crashed)) {
    alarms.push(...alarmOf(crashed, 'crashed', seed));
    await writeSession(crashed, random, size + 20, size + 90);
    alarms.push(...alarmOf(crashed, 'opened after the crash', seed));
  }
  await expire(directory, random);
  alarms.push(...alarmOf(directory, 'expired', seed));
  return alarms;
}

jest.setTimeout(1_800_000);

describe('clean logs', () => {
  it(`gives no alarm on ${LOGS} logs that nobody touched`, async () => {
    const alarms: string[] = [];
    for (let seed = SEED; seed < SEED + LOGS; seed++) {
      await inTemporaryDirectory(async (root) => void alarms.push(...(await alarmsOfSeed(root, seed))));
    }
    expect(alarms).toEqual([]);
  });
});
