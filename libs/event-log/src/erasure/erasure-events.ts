import { type EventSeq, type ProtegoEvent } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import { finishBackupErasures, type BackupReach, type DestroyedKeys } from '../backup/backup-erasure';
import type { EventLogReader } from '../reader/reader';
import type { CopyOutOfReach } from './copy-out-of-reach';

/** What an erasure event says. */
export interface RecordedErasure {
  readonly person: string;
  readonly keyIds: readonly string[];
  readonly reason: string;
  readonly seq: EventSeq;
}

/** The erasures that a log tells of, in its order. */
export function* erasuresIn(reader: EventLogReader): Generator<RecordedErasure, void, undefined> {
  for (const { seq, body } of reader.query({ types: ['log.erased'] })) {
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
 * @throws ProtegoError errors of reading the log and of the vault; `BACKUP_INVALID` when the list of backups is damaged
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
  const isLeft = backups !== undefined && erasures.length > 0;
  const finished = isLeft ? await finishBackupErasures(backups, keysOf(erasures)) : undefined;
  return { events: erasures.length, keysDestroyed, backupsOutOfReach: finished?.outOfReach ?? [] };
}

/** All keys that some erasures name; at least one. */
export function keysOf(erasures: readonly RecordedErasure[]): DestroyedKeys {
  const keyIds = [...new Set(erasures.flatMap((each) => each.keyIds))];
  return { keyIds, throughSeq: Math.max(...erasures.map(({ seq }) => seq)) };
}
