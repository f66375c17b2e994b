import { drawOf, seedOf, type SeedClass } from './seeds';

/** One simulated history to be watched. */
export interface RunPlan {
  readonly scenario: string;
  /** Number of the simulation within its class of seeds. */
  readonly number: number;
  readonly seed: number;
  readonly days: number;
  /** True where nothing is planted: what is raised there counts against the budgets of rules. */
  readonly isClean: boolean;
  /** As written after `--set`. */
  readonly settings: Readonly<Record<string, string>>;
}

/** What to evaluate. */
export interface RunRange {
  readonly scenarios: readonly string[];
  readonly seedClass: SeedClass;
  /** Numbers of the simulations with attacks, per scenario. */
  readonly numbers: readonly number[];
  /** How many of them are watched without anything planted as well. */
  readonly cleanCount: number;
  readonly days: number;
  /** Settings that hold for all. */
  readonly settings: Readonly<Record<string, string>>;
}

/** Event rates and volumes vary by a half to either side. */
const FACTOR_RANGE = [0.5, 1.5] as const;
/** Attacks go up to four times as slow or as fast. */
const PACE_RANGE = [0.25, 4] as const;
/** Shorter histories have no days to spare in which rules learn what is usual. */
const DAYS_WITH_QUIET_START = 2;

/** All runs of an evaluation, those with attacks first. */
export function runPlansOf(range: RunRange): RunPlan[] {
  const { scenarios, numbers, cleanCount } = range;
  const planted = numbers.flatMap((number) => scenarios.map((scenario) => planOf(range, scenario, number, false)));
  const clean = numbers
    .slice(0, cleanCount)
    .flatMap((number) => scenarios.map((scenario) => planOf(range, scenario, number, true)));
  return [...planted, ...clean];
}

function planOf(range: RunRange, scenario: string, number: number, isClean: boolean): RunPlan {
  const { seedClass, days } = range;
  const seed = seedOf(seedClass, number, scenario);
  const switches: Record<string, string> = isClean ? { attacks: 'off', twins: 'off' } : {};
  return {
    scenario,
    number,
    seed,
    days,
    isClean,
    settings: { ...variationOf(seed, days), ...switches, ...range.settings },
  };
}

/** How the run of a seed differs from others: rates, volumes and pace, as written after `--set`. */
export function variationOf(seed: number, days: number): Record<string, string> {
  const [least, greatest] = FACTOR_RANGE;
  const [slowest, fastest] = PACE_RANGE;
  const factor = (name: string): number => least + (greatest - least) * drawOf(seed, name);
  const pace = slowest * (fastest / slowest) ** drawOf(seed, 'attackPace');
  return {
    eventRateFactor: factor('eventRateFactor').toFixed(4),
    attackVolume: factor('attackVolume').toFixed(4),
    attackPace: pace.toFixed(4),
    attackFreeDays: days >= DAYS_WITH_QUIET_START ? '1' : '0',
  };
}
