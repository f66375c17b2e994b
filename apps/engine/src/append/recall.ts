import { Logger } from '@nestjs/common';
import { eventRegistry, readLoggedEvents, type Clock, type LoggedEvent } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import { recordBatches, type EventLogReader } from '@protego/event-log';
import { SESSION_CLOSED, SESSION_OPENED, isMuteType, isOutputType, isPipelineInput } from '@protego/streams';
import type { PipelineClock } from '../ingest/pipeline-clock';
import { ACTIVATED, type PipelineRunner } from '../pipeline/pipeline-runner.service';

const PROGRESS_MS = 3_000;

/** What the log said last. */
export interface Recalled {
  /** Import session that was never closed. */
  readonly openSession: string | undefined;
  /** Hashes of the artefacts that were in force; undefined for a log that no engine has written yet. */
  readonly hashes: unknown;
}

/** What the reading of the log brings back to life. */
export interface RecallParts {
  readonly reader: EventLogReader;
  readonly vault: PersonalDataVault;
  /** Records to read. */
  readonly size: number;
  readonly pipeline: PipelineRunner;
  readonly pipelineClock: PipelineClock;
  readonly clock: Clock;
}

/**
 * Reads the log again on start: the pipeline gets back to where it was, and what it finds is compared with the results
 * that the log holds. Pipeline time goes on after the last live record: an import has a time of its own, and what a command
 * has written beside the engine moves no time. Resolves with what it found open and in force.
 */
export async function recallLog(parts: RecallParts): Promise<Recalled> {
  const { reader, vault, size, pipeline, pipelineClock, clock } = parts;
  const log = new Logger('recall');
  let reportedMs = clock.monotonicMs();
  let openSession: string | undefined;
  let hashes: unknown;
  for (const batch of recordBatches(reader.records({ toSeq: size }))) {
    const events = await readLoggedEvents(
      batch.filter(({ type }) => isRecalled(type)),
      eventRegistry,
      (records) => vault.openForPipeline(records),
    );
    let next = 0;
    for (const { type, arrivedAtMs } of batch) {
      if (!isRecalled(type)) {
        eventRegistry.latestVersionOf(type);
        continue;
      }
      const logged = events[next++] as LoggedEvent;
      const { data } = logged.event;
      if (type === SESSION_OPENED) openSession = String(data['session']);
      else if (type === SESSION_CLOSED) openSession = undefined;
      else if (type === ACTIVATED) hashes = data['hashes'];
      else if (openSession === undefined && !isMuteType(type)) pipelineClock.recall(arrivedAtMs);
      pipeline.recall(logged);
    }
    // Whoever asks after the engine's health meanwhile is to be answered.
    await new Promise((resolve) => setImmediate(resolve));
    if (clock.monotonicMs() - reportedMs < PROGRESS_MS) continue;
    reportedMs = clock.monotonicMs();
    log.log(`read ${batch.at(-1)?.seq} of ${size} records`);
  }
  return { openSession, hashes };
}

function isRecalled(type: string): boolean {
  return isPipelineInput(type) || isOutputType(type) || type === ACTIVATED;
}
