import { statSync } from 'node:fs';
import { connect, createServer, type Server } from 'node:net';
import { ProtegoError, messageOf } from '@protego/contracts';

/** The right to write a directory. */
export interface DirectoryLock {
  /** Gives the right back. */
  release(): Promise<void>;
}

/**
 * Takes the right to write an existing directory: a bound socket in Linux's abstract namespace (unix(7)), named by device
 * and inode, which the kernel frees when the process ends, however it ends, so that it cannot go stale. It holds within one
 * network namespace.
 *
 * @param kind what the directory holds; two kinds in one directory do not shut each other out
 * @param heldBy the refusal when another holds the right
 * @throws ProtegoError what `heldBy` gives, usually `LOG_LOCKED`; `LOG_WRITE_FAILED` where no lock can be had
 */
export async function lockDirectory(
  directory: string,
  kind: 'keys' | 'log' | 'backup' | 'platform' | 'run',
  heldBy: () => ProtegoError,
): Promise<DirectoryLock> {
  const server = await listen(socketOf(directory, kind), (cause) =>
    cause.code === 'EADDRINUSE' ? heldBy() : cannotLock(directory, cause),
  );
  return { release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/**
 * Takes the right to write a key directory.
 *
 * @throws ProtegoError `LOG_LOCKED` when another process has it
 */
export function lockKeys(directory: string): Promise<DirectoryLock> {
  const message = `the keys in \`${directory}\` are in use by another writer`;
  return lockDirectory(directory, 'keys', () => new ProtegoError('LOG_LOCKED', message, { directory }));
}

/**
 * Whether a process holds the right to write a directory. Nothing is taken meanwhile, so that nobody is kept out by the
 * question.
 */
export async function isDirectoryLocked(directory: string, kind: 'keys' | 'log' | 'platform'): Promise<boolean> {
  const path = socketOf(directory, kind);
  return new Promise((resolve, reject) => {
    const socket = connect({ path }, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ECONNREFUSED') resolve(false);
      else reject(cannotLock(directory, cause));
    });
  });
}

function socketOf(directory: string, kind: string): string {
  const { dev, ino } = statSync(directory, { bigint: true });
  return `\0protego-${kind}-${dev}-${ino}`;
}

function listen(path: string, refusal: (cause: NodeJS.ErrnoException) => ProtegoError): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (cause: NodeJS.ErrnoException) => reject(refusal(cause)));
    server.listen({ path, exclusive: true }, () => {
      server.unref();
      resolve(server);
    });
  });
}

function cannotLock(directory: string, cause: Error): ProtegoError {
  const message = `cannot lock \`${directory}\`: ${messageOf(cause)}`;
  return new ProtegoError('LOG_WRITE_FAILED', message, { directory }, { cause });
}
