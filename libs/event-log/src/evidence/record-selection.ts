import { subjectsOfEvent, type ProtegoEvent } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import type { LogRecord } from '../log-record';
import type { EventLogReader } from '../reader/reader';

/** Which records are meant; all conditions hold together. Times are milliseconds since the Unix epoch. */
export interface RecordSelection {
  /** First seq. */
  readonly fromSeq?: number;
  /** Seq after the last. */
  readonly toSeq?: number;
  /** Least event time. */
  readonly fromTimeMs?: number;
  /** Event time after the last. */
  readonly toTimeMs?: number;
  /** Types, or families such as `access.*`. */
  readonly types?: readonly string[];
  /** A device, a partner, or a person by identity, alias or token. */
  readonly subject?: string;
  /** Half-open ranges of seqs, ascending and apart: the records of these and no others. It stands alone. */
  readonly seqRanges?: readonly { readonly fromSeq: number; readonly toSeq: number }[];
}

/** Names under which a stored record is found: what a reader is opened with that is asked for subjects. */
export function subjectsOfRecord(record: LogRecord): readonly string[] {
  return subjectsOfEvent(JSON.parse(record.body.toString('utf8')) as ProtegoEvent);
}

/** Names that the records of a subject carry: tokens when it is a person, and the name itself, as devices have it. */
export async function storedNamesOf(subject: string, vault: PersonalDataVault): Promise<string[]> {
  return [...new Set([...(await vault.tokensOf(subject)), subject])];
}

/**
 * The records that a selection means, in order of seq.
 *
 * @throws ProtegoError as {@link EventLogReader.query}
 */
export async function selectRecords(
  reader: EventLogReader,
  vault: PersonalDataVault,
  selection: RecordSelection,
): Promise<Iterable<LogRecord>> {
  const { subject, types, seqRanges, ...range } = selection;
  if (seqRanges !== undefined) return recordsOfRanges(reader, seqRanges);
  return reader.query({
    ...range,
    ...(types === undefined ? {} : { types }),
    ...(subject === undefined ? {} : { subjects: await storedNamesOf(subject, vault) }),
  });
}

function* recordsOfRanges(
  reader: EventLogReader,
  ranges: NonNullable<RecordSelection['seqRanges']>,
): Generator<LogRecord, void, undefined> {
  for (const range of ranges) yield* reader.records(range);
}
