import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { loadArtefactSet } from '@protego/artefacts';
import { parseRfc3339Ms, type ProtegoEvent } from '@protego/contracts';
import { runReplay, type ReplayOutcome } from '@protego/replay';
import { simulateHospital, type SimulationLabel } from '@protego/simulation';
import { canonicalJson, type Detection } from '@protego/contracts';
import { compileSigma, decidingText } from '@protego/streams';
import { importHistory, openHistory, withReplayLog } from './history-log';

const ROOT = join(__dirname, '..');
const HISTORY = join(ROOT, 'replay-data', 'general-hour');
const artefacts = loadArtefactSet({
  rulesPath: join(ROOT, 'streams', 'rules'),
  streamsDir: join(ROOT, 'streams'),
  decidingText,
});
const rules = compileSigma(artefacts.rules, artefacts);
/** Write the expected files anew with `UPDATE_GOLDEN=1`; the difference in them is then what is reviewed. */
const isUpdate = process.env['UPDATE_GOLDEN'] === '1';

const linesOf = (name: string): string[] =>
  gunzipSync(readFileSync(join(HISTORY, name)))
    .toString('utf8')
    .trimEnd()
    .split('\n');
const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/** A small generator with a seed, so that a failing order can be made again. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

jest.setTimeout(60_000);

describe('golden replay of general-hour', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-golden-'));
  let outcome: ReplayOutcome;

  const replay = (log: string, chunkRecords?: number): Promise<ReplayOutcome> =>
    withReplayLog(log, (replayLog) =>
      runReplay({
        log: replayLog,
        artefacts: { rules, declarations: artefacts.declarations },
        artefactHashes: artefacts.hashes,
        engine: 'golden',
        chunkRecords,
      }),
    );

  beforeAll(async () => {
    const log = join(directory, 'first');
    const imported = await importHistory(log, 'cloudevents', [join(HISTORY, 'events.ndjson.gz')]);
    expect(imported).toMatchObject({ refused: 0 });
    expect(imported.appended + imported.duplicates).toBe(linesOf('events.ndjson.gz').length);
    outcome = await replay(log);
    if (isUpdate) writeExpected(outcome);
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function writeExpected({ detectionLines, manifest }: ReplayOutcome): void {
    writeFileSync(join(HISTORY, 'expected', 'detections.jsonl'), textOf(detectionLines));
    const { counts, outputHash } = manifest;
    writeFileSync(
      join(HISTORY, 'expected', 'outcome.json'),
      `${canonicalJson({ artefacts: manifest.artefacts, counts, outputHash })}\n`,
    );
  }

  it('gives the expected bytes', () => {
    const { manifest, detectionLines } = outcome;
    expect(textOf(detectionLines)).toBe(readFileSync(join(HISTORY, 'expected', 'detections.jsonl'), 'utf8'));
    const expected: unknown = JSON.parse(readFileSync(join(HISTORY, 'expected', 'outcome.json'), 'utf8'));
    expect({ artefacts: manifest.artefacts, counts: manifest.counts, outputHash: manifest.outputHash }).toEqual(
      expected,
    );
  });

  it('finds every planted attack and no benign twin', async () => {
    const { house } = await openHistory(join(directory, 'first'));
    const labels = linesOf('labels.ndjson.gz').map((line) => JSON.parse(line) as SimulationLabel);
    const ids = [...new Set(labels.flatMap(({ entities }) => entities.map(({ id }) => id)))];
    const names = new Map(
      await Promise.all(ids.map(async (id) => [id, [id, ...(await house.vault.tokensOf(id))]] as const)),
    );
    const namesOf = (id: string): readonly string[] => names.get(id) ?? [];
    const detections = outcome.detectionLines.map((line) => JSON.parse(line) as Detection);
    const attacks = labels.filter(({ kind }) => kind === 'attack');
    expect(attacks.length).toBeGreaterThanOrEqual(2);
    for (const attack of attacks)
      expect(detections.filter((detection) => isAbout(detection, attack, namesOf))).toHaveLength(1);
    for (const twin of labels.filter(({ kind }) => kind === 'benign-twin'))
      expect(detections.filter((detection) => isWithin(detection, twin) && isAbout(detection, twin, namesOf))).toEqual(
        [],
      );
    expect(detections).toHaveLength(attacks.length);
    await house.close();
  });

  it('names no person in clear', () => {
    const persons = linesOf('labels.ndjson.gz')
      .flatMap((line) => (JSON.parse(line) as SimulationLabel).entities)
      .filter(({ kind }) => kind === 'person' || kind === 'patient')
      .map(({ id }) => id);
    expect(persons.length).toBeGreaterThan(0);
    const made = [...outcome.detectionLines, ...outcome.evidenceLines].join('\n');
    expect(persons.filter((id) => made.includes(id))).toEqual([]);
  });

  it('gives the same bytes in chunks of 1,000 with the state written down in between', async () => {
    expect(await replay(join(directory, 'first'), 1_000)).toEqual(outcome);
  });

  it('gives the same bytes from another log of the same file, whose root differs', async () => {
    const log = join(directory, 'second');
    await importHistory(log, 'cloudevents', [join(HISTORY, 'events.ndjson.gz')]);
    const again = await replay(log);
    expect(again.detectionLines).toEqual(outcome.detectionLines);
    expect(again.manifest.log.root).not.toBe(outcome.manifest.log.root);
  });

  it.each([1, 2, 3])(
    'gives the same bytes when the arrival is shuffled within the lateness (seed %i)',
    async (seed) => {
      const random = seededRandom(seed);
      const shuffled = linesOf('events.ndjson.gz')
        .map((line, i) => ({
          line,
          i,
          at: (parseRfc3339Ms((JSON.parse(line) as ProtegoEvent).arrivedat as string) as number) + random() * 400,
        }))
        .sort((a, b) => a.at - b.at || a.i - b.i);
      expect(shuffled.filter(({ i }, at) => i !== at).length).toBeGreaterThan(100);
      const file = join(directory, `shuffled-${seed}.ndjson`);
      writeFileSync(file, textOf(shuffled.map(({ line }) => line)));
      await importHistory(join(directory, `log-${seed}`), 'cloudevents', [file]);
      expect((await replay(join(directory, `log-${seed}`))).manifest.outputHash).toBe(outcome.manifest.outputHash);
    },
  );

  it('is what the simulation makes of its seed', () => {
    const { seed, days, startsAt } = JSON.parse(readFileSync(join(HISTORY, 'manifest.json'), 'utf8')) as {
      seed: number;
      days: number;
      startsAt: string;
    };
    const { events } = simulateHospital({ scenario: 'general', seed, days, startTime: startsAt });
    expect([...events].map((event) => canonicalJson(event))).toEqual(linesOf('events.ndjson.gz'));
  });
});

function isAbout(detection: Detection, label: SimulationLabel, namesOf: (id: string) => readonly string[]): boolean {
  return label.entities.some(({ kind, id }) =>
    detection.entities.some((entity) => entity.kind === kind && namesOf(id).includes(entity.id)),
  );
}

function isWithin(detection: Detection, label: SimulationLabel): boolean {
  return detection.window.start <= label.endsAt && detection.window.end >= label.startsAt;
}
