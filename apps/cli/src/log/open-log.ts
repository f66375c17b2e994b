import { openBackupTarget } from './backup-target';
import { Terminal } from '../terminal';
import type { Command } from 'commander';
import { systemClock } from '@protego/contracts';
import { keysDirectoryOf, openEnclave, type HouseKeys } from '@protego/enclave';
import {
  EventLogReader,
  EventLogWriter,
  applyErasures,
  siteOfOrigin,
  subjectsOfRecord,
  writerAuthority,
  type LogAuthority,
} from '@protego/event-log';

/** Options that every `protego log` command has. */
export interface LogOptions {
  readonly log: string;
  readonly keys?: string;
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
  const house = await openEnclave({ directory: keysDirectory, mode: 'read' });
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
  const origin = await originOf(options);
  const house = await openEnclave({ directory: keysDirectory, mode: 'write' });
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

/** Name of a log, from the log itself. */
export function originOf(options: LogOptions): Promise<string> {
  return withReader(options, ({ reader }) => reader.origin);
}

function readerOf(directory: string, house: HouseKeys): Promise<EventLogReader> {
  return EventLogReader.open({ directory, keys: house.keys, subjectsOf: subjectsOfRecord });
}
