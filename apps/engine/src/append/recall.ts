import type { Clock } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import type { EventLogReader } from '@protego/event-log';
import type { PhaseWalk } from '@protego/replay';
import { ACTIVATED } from '@protego/replay';
import { SESSION_CLOSED, SESSION_OPENED, isMuteType, isOutputType, isPipelineInput } from '@protego/streams';
import type { PipelineClock } from '../ingest/pipeline-clock';
import type { PipelineRunner } from '../pipeline/pipeline-runner.service';
import { readThrough } from './read-through';

/** What the log said last. */
export interface Recalled {
  /** Import session that was never closed. */
  readonly openSession: string | undefined;
}

/** What the reading of the log brings back to life. */
export interface RecallParts {
  readonly reader: EventLogReader;
  readonly vault: PersonalDataVault;
  /** Records to read. */
  readonly size: number;
  readonly pipeline: PipelineRunner;
  /** Which set judges which of them. */
  readonly walk: PhaseWalk;
  readonly pipelineClock: PipelineClock;
  readonly clock: Clock;
}

/**
 * Reads the log again on start: the pipeline gets back to where it was, and what it finds is compared with the results
 * that the log holds. Pipeline time goes on after the last live record: an import has a time of its own, and what a command
 * has written beside the engine moves no time. Resolves with what it found open.
 */
export async function recallLog(parts: RecallParts): Promise<Recalled> {
  const { reader, vault, size, pipeline, walk, pipelineClock, clock } = parts;
  let openSession: string | undefined;
  await readThrough({
    ...{ reader, vault, clock, toSeq: size, wants: isRecalled, title: 'recall' },
    take: (logged) => {
      const { type, data } = logged.event;
      if (type === SESSION_OPENED) openSession = String(data['session']);
      else if (type === SESSION_CLOSED) openSession = undefined;
      else if (openSession === undefined && !isMuteType(type) && type !== ACTIVATED)
        pipelineClock.recall(logged.arrivedAtMs);
      walk.advanceTo(logged.seq);
      pipeline.recall(logged);
    },
  });
  return { openSession };
}

function isRecalled(type: string): boolean {
  return isPipelineInput(type) || isOutputType(type) || type === ACTIVATED;
}
