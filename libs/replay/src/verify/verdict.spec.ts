import { canonicalJson, formatRfc3339, type Detection } from '@protego/contracts';
import { merkleRootOf } from '@protego/event-log';
import { compileSigma, detectionId } from '@protego/streams';
import { START_MS, compareAfter, type Files, type Happening } from './testing/erased-history';
import type { RunComparison } from './verdict';

const rules = compileSigma([
  {
    path: 'r.yml',
    text: `
title: Member
id: member
name: member
logsource: { category: access.privilege-changed, product: protego }
detection: { selection: { user.uid: root }, condition: selection }
level: low
---
title: Many
id: many
correlation: { type: event_count, rules: [member], group-by: [device.uid], timespan: 1m, condition: { gte: 2 }, generate: true }
level: low
---
title: Few
id: few
correlation: { type: event_count, rules: [member], group-by: [device.uid], timespan: 1m, condition: { gte: 1, lt: 2 }, generate: true }
level: low
`,
  },
]);

const compare = (
  happenings: readonly Happening[],
  isErased: (seq: number) => boolean,
  change?: (files: Files) => Files,
): Promise<RunComparison> => compareAfter(rules, happenings, isErased, change);

const of = (line: string): Detection => JSON.parse(line) as Detection;

/** Files with other detections, whose evidence and manifest fit them as well as a forger can make them fit. */
function withDetections(files: Files, detections: readonly (readonly [line: string, evidence: string])[]): Files {
  const sorted = [...detections].sort(([a], [b]) => {
    const keyOf = (line: string): string => `${of(line).certainAt} ${of(line).ruleId} ${of(line).id}`;
    return keyOf(a) < keyOf(b) ? -1 : 1;
  });
  const lines = sorted.map(([line]) => line);
  const byRule: Record<string, number> = {};
  for (const line of lines) byRule[of(line).ruleId] = (byRule[of(line).ruleId] ?? 0) + 1;
  const counts = { ...files.manifest.counts, detections: lines.length, byRule };
  const manifest = { ...files.manifest, counts, outputHash: merkleRootOf(lines) };
  return { ...files, manifest, detections: lines, evidence: sorted.map(([, evidence]) => evidence) };
}

const pairsOf = ({ detections = [], evidence = [] }: Files): (readonly [string, string])[] =>
  detections.map((line, at) => [line, evidence[at] as string]);
const without = (isGone: (detection: Detection) => boolean) => (files: Files) =>
  withDetections(
    files,
    pairsOf(files).filter(([line]) => !isGone(of(line))),
  );
const changed =
  (is: (detection: Detection) => boolean, change: (detection: Detection) => Detection) => (files: Files) =>
    withDetections(
      files,
      pairsOf(files).map(([line, evidence]) => [is(of(line)) ? canonicalJson(change(of(line))) : line, evidence]),
    );
/** Adds a line that is made after one that is there: of another event, under the id that fits it or another. */
const invented =
  (ruleId: string, seqs: readonly number[], over: Partial<Detection> = {}) =>
  (files: Files) => {
    const model = of((files.detections ?? []).find((line) => of(line).ruleId === ruleId) as string);
    const line = canonicalJson({ ...model, ...over });
    const { checkpoint } = JSON.parse(files.evidence?.[0] as string) as { checkpoint: unknown };
    const evidence = canonicalJson({ id: of(line).id, seqs, checkpoint });
    return withDetections(files, [...pairsOf(files), [line, evidence]]);
  };
const isAt = (ruleId: string, atS: number) => (detection: Detection) =>
  detection.ruleId === ruleId && detection.certainAt === formatRfc3339(START_MS + atS * 1_000);

const nobody = (): boolean => false;
const only =
  (...seqs: number[]) =>
  (seq: number): boolean =>
    seqs.includes(seq);

