import { ATTACKS, type AttackName } from '@protego/simulation';
import { EXPECTED_MISSES } from './expectations';
import { quantile } from './statistics';
import type { RunOutcome } from './watch-run';

/** How one kind of attack fared, with the harmless activities that resemble it. */
export interface AttackTally {
  readonly attack: AttackName;
  readonly isExpectedMissed: boolean;
  readonly planted: number;
  readonly found: number;
  /** Time to detection of those found, milliseconds, ascending. */
  readonly delaysMs: readonly number[];
  readonly twins: number;
  readonly twinAlarms: number;
  /** Variants by name, with how many of them were planted and found. */
  readonly variants: readonly { readonly activity: string; readonly planted: number; readonly found: number }[];
}

/** How one rule, correlation or detector fared. */
export interface RuleTally {
  readonly ruleId: string;
  /** In the runs with attacks. */
  readonly falseAlarms: number;
  readonly onTwins: number;
  /** Attacks that it found, alone or with others. */
  readonly attacksFound: number;
  /** Raised in the runs without anything planted. */
  readonly cleanAlarms: number;
}

/** All runs added up. */
export interface Tally {
  readonly runCount: number;
  readonly eventCount: number;
  readonly attacks: readonly AttackTally[];
  readonly rules: readonly RuleTally[];
  readonly wardDays: number;
  readonly cleanWardDays: number;
  readonly falseAlarms: number;
  readonly fired: ReadonlySet<string>;
  readonly failures: ReadonlyMap<string, number>;
  readonly losses: ReadonlyMap<string, number>;
}

/** Adds runs up; attacks by name in their usual order. */
export function tallyOf(outcomes: readonly RunOutcome[]): Tally {
  const planted = outcomes.filter(({ plan }) => !plan.isClean);
  const clean = outcomes.filter(({ plan }) => plan.isClean);
  const rules = rulesOf(planted, clean);
  return {
    runCount: outcomes.length,
    eventCount: outcomes.reduce((sum, { eventCount }) => sum + eventCount, 0),
    attacks: ATTACKS.map((attack) => attackTallyOf(attack, planted)),
    rules,
    wardDays: wardDaysOf(planted),
    cleanWardDays: wardDaysOf(clean),
    falseAlarms: rules.reduce((sum, { falseAlarms }) => sum + falseAlarms, 0),
    fired: new Set(outcomes.flatMap(({ fired }) => fired)),
    failures: summed(outcomes.map(({ failures }) => failures)),
    losses: summed(outcomes.map(({ losses }) => losses)),
  };
}

/** Attacks that were to be found: all kinds but those that are expected to be missed. */
export function recallOf({ attacks }: Tally): { readonly planted: number; readonly found: number } {
  const wanted = attacks.filter(({ isExpectedMissed }) => !isExpectedMissed);
  const sum = (of: (tally: AttackTally) => number): number => wanted.reduce((total, each) => total + of(each), 0);
  return { planted: sum(({ planted }) => planted), found: sum(({ found }) => found) };
}

/** Benign twins of all kinds, and those that raised an alarm. */
export function twinsOf({ attacks }: Tally): { readonly twins: number; readonly alarmed: number } {
  return {
    twins: attacks.reduce((sum, { twins }) => sum + twins, 0),
    alarmed: attacks.reduce((sum, { twinAlarms }) => sum + twinAlarms, 0),
  };
}

/** Quantile of the time to detection over all attacks that were to be found, milliseconds; undefined where none was. */
export function delayMsOf({ attacks }: Tally, share: number): number | undefined {
  return quantile(
    attacks.flatMap(({ isExpectedMissed, delaysMs }) => (isExpectedMissed ? [] : delaysMs)),
    share,
  );
}

function wardDaysOf(outcomes: readonly RunOutcome[]): number {
  return outcomes.reduce((sum, { wardCount, plan }) => sum + wardCount * plan.days, 0);
}

function attackTallyOf(attack: AttackName, outcomes: readonly RunOutcome[]): AttackTally {
  const planted = outcomes.flatMap(({ attacks }) => attacks.filter((each) => each.attack === attack));
  const twins = outcomes.flatMap((outcome) => outcome.twins.filter((each) => each.attack === attack));
  const names = [...new Set(planted.map(({ activity }) => activity))].sort();
  return {
    attack,
    isExpectedMissed: EXPECTED_MISSES.has(attack),
    planted: planted.length,
    found: planted.filter(({ delayMs }) => delayMs !== null).length,
    delaysMs: planted.flatMap(({ delayMs }) => delayMs ?? []).sort((a, b) => a - b),
    twins: twins.length,
    twinAlarms: twins.filter(({ rules }) => rules.length > 0).length,
    variants: names.map((activity) => {
      const own = planted.filter((each) => each.activity === activity);
      return { activity, planted: own.length, found: own.filter(({ delayMs }) => delayMs !== null).length };
    }),
  };
}

function rulesOf(planted: readonly RunOutcome[], clean: readonly RunOutcome[]): RuleTally[] {
  const allOf = (outcomes: readonly RunOutcome[]): Map<string, number> =>
    summed(outcomes.map(({ falseAlarmCounts }) => mapped(falseAlarmCounts, ({ all }) => all)));
  const falseAlarms = allOf(planted);
  const cleanAlarms = allOf(clean);
  const onTwins = summed(planted.map(({ falseAlarmCounts }) => mapped(falseAlarmCounts, (count) => count.onTwins)));
  const found = new Map<string, number>();
  for (const { attacks } of planted)
    for (const ruleId of attacks.flatMap(({ rules }) => rules)) found.set(ruleId, (found.get(ruleId) ?? 0) + 1);
  return [...new Set([...falseAlarms.keys(), ...cleanAlarms.keys(), ...found.keys()])].sort().map((ruleId) => ({
    ruleId,
    falseAlarms: falseAlarms.get(ruleId) ?? 0,
    onTwins: onTwins.get(ruleId) ?? 0,
    attacksFound: found.get(ruleId) ?? 0,
    cleanAlarms: cleanAlarms.get(ruleId) ?? 0,
  }));
}

function mapped<T>(record: Readonly<Record<string, T>>, of: (value: T) => number): Record<string, number> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, of(value)]));
}

function summed(records: readonly Readonly<Record<string, number>>[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const record of records)
    for (const [key, count] of Object.entries(record)) sums.set(key, (sums.get(key) ?? 0) + count);
  return sums;
}
