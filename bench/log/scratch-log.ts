import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { EventLogReader, EventLogWriter, type LogRecordInput } from '@protego/event-log';
import { scratchDirectory } from '../places';

/** Batches on their way to the disk at one time, as an import has them. */
const APPENDS_IN_FLIGHT = 8;

/** Logs of one case, each in its own directory, all removed by {@link ScratchLogs.remove}. */
export class ScratchLogs {
  readonly #root = scratchDirectory();
  #count = 0;

  /** Directory for the next log. */
  nextDirectory(): string {
    return join(this.#root, `log-${this.#count++}`);
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** Opens a new log for writing. */
export function openWriter(directory: string): Promise<EventLogWriter> {
  return EventLogWriter.open({ directory, origin: 'protego/bench' });
}

/** Appends all batches, several at a time; resolves when every record is durable. */
export async function appendAll(log: EventLogWriter, batches: readonly (readonly LogRecordInput[])[]): Promise<void> {
  const inFlight: Promise<unknown>[] = [];
  for (const batch of batches) {
    inFlight.push(log.append(batch));
    if (inFlight.length >= APPENDS_IN_FLIGHT) await inFlight.shift();
  }
  await Promise.all(inFlight);
}

/**
 * Checks that a log holds `count` sound records; a rate of a log that does not is no rate.
 *
 * @throws Error naming the first problem
 */
export async function requireSound(directory: string, count: number, decodesBodies: boolean): Promise<void> {
  const reader = await EventLogReader.open({ directory });
  const { ok, size, problems } = reader.verify({ decodesBodies });
  if (!ok || size !== count)
    throw new Error(`the log holds ${size} of ${count} records; first problem: ${problems[0]?.message ?? 'none'}`);
}
