import { join } from 'node:path';
import { loadFieldClasses } from '@protego/artefacts';
import { EventValidator, eventRegistry, systemClock } from '@protego/contracts';
import { openHouseKeys, type HouseKeys } from '@protego/enclave';
import { fixedHouse } from '@protego/enclave/testing';
import { EventLogReader, subjectsOfRecord } from '@protego/event-log';
import { mergeBatchesByArrival, readSourceBatches, type ImportFormat } from '@protego/sources';
import { replayLogOf, type ReplayLog } from '@protego/replay';
import { ImportSession } from '../apps/cli/src/import/import-session';

const SKEW_MAX_MS = 60_000;
/** Which fields are personal, as Protego ships it. */
export const SHIPPED_FIELDS = loadFieldClasses(join(__dirname, '..', 'streams'));

/** What an import of a history made. */
export interface ImportedHistory {
  readonly appended: number;
  readonly duplicates: number;
  readonly refused: number;
}

/** Imports files into a log, as `protego import` does, but with keys that give every person the same token each time. */
export async function importHistory(
  directory: string,
  format: ImportFormat,
  files: readonly string[],
): Promise<ImportedHistory> {
  const site = 'general-hospital';
  const validator = new EventValidator(eventRegistry);
  await (await fixedHouse(join(directory, 'keys'), SHIPPED_FIELDS)).close();
  const target = { directory, fields: SHIPPED_FIELDS, site, files, clock: systemClock, openHouse: openHouseKeys };
  const session = await ImportSession.open(target);
  let refused = 0;
  const options = { site, validator, timeMsMax: systemClock.wallMs() + SKEW_MAX_MS };
  for await (const items of mergeBatchesByArrival(files.map((path) => readSourceBatches(path, format, options)))) {
    const events = items.filter((item) => item.kind === 'event');
    const refusals = await session.take(events);
    refused += items.length - events.length + refusals.filter((refusal) => refusal !== undefined).length;
    await session.drain();
  }
  await session.close();
  return { appended: session.appended, duplicates: session.duplicates, refused };
}

/** A log that is open for reading, with its keys. */
export interface OpenHistory {
  readonly house: HouseKeys;
  readonly reader: EventLogReader;
}

/** Opens a log, with the keys inside its directory, for reading. */
export async function openHistory(directory: string): Promise<OpenHistory> {
  const house = await openHouseKeys({ directory: join(directory, 'keys'), mode: 'read' });
  const reader = await EventLogReader.open({ directory, keys: house.keys, subjectsOf: subjectsOfRecord });
  return { house, reader };
}

/** Replays what `use` makes of a log, and closes its keys. */
export async function withReplayLog<T>(
  directory: string,
  use: (log: ReplayLog, history: OpenHistory) => T | Promise<T>,
): Promise<T> {
  const history = await openHistory(directory);
  try {
    return await use(replayLogOf(history.reader, history.house.vault), history);
  } finally {
    await history.house.close();
  }
}
