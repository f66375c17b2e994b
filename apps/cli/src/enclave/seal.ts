import { Command } from 'commander';
import { ProtegoError } from '@protego/contracts';
import {
  isPathWithin,
  keysDirectoryOf,
  platformDirectoryOf,
  sealEnclaveRoot,
  type RootCustody,
} from '@protego/enclave';
import { unlockFilesOf, withSealingOptions } from '../log/key-options';
import { withLogOnly, type LogOptions } from '../log/open-log';
import { Terminal } from '../terminal';
import { EMULATED, EMULATED_LINE } from './emulated';

interface SealOptions extends LogOptions {
  /** False when none is wanted. */
  readonly recovery?: string | false;
  readonly rootSecret?: string;
}

/** `protego enclave seal`. */
export function sealCommand(): Command {
  const command = new Command('seal').description(
    'Seal the root secret of a log to the platform and to the code of the enclave, and to secrets of one or two operators. `keys/root.secret` is removed once the sealed root was seen to open. After an update of Protego, of a package or of Node, on another machine, or in another directory, seal anew with --root-secret.',
  );
  const example =
    'protego enclave seal --log .protego/log --make-key-file /media/key/root.key --recovery /media/safe/root.secret';
  return withSealingOptions(withLogOnly(command, example, 'never'))
    .option(
      '--recovery <file>',
      'where a copy of the root secret goes, which opens the log without platform and secrets',
    )
    .option('--no-recovery', 'make no such copy: if the platform or the secrets are lost, so is the log')
    .option(
      '--root-secret <file>',
      'seal this root secret, such as the recovery copy, in place of that in the key directory',
    )
    .action((options: SealOptions) => seal(options));
}

async function seal(options: SealOptions): Promise<void> {
  const { recovery, rootSecret } = options;
  const directory = keysDirectoryOf(options.log, options.keys);
  const platformDirectory = platformDirectoryOf(options.log, directory, options.platform);
  const unlock = unlockFilesOf(options);
  if (recovery === undefined && rootSecret === undefined)
    throw new ProtegoError('USAGE_INVALID', 'say where the recovery copy goes (--recovery), or --no-recovery');
  const kept = [recovery, rootSecret, ...unlock.map(({ path }) => path)];
  for (const path of kept)
    if (typeof path === 'string') mustLieOutside(path, [options.log, directory, platformDirectory]);
  const report = await sealEnclaveRoot({
    ...{ directory, platformDirectory, unlock },
    ...(typeof recovery === 'string' ? { recoveryFile: recovery } : {}),
    ...(rootSecret === undefined ? {} : { rootSecretFile: rootSecret }),
  });
  new Terminal(options.json).result({ ...EMULATED, ...report, keysDirectory: directory, platformDirectory }, [
    EMULATED_LINE,
    `${directory}: the root secret (from ${report.from}) is sealed, and opened again`,
    rootLine(report),
    `platform: ${platformDirectory}; without it the root does not open`,
    report.recoveryFile === null
      ? 'recovery copy: none was made'
      : `recovery copy: ${report.recoveryFile}; it opens the log without anything else: take it off this machine`,
    'root.secret is overwritten and removed; where the disk writes elsewhere than it is told (flash), its bytes may be there still',
  ]);
}

/** How a root secret is kept, as a line. */
export function rootLine({ kept, factors }: RootCustody): string {
  if (kept === 'file') return 'root secret: in `root.secret`, not sealed';
  const secrets = factors.map((kind) => (kind === 'key-file' ? 'a key file' : 'a passphrase'));
  return `root secret: sealed; opens with ${['the platform', ...secrets].join(', then ')}`;
}

// Beside what it opens, a copy or a key would be stolen and backed up together with it.
function mustLieOutside(path: string, directories: readonly string[]): void {
  const within = directories.find((directory) => isPathWithin(path, directory));
  if (within === undefined) return;
  throw new ProtegoError('USAGE_INVALID', `\`${path}\` lies in \`${within}\`: keep it elsewhere`, { path, within });
}
