import { leastMean, shareLimits } from './statistics';
import { recallOf, twinsOf, type AttackTally, type Tally } from './tally';
import type { WatchedRule } from './watched-rules';

/** Bounds of acceptance. */
export const BOUNDS = {
  recallMin: 0.95,
  recallOfKindMin: 0.8,
  falseAlarmsPerWardDayMax: 1,
  twinAlarmRateMax: 0.05,
} as const;

/** One bound, and whether it is held. */
export interface BoundCheck {
  readonly name: string;
  readonly isHeld: boolean;
  /** What was found, for a person. */
  readonly found: string;
}

const DAYS_PER_WEEK = 7;

/**
 * Checks the bounds of acceptance. With a small sample (`isSample`) a bound counts as held unless the sample excludes it: in 99 of
 * 100 samples of a hospital that holds it exactly, it does not. Kinds of attack that were not planted and rules that did not fire
 * break a bound of the whole evaluation only.
 */
export function checkBounds(tally: Tally, rules: readonly WatchedRule[], isSample: boolean): BoundCheck[] {
  return [
    ...recallChecks(tally, isSample),
    falseAlarmCheck(tally, isSample),
    twinCheck(tally, isSample),
    ...budgetChecks(tally, rules, isSample),
    ...(isSample ? [] : [...plantedChecks(tally), ...coverageChecks(tally, rules)]),
    ...failureChecks(tally),
  ];
}

function recallChecks(tally: Tally, isSample: boolean): BoundCheck[] {
  const all = recallOf(tally);
  const isEnough = ({ found, planted }: { found: number; planted: number }, bound: number): boolean =>
    planted === 0 || (isSample ? shareLimits(found, planted).greatest : found / planted) >= bound;
  const kinds = tally.attacks.filter(({ isExpectedMissed, planted }) => !isExpectedMissed && planted > 0);
  return [
    {
      name: `recall at least ${BOUNDS.recallMin}`,
      isHeld: isEnough(all, BOUNDS.recallMin),
      found: `${all.found} of ${all.planted}`,
    },
    ...kinds.map((kind) => ({
      name: `recall of ${kind.attack} at least ${BOUNDS.recallOfKindMin}`,
      isHeld: isEnough(kind, BOUNDS.recallOfKindMin),
      found: `${kind.found} of ${kind.planted}${missedVariants(kind)}`,
    })),
  ];
}

function missedVariants({ variants }: AttackTally): string {
  const missed = variants.filter(({ planted, found }) => found < planted);
  if (missed.length === 0) return '';
  return ` (${missed.map(({ activity, found, planted }) => `${activity} ${found} of ${planted}`).join(', ')})`;
}

function falseAlarmCheck({ falseAlarms, wardDays }: Tally, isSample: boolean): BoundCheck {
  const count = isSample ? leastMean(falseAlarms) : falseAlarms;
  return {
    name: `at most ${BOUNDS.falseAlarmsPerWardDayMax} false alarm per ward and day`,
    isHeld: count <= BOUNDS.falseAlarmsPerWardDayMax * wardDays,
    found: `${falseAlarms} in ${wardDays} ward-days`,
  };
}

function twinCheck(tally: Tally, isSample: boolean): BoundCheck {
  const { twins, alarmed } = twinsOf(tally);
  const rate = isSample ? shareLimits(alarmed, twins).least : alarmed / Math.max(1, twins);
  return {
    name: `alarms on at most ${BOUNDS.twinAlarmRateMax} of benign twins`,
    isHeld: rate <= BOUNDS.twinAlarmRateMax,
    found: `${alarmed} of ${twins}`,
  };
}

function budgetChecks(tally: Tally, rules: readonly WatchedRule[], isSample: boolean): BoundCheck[] {
  const wardWeeks = tally.cleanWardDays / DAYS_PER_WEEK;
  if (wardWeeks === 0) return [];
  const raised = new Map(tally.rules.map(({ ruleId, cleanAlarms }) => [ruleId, cleanAlarms]));
  const checks = rules.map(({ id, name, budgetPerWardWeek }) => {
    const count = raised.get(id) ?? 0;
    return {
      name: `${name} within its budget of ${budgetPerWardWeek} per ward and week`,
      isHeld: (isSample ? leastMean(count) : count) <= budgetPerWardWeek * wardWeeks,
      found: `${count} in ${wardWeeks.toFixed(1)} ward-weeks without attacks`,
    };
  });
  const broken = checks.filter(({ isHeld }) => !isHeld);
  if (broken.length > 0) return broken;
  return [{ name: 'every rule within its budget', isHeld: true, found: `${rules.length} rules` }];
}

function plantedChecks({ attacks }: Tally): BoundCheck[] {
  const lacking = attacks.filter(({ planted, twins }) => planted === 0 || twins === 0);
  const text = lacking.map(
    ({ attack, planted }) => `${attack} (${planted === 0 ? 'never planted' : 'no benign twin'})`,
  );
  return [
    {
      name: 'every kind of attack planted, with benign twins',
      isHeld: lacking.length === 0,
      found: lacking.length === 0 ? `${attacks.length} kinds` : text.join(', '),
    },
  ];
}

function coverageChecks({ fired }: Tally, rules: readonly WatchedRule[]): BoundCheck[] {
  const idle = rules.filter(({ id }) => !fired.has(id));
  return [
    {
      name: 'every rule, correlation and detector fires in some run',
      isHeld: idle.length === 0,
      found: idle.length === 0 ? `${rules.length} of them` : `never: ${idle.map(({ name }) => name).join(', ')}`,
    },
  ];
}

function failureChecks({ failures }: Tally): BoundCheck[] {
  return [...failures].map(([ruleId, count]) => ({
    name: `${ruleId} never fails`,
    isHeld: false,
    found: `threw ${count} times`,
  }));
}
