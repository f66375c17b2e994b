import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { loadArtefactSet } from '@protego/artefacts';
import { canonicalJson, parseRfc3339Ms, type Detection, type ProtegoEvent } from '@protego/contracts';
import { runReplay, type ReplayOutcome } from '@protego/replay';
import { GENERATOR_VERSION, simulateHospital, type SimulationLabel } from '@protego/simulation';
import { compileSigma, decidingText } from '@protego/streams';
import { importHistory, withReplayLog } from './history-log';
import { isAbout, tokensOf } from './planted-activities';
import { seededRandom } from './seeded-random';

const ROOT = join(__dirname, '..');
const DATA = join(ROOT, 'replay-data');
const HISTORIES = readdirSync(DATA, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();
/** The history of which other logs, chunks and orders of arrival are tried. */
const VARIED = 'general';
const BYTES_MAX = 8 * 1024 * 1024;
const artefacts = loadArtefactSet({
  rulesPath: join(ROOT, 'streams', 'rules'),
  streamsDir: join(ROOT, 'streams'),
  decidingText,
});
const rules = compileSigma(artefacts.rules, artefacts);
/** Write the expected files anew with `UPDATE_GOLDEN=1`; the difference in them is then what is reviewed. */
const isUpdate = process.env['UPDATE_GOLDEN'] === '1';

/** What `protego simulate` says of a history. */
interface HistoryManifest {
  readonly generator: number;
  readonly scenario: string;
  readonly seed: number;
  readonly days: number;
  readonly startsAt: string;
  readonly set: Readonly<Record<string, string>>;
  readonly events: { readonly count: number; readonly sha256: string };
  readonly labels: { readonly count: number; readonly sha256: string };
}

const fileOf = (history: string, name: string): string => join(DATA, history, name);
const bytesOf = (history: string, name: string): Buffer => gunzipSync(readFileSync(fileOf(history, name)));
const linesOf = (history: string, name: string): string[] =>
  bytesOf(history, name).toString('utf8').trimEnd().split('\n');
const labelsOf = (history: string): SimulationLabel[] =>
  linesOf(history, 'labels.ndjson.gz').map((line) => JSON.parse(line) as SimulationLabel);
const manifestOf = (history: string): HistoryManifest =>
  JSON.parse(readFileSync(fileOf(history, 'manifest.json'), 'utf8')) as HistoryManifest;
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const textOf = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

jest.setTimeout(300_000);

describe.each(HISTORIES)('golden replay of %s', (history) => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-golden-'));
  const expected = (name: string): string => fileOf(history, join('expected', 'hospital-pack', name));
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
    const imported = await importHistory(log, 'cloudevents', [fileOf(history, 'events.ndjson.gz')]);
    expect(imported).toMatchObject({ refused: 0 });
    expect(imported.appended + imported.duplicates).toBe(manifestOf(history).events.count);
    outcome = await replay(log);
    if (isUpdate) writeExpected(outcome);
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  function writeExpected({ detectionLines, manifest }: ReplayOutcome): void {
    mkdirSync(fileOf(history, join('expected', 'hospital-pack')), { recursive: true });
    writeFileSync(expected('detections.jsonl'), textOf(detectionLines));
    const { counts, outputHash } = manifest;
    writeFileSync(
      expected('outcome.json'),
      `${canonicalJson({ artefacts: manifest.artefacts, counts, outputHash })}\n`,
    );
  }

  it('gives the expected bytes', () => {
    const { manifest, detectionLines } = outcome;
    expect(textOf(detectionLines)).toBe(readFileSync(expected('detections.jsonl'), 'utf8'));
    const known: unknown = JSON.parse(readFileSync(expected('outcome.json'), 'utf8'));
    expect({ artefacts: manifest.artefacts, counts: manifest.counts, outputHash: manifest.outputHash }).toEqual(known);
  });

  it('finds the planted attacks, hardly a benign twin, and hardly anything else', async () => {
    const labels = labelsOf(history);
    const namesOf = await tokensOf(join(directory, 'first'), labels);
    const detections = outcome.detectionLines.map((line) => JSON.parse(line) as Detection);
    const belongsTo = (detection: Detection, label: SimulationLabel): boolean =>
      isWithin(detection, label) && isAbout(detection, label, namesOf);
    const attacks = labels.filter(({ kind, attack }) => kind === 'attack' && attack !== 'session-hijack-rhythm-only');
    const missed = attacks.filter((attack) => !detections.some((detection) => belongsTo(detection, attack)));
    expect(attacks.length).toBeGreaterThanOrEqual(20);
    expect(missed.length / attacks.length).toBeLessThanOrEqual(0.05);
    const others = detections.filter((detection) => !attacks.some((attack) => belongsTo(detection, attack)));
    const twins = labels.filter(({ kind }) => kind === 'benign-twin');
    const alarmed = twins.filter((twin) => others.some((detection) => belongsTo(detection, twin)));
    expect(alarmed.length / twins.length).toBeLessThanOrEqual(0.05);
    // What names none of an attack's entities, though it rests on its events, counts here too.
    expect(others.length).toBeLessThanOrEqual(5);
  });

  it('names no person in clear', () => {
    const persons = labelsOf(history)
      .flatMap(({ entities }) => entities)
      .filter(({ kind }) => kind === 'person' || kind === 'patient')
      .map(({ id }) => id);
    expect(persons.length).toBeGreaterThan(0);
    const made = [...outcome.detectionLines, ...outcome.evidenceLines].join('\n');
    expect(persons.filter((id) => made.includes(id))).toEqual([]);
  });

  it('is what the simulation makes of its seed', () => {
    const { generator, scenario, seed, days, startsAt, set, events, labels } = manifestOf(history);
    expect(generator).toBe(GENERATOR_VERSION);
    const made = simulateHospital({ scenario, seed, days, startTime: startsAt, settings: set });
    expect([...made.events].map((event) => canonicalJson(event))).toEqual(linesOf(history, 'events.ndjson.gz'));
    expect(made.labels().map((label) => canonicalJson(label))).toEqual(linesOf(history, 'labels.ndjson.gz'));
    expect(sha256(bytesOf(history, 'events.ndjson.gz'))).toBe(events.sha256);
    expect(sha256(bytesOf(history, 'labels.ndjson.gz'))).toBe(labels.sha256);
    expect(statSync(fileOf(history, 'events.ndjson.gz')).size).toBeLessThanOrEqual(BYTES_MAX);
  });

  it('gives the same bytes in chunks of 5,000 with the state written down in between', async () => {
    expect(await replay(join(directory, 'first'), 5_000)).toEqual(outcome);
  });

  if (history !== VARIED) return;
  it('gives the same bytes from another log of the same file, whose root differs', async () => {
    const log = join(directory, 'second');
    await importHistory(log, 'cloudevents', [fileOf(history, 'events.ndjson.gz')]);
    const again = await replay(log);
    expect(again.detectionLines).toEqual(outcome.detectionLines);
    expect(again.manifest.log.root).not.toBe(outcome.manifest.log.root);
  });

  it.each([1, 2, 3])(
    'gives the same bytes when the arrival is shuffled within the lateness (seed %i)',
    async (seed) => {
      const random = seededRandom(seed);
      const shuffled = linesOf(history, 'events.ndjson.gz')
        .map((line, i) => ({
          line,
          i,
          at: (parseRfc3339Ms((JSON.parse(line) as ProtegoEvent).arrivedat as string) as number) + random() * 40,
        }))
        .sort((a, b) => a.at - b.at || a.i - b.i);
      expect(shuffled.filter(({ i }, at) => i !== at).length).toBeGreaterThan(100);
      const file = join(directory, `shuffled-${seed}.ndjson`);
      writeFileSync(file, textOf(shuffled.map(({ line }) => line)));
      await importHistory(join(directory, `log-${seed}`), 'cloudevents', [file]);
      expect((await replay(join(directory, `log-${seed}`))).manifest.outputHash).toBe(outcome.manifest.outputHash);
    },
  );
});

function isWithin(detection: Detection, label: SimulationLabel): boolean {
  return detection.window.start <= label.endsAt && detection.window.end >= label.startsAt;
}
