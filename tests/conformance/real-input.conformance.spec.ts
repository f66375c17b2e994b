import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { loadArtefactSet } from '@protego/artefacts';
import { runReplay, type ReplayOutcome } from '@protego/replay';
import { readSourceFile } from '@protego/sources';
import { EventValidator, eventRegistry, type Detection } from '@protego/contracts';
import { SigmaMatcher, compileSigma, decidingText, type SigmaRuleSet } from '@protego/streams';
import { importHistory, openHistory, withReplayLog } from '../history-log';

const DATA = resolve(__dirname, '..', '..', '..', 'shared', 'data');
const RULES = join(DATA, 'sigma', 'rules.jsonl.gz');
const STREAMS = join(__dirname, '..', '..', 'streams');

/** Events of one rule, of which at least `match_count` match; at least one where it is not stated. */
interface RegressionCase {
  readonly rule_id: string;
  readonly events: readonly Record<string, unknown>[];
  readonly match_count?: number;
}

function report(line: string): void {
  process.stderr.write(`real input: ${line}\n`);
}

function recordings(): string[] {
  const root = join(DATA, 'windows-attacks');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.jsonl.gz'))
    .sort()
    .map((name) => join(root, name));
}

function zeekLogs(): string[] {
  const root = join(DATA, 'zeek');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.jsonl(\.gz)?$/.test(name))
    .sort()
    .map((name) => join(root, name));
}

/** Which recording each event of a log came from. */
async function recordingOf(files: readonly string[]): Promise<Map<string, string>> {
  const origins = new Map<string, string>();
  const validator = new EventValidator(eventRegistry);
  for (const path of files) {
    for await (const item of readSourceFile(path, 'windows', { site: 'general-hospital', validator })) {
      if (item.kind === 'event' && !origins.has(item.event.id)) origins.set(item.event.id, path);
    }
  }
  return origins;
}

describe('public rules on recorded attacks', () => {
  const directory = mkdtempSync(join(tmpdir(), 'protego-real-'));
  const log = join(directory, 'log');
  let rules: SigmaRuleSet;
  let outcome: ReplayOutcome;

  beforeAll(async () => {
    const artefacts = loadArtefactSet({ rulesPath: RULES, streamsDir: STREAMS, decidingText });
    // A public rule names a list that a site declares; it is empty here.
    rules = compileSigma(artefacts.rules, { placeholders: new Map([['known_cdcs', []]]) });
    for (const [format, files] of [
      ['windows', recordings()],
      ['zeek', zeekLogs()],
    ] as const) {
      const { appended, duplicates, refused } = await importHistory(log, format, files);
      report(`${format}: ${files.length} files, ${appended} events, ${duplicates} duplicates, ${refused} rejected`);
      expect(refused).toBe(0);
    }
    outcome = await withReplayLog(log, (replayLog) =>
      runReplay({
        log: replayLog,
        artefacts: { rules, declarations: artefacts.declarations },
        artefactHashes: artefacts.hashes,
        engine: 'test',
      }),
    );
  }, 1_200_000);

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('compiles every public rule', () => {
    const { rules: compiled, problems } = rules;
    const reasons = problems.map(({ code, message }) => `${code}: ${message}`);
    report(`${compiled.length} of ${compiled.length + problems.length} rules compiled`);
    expect(reasons).toEqual([]);
    expect(compiled.length).toBeGreaterThanOrEqual(3_700);
  });

  it('finds something in nearly every recording', async () => {
    const { counts, outputHash } = outcome.manifest;
    report(
      `${counts.events} events, ${counts.detections} detections, ${counts.late} late, ${counts.skewed} skewed, ${counts.ruleFailed} rule failures, output ${outputHash}`,
    );
    const perRecording = await detectionsPerRecording(log, outcome);
    for (const path of recordings())
      report(`  ${perRecording.get(path) ?? 0} detections in ${path.slice(DATA.length + 1)}`);
    expect(counts.ruleFailed).toBe(0);
    expect(perRecording.size).toBeGreaterThanOrEqual(40);
  }, 120_000);

  it('lets every rule of the regression set match as many of its own events as its publisher counted', () => {
    const matcher = new SigmaMatcher(rules.rules);
    const lines = gunzipSync(readFileSync(join(DATA, 'sigma', 'regression.jsonl.gz')))
      .toString('utf8')
      .trimEnd()
      .split('\n');
    const cases = lines.map((line) => JSON.parse(line) as RegressionCase);
    const results = cases.map(({ rule_id: id, events, match_count: stated }) => ({
      id,
      wanted: stated ?? 1,
      found: events.filter((data) => matcher.match({ type: null, data }).some(({ rule }) => rule.id === id)).length,
    }));
    const missed = results.filter(({ wanted, found }) => found < wanted);
    report(`regression: ${cases.length - missed.length} of ${cases.length} rules match their own events`);
    expect(missed).toEqual([]);
    // So that a file without counts, or with counts of none, does not pass for one that was checked.
    const counted = cases.filter(({ match_count: stated }) => stated !== undefined && stated >= 1);
    expect([cases.length, counted.length]).toEqual([99, 85]);
  });
});

async function detectionsPerRecording(
  log: string,
  { detectionLines, evidenceLines }: ReplayOutcome,
): Promise<Map<string, number>> {
  const origins = await recordingOf(recordings());
  const firstSeqs = new Map<number, Detection[]>();
  evidenceLines.forEach((line, i) => {
    const { seqs } = JSON.parse(line) as { seqs: number[] };
    const detection = JSON.parse(detectionLines[i] as string) as Detection;
    firstSeqs.set(seqs[0] as number, [...(firstSeqs.get(seqs[0] as number) ?? []), detection]);
  });
  const counts = new Map<string, number>();
  const { reader, house } = await openHistory(log);
  for (const { seq, body } of reader.records()) {
    const detections = firstSeqs.get(seq);
    if (detections === undefined) continue;
    const path = origins.get((JSON.parse(body.toString('utf8')) as { id: string }).id);
    if (path !== undefined) counts.set(path, (counts.get(path) ?? 0) + detections.length);
  }
  await house.close();
  return counts;
}
