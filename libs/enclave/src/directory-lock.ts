import { statSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { ProtegoError, messageOf } from '@protego/contracts';

/** The right to write a key directory. */
export interface DirectoryLock {
  /** Gives the right back. */
  release(): Promise<void>;
}

/**
 * Takes the right to write an existing key directory: a bound socket in Linux's abstract namespace (unix(7)), named by
 * device and inode, which the kernel frees when the process ends, however it ends.
 *
 * @throws ProtegoError `LOG_LOCKED` when another holds it; `LOG_WRITE_FAILED` where no lock can be had
 */
export async function lockDirectory(directory: string): Promise<DirectoryLock> {
  const { dev, ino } = statSync(directory, { bigint: true });
  const server = await listen(`\0protego-keys-${dev}-${ino}`, directory);
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
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
  if (cause.code === 'EADDRINUSE') {
    return new ProtegoError('LOG_LOCKED', `the keys in \`${directory}\` are in use by another writer`, { directory });
  }
  const message = `cannot lock \`${directory}\`: ${messageOf(cause)}`;
  return new ProtegoError('LOG_WRITE_FAILED', message, { directory }, { cause });
}
