import { canonicalJson, formatRfc3339, isProtegoError } from '@protego/contracts';
import { ERASURES_OBJECT, onePiece, readSmall, type BackupTarget } from './backup-target';

/** Most bytes of a target's list of destroyed keys: one for each key of a full vault. */
const ERASURES_BYTES_MAX = 1 << 28;
const KEY_ID = /^[0-9a-f]{32}$/;

/**
 * Adds keys to a target's list of destroyed ones, durably. A list that is not whole is begun anew with these keys.
 *
 * @param keyIds all that the log says were destroyed
 */
export async function addErasures(target: BackupTarget, keyIds: readonly string[], nowMs: number): Promise<void> {
  const list = await listOrLost(target);
  const before = list ?? Buffer.alloc(0);
  const known = keyIdsIn(before);
  const missing = keyIds.filter((keyId) => !known.has(keyId));
  if (list !== undefined && missing.length === 0) return;
  // A last line that a crash cut short is ended, so that the next does not become part of it.
  const gap = before.length === 0 || before.at(-1) === 0x0a ? '' : '\n';
  const at = formatRfc3339(nowMs);
  const lines = missing.map((keyId) => `${canonicalJson({ at, keyId })}\n`);
  // The list holds no secret: the old one may stay until the new one is there, so that a crash loses neither.
  await target.write(ERASURES_OBJECT, onePiece(Buffer.concat([before, Buffer.from(gap + lines.join(''))])));
}

/** Whether a target has a list of destroyed keys that is not whole. */
export async function isErasureListLost(target: BackupTarget): Promise<boolean> {
  return (await listOrLost(target)) === undefined;
}

/**
 * Ids of the keys that a target's list names; lines that were cut short are passed over.
 *
 * @throws ProtegoError `BACKUP_INVALID` when the list is not whole
 */
export async function readErasures(target: BackupTarget): Promise<Set<string>> {
  return keyIdsIn(await readList(target));
}

async function readList(target: BackupTarget): Promise<Buffer> {
  return (await readSmall(target, ERASURES_OBJECT, ERASURES_BYTES_MAX)) ?? Buffer.alloc(0);
}

/** Undefined when the list is not whole. */
async function listOrLost(target: BackupTarget): Promise<Buffer | undefined> {
  try {
    return await readList(target);
  } catch (error) {
    if (isProtegoError(error) && error.code === 'BACKUP_INVALID') return undefined;
    throw error;
  }
}

function keyIdsIn(list: Buffer): Set<string> {
  const keyIds = new Set<string>();
  for (const line of list.toString('utf8').split('\n')) {
    const keyId = keyIdOf(line);
    if (keyId !== undefined) keyIds.add(keyId);
  }
  return keyIds;
}

function keyIdOf(line: string): string | undefined {
  try {
    const { keyId } = JSON.parse(line) as { keyId?: unknown };
    return typeof keyId === 'string' && KEY_ID.test(keyId) ? keyId : undefined;
  } catch {
    return undefined;
  }
}
