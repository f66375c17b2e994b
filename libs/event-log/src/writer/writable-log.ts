import type { Clock, FieldClasses, SourceDeclarations } from '@protego/contracts';
import { type HouseKeys, type HouseOpener } from '@protego/enclave';
import type { CheckpointPolicy } from '../tree/checkpointer';
import { DedupeIndex } from '../dedupe/dedupe-index';
import { type TargetOpener } from '../backup/backup-erasure';
import { openDirectoryTarget } from '../backup/directory-target';
import type { CopyOutOfReach } from '../erasure/copy-out-of-reach';
import { applyErasures } from '../erasure/erasure-events';
import { ForgottenPersons } from '../erasure/forgotten-persons';
import { subjectsOfRecord } from '../evidence/record-selection';
import { applyExpiries } from '../erasure/expiry';
import { originOfSite } from '../log-identity';
import { EventLogReader } from '../reader/reader';
import { EventLogWriter } from './writer';

/** Where a log is, and how it is written. */
export interface WritableLogOptions {
  /** Directory of the log; made where it is missing. */
  readonly directory: string;
  /** Key directory; made where it is missing. */
  readonly keysDirectory: string;
  /** Site whose log it is. */
  readonly site: string;
  readonly clock: Clock;
  /** Which fields are personal. */
  readonly fields: FieldClasses;
  /** Whose messages the vault admits; without it, it only seals events. */
  readonly sources?: SourceDeclarations;
  /** Opens the keys. */
  readonly openHouse: HouseOpener;
  /** As for {@link HouseOpener}. */
  readonly pseudonymKeyFile?: string;
  /** As for {@link EventLogWriter.open}. */
  readonly checkpoint?: CheckpointPolicy;
  /** How far back in pipeline time ids are remembered, milliseconds. */
  readonly dedupeHorizonMs: number;
  /** Opens backups that an erasure did not come to; by default those in directories. */
  readonly openTarget?: TargetOpener;
  /** Told why the ids of a finished segment cannot be read back. They stay in memory, where they are found as well. */
  onIdsUnreadable(error: unknown): void;
}

/** A log that is open for writing, with its keys and the ids that it holds. */
export interface WritableLog {
  /** Directory of the log. */
  readonly directory: string;
  readonly keysDirectory: string;
  readonly house: HouseKeys;
  readonly writer: EventLogWriter;
  /** Finds records by subject. */
  readonly reader: EventLogReader;
  readonly dedupe: DedupeIndex;
  /** Whom it has forgotten: an event of theirs may come again that cannot be told from one with other content. */
  readonly forgotten: ForgottenPersons;
  /** Keys of erased persons that had come back and were destroyed again. */
  readonly keysDestroyed: number;
  /** Backups that still hold keys of erased persons. */
  readonly backupsOutOfReach: readonly CopyOutOfReach[];
}

/**
 * Opens a log, or makes it, with all that taking events in needs. What an erasure or an expiry had begun is ended before
 * anything is read.
 *
 * @throws ProtegoError `LOG_LOCKED`, `LOG_KEY_MISSING`, `LOG_KEYS_DAMAGED`, `LOG_BLOCK_CORRUPT` …
 */
export async function openWritableLog(options: WritableLogOptions): Promise<WritableLog> {
  const { directory, keysDirectory, site, clock, fields, sources, pseudonymKeyFile, checkpoint } = options;
  const gate = sources === undefined ? undefined : { site, sources };
  const house = await options.openHouse({ directory: keysDirectory, mode: 'write', fields, pseudonymKeyFile, gate });
  let writer: EventLogWriter | undefined;
  try {
    const { keys, vault } = house;
    const known: { ids?: DedupeIndex } = {};
    writer = await EventLogWriter.open({
      directory,
      origin: originOfSite(site),
      keys,
      clock,
      checkpoint,
      // Until the index is there nothing is appended, so that no segment can be finished.
      onSegmentFinished: ({ firstSeq }) =>
        void known.ids?.segmentFinished(firstSeq).catch((error: unknown) => options.onIdsUnreadable(error)),
    });
    const reader = await EventLogReader.open({ directory, keys, subjectsOf: subjectsOfRecord });
    const backups = { directory, keysDirectory, clock, openTarget: options.openTarget ?? openDirectoryTarget };
    const { keysDestroyed, backupsOutOfReach } = await applyErasures({ reader, vault, backups });
    await applyExpiries({ directory, reader });
    const dedupe = (known.ids = await DedupeIndex.open({ directory, keys, horizonMs: options.dedupeHorizonMs }));
    const forgotten = new ForgottenPersons(reader);
    return { directory, keysDirectory, house, writer, reader, dedupe, forgotten, keysDestroyed, backupsOutOfReach };
  } catch (error) {
    await writer?.close();
    await house.close();
    throw error;
  }
}

/** Closes log and keys. */
export async function closeWritableLog({ writer, house }: Pick<WritableLog, 'writer' | 'house'>): Promise<void> {
  try {
    await writer.close();
  } finally {
    await house.close();
  }
}
