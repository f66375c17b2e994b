import { setTimeout as sleep } from 'node:timers/promises';
import { ProtegoError, isProtegoError } from '@protego/contracts';
import { lockDirectory, type DirectoryLock } from '@protego/enclave';

/** How long one waits for another who copies keys: a full vault goes to a slow target in less. */
const WAIT_MS_MAX = 120_000;
const RETRY_MS = 20;

/**
 * Runs something while nobody else, in this process or another, copies keys of the log to a backup or changes its list of
 * backups. What is copied must be read within: then no copy can be older than an erasure that came before.
 *
 * @param directory of the log
 * @throws ProtegoError `LOG_LOCKED` when another takes too long; what `work` throws
 */
export async function withBackupLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const lock = await waitForLock(directory);
  try {
    return await work();
  } finally {
    await lock.release();
  }
}

async function waitForLock(directory: string): Promise<DirectoryLock> {
  for (let waitedMs = 0; ; waitedMs += RETRY_MS) {
    try {
      return await lockDirectory(directory, 'backup', () => heldBy(directory));
    } catch (error) {
      const isHeld = isProtegoError(error) && error.code === 'LOG_LOCKED';
      if (!isHeld || waitedMs >= WAIT_MS_MAX) throw error;
    }
    await sleep(RETRY_MS);
  }
}

function heldBy(directory: string): ProtegoError {
  const message = `another process copies keys of \`${directory}\` to a backup: wait until it has ended`;
  return new ProtegoError('LOG_LOCKED', message, { directory });
}
