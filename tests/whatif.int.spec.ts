import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { ChangeAssessment, Detection, ProtegoEvent } from '@protego/contracts';
import type { WhatIfCost, WhatIfDiff } from '@protego/replay';
import { importHistory, openHistory } from './history-log';
import { elementsOf, parseXml } from './xml-tree';

const ROOT = join(__dirname, '..');
const CLI = join(ROOT, 'dist', 'apps', 'cli', 'src', 'main.js');
const DATA = join(ROOT, 'replay-data', 'general');
const LABELS = join(DATA, 'labels.ndjson.gz');
const GOLDEN = readFileSync(join(DATA, 'expected', 'hospital-pack', 'detections.jsonl'), 'utf8');
const EVENTS = gunzipSync(readFileSync(join(DATA, 'events.ndjson.gz')))
  .toString('utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as ProtegoEvent);

const LOOSENED = '6fccc7ab-5e87-44e0-ad8d-89432fae5208';
const TIGHTENED = '3b43c988-1f64-5b4f-88b9-5ff16aa0985b';
const DELETED = '8885e4d0-a94e-4cfb-848b-ddbfe3dea90b';
const WINDOW = '22c4d7b7-93f5-53ab-89d1-bbc2db891492';
const NEW_FILLER = 'needed for treatment';
const SIGNAL_MIN = -60;
const WINDOW_MS = 2_000;

const directory = mkdtempSync(join(tmpdir(), 'protego-whatif-'));
const log = join(directory, 'log');
const candidate = join(directory, 'candidate');
const baseline = join(ROOT, 'streams');

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const whatIf = (...args: string[]): Ran => protego('whatif', ...args);

function protego(...args: string[]): Ran {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  return { code: status, out: stdout, err: stderr };
}

function edit(name: string, from: string, to: string): void {
  const path = join(candidate, 'rules', name);
  const text = readFileSync(path, 'utf8');
  expect(text.split(from)).toHaveLength(2);
  writeFileSync(path, text.replace(from, to));
}

function plantFourChanges(): void {
  cpSync(baseline, candidate, { recursive: true });
  edit('emergency-access-without-reason.yml', '      - needed\n', `      - needed\n      - ${NEW_FILLER}\n`);
  edit(
    'lookalike-network-name.yml',
    '  condition: resembles and not house_name and not managed\n',
    `  strong:\n    signal_dbm|gte: ${SIGNAL_MIN}\n  condition: resembles and strong and not house_name and not managed\n`,
  );
  edit('readings-with-two-values.yml', '  timespan: 2m\n', '  timespan: 2s\n');
  rmSync(join(candidate, 'rules', 'phone-of-somebody-else.yml'));
}

const golden = (ruleId: string): Detection[] =>
  GOLDEN.trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Detection)
    .filter((detection) => detection.ruleId === ruleId);
const timesOf = (events: readonly ProtegoEvent[]): string[] => [...new Set(events.map(({ time }) => time))].sort();

/** What must follow from the four changes, worked out from the history and its golden detections alone. */
function expectedDifferences(): string[] {
  const filled = EVENTS.filter(({ type, data }) => type === 'access.break-glass-used' && data['reason'] === NEW_FILLER);
  const weak = new Set(
    timesOf(
      EVENTS.filter(
        ({ type, data }) =>
          type === 'device.access-point-observed' && !(Number(data['signal_dbm'] ?? Number.NaN) >= SIGNAL_MIN),
      ),
    ),
  );
  const isLong = ({ window: { start, end } }: Detection): boolean =>
    Date.parse(end) - 1 - Date.parse(start) > WINDOW_MS;
  return [
    ...timesOf(filled).map((time) => `added ${LOOSENED} ${time}`),
    ...golden(TIGHTENED)
      .filter(({ certainAt }) => weak.has(certainAt))
      .map(({ certainAt }) => `lost ${TIGHTENED} ${certainAt}`),
    ...golden(DELETED).map(({ certainAt }) => `lost ${DELETED} ${certainAt}`),
    ...golden(WINDOW)
      .filter(isLong)
      .map(({ certainAt }) => `lost ${WINDOW} ${certainAt}`),
  ].sort();
}

