import { hostname } from 'node:os';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError, formatRfc3339, type Clock } from '@protego/contracts';
import { lockDirectory } from '@protego/enclave';
import { writeFailure } from '../log-errors';

const INFO_FILE = 'writer.json';

/** The right to write a log. */
export interface LogLock {
  /** Gives the right back. */
  release(): Promise<void>;
}

/**
 * Takes the right to write the log in an existing directory, as {@link lockDirectory} has it. A file in the directory tells
 * who holds it and decides nothing.
 *
 * @throws ProtegoError `LOG_LOCKED` with the holder's pid where known; `LOG_WRITE_FAILED` where no lock can be had
 */
export async function acquireLock(directory: string, clock: Clock): Promise<LogLock> {
  const lock = await lockDirectory(directory, 'log', () => heldByAnother(directory));
  const infoPath = join(directory, INFO_FILE);
  try {
    const info = { pid: process.pid, host: hostname(), since: formatRfc3339(clock.wallMs()) };
    writeFileSync(infoPath, `${JSON.stringify(info)}\n`);
  } catch (cause) {
    // What the file says decides nothing, and on a full disk the log can still be read, expired and closed.
    const failure = writeFailure(`write \`${infoPath}\``, cause, { path: infoPath });
    if (failure.code !== 'LOG_DISK_FULL') {
      await lock.release();
      throw failure;
    }
  }
  return {
    release: () => {
      rmSync(infoPath, { force: true });
      return lock.release();
    },
  };
}

function heldByAnother(directory: string): ProtegoError {
  const pid = holderOf(directory);
  const holder = pid === undefined ? 'another process' : `process ${pid}`;
  return new ProtegoError('LOG_LOCKED', `\`${directory}\` is being written by ${holder}`, { directory, pid });
}

function holderOf(directory: string): number | undefined {
  try {
    const info = JSON.parse(readFileSync(join(directory, INFO_FILE), 'utf8')) as { pid?: unknown };
    return typeof info.pid === 'number' ? info.pid : undefined;
  } catch {
    // The holder may be between taking the lock and writing the file; the lock itself is what counts.
    return undefined;
  }
}
