import { Logger } from '@nestjs/common';
import { eventRegistry, readLoggedEvents, type Clock, type LoggedEvent } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import { recordBatches, type EventLogReader } from '@protego/event-log';

const PROGRESS_MS = 3_000;

/** Which records of the log are read, and what for. */
export interface ReadThroughParts {
  readonly reader: EventLogReader;
  readonly vault: Pick<PersonalDataVault, 'openForPipeline'>;
  readonly clock: Clock;
  /** First record; default: the first that the log still holds. */
  readonly fromSeq?: number;
  /** Record after the last. */
  readonly toSeq: number;
  /** Types that are opened and taken; of the others the version is checked. */
  readonly wants: (type: string) => boolean;
  readonly take: (event: LoggedEvent) => void;
  /** Ends the reading between two batches by throwing. */
  readonly check?: () => void;
  /** Begins the lines that tell of progress. */
  readonly title: string;
}

/** Reads records of the log as the pipeline is given them live, a batch at a time so that others have their turn. */
export async function readThrough(parts: ReadThroughParts): Promise<void> {
  const { reader, vault, clock, fromSeq, toSeq, wants, take, check, title } = parts;
  const log = new Logger(title);
  let reportedMs = clock.monotonicMs();
  const range = fromSeq === undefined ? { toSeq } : { fromSeq, toSeq };
  for (const batch of recordBatches(reader.records(range))) {
    check?.();
    const wanted = batch.filter(({ type }) => wants(type));
    const events = await readLoggedEvents(wanted, eventRegistry, (records) => vault.openForPipeline(records));
    // What this version does not know it must not pass over.
    for (const { type } of batch) if (!wants(type)) eventRegistry.latestVersionOf(type);
    for (const event of events) take(event);
    // Whoever asks after the engine's health meanwhile is to be answered.
    await new Promise((resolve) => setImmediate(resolve));
    if (clock.monotonicMs() - reportedMs < PROGRESS_MS) continue;
    reportedMs = clock.monotonicMs();
    log.log(`read ${batch.at(-1)?.seq} of ${toSeq} records`);
  }
}
