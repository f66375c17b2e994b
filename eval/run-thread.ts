import { messageOf } from '@protego/contracts';
import { parentPort } from 'node:worker_threads';
import { hospitalPack } from '../bench/pipeline/hospital-day';
import type { RunPlan } from './run-plan';
import { watchRun, type RunOutcome } from './watch-run';

/** What a thread is asked. */
export interface RunRequest {
  readonly plan: RunPlan;
  /** Ids of silent rules that need no watching any more. */
  readonly fired: readonly string[];
}

/** What a thread tells. */
export type RunMessage =
  | { readonly kind: 'progress'; readonly eventCount: number }
  | { readonly kind: 'done'; readonly outcome: RunOutcome }
  | { readonly kind: 'failed'; readonly message: string };

/** Entry of a thread that watches one run after the other. */
function serve(port: NonNullable<typeof parentPort>): void {
  const artefacts = hospitalPack();
  const tell = (message: RunMessage): void => port.postMessage(message);
  port.on('message', ({ plan, fired }: RunRequest) => {
    try {
      const onProgress = (eventCount: number): void => tell({ kind: 'progress', eventCount });
      tell({ kind: 'done', outcome: watchRun(plan, artefacts, new Set(fired), onProgress) });
    } catch (thrown) {
      tell({
        kind: 'failed',
        message: thrown instanceof Error ? (thrown.stack ?? messageOf(thrown)) : messageOf(thrown),
      });
    }
  });
}

if (parentPort !== null) serve(parentPort);
