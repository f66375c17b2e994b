import { ProtegoError } from '@protego/contracts';
import { readIdentity, type LogIdentity } from '../log-identity';
import { readLatestCheckpoint, type SignedCheckpoint } from '../tree/checkpoint-files';
import { checkConsistency, makeConsistencyProof } from '../tree/proof';
import { parseVerifierKey } from '../tree/signed-note';
import { TileStore } from '../tree/tile-store';
import { listBackups, readManifest, type CheckedManifest } from './backup-manifest';
import { invalidBackup, type BackupTarget } from './backup-target';

/** The log now, and the backup that it has grown from. */
export interface Growth {
  /** Latest checkpoint of the log. */
  readonly latest: SignedCheckpoint;
  /** Latest backup in the target; none in a new one. */
  readonly previous: CheckedManifest | undefined;
}

/**
 * Checks that a log has grown from the latest backup in a target.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID` when the log has no checkpoint yet; `LOG_TRUNCATED` or `LOG_FORKED` when it has
 *   not grown from the backup; `BACKUP_INVALID` when the target holds another log
 */
export async function requireGrownFrom(target: BackupTarget, directory: string): Promise<Growth> {
  const identity = readIdentity(directory);
  const latest = latestOf(directory, identity);
  const previous = await latestBackupOf(target, identity);
  if (previous !== undefined) checkGrowth(directory, previous, latest);
  return { latest, previous };
}

function latestOf(directory: string, { verifierKey }: LogIdentity): SignedCheckpoint {
  const latest = readLatestCheckpoint(directory, [parseVerifierKey(verifierKey)]);
  if (latest !== undefined) return latest;
  throw new ProtegoError('LOG_CHECKPOINT_INVALID', 'the log has no checkpoint yet: there is nothing to back up');
}

/**
 * The latest backup in a target; undefined when there is none.
 *
 * @throws ProtegoError `BACKUP_INVALID` when the target holds another log
 */
export async function latestBackupOf(
  target: BackupTarget,
  identity: LogIdentity,
): Promise<CheckedManifest | undefined> {
  const name = (await listBackups(target)).at(-1);
  if (name === undefined) return undefined;
  const manifest = await readManifest(target, name);
  const isSame = manifest.verifierKey === identity.verifierKey && manifest.logId === identity.logId.toString('hex');
  if (isSame) return manifest;
  throw invalidBackup(target, `it holds the log \`${manifest.origin}\` with the id \`${manifest.logId}\``);
}

function checkGrowth(directory: string, { tree, name }: CheckedManifest, latest: SignedCheckpoint): void {
  if (tree.size > latest.size) {
    const message = `the log has ${latest.size} records at its checkpoint, its backup \`${name}\` has ${tree.size}`;
    throw new ProtegoError('LOG_TRUNCATED', message, { size: latest.size, backupSize: tree.size });
  }
  if (tree.size === 0) return;
  const proof = makeConsistencyProof(new TileStore(directory, latest.size), tree.size);
  try {
    const second = { secondSize: latest.size, secondRoot: latest.root };
    checkConsistency({ firstSize: tree.size, firstRoot: tree.root, ...second }, proof);
  } catch (cause) {
    const message = `the log has not grown from its backup \`${name}\`: verify it before anything is overwritten`;
    throw new ProtegoError('LOG_FORKED', message, { backupSize: tree.size }, { cause });
  }
}
