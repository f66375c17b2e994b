import { availableParallelism } from 'node:os';
import type { BoundCheck } from './bounds';
import { disguiseCheck, type DisguiseReport } from './disguise/disguise-report';
import { examineDisguise } from './disguise/examine';
import type { SampleSet } from './disguise/matched-samples';
import { runPlansOf, type RunPlan, type RunRange } from './run-plan';
import { runInThreads, type FailedRun, type PoolProgress } from './thread-pool';
import type { RunOutcome } from './watch-run';

type OnProgress = (progress: PoolProgress) => void;

/** What came of all runs, in the order of the plans. */
export interface WatchedRuns {
  readonly outcomes: readonly RunOutcome[];
  readonly failed: readonly FailedRun[];
}

/** Watches runs, one a core at a time. */
export async function watchRuns(plans: readonly RunPlan[], onProgress: OnProgress): Promise<WatchedRuns> {
  const outcomes: (RunOutcome | undefined)[] = plans.map(() => undefined);
  const fired = new Set<string>();
  const failed = await runInThreads(plans, availableParallelism(), {
    requestFor: (plan) => ({ kind: 'watch', plan, fired: [...fired] }),
    onAnswer: (answer, at) => {
      if (answer.kind !== 'watched') return;
      outcomes[at] = answer.outcome;
      for (const id of answer.outcome.fired) fired.add(id);
    },
    onProgress,
  });
  return { outcomes: outcomes.filter((outcome) => outcome !== undefined), failed };
}

/** Numbers of the simulations that a classifier learns from; nothing else uses them. */
const TRAINING_FROM = 900_000;
/** Days of the simulations that are looked at: all their events are held. */
const DISGUISE_DAYS_MAX = 2;

/** What came of looking at names and ids. */
export interface DisguiseOutcome {
  readonly report: DisguiseReport;
  readonly check: BoundCheck;
  readonly failed: readonly FailedRun[];
}

/** Tries to tell attacks from ordinary life by names, ids and the order of fields: trained on seeds of tuning, tested on those asked for. */
export async function tryDisguise(
  range: RunRange,
  trainingCount: number,
  isSample: boolean,
  onProgress: OnProgress,
): Promise<DisguiseOutcome> {
  const days = Math.min(range.days, DISGUISE_DAYS_MAX);
  const settings = { attackFreeDays: '0', ...range.settings };
  const shared = { scenarios: range.scenarios, days, cleanCount: 0, settings };
  const trainingNumbers = Array.from({ length: trainingCount }, (_, n) => TRAINING_FROM + n);
  const training = runPlansOf({ ...shared, seedClass: 'tuning', numbers: trainingNumbers });
  const testing = runPlansOf({ ...shared, seedClass: range.seedClass, numbers: range.numbers });
  const sets: (SampleSet | undefined)[] = [];
  const failed = await runInThreads([...training, ...testing], availableParallelism(), {
    requestFor: (plan) => ({ kind: 'sample', plan }),
    onAnswer: (answer, at) => {
      if (answer.kind === 'sampled') sets[at] = answer.samples;
    },
    onProgress,
  });
  const partOf = (from: number, to: number): SampleSet[] =>
    Array.from({ length: to - from }, (_, n) => sets[from + n]).filter((set) => set !== undefined);
  const [learnt, tested] = [partOf(0, training.length), partOf(training.length, training.length + testing.length)];
  const byClass = examineDisguise(learnt, tested, 'class');
  const byType = examineDisguise(learnt, tested, 'type');
  const report = { byClass, byType, unmatched: unmatchedOf(tested), runCount: learnt.length + tested.length };
  return { report, check: disguiseCheck(byClass, isSample), failed };
}

function unmatchedOf(sets: readonly SampleSet[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { unmatched } of sets)
    for (const [type, count] of Object.entries(unmatched)) counts[type] = (counts[type] ?? 0) + count;
  return counts;
}
