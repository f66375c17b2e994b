import { messageOf, systemClock, type ProtegoConfig, type SourceDeclarations } from '@protego/contracts';
import { loadFieldClasses } from '@protego/artefacts';
import { keysDirectoryOf, openEnclave, platformDirectoryOf, type Enclave } from '@protego/enclave';
import { openWritableLog, type WritableLog } from '@protego/event-log';
import type { Fatal } from '../engine.constants';

/** The log of an engine, and the enclave that holds its keys. */
export interface EngineLog {
  readonly log: WritableLog;
  readonly enclave: Enclave;
}

/**
 * Opens the log of the configuration.
 *
 * @param sources whose messages its vault admits
 * @param fatal told when the enclave is lost
 *
 * @throws ProtegoError as {@link openWritableLog}, `openEnclave` and `platformDirectoryOf`; `DECLARATION_INVALID`
 */
export async function openEngineLog(
  config: ProtegoConfig,
  sources: SourceDeclarations,
  warn: (message: string) => void,
  fatal: Fatal,
): Promise<EngineLog> {
  const { logDir: directory, keysDir, site, checkpoint, pseudonymKeyFile, dedupeHorizonMs, streamsDir } = config;
  const keysDirectory = keysDirectoryOf(directory, keysDir);
  const { processes, platformDir, unlock } = config.enclave;
  const platformDirectory = platformDirectoryOf(directory, keysDirectory, platformDir);
  const opened: { enclave?: Enclave } = {};
  const log = await openWritableLog({
    openHouse: async (options) =>
      (opened.enclave = await openEnclave({ ...options, processes, platformDirectory, unlock, onLost: fatal })),
    directory,
    keysDirectory,
    site,
    clock: systemClock,
    fields: loadFieldClasses(streamsDir),
    sources,
    pseudonymKeyFile,
    checkpoint,
    dedupeHorizonMs,
    onIdsUnreadable: (error) => warn(messageOf(error)),
  });
  if (log.keysDestroyed > 0) warn(`destroyed ${log.keysDestroyed} keys of erased persons that had come back`);
  for (const { name, note } of log.backupsOutOfReach) warn(`\`${name}\` still holds keys of erased persons: ${note}`);
  return { log, enclave: opened.enclave as Enclave };
}
