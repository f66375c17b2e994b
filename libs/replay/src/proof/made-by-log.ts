import { ProtegoError, parseRfc3339Ms, type OpenPersonalFields } from '@protego/contracts';
import type { DetectionResult, PipelineArtefacts } from '@protego/streams';
import type { ReplayRecord } from '../replay-log';
import { runClaim, type ClaimRunOutcome } from './claim-run';
import { differenceBetween, isSameStatement, missWords, statementOf } from './detection-difference';
import { decidedMs, sessionBeginOf, settledStarts } from './proof-starts';
import type { ProofRequest } from './proof-request';
import { TIMING_NEED, historyNeedOf, rulesBehind, type HistoryNeed, type RaisingRule } from './raising-rule';
import { beginsInImport, isSettled } from './session-start';

/** A detection that somebody wrote down, and the log that is to bear it out. */
export type WrittenDetection = Pick<ProofRequest, 'log' | 'detection' | 'seqs'>;

/** Which records of the log are read again. */
interface Reach {
  readonly fromSeq: number;
  readonly toSeq: number;
  /** Pipeline time after which the result is there, milliseconds. */
  readonly untilMs: number;
  /** True at the beginning of the session: more cannot be read. */
  readonly isLast: boolean;
  /** False when what came before the session's first record has expired. */
  readonly isKnown: boolean;
}

/**
 * What the log itself makes of a detection that stands in the output of a replay, timing included: all that can matter to it
 * is read again, however much that is.
 *
 * @param artefacts - what decides the detection, and nothing else
 * @returns undefined where the log cannot tell any more, because records have expired or keys were destroyed
 * @throws ProtegoError `PROOF_DETECTION_DIFFERS` when the log gives something else
 */
export async function madeByLog(
  written: WrittenDetection,
  artefacts: PipelineArtefacts,
  raising: RaisingRule,
): Promise<DetectionResult | undefined> {
  const { log, detection } = written;
  const need = raising.kind === 'rule' ? TIMING_NEED : historyNeedOf(artefacts.rules, raising, detection);
  const run = (reach: Reach, open?: OpenPersonalFields): Promise<ClaimRunOutcome> =>
    runClaim({
      artefacts,
      detection,
      rules: rulesBehind(artefacts.rules, raising),
      records: readAgain(written, reach),
      beginsInImport: beginsInImport(log.boundaries(reach.fromSeq, reach.toSeq, 'forwards')),
      ...(open === undefined ? {} : { open }),
    });
  const certainAtMs = parseRfc3339Ms(statementOf(detection).certainAt) ?? Number.NEGATIVE_INFINITY;
  for (const reach of reachesOf(written, artefacts, raising, need)) {
    const outcome = await run(reach, log.open);
    const isTold = ({ agreedSinceMs }: ClaimRunOutcome): boolean =>
      reach.isLast || isSettled(need, { isComplete: false }, certainAtMs, agreedSinceMs, artefacts.declarations);
    if (isMade(outcome, written) && isTold(outcome)) return outcome.found;
    // A replay without the vault saw pseudonyms.
    const stored = log.open === undefined ? outcome : await run(reach);
    if (isMade(stored, written) && isTold(stored)) return stored.found;
    if (!isTold(outcome)) continue;
    if (!reach.isKnown || outcome.undecidedSeqs.length > 0) return undefined;
    const message = `the log does not give this detection: ${differenceWords(outcome, written)}`;
    throw new ProtegoError('PROOF_DETECTION_DIFFERS', message, { detection: detection.id });
  }
  return undefined;
}

/** From the shortest that is likely to show it, to all of the session. */
function reachesOf(
  { log, detection, seqs }: WrittenDetection,
  artefacts: PipelineArtefacts,
  raising: RaisingRule,
  need: HistoryNeed,
): Reach[] {
  const [first, last] = [seqs[0] as number, seqs.at(-1) as number];
  const begin = sessionBeginOf(log, first);
  // How long detections are held back hangs on all that came before.
  const isWindow = need.kind === 'window' && !need.holdsBack;
  const starts = isWindow ? settledStarts(need, begin.seq, first, { log, artefacts, detection }) : [begin.seq];
  const { sources, defaults } = artefacts.declarations;
  const latenessMaxMs = Math.max(defaults.latenessMs, ...sources.map(({ latenessMs }) => latenessMs));
  const toSeq = raising.kind === 'rule' ? last + 1 : log.size;
  const untilMs = decidedMs({ detection, artefacts }) + latenessMaxMs;
  return starts.map((fromSeq) => {
    const isLast = fromSeq === begin.seq;
    return { fromSeq, toSeq, untilMs, isLast, isKnown: begin.isKnown || !isLast };
  });
}

function* readAgain(
  { log, seqs }: WrittenDetection,
  { fromSeq, toSeq, untilMs }: Reach,
): Generator<ReplayRecord, void, undefined> {
  const last = seqs.at(-1) as number;
  for (const record of log.records(fromSeq, toSeq)) {
    if (record.seq > last && record.arrivedAtMs > untilMs) return;
    yield record;
  }
}

function isMade({ found }: ClaimRunOutcome, { detection }: WrittenDetection): boolean {
  return found !== undefined && isSameStatement(found.detection, detection);
}

function differenceWords({ found, others }: ClaimRunOutcome, { detection }: WrittenDetection): string {
  if (found === undefined) return missWords(detection, others);
  const [made, written] = [
    { what: 'what the log gives', detection: found.detection },
    { what: 'the run', detection },
  ];
  return differenceBetween(made, written) ?? 'it rests on other events';
}
