import { timingSafeEqual } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { overwriteFile } from '../file-bytes';
import { onDisk, readSecretFile, syncDirectory, writeNewFile } from '../key-files';
import { type GuardedBytes } from '../memory/guarded-memory';
import { ROOT_BYTES } from '../unlock/unlock-method';

/** File of a key directory with the root secret as it is. */
export const ROOT_FILE = 'root.secret';
/** File of a key directory with the root secret, wrapped and sealed. */
export const SEALED_ROOT_FILE = 'root.sealed';
/** What `root.secret` is named from when it counts no more until it is overwritten and gone. */
const LEFT_ROOT_FILE = 'root.secret.old';

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
 * Removes `root.secret` after the root was sealed: from the moment on when it has another name it counts no more, and then
 * it is overwritten. What a crash left of an earlier removal goes as well.
 *
 * @throws ProtegoError errors of the disk
 */
export async function removePlainRoot(directory: string): Promise<void> {
  const path = join(directory, ROOT_FILE);
  // Renamed over, an older one would go without being overwritten.
  await wipeLeftRoot(directory);
  if (!existsSync(path)) return;
  await onDisk(path, async () => {
    await rename(path, join(directory, LEFT_ROOT_FILE));
    await syncDirectory(directory);
  });
  await wipeLeftRoot(directory);
}

/**
 * Overwrites and removes what a crash left of `root.secret`. On a disk that writes elsewhere than where it is told (flash,
 * copy on write), the old bytes may stay.
 *
 * @throws ProtegoError errors of the disk
 */
export async function wipeLeftRoot(directory: string): Promise<void> {
  const path = join(directory, LEFT_ROOT_FILE);
  if (!existsSync(path)) return;
  await onDisk(path, async () => {
    await overwriteFile(path);
    await unlink(path);
    await syncDirectory(directory);
  });
}

/**
 * Writes a recovery copy of the root secret: its 32 bytes, for its owner only, durably. One that is there already may stay if
 * it holds this very root, so that a sealing that was interrupted can be repeated as it was.
 *
 * @throws ProtegoError `USAGE_INVALID` when there is another file; errors of the disk
 */
export async function writeRecoveryCopy(path: string, root: Buffer): Promise<void> {
  const isNew = await onDisk(path, async () => {
    if (!(await writeNewFile(path, root))) return false;
    await syncDirectory(dirname(path));
    return true;
  });
  if (!isNew) await mustHoldRoot(path, root);
}

async function mustHoldRoot(path: string, root: Buffer): Promise<void> {
  const known = await readSecretFile(path, root.length).catch(() => undefined);
  const isSame = known !== undefined && timingSafeEqual(known.bytes, root);
  known?.free();
  if (isSame) return;
  const message = `\`${path}\` exists already, and is no recovery copy of this root: name another file, or remove it`;
  throw new ProtegoError('USAGE_INVALID', message, { path });
}
