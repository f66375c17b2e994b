import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProtegoError, isProtegoError } from '@protego/contracts';
import { liveKeyIdsIn } from '@protego/enclave';
import { readErasures } from './destroyed-keys';
import { HOUSE_OBJECT, VAULT_OBJECT, invalidBackup, readSmall, type BackupTarget } from './backup-target';

/** File of the key directory that everything is derived from. It is in no backup: keep it apart. */
export const ROOT_SECRET_FILE = 'root.secret';
const VAULT_FILE = 'vault';
/** Files of the key directory that are in each backup, and where. The vault is useless without the root secret. */
export const KEY_FILES = [
  { file: 'house.json', object: HOUSE_OBJECT },
  { file: VAULT_FILE, object: VAULT_OBJECT },
] as const;

const ATTEMPTS_MAX = 8;
/** Most times that a file is read anew because another took its place. */
const READS_MAX = 64;
/** The vault's first slot: it is never written over, and no other vault begins with the same bytes. */
const FIRST_SLOT_BYTES = 256;
/** A full vault. */
const VAULT_BYTES_MAX = 1 << 28;

/**
 * Brings a target's copies of `house.json` and `vault` to the present state, in place. An erasure may come meanwhile: it
 * is repeated until the files did not change while they were copied. The caller holds the lock of the log's backups.
 *
 * @throws ProtegoError `LOG_KEY_MISSING` when there is no key directory; `LOG_KEYS_DAMAGED` when the vault has keys that the
 *   target says were destroyed; `BACKUP_INVALID` when the files change all the time
 */
export async function copyKeys(target: BackupTarget, keysDirectory: string): Promise<void> {
  const destroyed = await readErasures(target);
  for (const { file, object } of KEY_FILES) {
    const check = (path: string, content: Buffer): void => {
      if (object === VAULT_OBJECT) mustNotHold(destroyed, path, content);
    };
    await copyUntilStable(target, join(keysDirectory, file), object, check);
  }
}

/** What is said of a target with no backup and the keys of somebody else. */
export const FOREIGN_KEYS = `it holds no backup, but the keys of another log (\`${VAULT_OBJECT}\`): name another place, or remove them if nobody needs them`;

/** Whose keys a target holds; `broken` are those of a copy that is not whole: nobody can use them. */
export type KeysHeld = 'none' | 'own' | 'foreign' | 'broken';

/**
 * Whether the copy of a vault in a target is of a log's own vault, of whatever day. Without a manifest, nothing else tells
 * whose keys they are.
 */
export async function keysHeldIn(target: BackupTarget, keysDirectory: string): Promise<KeysHeld> {
  const held = await vaultHeldIn(target);
  if (held === 'broken') return held;
  const first = held?.subarray(0, FIRST_SLOT_BYTES);
  // What has no whole slot has no key.
  if (first === undefined || first.length < FIRST_SLOT_BYTES) return 'none';
  const own = await contentOf(join(keysDirectory, VAULT_FILE));
  return own?.subarray(0, FIRST_SLOT_BYTES).equals(first) === true ? 'own' : 'foreign';
}

async function vaultHeldIn(target: BackupTarget): Promise<Buffer | 'broken' | undefined> {
  try {
    return await readSmall(target, VAULT_OBJECT, VAULT_BYTES_MAX);
  } catch (error) {
    if (isProtegoError(error) && error.code === 'BACKUP_INVALID') return 'broken';
    throw error;
  }
}

/** A vault that was put back to an earlier day must not bring back what was forgotten since. */
function mustNotHold(destroyed: ReadonlySet<string>, path: string, vault: Buffer): void {
  if (destroyed.size === 0) return;
  const keys = [...liveKeyIdsIn(vault)].filter((keyId) => destroyed.has(keyId)).length;
  if (keys === 0) return;
  const message = `\`${path}\` holds ${keys} keys that were destroyed, as the list in the backup says: it is older than an erasure; restore log and keys from the backup`;
  throw new ProtegoError('LOG_KEYS_DAMAGED', message, { path, keys });
}

async function copyUntilStable(
  target: BackupTarget,
  path: string,
  object: string,
  check: (path: string, content: Buffer) => void,
): Promise<void> {
  let content = await contentOf(path);
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (content === undefined) return;
    check(path, content);
    await target.overwrite(object, content);
    const now = await contentOf(path);
    if (now?.equals(content) === true) return;
    content = now;
  }
  throw invalidBackup(target, `\`${path}\` changes all the time`);
}

/** What is read of a file that is replaced meanwhile may be what it was overwritten with: it is never returned. */
async function contentOf(path: string): Promise<Buffer | undefined> {
  try {
    for (let attempt = 0; attempt < READS_MAX; attempt++) {
      const { content, isInPlace } = await readOnce(path);
      if (isInPlace) return content;
    }
    throw new Error(`it was replaced ${READS_MAX} times while it was read`);
  } catch (cause) {
    // A house that has met no person yet has no vault.
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new ProtegoError('LOG_KEY_MISSING', `cannot read \`${path}\``, { path }, { cause });
  }
}

/** Content of a file, and whether the file is in its place still: a vault that was replaced is overwritten. */
async function readOnce(path: string): Promise<{ content: Buffer; isInPlace: boolean }> {
  const handle = await open(path, 'r');
  try {
    const content = await handle.readFile();
    const [opened, inPlace] = await Promise.all([handle.stat(), stat(path)]);
    return { content, isInPlace: opened.ino === inPlace.ino && opened.dev === inPlace.dev };
  } finally {
    await handle.close();
  }
}
