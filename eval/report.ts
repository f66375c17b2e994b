import type { Machine } from '../bench/host';
import type { BoundCheck } from './bounds';
import { EXPECTED_MISSES } from './expectations';
import type { FailedRun } from './thread-pool';
import { textTable } from './text-table';
import { quantile } from './statistics';
import { delayMsOf, recallOf, twinsOf, type AttackTally, type RuleTally, type Tally } from './tally';
import type { WatchedRule } from './watched-rules';

/** One figure; the shape that `npm run bench --json` prints too. */
export interface EvalResult {
  readonly bench: 'eval';
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
  /** Simulated histories that it rests on. */
  readonly rounds: number;
  /** What was counted, where the value is a share: so many of so many. */
  readonly of?: readonly [number, number];
}

/** All that one evaluation found. */
export interface EvalReport {
  readonly machine: Machine;
  readonly commit: string;
  readonly results: readonly EvalResult[];
  readonly attacks: readonly AttackTally[];
  readonly rules: readonly (RuleTally & { readonly name: string; readonly budgetPerWardWeek: number })[];
  readonly neverFired: readonly string[];
  readonly bounds: readonly BoundCheck[];
  /** Events that the pipeline had to drop or evict, by counter. */
  readonly losses: Readonly<Record<string, number>>;
  readonly failed: readonly FailedRun[];
  readonly events: number;
  readonly wardDays: number;
  readonly cleanWardDays: number;
  readonly elapsedSeconds: number;
}

/** The figures of an evaluation. Figures of what was never planted are left out. */
export function resultsOf(tally: Tally): EvalResult[] {
  const { attacks, runCount, falseAlarms, wardDays } = tally;
  const share = (metric: string, hits: number, count: number): EvalResult[] =>
    count === 0
      ? []
      : [{ bench: 'eval', metric, unit: 'share', value: hits / count, rounds: runCount, of: [hits, count] }];
  const seconds = (metric: string, ms: number | undefined): EvalResult[] =>
    ms === undefined ? [] : [{ bench: 'eval', metric, unit: 's', value: ms / 1_000, rounds: runCount }];
  const { planted, found } = recallOf(tally);
  const { twins, alarmed } = twinsOf(tally);
  return [
    ...share('recall', found, planted),
    ...attacks.flatMap((each) => share(`recall-${each.attack}`, each.found, each.planted)),
    {
      bench: 'eval',
      metric: 'false-alarms-per-ward-day',
      unit: 'alarms',
      value: wardDays === 0 ? 0 : falseAlarms / wardDays,
      rounds: runCount,
    },
    ...share('benign-twin-alarm-rate', alarmed, twins),
    ...seconds('time-to-detection-p50', delayMsOf(tally, 0.5)),
    ...seconds('time-to-detection-p90', delayMsOf(tally, 0.9)),
  ];
}

/** What is said before the runs begin. */
export function expectationLines(): string[] {
  return [...EXPECTED_MISSES].map(
    ([attack, reason]) => `expected to be missed, and no part of recall: ${attack} (${reason})`,
  );
}

/** The report as lines for a person. */
export function reportLines(report: EvalReport): string[] {
  const { machine, commit, results, attacks, rules, neverFired, bounds, losses, failed } = report;
  const { events, wardDays, cleanWardDays, elapsedSeconds } = report;
  const speed = Math.round(events / Math.max(elapsedSeconds, 0.001)).toLocaleString('en-US');
  return [
    `machine: ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}`,
    `commit: ${commit}`,
    `watched: ${wardDays} ward-days with attacks, ${cleanWardDays} without; ${events.toLocaleString('en-US')} events in ${elapsedSeconds.toFixed(0)} s, ${speed} events/s`,
    '',
    ...textTable([ATTACK_HEAD, ...attacks.map(attackRow)]),
    '',
    ...results
      .filter(({ metric }) => !metric.startsWith('recall-'))
      .map(
        ({ metric, value, unit, of }) =>
          `${metric}: ${figure(value)} ${unit}${of === undefined ? '' : ` (${of[0]} of ${of[1]})`}`,
      ),
    '',
    ...ruleLines(rules, wardDays, cleanWardDays),
    ...(neverFired.length === 0 ? [] : [`never fired: ${neverFired.join(', ')}`]),
    ...Object.entries(losses).map(([counter, count]) => `the pipeline was too small: ${counter} ${count}`),
    ...failureLines(failed),
    '',
    ...boundLines(bounds),
  ];
}

const ATTACK_HEAD = ['attack', 'planted', 'found', 'recall', 'p50', 'p90', 'twins', 'twin alarms'];

function attackRow({ attack, isExpectedMissed, planted, found, delaysMs, twins, twinAlarms }: AttackTally): string[] {
  const delay = (share: number): string => {
    const ms = quantile(delaysMs, share);
    return ms === undefined ? '' : durationOf(ms);
  };
  return [
    isExpectedMissed ? `${attack} (expected to be missed)` : attack,
    String(planted),
    String(found),
    planted === 0 ? '' : (found / planted).toFixed(3),
    delay(0.5),
    delay(0.9),
    String(twins),
    String(twinAlarms),
  ];
}

const RULE_HEAD = ['false alarms of', 'with attacks', 'on twins', 'per ward-day', 'without attacks', 'attacks found'];

function ruleLines(rules: EvalReport['rules'], wardDays: number, cleanWardDays: number): string[] {
  const noisy = rules
    .filter(({ falseAlarms, cleanAlarms }) => falseAlarms + cleanAlarms > 0)
    .toSorted((a, b) => b.falseAlarms - a.falseAlarms || b.cleanAlarms - a.cleanAlarms);
  if (noisy.length === 0) return ['no false alarm'];
  const rows = noisy.map(({ name, falseAlarms, onTwins, cleanAlarms, attacksFound }) => [
    name,
    String(falseAlarms),
    String(onTwins),
    wardDays === 0 ? '' : (falseAlarms / wardDays).toFixed(4),
    cleanWardDays === 0 ? '' : String(cleanAlarms),
    String(attacksFound),
  ]);
  return textTable([RULE_HEAD, ...rows]);
}

/** Runs that came to no end, as lines for a person. */
export function failureLines(failed: readonly FailedRun[]): string[] {
  return failed.map(({ plan, message }) => `failed: ${plan.scenario}, seed ${plan.seed}: ${message}`);
}

/** What the bounds say, as lines for a person. */
export function boundLines(bounds: readonly BoundCheck[]): string[] {
  const broken = bounds.filter(({ isHeld }) => !isHeld);
  if (broken.length === 0) return [`all ${bounds.length} bounds are held`];
  return broken.map(({ name, found }) => `NOT HELD: ${name}: ${found}`);
}

/** `820 ms`, `14.2 s`, `3.5 min`, `2.1 h`. */
export function durationOf(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  if (ms < 7_200_000) return `${(ms / 60_000).toFixed(1)} min`;
  return `${(ms / 3_600_000).toFixed(1)} h`;
}

function figure(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toPrecision(4);
}

/** Rules with what is known of them, for the report. */
export function namedRules(tally: Tally, watched: readonly WatchedRule[]): EvalReport['rules'] {
  const byId = new Map(watched.map((rule) => [rule.id, rule]));
  return tally.rules.map((each) => ({
    ...each,
    name: byId.get(each.ruleId)?.name ?? each.ruleId,
    budgetPerWardWeek: byId.get(each.ruleId)?.budgetPerWardWeek ?? 0,
  }));
}
