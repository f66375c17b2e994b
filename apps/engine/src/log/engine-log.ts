import { messageOf, systemClock, type ProtegoConfig, type SourceDeclarations } from '@protego/contracts';
import { loadFieldClasses } from '@protego/artefacts';
import { keysDirectoryOf, openEnclave } from '@protego/enclave';
import { openWritableLog, type WritableLog } from '@protego/event-log';
import type { Fatal } from '../engine.constants';

/**
 * Opens the log of the configuration.
 *
 * @param sources whose messages its vault admits
 * @param fatal told when the enclave is lost
 *
 * @throws ProtegoError as {@link openWritableLog}; `DECLARATION_INVALID`
 */
export async function openEngineLog(
  config: ProtegoConfig,
  sources: SourceDeclarations,
  warn: (message: string) => void,
  fatal: Fatal,
): Promise<WritableLog> {
  const { logDir: directory, keysDir, site, checkpoint, pseudonymKeyFile, dedupeHorizonMs, streamsDir } = config;
  const log = await openWritableLog({
    openHouse: (options) => openEnclave({ ...options, processes: config.enclave.processes, onLost: fatal }),
    directory,
    keysDirectory: keysDirectoryOf(directory, keysDir),
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
  return log;
}
