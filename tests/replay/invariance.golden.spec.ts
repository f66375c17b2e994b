import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRfc3339Ms, type Detection } from '@protego/contracts';
import type { ReplayOutcome } from '@protego/replay';
import { importHistory } from '../history-log';
import { seededRandom } from '../seeded-random';
import {
  SnapshotShelf,
  hashesOf,
  linesOfHistory,
  replayHistory,
  shippedArtefacts,
  shuffledWithinLateness,
  writeLines,
} from './invariance';

const DATA = join(__dirname, '../../replay-data');
const RECORDED = readdirSync(DATA, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();
/** Seeds that nothing was tuned on. */
const UNSEEN = [9_001, 9_003, 9_005, 9_007, 9_009];
const SHIPPED = shippedArtefacts();
/** How many bounds are drawn for `emitFrom`: in one history many. */
const BOUNDS = 100;
const BOUNDS_ELSEWHERE = 10;

jest.setTimeout(900_000);

describe.each([...RECORDED, ...UNSEEN])('a replay of history %s', (history) => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-invariance-'));
  const log = join(directory, 'log');
  let lines: string[];
  let straight: ReplayOutcome;

  beforeAll(async () => {
    lines = linesOfHistory(typeof history === 'string' ? join(DATA, history) : { seed: history, days: 0.17 });
    await importHistory(log, 'cloudevents', [writeLines(join(directory, 'events.ndjson'), lines)]);
    straight = await replayHistory(log);
    expect(straight.detectionLines.length).toBeGreaterThan(5);
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('finds the same in any number of parts, in any chunks, and from any snapshot', async () => {
    const hashes = await hashesOf(log, SHIPPED, typeof history === 'string' ? 1 : history);
    expect(hashes.size).toBeGreaterThan(6);
    for (const [way, hash] of hashes) expect([way, hash]).toEqual([way, straight.manifest.outputHash]);
  });

  it('finds the same when arrival is shuffled within the lateness', async () => {
    const shuffled = shuffledWithinLateness(lines, 7);
    expect(shuffled.filter((line, i) => line !== lines[i]).length).toBeGreaterThan(100);
    const other = join(directory, 'shuffled');
    await importHistory(other, 'cloudevents', [writeLines(join(directory, 'shuffled.ndjson'), shuffled)]);
    expect((await replayHistory(other)).manifest.outputHash).toBe(straight.manifest.outputHash);
  });

  const bounds = history === 'general' ? BOUNDS : BOUNDS_ELSEWHERE;
  it(`gives from ${bounds} bounds on what the run from the beginning gives from there on`, async () => {
    const random = seededRandom(3);
    const shelf = new SnapshotShelf();
    await replayHistory(log, {}, { snapshots: { store: shelf, everyRecords: 1_024 } });
    const times = lines.map((line) => parseRfc3339Ms((JSON.parse(line) as { time: string }).time) as number);
    const [firstMs, lastMs] = [Math.min(...times), Math.max(...times)];
    const snapshots = { store: shelf, everyRecords: Number.POSITIVE_INFINITY };
    for (let bound = 0; bound < bounds; bound++) {
      const emitFromMs = Math.floor(firstMs + random() * (lastMs - firstMs));
      const emitToMs = bound % 2 === 0 ? undefined : Math.floor(emitFromMs + random() * (lastMs - emitFromMs));
      const cut = straight.detectionLines.filter((line) => {
        const certainAtMs = parseRfc3339Ms((JSON.parse(line) as Detection).certainAt) as number;
        return certainAtMs >= emitFromMs && (emitToMs === undefined || certainAtMs < emitToMs);
      });
      const { detectionLines } = await replayHistory(log, { emitFromMs, emitToMs }, { snapshots });
      expect(detectionLines).toEqual(cut);
    }
    // It would prove little if most had begun at the beginning.
    expect(shelf.used.length).toBeGreaterThan(bounds / 2);
  });

  if (history !== RECORDED[0]) return;
  it('would not pass with a clock that is read in a rule', async () => {
    const artefacts = shippedArtefacts();
    const { detectionLines } = straight;
    const { ruleId } = JSON.parse(detectionLines[0] as string) as Detection;
    const planted = [...artefacts.rules.rules, ...artefacts.rules.correlations].find(({ id }) => id === ruleId);
    expect(planted).toBeDefined();
    Object.defineProperty(planted?.wording, 'why', { get: () => `looked at ${performance.now()}` });
    expect(new Set((await hashesOf(log, artefacts, 1)).values()).size).toBeGreaterThan(1);
  });
});
