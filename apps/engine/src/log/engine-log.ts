import { join } from 'node:path';
import { messageOf, systemClock, type ProtegoConfig } from '@protego/contracts';
import { loadFieldClasses } from '@protego/artefacts';
import { openHouseKeys, type HouseKeys } from '@protego/enclave';
import {
  DedupeIndex,
  EventLogReader,
  EventLogWriter,
  applyErasures,
  applyExpiries,
  subjectsOfRecord,
} from '@protego/event-log';

/** The log of a site, open for writing, with its keys and what is known of it. */
export interface EngineLog {
  /** Directory of the log. */
  readonly directory: string;
  readonly keysDirectory: string;
  readonly house: HouseKeys;
  readonly writer: EventLogWriter;
  readonly reader: EventLogReader;
  readonly dedupe: DedupeIndex;
}

/** Where the keys of the configured log are. */
export function keysDirectoryOf({ keysDir, logDir }: Pick<ProtegoConfig, 'keysDir' | 'logDir'>): string {
  return keysDir === '' ? join(logDir, 'keys') : keysDir;
}

/**
 * Opens the log of the configuration. What an erasure or an expiry had begun is ended before anything is read.
 *
 * @throws ProtegoError `LOG_LOCKED`, `LOG_KEY_MISSING`, `LOG_KEYS_DAMAGED`, `DECLARATION_INVALID` …
 */
export async function openEngineLog(config: ProtegoConfig, warn: (message: string) => void): Promise<EngineLog> {
  const { logDir: directory, checkpoint, pseudonymKeyFile } = config;
  const keysDirectory = keysDirectoryOf(config);
  const fields = loadFieldClasses(config.streamsDir);
  const house = await openHouseKeys({ directory: keysDirectory, mode: 'write', fields, pseudonymKeyFile });
  let writer: EventLogWriter | undefined;
  try {
    const { keys, vault } = house;
    const known: { ids?: DedupeIndex } = {};
    writer = await EventLogWriter.open({
      directory,
      origin: `protego/${config.site}`,
      keys,
      clock: systemClock,
      checkpoint,
      // Until the index is there nothing is appended, so that no segment can be finished. Ids that cannot be read back stay
      // in memory, where they are found as well.
      onSegmentFinished: ({ firstSeq }) =>
        void known.ids?.segmentFinished(firstSeq).catch((error: unknown) => warn(messageOf(error))),
    });
    const reader = await EventLogReader.open({ directory, keys, subjectsOf: subjectsOfRecord });
    const { keysDestroyed } = await applyErasures({ reader, vault });
    if (keysDestroyed > 0) warn(`destroyed ${keysDestroyed} keys of erased persons that had come back`);
    await applyExpiries({ directory, reader });
    const dedupe = (known.ids = await DedupeIndex.open({ directory, keys, horizonMs: config.dedupeHorizonMs }));
    return { directory, keysDirectory, house, writer, reader, dedupe };
  } catch (error) {
    await writer?.close();
    await house.close();
    throw error;
  }
}

/** Closes log and keys. */
export async function closeEngineLog({ writer, house }: EngineLog): Promise<void> {
  try {
    await writer.close();
  } finally {
    await house.close();
  }
}
