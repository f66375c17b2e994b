import { messageOf, type Clock } from '@protego/contracts';
import type { CopyOutOfReach } from '../erasure/copy-out-of-reach';
import { FOREIGN_KEYS, copyKeys, keysHeldIn } from './backup-keys';
import { readIdentity } from '../log-identity';
import { withBackupLock } from './backup-lock';
import { addBackup, registeredBackups, type RegisteredBackup } from './backup-registry';
import { latestBackupOf, requireGrownFrom } from './backup-growth';
import { invalidBackup, type BackupTarget } from './backup-target';
import { addErasures } from './destroyed-keys';

/** Opens the target at a location that a backup was registered with. */
export type TargetOpener = (location: string) => Promise<BackupTarget>;

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
        await withBackupLock(reach.directory, async () => {
          await eraseFromTarget(reach, target, keys);
          await addBackup(reach.directory, { location, lastBackupAt, erasedThroughSeq: keys.throughSeq });
        });
      } finally {
        await target.close();
      }
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
  await mustHoldBackup(target, reach);
  await addErasures(target, keyIds, clock.wallMs());
  // The vault of a log that was put back to an earlier day lacks keys that the backup's records need.
  await requireGrownFrom(target, directory);
  await copyKeys(target, keysDirectory);
}

/** An empty directory where a disk is not mounted must not count as the backup, nor what another log left there. */
async function mustHoldBackup(target: BackupTarget, { directory, keysDirectory }: BackupReach): Promise<void> {
  if ((await latestBackupOf(target, readIdentity(directory))) !== undefined) return;
  // Of a backup that was cut off there may be a copy of the keys already.
  const held = await keysHeldIn(target, keysDirectory);
  if (held === 'none') throw invalidBackup(target, 'it holds no backup; is it mounted?');
  if (held === 'foreign') throw invalidBackup(target, FOREIGN_KEYS);
}
