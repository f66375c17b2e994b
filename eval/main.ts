import { SCENARIOS } from '@protego/simulation';
import { Command, CommanderError } from 'commander';
import { describeCommit, describeMachine } from '../bench/host';
import { hospitalPack } from '../bench/pipeline/hospital-day';
import { checkBounds } from './bounds';
import { detailLines } from './details';
import { disguiseLines, disguiseResults } from './disguise/disguise-report';
import { tryDisguise, watchRuns } from './evaluate';
import { parsePairs, parseNumbers, UsageError } from './options';
import { progressLine } from './progress';
import {
  boundLines,
  expectationLines,
  failureLines,
  namedRules,
  reportLines,
  resultsOf,
  type EvalReport,
} from './report';
import { runPlansOf, type RunRange } from './run-plan';
import { tallyOf } from './tally';
import { watchedRulesOf } from './watched-rules';

/** Simulations, days and runs without attacks of a whole evaluation, and of a quick one. */
const WHOLE = { numbers: '1-20', days: 7, cleanCount: 4, trainingCount: 8 };
const QUICK = { numbers: '1-2', days: 3, cleanCount: 1, trainingCount: 2 };
/** Simulations of each scenario that acceptance asks for. */
const SEED_COUNT_MIN = 20;
const DAYS_MAX = 366;

interface EvalOptions {
  readonly quick: boolean;
  readonly seeds?: string;
  readonly scenarios?: string;
  readonly days?: number;
  readonly set: readonly string[];
  readonly tune: boolean;
  readonly details: boolean;
  readonly disguise: boolean;
  readonly json: boolean;
}

function program(): Command {
  return new Command('eval')
    .description(
      'Run simulated hospitals through the shipped rules and detectors, and score what is found: recall, false alarms, time to detection.',
    )
    .option('--quick', `fewer and shorter simulations: ${QUICK.numbers} of each scenario, ${QUICK.days} days`, false)
    .option(
      '--seeds <list>',
      `numbers of simulations, such as 1-20 or 3,7; each stands for a seed (default: ${WHOLE.numbers})`,
    )
    .option('--scenarios <list>', `of ${SCENARIOS.map(({ name }) => name).join(', ')} (default: all)`)
    .option('--days <d>', `days of each simulation (default: ${WHOLE.days})`, Number)
    .option('--set <key=value>', 'a setting of the simulation that holds for all; may be repeated', collect, [])
    .option('--tune', 'use the seeds for tuning, which the evaluation never uses', false)
    .option('--details', 'list every missed attack, alarm on a twin and false alarm', false)
    .option('--disguise', 'try to tell attacks from ordinary life by names, ids and the order of fields instead', false)
    .option('--json', 'print the report as JSON', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 done; 1 a bound of acceptance is not held, or a run failed; 2 usage error\nexample: npm run -s eval -- --tune --seeds 1-4 --scenarios general --days 3 --details',
    )
    .exitOverride()
    .showHelpAfterError('(--help shows usage)')
    .action(run);
}

async function run(options: EvalOptions): Promise<void> {
  const range = rangeOf(options);
  await (options.disguise ? disguise(options, range) : evaluate(options, range));
}

async function evaluate(options: EvalOptions, range: RunRange): Promise<void> {
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  for (const line of expectationLines()) say(line);
  const startedMs = performance.now();
  // The sources may change while they are evaluated: what counts is what was built.
  const commit = describeCommit();
  const rules = watchedRulesOf(hospitalPack().rules);
  const { outcomes, failed } = await watchRuns(runPlansOf(range), progressLine(process.stderr));
  const tally = tallyOf(outcomes);
  const bounds = checkBounds(tally, rules, isSample(options));
  const report: EvalReport = {
    machine: describeMachine(),
    commit,
    results: resultsOf(tally),
    attacks: tally.attacks,
    rules: namedRules(tally, rules),
    neverFired: rules.filter(({ id }) => !tally.fired.has(id)).map(({ name }) => name),
    bounds,
    losses: Object.fromEntries(tally.losses),
    failed,
    events: tally.eventCount,
    wardDays: tally.wardDays,
    cleanWardDays: tally.cleanWardDays,
    elapsedSeconds: (performance.now() - startedMs) / 1_000,
  };
  const nameOf = (ruleId: string): string => rules.find(({ id }) => id === ruleId)?.name ?? ruleId;
  const details = options.details ? detailLines(outcomes, nameOf) : [];
  print(
    options.json
      ? [JSON.stringify({ ...report, ...(options.details ? { details } : {}) })]
      : [...details, ...reportLines(report)],
  );
  if (failed.length > 0 || bounds.some(({ isHeld }) => !isHeld)) process.exitCode = 1;
}

async function disguise(options: EvalOptions, range: RunRange): Promise<void> {
  const commit = describeCommit();
  const { trainingCount } = options.quick ? QUICK : WHOLE;
  const outcome = await tryDisguise(range, trainingCount, isSample(options), progressLine(process.stderr));
  const { report, check, failed } = outcome;
  const results = disguiseResults(report);
  print(
    options.json
      ? [JSON.stringify({ machine: describeMachine(), commit, results, bounds: [check], failed, ...report })]
      : [...disguiseLines(report), ...failureLines(failed), '', ...boundLines([check])],
  );
  if (failed.length > 0 || !check.isHeld) process.exitCode = 1;
}

/** True unless all of what acceptance asks for is run. */
function isSample({ quick, seeds, scenarios, days, set, tune }: EvalOptions): boolean {
  return (
    quick ||
    tune ||
    set.length > 0 ||
    scenarios !== undefined ||
    (days ?? WHOLE.days) < WHOLE.days ||
    seedsOf(seeds ?? WHOLE.numbers).length < SEED_COUNT_MIN
  );
}

const seedsOf = (text: string): number[] => parseNumbers('--seeds', text);

function rangeOf({ quick, seeds, scenarios, days, set, tune }: EvalOptions): RunRange {
  const usual = quick ? QUICK : WHOLE;
  const names = scenarios === undefined ? SCENARIOS.map(({ name }) => name) : scenarios.split(',');
  const unknown = names.find((name) => !SCENARIOS.some((scenario) => scenario.name === name));
  if (unknown !== undefined) throw new UsageError(`no scenario \`${unknown}\``);
  const length = days ?? usual.days;
  if (!(length > 0 && length <= DAYS_MAX)) throw new UsageError(`--days must be more than 0 and at most ${DAYS_MAX}`);
  return {
    scenarios: names,
    seedClass: tune ? 'tuning' : 'evaluation',
    numbers: seedsOf(seeds ?? usual.numbers),
    cleanCount: usual.cleanCount,
    days: length,
    settings: parsePairs(set),
  };
}

function collect(value: string, all: readonly string[]): string[] {
  return [...all, value];
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

program()
  .parseAsync()
  .catch((thrown: unknown) => {
    if (thrown instanceof CommanderError) process.exitCode = thrown.exitCode === 0 ? 0 : 2;
    else if (thrown instanceof UsageError) {
      process.stderr.write(`eval: ${thrown.message}\n`);
      process.exitCode = 2;
    } else throw thrown;
  });