const told = ({ differences }: WhatIfDiff): string[] =>
  differences
    .map(({ change, makerId, baseline: before, candidate: after }) => {
      return `${change} ${makerId} ${(after ?? before)?.certainAt ?? ''}`;
    })
    .sort();

jest.setTimeout(600_000);

describe('protego whatif', () => {
  const out = join(directory, 'planted');
  const report = (name: string): string => readFileSync(join(out, name), 'utf8');
  let ran: Ran;
  let diff: WhatIfDiff & { readonly cost: WhatIfCost };

  beforeAll(async () => {
    await importHistory(log, 'cloudevents', [join(DATA, 'events.ndjson.gz')]);
    plantFourChanges();
    const sets = ['--log', log, '--baseline', baseline, '--candidate', candidate, '--labels', LABELS];
    ran = whatIf(...sets, '--out', out, '--fail-on', 'lost-true-positive,added-false-positive');
    diff = JSON.parse(report('diff.json')) as typeof diff;
  });

  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  it('names exactly the four documents, with what changed in plain words', () => {
    expect(diff.documents.map(({ key, change, words }) => [key, change, words])).toEqual([
      [WINDOW, 'changed', ['time window from `2m` to `2s`']],
      [
        TIGHTENED,
        'changed',
        [
          'condition from `resembles and not house_name and not managed` to `resembles and strong and not house_name and not managed`',
          'selection `strong`: {"signal_dbm|gte":-60} added',
        ],
      ],
      [LOOSENED, 'changed', [`selection \`filler\`, \`reason\`: \`${NEW_FILLER}\` added`]],
      [DELETED, 'removed', []],
    ]);
    expect(diff.leftOut).toEqual({ baseline: [], candidate: [] });
  });

  it('tells exactly the detections that follow from them, and no others', () => {
    const expected = expectedDifferences();
    for (const rule of [LOOSENED, TIGHTENED, DELETED, WINDOW])
      expect(expected.filter((line) => line.includes(rule)).length).toBeGreaterThan(0);
    expect(told(diff)).toEqual(expected);
    expect(diff.kinds).toMatchObject([{ kind: 'detection', baseline: 94, unexplained: 0 }]);
  });

  it('says of each difference which document is why, and nothing else', () => {
    expect(diff.differences.filter(({ causes, makerId }) => causes.length !== 1 || causes[0] !== makerId)).toEqual([]);
    const effects = diff.documents.map(({ effects: { added, lost, earlier, later, changed } }) => {
      return added + lost + earlier + later + changed;
    });
    expect(effects.reduce((sum, count) => sum + count, 0)).toBe(diff.differences.length);
  });

  it('writes both runs as a replay does', () => {
    expect(readFileSync(join(out, 'baseline', 'detections.jsonl'), 'utf8')).toBe(GOLDEN);
    for (const side of ['baseline', 'candidate'])
      expect(readdirSync(join(out, side))).toEqual(
        expect.arrayContaining(['detections.jsonl', 'evidence.jsonl', 'manifest.json']),
      );
  });

  it('fails by the gates that were asked for, and only by those that do not hold', () => {
    expect(ran.code).toBe(1);
    const results = diff.gates.filter(({ isAsked }) => isAsked).map(({ gate, failures }) => [gate, failures]);
    const lost = diff.differences.filter(({ change, verdict }) => change === 'lost' && verdict === 'attack').length;
    expect(lost).toBeGreaterThan(0);
    expect(results).toEqual([
      ['lost-true-positive', lost],
      ['added-false-positive', 0],
    ]);
  });

  it('measures precision and recall, and names the attacks that nothing finds any more', () => {
    const { labels } = diff;
    expect(labels?.baseline.findings).toBe(94);
    expect(labels?.lostAttacks.map(({ activity }) => activity)).toEqual([
      'stolen-phone-other-account',
      'monitor-readings-altered',
    ]);
    expect(labels?.lostAttacks.length).toBe(
      (labels?.baseline.attacksFound ?? 0) - (labels?.candidate.attacksFound ?? 0),
    );
  });

  it('sums the load of the wards to what was found', () => {
    const sum = (side: 'baseline' | 'candidate'): number =>
      diff.load.wards.flatMap((ward) => ward[side]).reduce((total, count) => total + count, 0);
    expect([sum('baseline'), sum('candidate')]).toEqual([diff.kinds[0]?.baseline, diff.kinds[0]?.candidate]);
    expect(diff.load.wards.map(({ ward }) => ward)).toContain('cardiology');
  });

  it('writes JUnit XML: a case for each gate and each rule', () => {
    const suites = elementsOf(parseXml(report('junit.xml')), 'testsuite');
    const [gates, rules] = suites.map((suite) => elementsOf(suite, 'testcase'));
    expect(gates?.map(({ attributes }) => attributes['name'])).toEqual(diff.gates.map(({ gate }) => gate));
    expect(rules).toHaveLength(diff.makers.length);
    const failing = gates?.filter((each) => elementsOf(each, 'failure').length > 0);
    expect(failing?.map(({ attributes }) => attributes['name'])).toEqual(['lost-true-positive']);
    expect(rules?.filter((each) => elementsOf(each, 'failure').length > 0)).toHaveLength(3);
    for (const suite of suites) {
      const count = (name: string): string => String(elementsOf(suite, name).length);
      const { tests, failures, skipped } = suite.attributes;
      expect([tests, failures, skipped]).toEqual([count('testcase'), count('failure'), count('skipped')]);
    }
  });

  it('writes one HTML page that is well-formed, with its tables and plots, and refers to nothing outside', () => {
    const page = report('report.html');
    const html = parseXml(page);
    const ids = ['section', 'table', 'figure', 'div'].flatMap((name) =>
      elementsOf(html, name).flatMap(({ attributes }) => attributes['id'] ?? []),
    );
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ['summary', 'documents', 'documents-table', 'differences-table', 'plot-load-by-ward-and-day'])
      expect(ids).toContain(id);
    expect(elementsOf(html, 'svg').length).toBeGreaterThanOrEqual(4);
    const rows = elementsOf(html, 'table').find(({ attributes }) => attributes['id'] === 'differences-table');
    expect(elementsOf(rows as typeof html, 'tr')).toHaveLength(diff.differences.length + 1);
    expect(page.replaceAll('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(
      /https?:|\/\/|<script|<link|<iframe|<img|\b(src|href)=|url\(|@import/,
    );
  });

  it('names nobody in clear', () => {
    const names = new Set(EVENTS.flatMap((event) => JSON.stringify(event).match(/"(?:pt?|x)-\d{5,6}"/g) ?? []));
    expect(names.size).toBeGreaterThan(50);
    const files = ['diff.json', 'report.txt', 'report.html', 'junit.xml', 'change-record.note'].map(report);
    const written = [...files, ran.out, ran.err].join('\n');
    expect([...names].map((name) => name.slice(1, -1)).filter((name) => written.includes(name))).toEqual([]);
    expect(report('report.txt')).toContain('~s.');
  });

  it('signs what it wrote, and finds every alteration of it', () => {
    const verify = (...args: string[]): Ran => whatIf('verify', out, ...args);
    expect(verify('--log', log)).toMatchObject({ code: 0, out: expect.stringMatching(/^OK:/) as string });
    expect(verify()).toMatchObject({ code: 0, out: expect.stringMatching(/^UNPROVEN:/) as string });
    for (const name of ['report.html', 'diff.json', 'baseline/detections.jsonl', 'change-record.note']) {
      const path = join(out, name);
      const bytes = readFileSync(path);
      const altered = bytes.toString('utf8').replace(/theatre|"added":3/, (word) => `${word}0`);
      expect(altered).not.toBe(bytes.toString('utf8'));
      writeFileSync(path, altered);
      expect(verify('--log', log)).toMatchObject({ code: 1, out: expect.stringMatching(/^NOT OK:/) as string });
      writeFileSync(path, bytes);
    }
    expect(verify('--log', log).code).toBe(0);
    const other = 'protego/other+153274ec+AcP/hah4/fX9DG1eJJwbp3bnutXJWUS3jebCyNeMso30';
    expect(verify('--verifier-key', other).code).toBe(1);
  });

  it('finds no difference between a set and itself, and appends what it found to the log', async () => {
    const same = join(directory, 'same');
    const sets = ['--log', log, '--baseline', baseline, '--candidate', join(baseline, 'rules')];
    const gates = ['--fail-on', 'added,lost,later,changed,unexplained'];
    const done = whatIf(...sets, ...gates, '--out', same, '--append', '--reason', 'change 17', '--json');
    expect(done.code).toBe(0);
    const found = JSON.parse(done.out) as WhatIfDiff & { readonly appended: { readonly seq: number } };
    expect([found.documents, found.differences]).toEqual([[], []]);
    expect(found.kinds).toMatchObject([{ baseline: 94, candidate: 94, same: 94, reissued: 0 }]);
    const { reader, house } = await openHistory(log);
    const record = reader.recordAt(found.appended.seq as Parameters<typeof reader.recordAt>[0]);
    await house.close();
    const event = JSON.parse(record?.body.toString('utf8') ?? '{}') as ProtegoEvent;
    const data = event.data as unknown as ChangeAssessment;
    expect(event.type).toBe('artefact.change-assessed');
    expect(data).toMatchObject({
      reason: 'change 17',
      documents: 0,
      baseline: { findings: 94 },
      gates: { failed: [] },
    });
    expect(data.log.size).toBe(found.appended.seq);
    expect(JSON.stringify(event)).not.toContain('~s.');
  });

  it('takes the set that was activated last, and a stored one by its hash', () => {
    const activated = protego(
      'artefact',
      'activate',
      '--log',
      log,
      '--set',
      candidate,
      '--reason',
      'change 18',
      '--json',
    );
    expect(activated.code).toBe(0);
    const { set } = JSON.parse(activated.out) as { readonly set: string };
    const sets = ['--log', log, '--baseline', 'current', '--candidate', set.slice(0, 8)];
    const done = whatIf(...sets, '--from', '100', '--to', '200', '--out', join(directory, 'stored'), '--json');
    expect(done.err).not.toMatch(/error/i);
    expect(JSON.parse(done.out)).toMatchObject({ documents: [], baseline: { name: 'current' } });
    const inForce = whatIf('--log', log, '--baseline', 'in-force', '--candidate', set, '--out', join(directory, 'no'));
    expect([inForce.code, inForce.err]).toEqual([2, expect.stringMatching(/two sets are compared/) as unknown]);
  });

  it.each([
    [['--fail-on', 'losst'], /`losst` is no gate; there are added, lost/],
    [['--fail-on', 'deny-to-permit'], /compares access decisions, which a replay does not make yet/],
    [['--log', 'l', '--baseline', 'b', '--candidate', 'c', '--out', 'o', '--fail-on', 'lost-attack'], /needs labels/],
    [['--log', 'l', '--baseline', 'b', '--candidate', 'c', '--out', 'o', '--append'], /--append needs --reason/],
    [['--log', 'l', '--out', 'o'], /--baseline, --candidate must be given/],
    [['verify', directory], /holds no `change-record.note`/],
  ])('refuses %j', (args, message) => {
    const refused = whatIf(...args);
    expect(refused.code).toBe(2);
    expect(refused.err).toMatch(message);
  });
});
