import { join } from 'node:path';
import { isProtegoError, type EventSeq, type ProtegoEvent } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import { finishBackupErasures, type BackupReach, type DestroyedKeys } from '../backup/backup-erasure';
import { BACKUPS_FILE } from '../backup/backup-registry';
import type { EventLogReader } from '../reader/reader';
import { removeSnapshots } from '../snapshots/snapshot-files';
import type { CopyOutOfReach } from './copy-out-of-reach';

/** What an erasure event says. */
export interface RecordedErasure {
  readonly person: string;
  readonly keyIds: readonly string[];
  /** Tokens of the person's other names, as many as the event lists; older events list none. */
  readonly aliases?: readonly string[];
  readonly reason: string;
  readonly seq: EventSeq;
}

/** The erasures that a log tells of from a seq on, in its order. */
export function* erasuresIn(reader: EventLogReader, fromSeq = 0): Generator<RecordedErasure, void, undefined> {
  for (const { seq, body } of reader.query({ types: ['log.erased'], fromSeq })) {
    const { data } = JSON.parse(body.toString('utf8')) as ProtegoEvent;
    yield { ...(data as unknown as Omit<RecordedErasure, 'seq'>), seq };
  }
}

/** What was done again of the erasures that a log tells of. */
export interface AppliedErasures {
  readonly events: number;
  /** Keys that had come back. */
  readonly keysDestroyed: number;
  /** Backups that have not followed every erasure, and could not be made to. */
  readonly backupsOutOfReach: readonly CopyOutOfReach[];
}

/**
 * Destroys again every key that an erasure event names: on start, and after a restore. What is destroyed already is left
 * alone. With `backups`, those that have not followed every erasure do so now.
 *
 * A list of backups that is damaged counts as a backup out of reach.
 *
 * @throws ProtegoError errors of reading the log and of the vault
 */
export async function applyErasures(parts: {
  readonly reader: EventLogReader;
  readonly vault: PersonalDataVault;
  readonly backups?: BackupReach;
}): Promise<AppliedErasures> {
  const { reader, vault, backups } = parts;
  const erasures = [...erasuresIn(reader)];
  let keysDestroyed = 0;
  for (const { keyIds } of erasures) keysDestroyed += await vault.destroy(keyIds);
  if (keysDestroyed > 0) removeSnapshots(reader.directory);
  const isLeft = backups !== undefined && erasures.length > 0;
  const backupsOutOfReach = isLeft ? await finishedOr(backups, keysOf(erasures)) : [];
  return { events: erasures.length, keysDestroyed, backupsOutOfReach };
}

/** A list of backups that is damaged must not keep a log from being written. */
async function finishedOr(backups: BackupReach, keys: DestroyedKeys): Promise<readonly CopyOutOfReach[]> {
  try {
    return (await finishBackupErasures(backups, keys)).outOfReach;
  } catch (error) {
    if (!isProtegoError(error) || error.code !== 'BACKUP_INVALID') throw error;
    const note = `${error.message}: which backups hold keys of erased persons cannot be told; mend or remove the list, and back up to each target again`;
    return [{ kind: 'backup', name: join(backups.directory, BACKUPS_FILE), note }];
  }
}

/** All keys that some erasures name; at least one. */
export function keysOf(erasures: readonly RecordedErasure[]): DestroyedKeys {
  const keyIds = [...new Set(erasures.flatMap((each) => each.keyIds))];
  return { keyIds, throughSeq: Math.max(...erasures.map(({ seq }) => seq)) };
}
