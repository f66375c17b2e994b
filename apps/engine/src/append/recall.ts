import { Logger } from '@nestjs/common';
import { eventRegistry, readLoggedEvent, type Clock } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import type { EventLogReader } from '@protego/event-log';
import { SESSION_CLOSED, SESSION_OPENED, isOutputType, isPipelineInput } from '@protego/streams';
import type { PipelineClock } from '../ingest/pipeline-clock';
import { ACTIVATED, type PipelineRunner } from '../pipeline/pipeline-runner.service';

const PROGRESS_MS = 3_000;
const RECORDS_A_TURN = 4_096;

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
  for (const record of reader.records({ toSeq: size })) {
    const { type, seq, arrivedAtMs } = record;
    if (isPipelineInput(type) || isOutputType(type) || type === ACTIVATED) {
      const logged = readLoggedEvent(record, eventRegistry, (event, sealed) => vault.openForPipeline(event, sealed));
      const { data } = logged.event;
      if (type === SESSION_OPENED) openSession = String(data['session']);
      else if (type === SESSION_CLOSED) openSession = undefined;
      else if (type === ACTIVATED) hashes = data['hashes'];
      else if (openSession === undefined) pipelineClock.recall(arrivedAtMs);
      pipeline.recall(logged);
    } else eventRegistry.latestVersionOf(type);
    if (seq % RECORDS_A_TURN !== 0) continue;
    await new Promise((resolve) => setImmediate(resolve));
    if (clock.monotonicMs() - reportedMs < PROGRESS_MS) continue;
    reportedMs = clock.monotonicMs();
    log.log(`read ${seq} of ${size} records`);
  }
  return { openSession, hashes };
}
