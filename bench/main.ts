import { Command, CommanderError } from 'commander';
import { caseName, type BenchCase, type BenchNotRun, type BenchResult } from './bench-case';
import { BENCH_CASES } from './bench-list';
import { runInOwnProcess } from './case-process';
import { describeCommit, describeMachine, loadAverage } from './host';
import { listLines, reportLines, type BenchReport } from './report';

const ROUNDS_DEFAULT = 5;
const ROUNDS_MAX = 1_000;

interface BenchOptions {
  readonly json: boolean;
  readonly list: boolean;
  readonly rounds: number;
}

class UsageError extends Error {}

function program(): Command {
  return new Command('bench')
    .description('Measure how fast Protego is on this machine, beside peers in the same run.')
    .argument(
      '[names...]',
      'benches, such as `log`, or single metrics, such as `log/read`; default: all but those that take long',
    )
    .option('--json', 'print the report as JSON', false)
    .option('--rounds <n>', 'rounds that are counted; the median is reported', Number, ROUNDS_DEFAULT)
    .option('--list', 'say what there is to measure, and measure nothing', false)
    .addHelpText(
      'after',
      '\nexit codes: 0 done, what cannot run here is named; 1 a bench failed; 2 usage error\nexample: npm run -s bench -- operators log/read --rounds 9 --json',
    )
    .exitOverride()
    .showHelpAfterError('(--help shows usage)')
    .action(run);
}

async function run(names: readonly string[], { json, list, rounds }: BenchOptions): Promise<void> {
  const cases = list && names.length === 0 ? BENCH_CASES : selected(names);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > ROUNDS_MAX)
    throw new UsageError(`--rounds must be a whole number from 1 to ${ROUNDS_MAX}`);
  if (list) {
    const entries = cases.map(({ bench, metric, unit, description, peer }) => ({
      bench,
      metric,
      unit,
      description,
      peer,
    }));
    print(json ? [JSON.stringify(entries)] : listLines(cases));
    return;
  }
  const report = await measureAll(cases, rounds);
  print(json ? [JSON.stringify(report)] : reportLines(report));
}

function selected(names: readonly string[]): readonly BenchCase[] {
  const isNamed = (entry: BenchCase, name: string): boolean => name === entry.bench || name === caseName(entry);
  const unknown = names.find((name) => !BENCH_CASES.some((entry) => isNamed(entry, name)));
  if (unknown !== undefined) throw new UsageError(`no bench \`${unknown}\`; --list shows all`);
  return names.length === 0
    ? BENCH_CASES.filter(({ isOnlyNamed }) => isOnlyNamed !== true)
    : BENCH_CASES.filter((entry) => names.some((name) => isNamed(entry, name)));
}

async function measureAll(cases: readonly BenchCase[], rounds: number): Promise<BenchReport> {
  // The sources may change while they are measured: what counts is what was built.
  const commit = describeCommit();
  const loadBefore = loadAverage();
  const results: BenchResult[] = [];
  const notRun: BenchNotRun[] = [];
  for (const entry of cases) {
    const { bench, metric } = entry;
    const missing = entry.missing?.();
    if (missing !== undefined) {
      notRun.push({ bench, metric, part: 'case', reason: missing });
      continue;
    }
    const outcome = await runInOwnProcess(entry, rounds);
    if (outcome.kind === 'measured') {
      results.push(outcome.result);
      notRun.push(...outcome.notRun);
      continue;
    }
    notRun.push({ bench, metric, part: 'case', reason: `failed: ${outcome.message}` });
    process.exitCode = 1;
  }
  return { machine: { ...describeMachine(), loadBefore, loadAfter: loadAverage() }, commit, results, notRun };
}

function print(lines: readonly string[]): void {
  process.stdout.write(`${lines.join('\n')}\n`);
}

program()
  .parseAsync()
  .catch((thrown: unknown) => {
    if (thrown instanceof CommanderError) process.exitCode = thrown.exitCode === 0 ? 0 : 2;
    else if (thrown instanceof UsageError) {
      process.stderr.write(`bench: ${thrown.message}\n`);
      process.exitCode = 2;
    } else throw thrown;
  });
