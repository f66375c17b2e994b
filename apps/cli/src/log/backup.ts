import { openEnclave } from '@protego/enclave';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { systemClock } from '@protego/contracts';
import { backupLog, restoreLog, type BackupSummary } from '@protego/event-log';
import { numberOf } from '../commands/simulate.command';
import { Terminal } from '../terminal';
import { openBackupTarget } from './backup-target';
import { sealedRootAccess } from './key-options';
import { withLog, withReader, type LogOptions } from './open-log';

interface BackupCommandOptions extends LogOptions {
  readonly to: string;
  readonly keep?: number;
}

interface RestoreCommandOptions extends LogOptions {
  readonly from: string;
  readonly backup?: string;
  readonly rootSecret?: string;
  readonly verifierKey?: string;
  readonly against?: string;
  readonly receipt?: readonly string[];
}

/** `protego log backup`. */
export function backupCommand(): Command {
  const command = new Command('backup').description(
    'Copy the log up to its latest checkpoint, and the vault of person keys, to a directory or a JetStream object store. The root secret is left out, sealed or not: keep `keys/root.secret`, or its recovery copy, elsewhere.',
  );
  return withLog(command, 'protego log backup --log .protego/log --to /mnt/backup/log', 'never')
    .requiredOption('--to <place>', 'directory, or nats://user:password@host:port/bucket')
    .option('--keep <n>', 'backups that the target keeps', numberOf('--keep'))
    .action((options: BackupCommandOptions) => backup(options));
}

/** `protego log restore`. */
export function restoreCommand(): Command {
  const command = new Command('restore').description(
    'Restore a log from a backup and prove that it is the same log: every record is hashed up to the signed root. What was erased since stays erased.',
  );
  const example = 'protego log restore --from /mnt/backup/log --log restored --root-secret root.secret';
  return withLog(command, example, 'never')
    .requiredOption('--from <place>', 'directory, or nats://user:password@host:port/bucket')
    .option('--backup <name>', 'which backup (default: the latest)')
    .option('--root-secret <file>', 'root secret of the log; needed where its key directory is gone')
    .option('--verifier-key <key>', 'key of the log as its owner publishes it')
    .option('--against <file>', 'a signed checkpoint that somebody has kept')
    .option('--receipt <file...>', 'receipts of erasures to apply as well')
    .action((options: RestoreCommandOptions) => restore(options));
}

async function backup(options: BackupCommandOptions): Promise<void> {
  const target = await openBackupTarget(options.to.includes('://') ? options.to : resolve(options.to));
  try {
    const summary = await withReader(options, ({ directory, keysDirectory, house }): Promise<BackupSummary> =>
      backupLog({
        ...{ directory, keysDirectory, keys: house.keys, target, clock: systemClock },
        ...(options.keep === undefined ? {} : { keepCount: options.keep }),
      }),
    );
    const { name, location, size, rootHash, bytesWritten, removed } = summary;
    new Terminal(options.json).result(summary, [
      `backup ${name} in ${location}: ${size} records, ${bytesWritten} bytes written, ${removed.length} old backups removed`,
      `root: ${rootHash}`,
      'the root secret is not part of it: keep keys/root.secret, or its recovery copy, elsewhere',
    ]);
  } finally {
    await target.close();
  }
}

async function restore(options: RestoreCommandOptions): Promise<void> {
  const { log, keys, backup: name, rootSecret, verifierKey, against, receipt } = options;
  const target = await openBackupTarget(options.from);
  try {
    const report = await restoreLog({
      openHouse: (house) => openEnclave({ ...sealedRootAccess(options), ...house }),
      target,
      directory: log,
      ...(keys === undefined ? {} : { keysDirectory: keys }),
      ...(name === undefined ? {} : { backup: name }),
      ...(rootSecret === undefined ? {} : { rootSecretFile: rootSecret }),
      ...(verifierKey === undefined ? {} : { verifierKey }),
      ...(against === undefined ? {} : { checkpoint: readFileSync(against, 'utf8') }),
      ...(receipt === undefined ? {} : { receipts: receipt.map((path) => readFileSync(path, 'utf8')) }),
    });
    new Terminal(options.json).result(report, [
      `restored ${report.size} records of ${report.origin} from ${report.backup} (${report.createdAt})`,
      `the same log: re-hashed to the signed root ${report.checkpointRoot} of ${report.checkpointSize} records`,
      `${report.keysDestroyed} keys destroyed that were erased since the backup`,
    ]);
  } finally {
    await target.close();
  }
}
