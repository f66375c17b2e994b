import type { Command } from 'commander';
import {
  isRootSealed,
  keysDirectoryOf,
  platformDirectoryOf,
  type HouseKeysOptions,
  type UnlockFile,
} from '@protego/enclave';

/** A file with an unlock secret as the command line names it; one that `isNew` is made. */
export type NamedUnlockFile = UnlockFile & { readonly isNew?: boolean };

/** Options of every command that opens the keys of a log. */
export interface KeyOptions {
  readonly keys?: string;
  readonly platform?: string;
  /** This and the next are one list, in the order of the command line, when they are not empty. */
  readonly unlockKeyFile?: readonly NamedUnlockFile[];
  readonly unlockPassphraseFile?: readonly NamedUnlockFile[];
  readonly makeKeyFile?: readonly NamedUnlockFile[];
}

/** What opens a root that is sealed. */
export type SealedRootAccess = Pick<HouseKeysOptions, 'unlock'> & { readonly platformDirectory?: string };

const PLATFORM_HELP = 'directory of the emulated platform (default: `platform` beside the log directory)';
const FOR_SEALED = 'for a root secret that is sealed under it; repeat the options in the order of the sealing';

/** Gives a command the options with which a root secret opens that is sealed; one that lies in a file needs none of them. */
export function withKeyOptions(command: Command): Command {
  return unlockOptions(command, `key file, ${FOR_SEALED}`, `file or FIFO with the passphrase, ${FOR_SEALED}`, false);
}

/** The same for a command that seals; it can make key files as well. */
export function withSealingOptions(command: Command): Command {
  const repeated = 'give one secret, or one of each of two operators';
  const [keyHelp, passphraseHelp] = [
    `seal under a key file; ${repeated}`,
    'seal under a passphrase, from a file or FIFO',
  ];
  return unlockOptions(command, keyHelp, passphraseHelp, true);
}

/** Files with the unlock secrets, in the order of the command line. */
export function unlockFilesOf(options: KeyOptions): readonly NamedUnlockFile[] {
  return options.unlockKeyFile ?? options.unlockPassphraseFile ?? options.makeKeyFile ?? [];
}

/** What opens the root of a log that is sealed; nothing for one in a file. */
export function sealedRootAccess(options: KeyOptions & { readonly log: string }): SealedRootAccess {
  const keysDirectory = keysDirectoryOf(options.log, options.keys);
  if (!isRootSealed(keysDirectory)) return {};
  const platformDirectory = platformDirectoryOf(options.log, keysDirectory, options.platform);
  return { platformDirectory, unlock: unlockFilesOf(options) };
}

function unlockOptions(command: Command, keyHelp: string, passphraseHelp: string, canMake: boolean): Command {
  // The order of two secrets counts, whatever their kinds: all of them go into one list.
  const files: NamedUnlockFile[] = [];
  const collect =
    (file: Omit<NamedUnlockFile, 'path'>) =>
    (path: string): readonly NamedUnlockFile[] => {
      files.push({ ...file, path });
      return files;
    };
  command
    .option('--platform <dir>', PLATFORM_HELP)
    .option('--unlock-key-file <file>', keyHelp, collect({ kind: 'key-file' }))
    .option('--unlock-passphrase-file <file>', passphraseHelp, collect({ kind: 'passphrase' }));
  if (!canMake) return command;
  const makeHelp = 'make a key file, 32 random bytes, and seal under it';
  return command.option('--make-key-file <file>', makeHelp, collect({ kind: 'key-file', isNew: true }));
}
