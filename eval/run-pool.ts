import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { RunPlan } from './run-plan';
import type { RunMessage, RunRequest } from './run-thread';
import type { RunOutcome } from './watch-run';

/** A run that could not be watched to its end. */
export interface FailedRun {
  readonly plan: RunPlan;
  readonly message: string;
}

/** What came of all runs, in the order of the plans. */
export interface PoolOutcome {
  readonly outcomes: readonly RunOutcome[];
  readonly failed: readonly FailedRun[];
}

/** How far the runs are. */
export interface PoolProgress {
  readonly doneCount: number;
  readonly runCount: number;
  readonly eventCount: number;
}

/** Watches runs in threads of their own, each thread one at a time. */
export async function watchRuns(
  plans: readonly RunPlan[],
  threadCount: number,
  onProgress: (progress: PoolProgress) => void,
): Promise<PoolOutcome> {
  const outcomes: (RunOutcome | undefined)[] = plans.map(() => undefined);
  const failed: FailedRun[] = [];
  const fired = new Set<string>();
  let nextAt = 0;
  let doneCount = 0;
  let eventCount = 0;
  const tell = (): void => onProgress({ doneCount, runCount: plans.length, eventCount });
  const work = async (): Promise<void> => {
    const thread = new RunThread((count) => {
      eventCount += count;
      tell();
    });
    try {
      for (let at = nextAt++; at < plans.length; at = nextAt++) {
        const plan = plans[at] as RunPlan;
        const answer = await thread.watch({ plan, fired: [...fired] });
        if (answer.kind === 'done') outcomes[at] = answer.outcome;
        else failed.push({ plan, message: answer.message });
        if (answer.kind === 'done') for (const id of answer.outcome.fired) fired.add(id);
        doneCount++;
        tell();
      }
    } finally {
      await thread.end();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threadCount, plans.length) }, work));
  return { outcomes: outcomes.filter((outcome) => outcome !== undefined), failed };
}

type Answer = Exclude<RunMessage, { readonly kind: 'progress' }>;

class RunThread {
  readonly #worker = new Worker(join(__dirname, 'run-thread.js'));
  #answer: ((answer: Answer) => void) | undefined;

  constructor(onProgress: (eventCount: number) => void) {
    this.#worker.on('message', (message: RunMessage) => {
      if (message.kind === 'progress') onProgress(message.eventCount);
      else this.#answer?.(message);
    });
    this.#worker.on('error', (error) => this.#answer?.({ kind: 'failed', message: error.message }));
    this.#worker.on('exit', () => this.#answer?.({ kind: 'failed', message: 'its thread ended without an outcome' }));
  }

  watch(request: RunRequest): Promise<Answer> {
    return new Promise((resolve) => {
      this.#answer = resolve;
      this.#worker.postMessage(request);
    });
  }

  async end(): Promise<void> {
    this.#answer = undefined;
    await this.#worker.terminate();
  }
}
