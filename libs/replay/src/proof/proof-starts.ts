import { parseRfc3339Ms } from '@protego/contracts';
import { SESSION_OPENED } from '@protego/streams';
import { statementOf } from './detection-difference';
import type { ProofLog } from './proof-log';
import type { ProofRequest } from './proof-request';
import type { HistoryNeed } from './raising-rule';
import { settledFromMs } from './session-start';

/** Detectors look at the clock when it passes whole minutes: so much later they have decided. */
const DECIDED_WITHIN_MS = 120_000;

/** A detection and the log that it is sought in. */
export type Moment = Pick<ProofRequest, 'log' | 'artefacts' | 'detection'>;

/** Where the session of a record began, or the first record of it that the log still holds. */
export interface SessionBegin {
  readonly seq: number;
  /** False when what came before has expired. */
  readonly isKnown: boolean;
}

/** The beginning of the session of a record. */
export function sessionBeginOf(log: ProofLog, seq: number): SessionBegin {
  for (const boundary of log.boundaries(log.firstSeq, seq, 'backwards'))
    if (boundary.type === SESSION_OPENED) return { seq: boundary.seq, isKnown: true };
    else break;
  return { seq: log.firstSeq, isKnown: log.firstSeq === 0 };
}

/** Last record from which on windows are settled when the detection became certain; pipeline time never falls in a session. */
export function settledStart(
  need: Extract<HistoryNeed, { kind: 'window' }>,
  begin: number,
  first: number,
  { log, artefacts, detection }: Moment,
): number {
  const certainAtMs = parseRfc3339Ms(statementOf(detection).certainAt) ?? 0;
  const isEarly = (seq: number): boolean => {
    for (const { arrivedAtMs } of log.records(seq, seq + 1))
      return settledFromMs(arrivedAtMs, artefacts.declarations) + need.lookbackMs <= certainAtMs;
    return false;
  };
  let [low, high] = [begin, first];
  if (!isEarly(begin)) return begin;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (isEarly(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Pipeline time by which a result is there, as far as no source is later than the default. */
export function decidedMs({ detection, artefacts }: Pick<Moment, 'detection' | 'artefacts'>): number {
  const { declarations } = artefacts;
  const certainAtMs = parseRfc3339Ms(detection.certainAt) ?? 0;
  return settledFromMs(certainAtMs, declarations) + declarations.defaults.latenessMs + DECIDED_WITHIN_MS;
}
