import { createHash } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';

/**
 * Where a backup is kept. Names are relative paths of letters, digits, dots, dashes, underscores and slashes. What a
 * write has resolved for is durable.
 */
export interface BackupTarget {
  /** Says where it is; the same target always says the same. */
  readonly location: string;
  /** Names that begin with the prefix, in no order. */
  list(prefix: string): Promise<string[]>;
  /**
   * Content of an object, piece by piece; undefined when there is none.
   *
   * @throws ProtegoError `BACKUP_INVALID` when there is one that is not whole, here or while it is read
   */
  read(name: string): Promise<AsyncIterable<Buffer> | undefined>;
  /**
   * Stores an object: whole or not at all, whatever happens. Where the name has one already, that is there until the new
   * one is.
   */
  write(name: string, content: AsyncIterable<Buffer>): Promise<void>;
  /** Puts an object in the place of another so that nothing of the old content can be read there any more. */
  overwrite(name: string, content: Buffer): Promise<void>;
  /** Removes an object; one that is not there is ignored. */
  remove(name: string): Promise<void>;
  close(): Promise<void>;
}

/** Folder of what is named by its SHA-256. */
export const OBJECTS = 'objects/';
/** Folder of the signed manifests, one for each backup that is kept. */
export const MANIFESTS = 'manifests/';
/** Copy of the key directory's vault: one for all backups, so that what is forgotten is forgotten in each of them. */
export const VAULT_OBJECT = 'keys/vault';
/** Copy of the key directory's record of data keys. */
export const HOUSE_OBJECT = 'keys/house.json';
/** Keys that were destroyed after the backups were made: one JSON object a line, `keyId` and `at`. */
export const ERASURES_OBJECT = 'erasures.jsonl';

/** Whole content of a small object; undefined when there is none. */
export async function readSmall(target: BackupTarget, name: string, bytesMax: number): Promise<Buffer | undefined> {
  const content = await target.read(name);
  if (content === undefined) return undefined;
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of content) {
    bytes += piece.length;
    if (bytes > bytesMax) throw invalidBackup(target, `\`${name}\` has more than ${bytesMax} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** One piece as content. */
export async function* onePiece(content: Buffer): AsyncGenerator<Buffer, void, undefined> {
  yield content;
}

/** Name of an object by its content. */
export function objectNameOf(content: Buffer): string {
  return OBJECTS + createHash('sha256').update(content).digest('hex');
}

/** `BACKUP_INVALID`: the backup is not whole, or not what was backed up. */
export function invalidBackup(target: BackupTarget, reason: string): ProtegoError {
  const { location } = target;
  return new ProtegoError('BACKUP_INVALID', `the backup in \`${location}\` cannot be used: ${reason}`, { location });
}
