import { timingSafeEqual } from 'node:crypto';
import { existsSync, lstatSync, statSync, type Stats } from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { isSameFile, overwriteFile } from '../file-bytes';
import { onDisk, readSecretFile, syncDirectory, writeNewFile } from '../key-files';
import { type GuardedBytes } from '../memory/guarded-memory';
import { ROOT_BYTES } from '../unlock/unlock-method';

/** File of a key directory with the root secret as it is. */
export const ROOT_FILE = 'root.secret';
/** File of a key directory with the root secret, wrapped and sealed. */
export const SEALED_ROOT_FILE = 'root.sealed';
/** What `root.secret` is named from when it counts no more until it is overwritten and gone. */
const LEFT_ROOT_FILE = 'root.secret.old';
/** What a crash leaves of the making of `root.secret`. */
const UNFINISHED_ROOT_FILE = 'root.secret.new';
/** Names of the plain secret that sealing overwrites. */
const REMOVED_FILES = [ROOT_FILE, LEFT_ROOT_FILE, UNFINISHED_ROOT_FILE];

/** Whether the root secret of a key directory is sealed to a platform. */
export function isRootSealed(directory: string): boolean {
  return existsSync(join(directory, SEALED_ROOT_FILE));
}

/** Whether a key directory has a root secret, in either form. */
export function hasRoot(directory: string): boolean {
  return isRootSealed(directory) || existsSync(join(directory, ROOT_FILE));
}

/**
 * The root secret from `root.secret` of a key directory; the caller frees it.
 *
 * @throws ProtegoError `LOG_KEY_MISSING` when there is none; `LOG_KEYS_DAMAGED` for another length, or when others can read it
 */
export async function readPlainRoot(directory: string): Promise<GuardedBytes> {
  const root = await readSecretFile(join(directory, ROOT_FILE), ROOT_BYTES);
  if (root !== undefined) return root;
  const message = `no \`${ROOT_FILE}\` in \`${directory}\`: name the key directory of this log, or restore it`;
  throw new ProtegoError('LOG_KEY_MISSING', message, { directory });
}

/**
 * Refuses to seal where removing the plain secret would destroy what has to stay: `root.secret` and what a crash left of it must
 * be files of one name, and no file that is kept may be one of them or lie beside them.
 *
 * @param kept paths of the recovery copy, of a root secret that was brought back, and of unlock secrets; they need not exist
 * @throws ProtegoError `ENCLAVE_ROOT_LINKED`; `USAGE_INVALID` for a file that is kept
 */
export function mustBeRemovable(directory: string, kept: readonly string[]): void {
  const home = statOf(directory);
  for (const name of REMOVED_FILES) {
    const path = join(directory, name);
    const plain = lstatSync(path, { throwIfNoEntry: false });
    if (plain === undefined) continue;
    mustBeAlone(path, plain);
    for (const each of kept) if (isSame(statOf(each), plain)) throw notApart(each, path);
  }
  for (const each of kept) if (isSame(statOf(dirname(each)), home)) throw notApart(each, directory);
}

/**
 * Removes `root.secret` after the root was sealed: from the moment on when it has another name it counts no more, and then
 * it is overwritten. What a crash left of an earlier removal, or of its making, goes as well. Returns whether there was one.
 *
 * @throws ProtegoError `ENCLAVE_ROOT_LINKED` when it has another name; errors of the disk
 */
export async function removePlainRoot(directory: string): Promise<boolean> {
  const path = join(directory, ROOT_FILE);
  // Renamed over, an older one would go without being overwritten.
  await wipeLeftRoot(directory);
  const plain = lstatSync(path, { throwIfNoEntry: false });
  if (plain === undefined) return false;
  mustBeAlone(path, plain);
  await onDisk(path, async () => {
    await rename(path, join(directory, LEFT_ROOT_FILE));
    await syncDirectory(directory);
  });
  await wipeLeftRoot(directory);
  return true;
}

/**
 * Overwrites and removes what a crash left of `root.secret`, of its removal or of its making. On a disk that writes elsewhere than
 * where it is told (flash, copy on write), the old bytes may stay.
 *
 * @throws ProtegoError `ENCLAVE_ROOT_LINKED` when it has another name; errors of the disk
 */
export async function wipeLeftRoot(directory: string): Promise<void> {
  for (const path of [LEFT_ROOT_FILE, UNFINISHED_ROOT_FILE].map((name) => join(directory, name))) {
    const left = lstatSync(path, { throwIfNoEntry: false });
    if (left === undefined) continue;
    mustBeAlone(path, left);
    await onDisk(path, async () => {
      await overwriteFile(path, (file) => mustBeAlone(path, file));
      await unlink(path);
      await syncDirectory(directory);
    });
  }
}

/** What has another name would be destroyed there, too: a copy that somebody counts on. */
function mustBeAlone(path: string, file: Stats): void {
  if (file.isFile() && file.nlink === 1) return;
  const what = file.isFile()
    ? `has ${file.nlink} names (hard links)`
    : 'is no file of its own, but a link or directory';
  const message =
    `\`${path}\` ${what}: to seal overwrites it, and with it what has the other name. Put a file of one name there ` +
    `(\`cp -p ${path} ${path}.copy && mv ${path}.copy ${path}\`), and see to the other one, which opens the log`;
  throw new ProtegoError('ENCLAVE_ROOT_LINKED', message, { path });
}

function notApart(path: string, from: string): ProtegoError {
  const message = `\`${path}\` is, or lies in, \`${from}\`, which sealing overwrites: keep it elsewhere`;
  return new ProtegoError('USAGE_INVALID', message, { path, from });
}

function isSame(one: Stats | undefined, other: Stats | undefined): boolean {
  return one !== undefined && other !== undefined && isSameFile(one, other);
}

/** What a path leads to; undefined also for one that cannot be looked at, which whoever opens it is told. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

/**
 * Writes a recovery copy of the root secret: its 32 bytes, for its owner only, durably. One that is there already may stay if
 * it holds this very root, so that a sealing that was interrupted can be repeated as it was.
 *
 * @throws ProtegoError as {@link mustHoldRoot}; errors of the disk
 */
export async function writeRecoveryCopy(path: string, root: Buffer): Promise<void> {
  await onDisk(path, async () => {
    await writeNewFile(path, root);
    await syncDirectory(dirname(path));
  });
  await mustHoldRoot(path, root);
}

/**
 * Reads a recovery copy back.
 *
 * @throws ProtegoError `USAGE_INVALID` when it is none of this root, or others can read it
 */
export async function mustHoldRoot(path: string, root: Buffer): Promise<void> {
  const known = await readSecretFile(path, root.length).catch(() => undefined);
  const isSame = known !== undefined && timingSafeEqual(known.bytes, root);
  known?.free();
  if (isSame) return;
  const message = `\`${path}\` is there, and is no recovery copy of this root for its owner only: name another file, or remove it`;
  throw new ProtegoError('USAGE_INVALID', message, { path });
}
