import { randomUUID } from 'node:crypto';
import type { EventSeq, OpenedEvent, ProtegoEvent } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import type { LogRecord } from '../log-record';
import type { EventLogReader } from '../reader/reader';
import { recordBatches } from '../reader/record-batches';
import type { LogAuthority } from './log-authority';
import { selectRecords, type RecordSelection } from './record-selection';

/** What was looked at, and why. */
export interface Look {
  /** First seq that was looked at. */
  readonly fromSeq: number;
  /** Seq after the last; not beyond `fromSeq` when what was looked at is in no log. */
  readonly toSeq: number;
  /** Number of records. */
  readonly records: number;
  readonly reason: string;
  /** File of refused records that was looked at. */
  readonly file?: string;
}

/** What is to be shown in clear, and why. */
export interface RevealOptions {
  readonly reader: EventLogReader;
  readonly vault: PersonalDataVault;
  readonly authority: LogAuthority;
  readonly selection: RecordSelection;
  readonly reason: string;
  /** Most records; those after them are left out. */
  readonly recordsMax: number;
  /** Most bytes of stored records; one is shown however long it is. */
  readonly bytesMax?: number;
}

/** A record with its personal fields in clear as far as their keys exist. */
export interface RevealedRecord {
  readonly record: LogRecord;
  readonly event: ProtegoEvent;
  /** Pointers of the fields whose keys are gone. */
  readonly erased: readonly string[];
}

/** Records in clear, and the event that says that they were shown. */
export interface Revelation {
  readonly eventSeq: EventSeq;
  readonly records: readonly RevealedRecord[];
}

/** Appends the event that says what was looked at; to be awaited before anything is shown. */
export function appendLook(authority: LogAuthority, look: Look): Promise<EventSeq> {
  return authority.append('log.revealed', `revealed-${randomUUID()}`, { ...look });
}

/**
 * Shows records in clear; undefined, and nothing is appended, when the selection means none. What is shown is recorded
 * first: a look that leaves no trace must not be possible by stopping the program.
 */
export async function revealRecords(options: RevealOptions): Promise<Revelation | undefined> {
  const { reader, vault, authority, selection, reason } = options;
  const records = firstOf(await selectRecords(reader, vault, selection), options);
  const [first, last] = [records[0], records.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const look = { fromSeq: first.seq, toSeq: last.seq + 1, records: records.length, reason };
  const eventSeq = await appendLook(authority, look);
  const revealed: RevealedRecord[] = [];
  for (const batch of recordBatches(records)) revealed.push(...(await revealedOf(batch, vault)));
  return { eventSeq, records: revealed };
}

async function revealedOf(records: readonly LogRecord[], vault: PersonalDataVault): Promise<RevealedRecord[]> {
  const stored = records.map(({ body, sealed }) => ({
    event: JSON.parse(body.toString('utf8')) as ProtegoEvent,
    sealed,
  }));
  const opened = await vault.reveal(stored);
  return records.map((record, i) => {
    const { event, erased } = opened[i] as OpenedEvent;
    return { record, event, erased };
  });
}

function firstOf(records: Iterable<LogRecord>, options: RevealOptions): LogRecord[] {
  const { recordsMax, bytesMax = Number.POSITIVE_INFINITY } = options;
  const taken: LogRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    bytes += record.body.length + record.sealed.length;
    if (taken.length >= recordsMax || (taken.length > 0 && bytes > bytesMax)) break;
    taken.push(record);
  }
  return taken;
}
