import { openBackupTarget } from './backup-target';
import { Terminal } from '../terminal';
import type { Command } from 'commander';
import { systemClock } from '@protego/contracts';
import { keysDirectoryOf, openEnclave, requireKeys, type HouseKeys } from '@protego/enclave';
import {
  EventLogReader,
  EventLogWriter,
  applyErasures,
  readIdentity,
  siteOfOrigin,
  subjectsOfRecord,
  writerAuthority,
  type LogAuthority,
} from '@protego/event-log';
import { sealedRootAccess, withKeyOptions, type KeyOptions } from './key-options';

/** Options that every `protego log` command has. */
export interface LogOptions extends KeyOptions {
  readonly log: string;
  readonly json: boolean;
}

/** Most records that one command shows in clear. */
export const REVEALED_MAX = 10_000;

/** A log that is open for reading, with its keys. */
export interface OpenLog {
  readonly directory: string;
  readonly keysDirectory: string;
  readonly house: HouseKeys;
  readonly reader: EventLogReader;
}

/** A log that this process may write. */
export interface HeldLog extends OpenLog {
  readonly writer: EventLogWriter;
  readonly authority: LogAuthority;
}

/** Gives a command the options of {@link LogOptions}, its exit codes and an example. */
export function withLog(command: Command, example: string, failing = 'the check failed'): Command {
  return withKeyOptions(withLogOnly(command, example, failing));
}

/** The same without the options that open a sealed root. */
export function withLogOnly(command: Command, example: string, failing: string): Command {
  return command
    .requiredOption('--log <dir>', 'log directory')
    .option('--keys <dir>', "directory of the log's keys (default: `keys` in the log directory)")
    .option('--json', 'print JSON', false)
    .addHelpText(
      'after',
      `\nexit codes: 0 done, 1 ${failing}, 2 usage error, no log or no keys, 3 internal error\nexample: ${example}`,
    );
}

/**
 * Lends a log to `use` for reading; it takes no lock.
 *
 * @throws ProtegoError `LOG_NOT_FOUND`, `LOG_KEY_MISSING` …
 */
export async function withReader<T>(options: LogOptions, use: (log: OpenLog) => Promise<T> | T): Promise<T> {
  const keysDirectory = keysDirectoryOf(options.log, options.keys);
  const house = await openEnclave({ ...sealedRootAccess(options), directory: keysDirectory, mode: 'read' });
  try {
    const reader = await readerOf(options.log, house);
    return await use({ directory: options.log, keysDirectory, house, reader });
  } finally {
    await house.close();
  }
}

/**
 * Lends a log to `use` for writing: takes its lock, and destroys again the keys that its erasures name.
 *
 * @throws ProtegoError `LOG_LOCKED` while another process, such as the engine, writes the log; `LOG_NOT_FOUND` …
 */
export async function withWriter<T>(options: LogOptions, use: (log: HeldLog) => Promise<T>): Promise<T> {
  const keysDirectory = keysDirectoryOf(options.log, options.keys);
  // Before the lock: a directory that is mistyped must not become a log.
  const origin = originOf(options);
  const house = await openEnclave({ ...sealedRootAccess(options), directory: keysDirectory, mode: 'write' });
  try {
    const writer = await EventLogWriter.open({ directory: options.log, origin, keys: house.keys });
    try {
      const reader = await readerOf(options.log, house);
      const backups = { directory: options.log, keysDirectory, clock: systemClock, openTarget: openBackupTarget };
      const { backupsOutOfReach } = await applyErasures({ reader, vault: house.vault, backups });
      for (const { name, note } of backupsOutOfReach)
        new Terminal(options.json).note(`\`${name}\` still holds keys of erased persons: ${note}`);
      const arrivedAtMs = reader.stat().lastArrivedAtMs;
      const authority = writerAuthority({ writer, clock: systemClock, site: siteOfOrigin(origin), arrivedAtMs });
      return await use({ directory: options.log, keysDirectory, house, reader, writer, authority });
    } finally {
      await writer.close();
    }
  } finally {
    await house.close();
  }
}

/**
 * Name of a log, from the log itself. Its keys are not opened: a passphrase that comes through a FIFO is read once.
 *
 * @throws ProtegoError `LOG_KEY_MISSING`, `LOG_NOT_FOUND`, `LOG_FORMAT_UNKNOWN`, `LOG_BLOCK_CORRUPT`
 */
export function originOf(options: LogOptions): string {
  requireKeys(keysDirectoryOf(options.log, options.keys));
  return readIdentity(options.log).origin;
}

function readerOf(directory: string, house: HouseKeys): Promise<EventLogReader> {
  return EventLogReader.open({ directory, keys: house.keys, subjectsOf: subjectsOfRecord });
}
