import { canonicalJson, formatRfc3339, messageOf, type Clock } from '@protego/contracts';
import type { CopyOutOfReach } from '../erasure/copy-out-of-reach';
import { copyKeys } from './backup-keys';
import { registerBackup, registeredBackups, type RegisteredBackup } from './backup-registry';
import { requireGrownFrom } from './backup-growth';
import { ERASURES_OBJECT, readSmall, type BackupTarget } from './backup-target';

/** Opens the target at a location that a backup was registered with. */
export type TargetOpener = (location: string) => Promise<BackupTarget>;

/** Most bytes of a target's list of destroyed keys: one for each key of a full vault. */
const ERASURES_BYTES_MAX = 1 << 28;
const KEY_ID = /^[0-9a-f]{32}$/;

/** In which backups keys were destroyed, and in which they could not be. */
export interface BackupErasure {
  /** Locations. */
  readonly erased: string[];
  readonly outOfReach: CopyOutOfReach[];
}

/** What is needed to reach the backups of a log. */
export interface BackupReach {
  /** Directory of the log. */
  readonly directory: string;
  readonly keysDirectory: string;
  readonly clock: Clock;
  /** Without it every backup counts as out of reach. */
  readonly openTarget?: TargetOpener;
}

/** Keys that are to be gone: all that the log says were destroyed. */
export interface DestroyedKeys {
  readonly keyIds: readonly string[];
  /** Seq of the latest erasure among them. */
  readonly throughSeq: number;
}

/**
 * Destroys keys in every registered backup within reach: writes the present vault over its copy, and names them in the
 * target's list. Failures make a target one out of reach, never an error: the keys are destroyed here already.
 */
export async function eraseFromBackups(reach: BackupReach, keys: DestroyedKeys): Promise<BackupErasure> {
  return eraseFrom(reach, registeredBackups(reach.directory), keys);
}

/** As {@link eraseFromBackups}, of backups that have not followed all erasures yet. */
export async function finishBackupErasures(reach: BackupReach, keys: DestroyedKeys): Promise<BackupErasure> {
  const lagging = registeredBackups(reach.directory).filter(
    ({ erasedThroughSeq = -1 }) => erasedThroughSeq < keys.throughSeq,
  );
  return eraseFrom(reach, lagging, keys);
}

async function eraseFrom(
  reach: BackupReach,
  backups: readonly RegisteredBackup[],
  keys: DestroyedKeys,
): Promise<BackupErasure> {
  const result: BackupErasure = { erased: [], outOfReach: [] };
  for (const backup of backups) {
    const { location, lastBackupAt } = backup;
    try {
      if (reach.openTarget === undefined) throw new Error('it was not opened');
      const target = await reach.openTarget(location);
      try {
        await eraseFromTarget(reach, target, keys);
      } finally {
        await target.close();
      }
      await registerBackup(reach.directory, { location, lastBackupAt, erasedThroughSeq: keys.throughSeq });
      result.erased.push(location);
    } catch (cause) {
      const note = `backup of ${lastBackupAt}, could not be changed: ${messageOf(cause)}; back up again, or delete it`;
      result.outOfReach.push({ kind: 'backup', name: location, note });
    }
  }
  return result;
}

async function eraseFromTarget(reach: BackupReach, target: BackupTarget, { keyIds }: DestroyedKeys): Promise<void> {
  const { directory, keysDirectory, clock } = reach;
  await addErasures(target, keyIds, clock.wallMs());
  // The vault of a log that was put back to an earlier day lacks keys that the backup's records need.
  await requireGrownFrom(target, directory);
  await copyKeys(target, keysDirectory);
}

/** Adds keys to a target's list of destroyed ones, durably. */
export async function addErasures(target: BackupTarget, keyIds: readonly string[], nowMs: number): Promise<void> {
  const known = await readErasures(target);
  const missing = keyIds.filter((keyId) => !known.has(keyId));
  if (missing.length === 0) return;
  const before = (await readSmall(target, ERASURES_OBJECT, ERASURES_BYTES_MAX)) ?? Buffer.alloc(0);
  // A last line that a crash cut short is ended, so that the next does not become part of it.
  const gap = before.length === 0 || before.at(-1) === 0x0a ? '' : '\n';
  const at = formatRfc3339(nowMs);
  const lines = missing.map((keyId) => `${canonicalJson({ at, keyId })}\n`);
  await target.overwrite(ERASURES_OBJECT, Buffer.concat([before, Buffer.from(gap + lines.join(''))]));
}

/** Ids of the keys that a target's list names; lines that were cut short are passed over. */
export async function readErasures(target: BackupTarget): Promise<Set<string>> {
  const text = (await readSmall(target, ERASURES_OBJECT, ERASURES_BYTES_MAX))?.toString('utf8') ?? '';
  const keyIds = new Set<string>();
  for (const line of text.split('\n')) {
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