describe('compareRuns', () => {
  // On pump-1 twice in a minute, later once more; on pump-2 twice.
  const HISTORY: readonly Happening[] = [
    [0, 'pump-1', 'root'],
    [10, 'pump-1', 'root'],
    [20, 'pump-2', 'anna'],
    [300, 'pump-2', 'root'],
    [310, 'pump-2', 'root'],
    [600, 'pump-1', 'root'],
  ];

  it('says MATCH where everything is the same', async () => {
    expect(await compare(HISTORY, nobody)).toMatchObject({
      ...{ verdict: 'MATCH', undecidable: 0, differing: 0, files: [], exceptions: [] },
    });
  });

  it('names the first line that differs', async () => {
    const compared = await compare(HISTORY, nobody, without(isAt('member', 10)));
    expect(compared).toMatchObject({
      verdict: 'DIFFERS',
      differing: 1,
      first: { side: 'again', file: 'detections.jsonl' },
    });
  });

  it('excepts lines that an erasure leaves undecidable, through correlations as well', async () => {
    const compared = await compare(HISTORY, only(1));
    expect(compared).toMatchObject({ verdict: 'MATCH-EXCEPT-ERASED', differing: 0 });
    expect(
      compared.exceptions.map(({ side, line }) => [side, of(line).ruleId, of(line).certainAt.slice(14, 19)]),
    ).toEqual([
      ['recorded', 'many', '00:10'],
      ['recorded', 'member', '00:10'],
    ]);
  });

  it('excepts a line that an erasure moves to a later event of the same group', async () => {
    const history: Happening[] = [
      [0, 'pump-1', 'root'],
      [10, 'pump-1', 'root'],
      [20, 'pump-1', 'root'],
      [600, 'pump-9', 'anna'],
    ];
    const compared = await compare(history, only(0));
    expect(compared).toMatchObject({ verdict: 'MATCH-EXCEPT-ERASED', differing: 0 });
    expect(compared.exceptions.filter(({ side }) => side === 'again').map(({ line }) => of(line).ruleId)).toEqual([
      ...['few', 'many'],
    ]);
  });

  it('finds a true line that was deleted, although another record of its rule is erased', async () => {
    for (const [rule, atS] of [
      ['member', 300],
      ['many', 310],
      ['few', 300],
    ] as const) {
      const compared = await compare(HISTORY, only(1), without(isAt(rule, atS)));
      expect([rule, compared.verdict, compared.differing]).toEqual([rule, 'DIFFERS', 1]);
      expect(compared.first).toMatchObject({ side: 'again', file: 'detections.jsonl' });
    }
  });

  it('finds a line that was invented, whatever it says it rests on', async () => {
    const id = 'ab'.repeat(16);
    const entities = [{ kind: 'person', id: '~s.BBBBBBBBBBBBBBBBBBBBBB' }];
    for (const [rule, seqs, over] of [
      ['member', [2], { id, entities }],
      ['member', [1], { id, entities }],
      ['member', [1], { id }],
      ['member', [9_999], { id }],
      ['many', [3, 4], { id }],
      ['many', [1, 4], { id }],
      ['many', [], { id, eventCount: 0 }],
    ] as const) {
      const compared = await compare(HISTORY, only(1), invented(rule, seqs, over));
      expect([rule, seqs, compared.verdict, compared.differing]).toEqual([rule, seqs, 'DIFFERS', 1]);
    }
  });

  it('finds an invented line whose id fits events that are not erased', async () => {
    const at = START_MS + 20_000;
    const [startMs, endMs] = [at, at + 1];
    const [rule] = rules.rules;
    const refs = [[2, 'ehr', 'e-2']] as const;
    const id = detectionId({ rule: rule as never, groupKey: '[]', startMs, endMs, refs });
    const window = { start: formatRfc3339(startMs), end: formatRfc3339(endMs) };
    const lie = invented('member', [2], { id, window, certainAt: formatRfc3339(at) });
    expect(await compare(HISTORY, only(1), lie)).toMatchObject({ verdict: 'DIFFERS', differing: 1 });
  });

  it('finds words that were altered where nothing behind the line is erased', async () => {
    const alter = changed(isAt('member', 300), (detection) => ({ ...detection, why: 'nothing' }));
    expect(await compare(HISTORY, only(1), alter)).toMatchObject({ verdict: 'DIFFERS', differing: 2 });
  });

  it('recognises lines that hang on records beyond those that the coverage names', async () => {
    const history = Array.from({ length: 2_400 }, (_, n): Happening => [
      n * 100,
      'pump-1',
      n % 2 === 0 ? 'root' : 'anna',
    ]);
    const compared = await compare(history, (seq) => seq % 2 === 0);
    expect(compared).toMatchObject({ verdict: 'MATCH-EXCEPT-ERASED', differing: 0, undecidable: 2_400 });
    const forged = await compare(history, (seq) => seq % 2 === 0 && seq < 2_300, without(isAt('member', 235_000)));
    expect(forged).toMatchObject({ verdict: 'DIFFERS', differing: 1 });
  });
});

