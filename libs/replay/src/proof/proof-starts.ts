import { parseRfc3339Ms, type SourceDeclarations } from '@protego/contracts';
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

/** How much earlier a run is tried from, where one that may have been early enough was not: each time so many times as long. */
const LONGER_TIMES = [1, 4];

/** Longest silence after which no source counts, milliseconds. */
function idleMaxMs({ defaults, sources }: SourceDeclarations): number {
  return Math.max(defaults.idleAfterMs, ...sources.map(({ idleAfterMs }) => idleAfterMs));
}

/**
 * How long it takes, as a rule, until the watermark of a run that begins with no state is that of the run over everything:
 * sources that spoke before turn idle, then all that speak pass what may have been claimed before.
 */
function usualAgreementMs(declarations: SourceDeclarations): number {
  const { skewMaxMs, defaults } = declarations;
  return Math.max(idleMaxMs(declarations), skewMaxMs + defaults.latenessMs) + idleMaxMs(declarations);
}

/**
 * Records from which on windows are likely to be settled when the detection became certain, the last first, and then the beginning
 * of its session. Whether they were is known after the run (`isSettled`). Pipeline time never falls in a session.
 */
export function settledStarts(
  need: Extract<HistoryNeed, { kind: 'window' }>,
  begin: number,
  first: number,
  moment: Moment,
): number[] {
  const { declarations } = moment.artefacts;
  const certainAtMs = parseRfc3339Ms(statementOf(moment.detection).certainAt) ?? 0;
  const starts = LONGER_TIMES.map((times) => {
    const beforeMs = settledFromMs(times * usualAgreementMs(declarations), declarations) + need.lookbackMs;
    return lastBefore(certainAtMs - beforeMs, begin, first, moment.log);
  });
  return [...new Set([...starts, begin])];
}

/** Last record of `[begin, first)` that arrived at a pipeline time or before; `begin` where none did. */
function lastBefore(arrivedAtMs: number, begin: number, first: number, log: ProofLog): number {
  const isEarly = (seq: number): boolean => {
    for (const record of log.records(seq, seq + 1)) return record.arrivedAtMs <= arrivedAtMs;
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
  const { skewMaxMs, defaults } = declarations;
  return certainAtMs + skewMaxMs + idleMaxMs(declarations) + defaults.latenessMs + DECIDED_WITHIN_MS;
}
