import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { RunPlan } from './run-plan';
import type { ThreadAnswer, ThreadMessage, ThreadRequest } from './thread-entry';

/** A run that could not be brought to its end. */
export interface FailedRun {
  readonly plan: RunPlan;
  readonly message: string;
}

/** How far the runs are. */
export interface PoolProgress {
  readonly doneCount: number;
  readonly runCount: number;
  readonly eventCount: number;
}

/** What is done with each run. */
export interface PoolWork {
  /** Made when a thread is free for it. */
  readonly requestFor: (plan: RunPlan) => ThreadRequest;
  readonly onAnswer: (answer: ThreadAnswer, at: number) => void;
  readonly onProgress: (progress: PoolProgress) => void;
}

/** Brings runs to their end in threads, each thread one at a time; answers come in any order. */
export async function runInThreads(
  plans: readonly RunPlan[],
  threadCount: number,
  { requestFor, onAnswer, onProgress }: PoolWork,
): Promise<FailedRun[]> {
  const failed: FailedRun[] = [];
  let nextAt = 0;
  let doneCount = 0;
  let eventCount = 0;
  const tell = (): void => onProgress({ doneCount, runCount: plans.length, eventCount });
  const work = async (): Promise<void> => {
    let thread: RunThread | undefined;
    try {
      for (let at = nextAt++; at < plans.length; at = nextAt++) {
        const plan = plans[at] as RunPlan;
        thread ??= new RunThread((count) => {
          eventCount += count;
          tell();
        });
        const answer = await thread.ask(requestFor(plan));
        if (answer.kind === 'failed') failed.push({ plan, message: answer.message });
        else onAnswer(answer, at);
        if (thread.hasEnded) thread = undefined;
        doneCount++;
        tell();
      }
    } finally {
      await thread?.end();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threadCount, plans.length) }, work));
  return failed;
}

type Answer = Exclude<ThreadMessage, { readonly kind: 'progress' }>;

const YOUNG_MIB_MAX = 192;

class RunThread {
  /** True when it is gone, for whatever reason. */
  hasEnded = false;
  readonly #worker = new Worker(join(__dirname, 'thread-entry.js'), {
    // Events live for a slice or two, which is too long for the usual nursery.
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB_MAX },
  });
  #answer: ((answer: Answer) => void) | undefined;

  constructor(onProgress: (eventCount: number) => void) {
    const gone = (message: string): void => {
      this.hasEnded = true;
      this.#answer?.({ kind: 'failed', message });
    };
    this.#worker.on('message', (message: ThreadMessage) => {
      if (message.kind === 'progress') onProgress(message.eventCount);
      else this.#answer?.(message);
    });
    this.#worker.on('error', (error) => gone(error.message));
    this.#worker.on('exit', () => gone('its thread ended without an answer'));
  }

  ask(request: ThreadRequest): Promise<Answer> {
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
