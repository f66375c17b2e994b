import { createServer, type Server } from 'node:net';
import { hostname } from 'node:os';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError, formatRfc3339, messageOf, type Clock } from '@protego/contracts';
import { writeFailure } from './log-errors';

const INFO_FILE = 'writer.json';

/** The right to write a log. */
export interface LogLock {
  /** Gives the right back. */
  release(): Promise<void>;
}

/**
 * Takes the right to write the log in an existing directory. The lock is a bound socket in Linux's abstract namespace
 * (unix(7)), named by device and inode of the directory: the kernel frees it when the process ends, however it ends, so
 * it cannot go stale. It holds within one network namespace. A file beside the log tells who holds it and decides nothing.
 *
 * @throws ProtegoError `LOG_LOCKED` with the holder's pid where known; `LOG_WRITE_FAILED` where no lock can be had
 */
export async function acquireLock(directory: string, clock: Clock): Promise<LogLock> {
  const { dev, ino } = statSync(directory, { bigint: true });
  const server = await listen(`\0protego-log-${dev}-${ino}`, directory);
  const infoPath = join(directory, INFO_FILE);
  try {
    const info = { pid: process.pid, host: hostname(), since: formatRfc3339(clock.wallMs()) };
    writeFileSync(infoPath, `${JSON.stringify(info)}\n`);
  } catch (cause) {
    // What the file says decides nothing, and on a full disk the log can still be read, expired and closed.
    const failure = writeFailure(`write \`${infoPath}\``, cause, { path: infoPath });
    if (failure.code !== 'LOG_DISK_FULL') {
      server.close();
      throw failure;
    }
  }
  return {
    release: () => {
      rmSync(infoPath, { force: true });
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(path: string, directory: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (cause: NodeJS.ErrnoException) => reject(refusal(directory, cause)));
    server.listen({ path, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}

function refusal(directory: string, cause: NodeJS.ErrnoException): ProtegoError {
  if (cause.code !== 'EADDRINUSE') {
    const message = `cannot lock \`${directory}\`: ${messageOf(cause)}`;
    return new ProtegoError('LOG_WRITE_FAILED', message, { directory }, { cause });
  }
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
