import { ATTACKS } from '@protego/simulation';
import { checkBounds, type BoundCheck } from './bounds';
import { leastMean, quantile, shareLimits } from './statistics';
import { tallyOf, delayMsOf, recallOf, twinsOf } from './tally';
import type { ScoredActivity } from './scoring';
import type { RunOutcome } from './watch-run';
import type { WatchedRule } from './watched-rules';

const RULE: WatchedRule = { id: 'r1', name: 'rule_one', kind: 'rule', raises: true, budgetPerWardWeek: 0.5 };
const PLAN = { scenario: 'general', number: 1, seed: 3, days: 7, isClean: false, settings: {} };

function activity(attack: (typeof ATTACKS)[number], delayMs: number | null, rules = ['r1']): ScoredActivity {
  const name = `${attack}-one`;
  return { label: name, attack, activity: name, startsAt: '', rules: delayMs === null ? [] : rules, delayMs };
}

/** Ten attacks and ten quiet twins of every kind; all found but the kind that is expected to be missed. */
function outcome(parts: Partial<RunOutcome> = {}): RunOutcome {
  const ten = (of: (attack: (typeof ATTACKS)[number]) => ScoredActivity): ScoredActivity[] =>
    ATTACKS.flatMap((attack) => Array.from({ length: 10 }, () => of(attack)));
  return {
    plan: PLAN,
    eventCount: 1_000,
    wardCount: 10,
    elapsedMs: 1,
    attacks: ten((attack) => activity(attack, attack === 'session-hijack-rhythm-only' ? null : 1_000)),
    twins: ten((attack) => ({ ...activity(attack, null), rules: [] })),
    falseAlarms: [],
    falseAlarmCounts: {},
    fired: ['r1'],
    failures: {},
    losses: {},
    ...parts,
  };
}

const CLEAN = outcome({ plan: { ...PLAN, isClean: true }, attacks: [], twins: [] });
const broken = (outcomes: readonly RunOutcome[], rules = [RULE], isSample = false): string[] =>
  checkBounds(tallyOf(outcomes), rules, isSample)
    .filter(({ isHeld }: BoundCheck) => !isHeld)
    .map(({ name }) => name);
const missing = (attack: string, count: number): Partial<RunOutcome> => {
  let left = count;
  const attacks = outcome().attacks.map((each) =>
    each.attack === attack && left-- > 0 ? { ...each, delayMs: null } : each,
  );
  return { attacks };
};
const noisy = (count: number, isClean: boolean): RunOutcome =>
  outcome({ ...(isClean ? CLEAN : {}), falseAlarmCounts: { r1: { all: count, onTwins: 0 } } });

