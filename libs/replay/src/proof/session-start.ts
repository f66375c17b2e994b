import type { SourceDeclarations } from '@protego/contracts';
import { SESSION_CLOSED, SESSION_OPENED } from '@protego/streams';
import type { ReplayRecord } from '../replay-log';
import type { HistoryNeed } from './raising-rule';

/** Where, among some records, the session begins that a record belongs to. */
export interface SessionStart {
  /** First of the records that belongs to the session. */
  readonly seq: number;
  /** Its pipeline time, milliseconds. */
  readonly arrivedAtMs: number;
  /** True when nothing of the session came before: it began there. */
  readonly isComplete: boolean;
}

type Place = Pick<ReplayRecord, 'seq' | 'type' | 'arrivedAtMs'>;

/**
 * The start of the session of the record at `seq`, as far as the records reach: an import that opens among them begins there
 * from nothing, and the live session goes on where it stood when an import ends.
 *
 * @param records in the order of the log, without a gap
 */
export function sessionStartOf(records: readonly Place[], seq: number): SessionStart | undefined {
  let start: SessionStart | undefined;
  let live: SessionStart | undefined;
  let isInImport = false;
  for (const record of records) {
    if (record.type === SESSION_OPENED) {
      start = { seq: record.seq, arrivedAtMs: record.arrivedAtMs, isComplete: true };
      isInImport = true;
    } else if (record.type === SESSION_CLOSED) {
      // What came before an end without a beginning was part of the import as well.
      if (!isInImport) live = undefined;
      start = live;
      isInImport = false;
    } else if (start === undefined) {
      const isComplete = records[0]?.seq === 0;
      start = live = { seq: record.seq, arrivedAtMs: record.arrivedAtMs, isComplete };
    }
    if (record.seq >= seq) break;
  }
  return start;
}

/** True when records begin within an import that ends among them. */
export function beginsInImport(records: Iterable<Pick<ReplayRecord, 'type'>>): boolean {
  for (const { type } of records) {
    if (type === SESSION_CLOSED) return true;
    if (type === SESSION_OPENED) return false;
  }
  return false;
}

/** Earliest event time, milliseconds, from which on windows hold what they held in the run over everything. */
export function settledFromMs(agreedSinceMs: number, { skewMaxMs }: SourceDeclarations): number {
  // What came before claims at most this much more.
  return agreedSinceMs + skewMaxMs + 1;
}

/**
 * True when what came before the start cannot matter to a result that was certain at `certainAtMs`.
 *
 * @param agreedSinceMs - as {@link WatermarkAgreement.sinceMs}
 */
export function isSettled(
  need: HistoryNeed,
  start: Pick<SessionStart, 'isComplete'> | undefined,
  certainAtMs: number,
  agreedSinceMs: number | undefined,
  declarations: SourceDeclarations,
): boolean {
  if (need.kind === 'none') return true;
  if (start === undefined) return false;
  if (start.isComplete) return true;
  if (need.kind !== 'window' || agreedSinceMs === undefined) return false;
  return certainAtMs - need.lookbackMs >= settledFromMs(agreedSinceMs, declarations);
}
