import { canonicalJson, eventRegistry, EventValidator } from '@protego/contracts';
import {
  assessmentOf,
  changeRecordOf,
  changeRecordText,
  diffHashOf,
  diffText,
  parseChangeRecord,
  parseDiff,
} from '../change-record';
import type { WhatIfDiff } from '../whatif-shape';
import { compare, detectionOf, factsOf, labelOf } from '../testing/run-kit';
import { htmlReport } from './html-report';
import { junitReport } from './junit-report';
import { textReport } from './text-report';
import { countOf, numberOf, shiftText, spanText } from './words';

const HOSTILE = 'x</td><script>alert(1)</script>&"\u0000\u001b[2J';
const COST = {
  baseline: { elapsedMs: 1_500, eventsPerSecond: 12_345 },
  candidate: { elapsedMs: 10, eventsPerSecond: 1 },
};

function sample(): WhatIfDiff {
  const before = [detectionOf('m', { atMinute: 90, seqs: [1, 2] }), detectionOf('l', { atMinute: 2, seqs: [3] })];
  const after = [
    detectionOf('m2', { atMinute: 30, seqs: [1, 2] }),
    detectionOf('n', {
      atMinute: 3,
      seqs: [4],
      title: HOSTILE,
      why: HOSTILE,
      entities: [{ kind: 'host', id: HOSTILE }],
    }),
  ];
  const facts = [1, 2, 3, 4].map((seq) =>
    factsOf(seq, [{ kind: 'device', id: 'd', ward: `ward <${seq}>`, role: null }]),
  );
  return compare(before, after, {
    facts,
    gates: ['lost', 'added'],
    labels: { labels: [labelOf('l1', 3)], namesOf: () => [] },
  });
}

describe('reports', () => {
  const diff = sample();

  it('are the same bytes for the same difference', () => {
    const again = sample();
    expect(diffHashOf(again)).toBe(diffHashOf(diff));
    for (const made of [textReport, htmlReport, junitReport]) expect(made(again)).toBe(made(diff));
  });

  it('say in plain words what became of each detection, and why', () => {
    const text = textReport(diff, COST);
    expect(text).toContain('detections: 2 before, 2 after; 1 added, 1 lost, 1 earlier');
    expect(text).toContain('EARLIER  2026-03-02 07:30:00, 1 h earlier  Rule a');
    expect(text).toContain('because the rule was changed');
    expect(text).toContain('selection `selection`, `user.uid` from `root` to `anna`');
    expect(text).toContain('not found any more: activity-l1 (l1)');
    expect(text).toContain('baseline: 10 events, 1.5 s, 12,345 events a second');
    expect(text).toMatch(/FAILED {2}lost: 1 findings lost/);
  });

  it('take what a log says as text, never as markup', () => {
    const [html, junit] = [htmlReport(diff, COST), junitReport(diff)];
    for (const made of [html, junit]) {
      expect(made).not.toContain('<script');
      expect(made).not.toContain('\u0000');
      expect(made).not.toContain('\u001b');
    }
    expect(html).toContain('&lt;script&gt;');
    expect(html).toContain('ward &lt;1&gt;');
  });

  it('plot load, rules and shifts where there are any', () => {
    const figures = (page: string): string[] => [...page.matchAll(/<figure id="([^"]+)"/g)].map(([, id]) => id ?? '');
    expect(figures(htmlReport(diff))).toEqual([
      ...['plot-findings-by-rule', 'plot-shifts'],
      ...['plot-load-by-ward', 'plot-load-by-day', 'plot-load-by-ward-and-day'],
    ]);
    const nothing = htmlReport(compare([], []));
    expect(figures(nothing)).toEqual([]);
    expect(nothing).toContain('There was no alert in either run.');
  });

  it('put a gate that failed and the rules that it failed by into JUnit', () => {
    const junit = junitReport(diff);
    expect(junit).toMatch(/<testsuite name="whatif.gates" tests="14" failures="2" errors="0" skipped="12">/);
    expect(junit).toMatch(/name="Rule a \(a\)"><failure message="added, lost: /);
  });
});

describe('change record', () => {
  const diff = sample();
  const record = changeRecordOf(diff, 'key', { 'diff.json': '00'.repeat(32) });

  it('has a hash that what the runs took has no part in', () => {
    expect(parseDiff(diffText(diff, COST))).toEqual(diff);
    expect(diffHashOf(parseDiff(diffText(diff, COST)))).toBe(record.assessment.diffHash);
    expect(diffText(diff, COST)).toBe(`${canonicalJson({ ...diff, cost: COST })}\n`);
  });

  it('has a hash in which the names of the sets have no part, and all else has', () => {
    const renamed = { ...diff, baseline: { ...diff.baseline, name: '/elsewhere' } };
    expect(diffHashOf(renamed)).toBe(diffHashOf(diff));
    const other = { ...diff, baseline: { ...diff.baseline, engine: 'x' } };
    expect(diffHashOf(other)).not.toBe(diffHashOf(diff));
  });

  it('is read as it was written', () => expect(parseChangeRecord(changeRecordText(record))).toEqual(record));

  it.each([
    ['protego/other/1\n', /no change record/],
    ['protego/change-record/1\nprotego/north\n{', /not JSON/],
    ['protego/change-record/1\nprotego/north\n{}', /lacks/],
    [changeRecordText(record).replace('protego/north', 'protego/south'), /lacks/],
  ])('refuses %j', (text, message) => {
    expect(() => parseChangeRecord(text)).toThrow(message);
  });

  it('becomes an event of hashes and counts', () => {
    const data = assessmentOf(record, 'note', 'change 17');
    expect(data.differences).toEqual({ added: 1, lost: 1, earlier: 1, later: 0, changed: 0 });
    expect(data.gates).toEqual({ asked: ['added', 'lost'], failed: ['added', 'lost'] });
    const event = {
      ...{ specversion: '1.0', id: 'c1', source: 'protego', type: 'artefact.change-assessed', site: 'north' },
      ...{ time: '2026-03-02T07:00:00.000Z', data },
    };
    const validator = new EventValidator(eventRegistry);
    expect(() => validator.check(event)).not.toThrow();
    const numbered = { ...data, range: { from: 1, to: -1 } };
    expect(() => validator.check({ ...event, data: numbered })).toThrow(/range/);
  });
});

describe('words', () => {
  it.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [3_000, '3 s'],
    [3_905_000, '1 h 5 min'],
    [86_400_000 * 3, '3 d'],
    [-61_000, '1 min 1 s'],
  ])('%d ms is %s', (ms, text) => expect(spanText(ms)).toBe(text));

  it('says shifts and counts as a person does', () => {
    expect([shiftText(-60_000), shiftText(0), shiftText(1)]).toEqual([
      '1 min earlier',
      'at the same time',
      '1 ms later',
    ]);
    expect([countOf(1, 'rule'), countOf(1_234_567, 'rule'), numberOf(12)]).toEqual(['1 rule', '1,234,567 rules', '12']);
  });
});
