import { randomBytes } from 'node:crypto';
import { type Stats } from 'node:fs';
import { link, lstat, mkdir, open, readFile, readdir, rename, rm, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { ProtegoError, messageOf } from '@protego/contracts';
import { overwriteFile } from './file-bytes';
import { GuardedBytes } from './memory/guarded-memory';

const OTHERS_MAY = 0o077;
/** What file systems without hard links answer (link(2)). */
const NO_LINKS: readonly (string | undefined)[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'];
const UNFINISHED = /^[0-9a-f]{16}\.new$/;

/**
 * Creates a directory that only its owner may enter, and those above it, durably.
 *
 * @throws ProtegoError `LOG_READ_ONLY`, `LOG_DISK_FULL`, `LOG_WRITE_FAILED`
 */
export async function makeKeyDirectory(directory: string): Promise<void> {
  await onDisk(directory, async () => {
    // Of a relative path there is nothing above its first part.
    const whole = resolve(directory);
    const first = await mkdir(whole, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    // Every directory that was created has its entry in the one above it.
    for (let at = whole; at.length >= first.length; at = dirname(at)) await syncDirectory(dirname(at));
  });
}

/** Content of a file of the key directory; undefined when there is none. */
export async function readKeyFile(directory: string, name: string): Promise<Buffer | undefined> {
  try {
    return await readFile(join(directory, name));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    const path = join(directory, name);
    throw new ProtegoError('LOG_KEY_MISSING', `cannot read \`${path}\`: ${messageOf(cause)}`, { path }, { cause });
  }
}

/**
 * Content of a file that holds a secret of `bytes` bytes and nothing else, in guarded memory; undefined when there is none. The
 * caller frees it.
 *
 * @throws ProtegoError `LOG_KEYS_DAMAGED` for another length, and when others can read it; `LOG_KEY_MISSING` when it cannot
 *   be read
 */
export async function readSecretFile(path: string, bytes: number): Promise<GuardedBytes | undefined> {
  const secret = GuardedBytes.allocate(bytes);
  try {
    const size = await readInto(secret.bytes, path);
    if (size !== undefined && size !== bytes) {
      const message = `\`${path}\` has ${size} bytes, not ${bytes}: restore it`;
      throw new ProtegoError('LOG_KEYS_DAMAGED', message, { path });
    }
    if (size === undefined) secret.free();
    else await mustBePrivate(dirname(path), basename(path));
    return size === undefined ? undefined : secret;
  } catch (error) {
    secret.free();
    throw error;
  }
}

/** Reads a file straight into memory; returns its size, or undefined when there is none. */
async function readInto(target: Buffer, path: string): Promise<number | undefined> {
  try {
    const handle = await open(path, 'r');
    try {
      const { size } = await handle.stat();
      if (size !== target.length) return size;
      const { bytesRead } = await handle.read(target, 0, size, 0);
      return bytesRead;
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ProtegoError('LOG_KEY_MISSING', `cannot read \`${path}\`: ${messageOf(cause)}`, { path }, { cause });
  }
}

/**
 * Puts a file of the key directory in place, for its owner only: after a crash there is the old file, or none, or the whole
 * new one. The caller holds the lock of the directory.
 *
 * @throws ProtegoError `LOG_READ_ONLY`, `LOG_DISK_FULL`, `LOG_WRITE_FAILED`
 */
export async function writeKeyFile(directory: string, name: string, content: Buffer): Promise<void> {
  const path = join(directory, name);
  const temporary = `${path}.new`;
  await onDisk(path, async () => {
    // Under the lock, a temporary file can only be the leaving of a crash.
    await rm(temporary, { force: true });
    await writeWhole(temporary, content);
    await rename(temporary, path);
    await syncDirectory(directory);
  });
}

/**
 * Writes a file that is not there yet, for its owner only, whole or not at all: it gets its name once its content is durable; its
 * entry in the directory is after {@link syncDirectory}. False, and nothing is written, where there is one. An empty one of the
 * same owner counts as none. What an earlier call left that was killed is removed.
 */
export async function writeNewFile(path: string, content: Buffer): Promise<boolean> {
  await removeUnfinished(path);
  if (await isTaken(path)) return false;
  const temporary = join(dirname(path), `${unfinishedPrefix(path)}${randomBytes(8).toString('hex')}.new`);
  await writeWhole(temporary, content);
  let isInPlace = false;
  try {
    isInPlace = await putInPlace(temporary, path);
    return isInPlace;
  } finally {
    if (!isInPlace) await overwriteFile(temporary);
    await rm(temporary, { force: true });
  }
}

/** Removes what a {@link writeNewFile} left that was killed: unfinished files, and second names of the one that it made. */
export async function removeUnfinished(path: string): Promise<void> {
  const [directory, prefix] = [dirname(path), unfinishedPrefix(path)];
  // Where names cannot be listed none is written either, which whoever writes there is told.
  for (const name of await readdir(directory).catch(() => []))
    if (name.startsWith(prefix) && UNFINISHED.test(name.slice(prefix.length)))
      await rm(join(directory, name), { force: true });
}

function unfinishedPrefix(path: string): string {
  return `.${basename(path)}.`;
}

/** Gives a file its name; false where another has it. */
async function putInPlace(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (NO_LINKS.includes(code)) await takeName(path);
    else if (code !== 'EEXIST') throw cause;
  }
  if (await isTaken(path)) return false;
  await rename(temporary, path);
  return true;
}

/** Makes an empty file where there is none, over which another may be renamed. */
async function takeName(path: string): Promise<void> {
  const handle = await open(path, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EEXIST') return undefined;
    throw cause;
  });
  await handle?.close();
}

async function isTaken(path: string): Promise<boolean> {
  const there = await lstat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw cause;
  });
  return there !== undefined && !isEmptyOfOurs(there);
}

function isEmptyOfOurs(file: Stats): boolean {
  return file.isFile() && file.size === 0 && file.uid === process.getuid?.();
}

/** Writes a file that is not there, durably but for its name. What cannot be written whole is removed. */
async function writeWhole(path: string, content: Buffer): Promise<void> {
  const handle = await open(path, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } catch (error) {
    // Half a file would be in the way of the next attempt.
    await unlink(path);
    throw error;
  } finally {
    await handle.close();
  }
}

/** Makes the entries of a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Refuses a secret that others on this machine can read.
 *
 * @throws ProtegoError `LOG_KEYS_DAMAGED` with the command that mends it
 */
export async function mustBePrivate(directory: string, name: string): Promise<void> {
  const path = join(directory, name);
  const { mode } = await stat(path);
  if ((mode & OTHERS_MAY) === 0) return;
  const message = `\`${path}\` can be read or changed by other users: run \`chmod 600 ${path}\``;
  throw new ProtegoError('LOG_KEYS_DAMAGED', message, { path, mode: (mode & 0o777).toString(8) });
}

/** Runs a disk operation; a failure names the path and what to do. */
export async function onDisk<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    throw diskFailure(path, cause);
  }
}

function diskFailure(path: string, cause: unknown): unknown {
  if (cause instanceof ProtegoError) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  const message = `cannot write \`${path}\`: ${messageOf(cause)}`;
  if (code === 'ENOSPC' || code === 'EDQUOT') return new ProtegoError('LOG_DISK_FULL', message, { path }, { cause });
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return new ProtegoError('LOG_READ_ONLY', message, { path }, { cause });
  }
  return new ProtegoError('LOG_WRITE_FAILED', message, { path }, { cause });
}
