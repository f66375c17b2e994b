import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProtegoError, canonicalJson, messageOf } from '@protego/contracts';
import { withBackupLock } from './backup-lock';
import { nodeFileLayer, writeFileAtomically } from '../writer/file-layer';

/** Most targets that one log has backups in. */
export const BACKUP_TARGETS_MAX = 64;

/** Name of the list in the directory of the log. */
export const BACKUPS_FILE = 'backups.json';

/** A target that holds backups of a log, and so a copy of its vault. */
export interface RegisteredBackup {
  readonly location: string;
  /** RFC 3339. */
  readonly lastBackupAt: string;
  /** Seq of the latest erasure that the target has followed, with all before it. */
  readonly erasedThroughSeq?: number;
}

/**
 * The targets that hold backups of a log.
 *
 * @throws ProtegoError `BACKUP_INVALID` when the list is damaged: an erasure must not pass over one unseen
 */
export function registeredBackups(directory: string): RegisteredBackup[] {
  const path = join(directory, BACKUPS_FILE);
  try {
    const list: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isListOfBackups(list)) return list;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new ProtegoError('BACKUP_INVALID', `\`${path}\` is damaged: ${messageOf(cause)}`, { path }, { cause });
  }
  throw new ProtegoError('BACKUP_INVALID', `\`${path}\` is damaged`, { path });
}

/** True for a list of targets. */
export function isListOfBackups(list: unknown): list is RegisteredBackup[] {
  return Array.isArray(list) && list.every(isRegisteredBackup);
}

function isRegisteredBackup(each: unknown): boolean {
  if (typeof each !== 'object' || each === null) return false;
  const { location, lastBackupAt } = each as Partial<Record<keyof RegisteredBackup, unknown>>;
  return typeof location === 'string' && typeof lastBackupAt === 'string';
}

/**
 * Notes that a target holds backups of the log, durably; what was noted of it before and is not said anew stays.
 *
 * @throws ProtegoError `USAGE_INVALID` beyond {@link BACKUP_TARGETS_MAX}; as {@link registeredBackups} and
 *   {@link withBackupLock}
 */
export function registerBackup(directory: string, backup: RegisteredBackup): Promise<void> {
  return withBackupLock(directory, () => addBackup(directory, backup));
}

/** As {@link registerBackup}, for whoever holds the lock. */
export async function addBackup(directory: string, backup: RegisteredBackup): Promise<void> {
  const known = registeredBackups(directory);
  const others = known.filter(({ location }) => location !== backup.location);
  const before = known.find(({ location }) => location === backup.location);
  if (before === undefined && others.length >= BACKUP_TARGETS_MAX) {
    throw new ProtegoError('USAGE_INVALID', `a log has backups in at most ${BACKUP_TARGETS_MAX} targets`);
  }
  await writeList(directory, [...others, { ...before, ...backup }]);
}

/**
 * Begins the list of a restored log: the target it came from, and those that its backup names. None of them need have
 * followed the erasures of the restored log.
 *
 * @param others as the backup has them; where the target was moved since, also under its former location
 */
export function registerRestored(
  directory: string,
  from: RegisteredBackup,
  others: readonly RegisteredBackup[] = [],
): Promise<void> {
  const list = others
    .filter(({ location }) => location !== from.location)
    .map(({ location, lastBackupAt }) => ({ location, lastBackupAt }));
  return withBackupLock(directory, () => writeList(directory, [...list, from]));
}

function writeList(directory: string, list: readonly RegisteredBackup[]): Promise<void> {
  return writeFileAtomically(nodeFileLayer, join(directory, BACKUPS_FILE), Buffer.from(`${canonicalJson(list)}\n`));
}
