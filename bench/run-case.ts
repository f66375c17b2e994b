import { messageOf } from '@protego/contracts';
import { caseName, type BenchNotRun, type CaseOutcome } from './bench-case';
import { BENCH_CASES } from './bench-list';
import { measure } from './rounds';

/**
 * Entry of the process of one case: `run-case NAME ROUNDS`. What the compiler learnt from one case would else change how
 * fast the next one runs.
 */
async function runCase(name: string, rounds: number): Promise<CaseOutcome> {
  const entry = BENCH_CASES.find((candidate) => caseName(candidate) === name);
  if (entry === undefined) return { kind: 'failed', message: `no bench \`${name}\`` };
  const say = (text: string): void => void process.stderr.write(`${text}\n`);
  const contest = await entry.prepare(say);
  try {
    const result = await measure(entry, contest, rounds, say);
    const { bench, metric } = entry;
    const notRun: BenchNotRun[] =
      contest.peerMissing === undefined ? [] : [{ bench, metric, part: 'peer', reason: contest.peerMissing }];
    return { kind: 'measured', result, notRun };
  } finally {
    await contest.close?.();
  }
}

// Whoever asked is gone: nobody wants the answer any more.
process.on('disconnect', () => process.exit(1));

const [name = '', rounds = ''] = process.argv.slice(2);
runCase(name, Number(rounds))
  .catch((thrown: unknown): CaseOutcome => ({ kind: 'failed', message: messageOf(thrown) }))
  .then((outcome) => process.send?.(outcome, () => process.exit(0)))
  .catch(() => process.exit(1));
