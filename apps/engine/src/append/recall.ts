import { Logger } from '@nestjs/common';
import { eventRegistry, readLoggedEvent, type Clock } from '@protego/contracts';
import { type EventLogReader, type DedupeIndex } from '@protego/event-log';
import type { PipelineRunner } from '../pipeline/pipeline-runner.service';

const PROGRESS_MS = 3_000;
const RECORDS_A_TURN = 4_096;

/**
 * Reads the log again on start: the dedupe index learns what is known, the pipeline gets back to where it was, and what
 * it finds is compared with the results that the log holds.
 */
export async function recallLog(
  reader: EventLogReader,
  size: number,
  dedupe: DedupeIndex,
  pipeline: PipelineRunner,
  clock: Clock,
): Promise<void> {
  const log = new Logger('recall');
  let reportedMs = clock.monotonicMs();
  for (const record of reader.records({ toSeq: size })) {
    const logged = readLoggedEvent(record, eventRegistry);
    dedupe.admit(logged.event.source, logged.event.id, record.body, record.arrivedAtMs);
    pipeline.recall(logged);
    if (record.seq % RECORDS_A_TURN !== 0) continue;
    await new Promise((resolve) => setImmediate(resolve));
    if (clock.monotonicMs() - reportedMs < PROGRESS_MS) continue;
    reportedMs = clock.monotonicMs();
    log.log(`read ${record.seq} of ${size} records`);
  }
}
