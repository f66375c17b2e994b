import { messageOf } from '@protego/contracts';
import { parentPort } from 'node:worker_threads';
import type { PipelineArtefacts } from '@protego/streams';
import { hospitalPack } from '../bench/pipeline/hospital-day';
import { readSamples, type SampleSet } from './disguise/matched-samples';
import type { RunPlan } from './run-plan';
import { watchRun, type RunOutcome } from './watch-run';

/** What a thread is asked. */
export type ThreadRequest =
  /** `fired`: ids of silent rules that need no watching any more. */
  | { readonly kind: 'watch'; readonly plan: RunPlan; readonly fired: readonly string[] }
  | { readonly kind: 'sample'; readonly plan: RunPlan };

/** What a thread answers. */
export type ThreadAnswer =
  | { readonly kind: 'watched'; readonly outcome: RunOutcome }
  | { readonly kind: 'sampled'; readonly samples: SampleSet };

/** What a thread tells. */
export type ThreadMessage =
  | { readonly kind: 'progress'; readonly eventCount: number }
  | { readonly kind: 'failed'; readonly message: string }
  | ThreadAnswer;

/** Entry of a thread that does one piece of work after the other. */
function serve(port: NonNullable<typeof parentPort>): void {
  const tell = (message: ThreadMessage): void => port.postMessage(message);
  const onProgress = (eventCount: number): void => tell({ kind: 'progress', eventCount });
  let artefacts: PipelineArtefacts | undefined;
  const answerTo = (request: ThreadRequest): ThreadAnswer => {
    if (request.kind === 'sample') return { kind: 'sampled', samples: readSamples(request.plan, onProgress) };
    const { plan, fired } = request;
    return { kind: 'watched', outcome: watchRun(plan, (artefacts ??= hospitalPack()), new Set(fired), onProgress) };
  };
  port.on('message', (request: ThreadRequest) => {
    try {
      tell(answerTo(request));
    } catch (thrown) {
      const stack = thrown instanceof Error ? thrown.stack : undefined;
      tell({ kind: 'failed', message: stack ?? messageOf(thrown) });
    }
  });
}

if (parentPort !== null) serve(parentPort);
