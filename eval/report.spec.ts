import type { AttackName } from '@protego/simulation';
import { detailLines } from './details';
import { durationOf, expectationLines, namedRules, reportLines, resultsOf, type EvalReport } from './report';
import { tallyOf } from './tally';
import type { ScoredActivity } from './scoring';
import type { RunOutcome } from './watch-run';

const activity = (attack: AttackName, delayMs: number | null, rules: readonly string[]): ScoredActivity => ({
  label: 'l',
  attack,
  activity: `${attack}-one`,
  startsAt: '2026-03-03T10:00:00.000Z',
  rules,
  delayMs,
});

const OUTCOME: RunOutcome = {
  plan: { scenario: 'general', number: 1, seed: 11, days: 2, isClean: false, settings: { attackPace: '2.0000' } },
  eventCount: 5_000,
  wardCount: 5,
  elapsedMs: 1_000,
  attacks: [activity('ransomware', 30_000, ['r1']), activity('ransomware', null, [])],
  twins: [activity('mfa-fatigue', null, ['r2']), activity('mfa-fatigue', null, [])],
  falseAlarms: [
    { ruleId: 'r2', certainAtMs: 0, entities: [{ kind: 'person', id: 'p-1' }], twin: 'mfa-fatigue-one' },
    { ruleId: 'r2', certainAtMs: Date.UTC(2026, 2, 3), entities: [{ kind: 'person', id: 'p-2' }], twin: null },
  ],
  falseAlarmCounts: { r2: { all: 2, onTwins: 1 } },
  fired: ['r1', 'r2'],
  failures: {},
  losses: { detectorsDropped: 3 },
};
const TALLY = tallyOf([OUTCOME]);
const RULE = { kind: 'rule', raises: true, budgetPerWardWeek: 0.5 } as const;

function report(parts: Partial<EvalReport> = {}): EvalReport {
  return {
    machine: { cpu: 'a cpu', cores: 2, memoryBytes: 1, node: 'v20' },
    commit: 'abc',
    results: resultsOf(TALLY),
    attacks: TALLY.attacks,
    rules: namedRules(TALLY, [{ ...RULE, id: 'r2', name: 'rule_two' }]),
    neverFired: ['idle_rule'],
    bounds: [{ name: 'recall at least 0.95', isHeld: false, found: '1 of 2' }],
    losses: Object.fromEntries(TALLY.losses),
    failed: [],
    events: 5_000,
    wardDays: 10,
    cleanWardDays: 0,
    elapsedSeconds: 2,
    ...parts,
  };
}

describe('resultsOf', () => {
  it('gives figures in the shape of benches, and none of what was not planted', () => {
    expect(resultsOf(TALLY)).toEqual([
      { bench: 'eval', metric: 'recall', unit: 'share', value: 0.5, rounds: 1, of: [1, 2] },
      { bench: 'eval', metric: 'recall-ransomware', unit: 'share', value: 0.5, rounds: 1, of: [1, 2] },
      { bench: 'eval', metric: 'false-alarms-per-ward-day', unit: 'alarms', value: 0.2, rounds: 1 },
      { bench: 'eval', metric: 'benign-twin-alarm-rate', unit: 'share', value: 0.5, rounds: 1, of: [1, 2] },
      { bench: 'eval', metric: 'time-to-detection-p50', unit: 's', value: 30, rounds: 1 },
      { bench: 'eval', metric: 'time-to-detection-p90', unit: 's', value: 30, rounds: 1 },
    ]);
  });
});

describe('reportLines', () => {
  const text = (parts?: Partial<EvalReport>): string => reportLines(report(parts)).join('\n');

  it('has a line for each kind of attack and each noisy rule', () => {
    expect(text()).toMatch(/^ransomware +2 +1 +0\.500 +30\.0 s +30\.0 s +0 +0$/m);
    expect(text()).toMatch(/^mfa-fatigue +0 +0 +2 +1$/m);
    expect(text()).toMatch(/^session-hijack-rhythm-only \(expected to be missed\) /m);
    expect(text()).toMatch(/^rule_two +2 +1 +0\.2000 +0$/m);
  });

  it('says what is not as it should be', () => {
    expect(text()).toContain('NOT HELD: recall at least 0.95: 1 of 2');
    expect(text()).toContain('never fired: idle_rule');
    expect(text()).toContain('the pipeline was too small: detectorsDropped 3');
    expect(text({ failed: [{ plan: OUTCOME.plan, message: 'out of beds' }] })).toContain(
      'failed: general, seed 11: out of beds',
    );
  });

  it('says when all is well', () => {
    const held = { name: 'recall at least 0.95', isHeld: true, found: '2 of 2' };
    expect(text({ bounds: [held], rules: [], neverFired: [], losses: {} })).toContain('all 1 bounds are held');
    expect(text({ rules: [] })).toContain('no false alarm');
  });
});

describe('detailLines', () => {
  it('names what was missed and what was false, with what simulates it again', () => {
    const again = '--scenario general --seed 11 --days 2 --set attackPace=2.0000';
    expect(detailLines([OUTCOME], (id) => `name of ${id}`)).toEqual([
      `missed: ransomware (ransomware-one) at 2026-03-03T10:00:00.000Z; ${again}`,
      `twin alarm: mfa-fatigue-one (like mfa-fatigue) at 2026-03-03T10:00:00.000Z by name of r2; ${again}`,
      `false alarm: name of r2 at 2026-03-03T00:00:00.000Z about person p-2; ${again}`,
    ]);
  });
});

describe('words', () => {
  it('tells beforehand what is expected to be missed', () => {
    expect(expectationLines().join()).toContain('session-hijack-rhythm-only');
  });

  it.each([
    [820, '820 ms'],
    [14_200, '14.2 s'],
    [210_000, '3.5 min'],
    [7_560_000, '2.1 h'],
  ])('writes %d milliseconds as %s', (ms, words) => {
    expect(durationOf(ms)).toBe(words);
  });
});