describe('checkBounds', () => {
  it('is content with a hospital that holds all of them', () => {
    expect(broken([outcome(), CLEAN])).toEqual([]);
  });

  it('leaves kinds that are expected to be missed out of recall', () => {
    expect(recallOf(tallyOf([outcome()]))).toEqual({ planted: 260, found: 260 });
  });

  it('wants a recall of every kind', () => {
    expect(broken([outcome(missing('ransomware', 2))])).toEqual([]);
    expect(broken([outcome(missing('ransomware', 3))])).toEqual(['recall of ransomware at least 0.8']);
  });

  it('wants a recall over all kinds', () => {
    const attacks = outcome().attacks.map((each, n) => (n % 10 === 0 ? { ...each, delayMs: null } : each));
    expect(broken([outcome({ attacks })])).toEqual(['recall at least 0.95']);
  });

  it('wants few false alarms in the runs with attacks', () => {
    expect(broken([noisy(70, false)])).toEqual([]);
    expect(broken([noisy(71, false)])).toEqual(['at most 1 false alarm per ward and day']);
  });

  it('wants few alarms on twins', () => {
    const alarmed = (count: number): RunOutcome =>
      outcome({ twins: outcome().twins.map((each, n) => (n < count ? { ...each, rules: ['r1'] } : each)) });
    expect(twinsOf(tallyOf([alarmed(13)]))).toEqual({ twins: 270, alarmed: 13 });
    expect(broken([alarmed(13)])).toEqual([]);
    expect(broken([alarmed(14)])).toEqual(['alarms on at most 0.05 of benign twins']);
  });

  it('wants every rule within its budget where nothing is planted', () => {
    expect(broken([outcome(), noisy(5, true)])).toEqual([]);
    expect(broken([outcome(), noisy(6, true)])).toEqual(['rule_one within its budget of 0.5 per ward and week']);
    expect(broken([outcome(), noisy(6, true)], [{ ...RULE, budgetPerWardWeek: 0.6 }])).toEqual([]);
  });

  it('wants every kind of attack planted, and twins of it', () => {
    const without = outcome().attacks.filter(({ attack }) => attack !== 'dicom-polyglot');
    expect(broken([outcome({ attacks: without })])).toEqual(['every kind of attack planted, with benign twins']);
    const twins = outcome().twins.filter(({ attack }) => attack !== 'dicom-polyglot');
    expect(broken([outcome({ twins })])).toEqual(['every kind of attack planted, with benign twins']);
  });

  it('wants every rule to fire, and none to fail', () => {
    const idle = { ...RULE, id: 'r2', name: 'idle' };
    const [check] = checkBounds(tallyOf([outcome()]), [RULE, idle], false).filter(({ isHeld }) => !isHeld);
    expect(check).toMatchObject({ found: 'never: idle' });
    expect(broken([outcome({ failures: { r1: 2 } })])).toEqual(['r1 never fails']);
  });

  it('lets a small sample off unless it excludes the bound', () => {
    const few = (found: number, planted: number): RunOutcome =>
      outcome({
        attacks: Array.from({ length: planted }, (_, n) => activity('ransomware', n < found ? 1 : null)),
        twins: [],
      });
    expect(broken([few(2, 3)], [RULE], true)).toEqual([]);
    expect(broken([few(0, 6)], [RULE], true)).toContain('recall of ransomware at least 0.8');
    expect(broken([noisy(75, false)], [RULE], true)).toEqual([]);
    expect(broken([noisy(100, false)], [RULE], true)).toEqual(['at most 1 false alarm per ward and day']);
    expect(broken([outcome(), noisy(8, true)], [RULE], true)).toEqual([]);
    expect(broken([outcome(), noisy(20, true)], [RULE], true)).toHaveLength(1);
  });
});

describe('tallyOf', () => {
  it('adds runs up and keeps the runs without attacks apart', () => {
    const tally = tallyOf([noisy(3, false), noisy(4, true), outcome()]);
    expect(tally).toMatchObject({ runCount: 3, eventCount: 3_000, wardDays: 140, cleanWardDays: 70, falseAlarms: 3 });
    expect(tally.rules).toEqual([{ ruleId: 'r1', falseAlarms: 3, onTwins: 0, cleanAlarms: 4, attacksFound: 520 }]);
  });

  it('measures time to detection over what was found', () => {
    const attacks = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => activity('ransomware', n * 1_000));
    const tally = tallyOf([outcome({ attacks: [...attacks, activity('ransomware', null)] })]);
    expect([delayMsOf(tally, 0.5), delayMsOf(tally, 0.9)]).toEqual([5_000, 9_000]);
    expect(delayMsOf(tallyOf([]), 0.5)).toBeUndefined();
  });
});

describe('statistics', () => {
  it('gives quantiles by nearest rank', () => {
    expect(quantile([3, 1, 2], 0.5)).toBe(2);
    expect(quantile([5], 0.9)).toBe(5);
    expect(quantile([], 0.5)).toBeUndefined();
  });

  it('gives limits that close in on the share as the sample grows', () => {
    expect(shareLimits(0, 0)).toEqual({ least: 0, greatest: 1 });
    const [few, many] = [shareLimits(8, 10), shareLimits(8_000, 10_000)];
    expect(few.least).toBeLessThan(0.5);
    expect(few.greatest).toBeGreaterThan(0.9);
    expect(many.least).toBeGreaterThan(0.79);
    expect(many.greatest).toBeLessThan(0.81);
  });

  it('gives the least mean behind a count', () => {
    expect(leastMean(0)).toBe(0);
    expect(leastMean(100)).toBeGreaterThan(75);
    expect(leastMean(100)).toBeLessThan(80);
  });
});
