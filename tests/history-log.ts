import { EventValidator, eventRegistry, systemClock } from '@protego/contracts';
import { EventLogReader } from '@protego/event-log';
import { mergeByArrival, readSourceFile, type ImportFormat } from '@protego/sources';
import type { ReplayLog } from '@protego/replay';
import { ImportSession } from '../apps/cli/src/import/import-session';

const SKEW_MAX_MS = 60_000;

/** What an import of a history made. */
export interface ImportedHistory {
  readonly appended: number;
  readonly duplicates: number;
  readonly refused: number;
}

/** Imports files into a log, as `protego import` does. */
export async function importHistory(
  directory: string,
  format: ImportFormat,
  files: readonly string[],
): Promise<ImportedHistory> {
  const site = 'general-hospital';
  const validator = new EventValidator(eventRegistry);
  const session = await ImportSession.open({ directory, site, files, clock: systemClock });
  let refused = 0;
  for await (const item of mergeByArrival(
    files.map((path) =>
      readSourceFile(path, format, { site, validator, timeMsMax: systemClock.wallMs() + SKEW_MAX_MS }),
    ),
  )) {
    if (item.kind === 'rejected' || session.take(item) !== undefined) refused++;
    await session.drain();
  }
  await session.close();
  return { appended: session.appended, duplicates: session.duplicates, refused };
}

/** A log as the port of a replay. */
export async function openReplayLog(directory: string): Promise<ReplayLog> {
  const reader = await EventLogReader.open({ directory });
  const { origin, size, rootHash } = reader.stat();
  return { origin, size, rootHash, records: () => reader.records({ toSeq: size }) };
}
