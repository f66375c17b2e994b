import { ProtegoError } from '@protego/contracts';
import { DirectoryTarget, openDirectoryTarget, type BackupTarget } from '@protego/event-log';
import { ObjectStoreTarget } from './object-store-target';

/**
 * The target of a backup: a directory, or a JetStream object store as `nats://user:password@host:port/bucket`.
 *
 * @throws ProtegoError `USAGE_INVALID`, `NATS_UNAVAILABLE`
 */
export async function openBackupTarget(location: string): Promise<BackupTarget> {
  if (/^(nats|tls):\/\//.test(location)) return ObjectStoreTarget.open(location);
  if (location.startsWith('directory:')) return openDirectoryTarget(location);
  if (location === '')
    throw new ProtegoError('USAGE_INVALID', 'the target of a backup is a directory or nats://…/bucket');
  return new DirectoryTarget(location);
}