describe('the other files of a run', () => {
  const HISTORY: readonly Happening[] = [
    [0, 'pump-1', 'root'],
    [10, 'pump-1', 'root'],
    [300, 'pump-2', 'root'],
  ];
  const first = (lines: readonly string[] = [], change: (line: Record<string, unknown>) => object): string[] =>
    lines.map((line, at) => (at === 0 ? canonicalJson(change(JSON.parse(line) as Record<string, unknown>)) : line));
  const FORGERIES: [string, (files: Files) => Files][] = [
    ['evidence.jsonl', (f) => ({ ...f, evidence: first(f.evidence, (line) => ({ ...line, seqs: [2] })) })],
    ['evidence.jsonl', (f) => ({ ...f, evidence: (f.evidence ?? []).slice(1) })],
    ['evidence.jsonl', (f) => ({ ...f, evidence: [...(f.evidence ?? []), 'more'] })],
    ['coverage.jsonl', (f) => ({ ...f, coverage: ['{"kind":"run","erased":{"count":0}}'] })],
    [
      'coverage.jsonl',
      (f) => ({ ...f, coverage: first(f.coverage, (line) => ({ ...line, late: { count: 1, ranges: [[2, 3]] } })) }),
    ],
    ['undecidable.jsonl', (f) => ({ ...f, undecidable: ['{"fields":["user.uid"],"ruleId":"member","seq":2}'] })],
    ...(['records', 'events', 'late', 'skewed', 'ruleFailed', 'undecidable', 'detections'] as const).map(
      (name): [string, (files: Files) => Files] => [
        'manifest.json',
        (f) => ({ ...f, manifest: { ...f.manifest, counts: { ...f.manifest.counts, [name]: 77 } } }),
      ],
    ),
    ['manifest.json', (f) => ({ ...f, manifest: { ...f.manifest, counts: { ...f.manifest.counts, byRule: {} } } })],
    ['manifest.json', (f) => ({ ...f, manifest: { ...f.manifest, mutes: { ...f.manifest.mutes, muted: 5 } } })],
  ];

  it.each(FORGERIES)('are compared: %s', async (file, forge) => {
    for (const isErased of [nobody, only(1)]) {
      const compared = await compare(HISTORY, isErased, forge);
      expect(compared).toMatchObject({ verdict: 'DIFFERS', differing: 0, first: { file } });
    }
  });

  it('may differ in what was erased since, and in nothing else', async () => {
    const compared = await compare(HISTORY, only(1));
    expect(compared.verdict).toBe('MATCH-EXCEPT-ERASED');
    expect(compared.files.map(({ file, differing }) => [file, differing])).toEqual([
      ['coverage.jsonl', 0],
      ['undecidable.jsonl', 0],
      ['manifest.json', 0],
    ]);
  });

  it('are named where they are missing', async () => {
    const { verdict, files } = await compare(HISTORY, nobody, ({ manifest, detections }) => ({
      manifest,
      ...(detections === undefined ? {} : { detections }),
    }));
    expect(verdict).toBe('MATCH');
    expect(files.map(({ file, isMissing }) => [file, isMissing])).toEqual([
      ['evidence.jsonl', true],
      ['coverage.jsonl', true],
    ]);
  });
});
