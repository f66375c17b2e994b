import { ProtegoError, type OpenPersonalFields } from '@protego/contracts';
import type { DetectionResult, PipelineArtefacts } from '@protego/streams';
import type { ReplayRecord } from '../replay-log';
import { runClaim, type ClaimRunOutcome } from './claim-run';
import { isSameStatement, missWords, differenceBetween } from './detection-difference';
import { decidedMs, sessionBeginOf, settledStart } from './proof-starts';
import type { ProofRequest } from './proof-request';
import { TIMING_NEED, historyNeedOf, rulesBehind, type RaisingRule } from './raising-rule';
import { beginsInImport } from './session-start';

/** A detection that somebody wrote down, and the log that is to bear it out. */
export type WrittenDetection = Pick<ProofRequest, 'log' | 'detection' | 'seqs'>;

/** Which records of the log are read again. */
interface Reach {
  readonly fromSeq: number;
  readonly toSeq: number;
  /** Pipeline time after which the result is there, milliseconds. */
  readonly untilMs: number;
  /** False when what came before has expired. */
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
  const reach = reachOf(written, artefacts, raising);
  const run = (open?: OpenPersonalFields): Promise<ClaimRunOutcome> =>
    runClaim({
      artefacts,
      detection,
      rules: rulesBehind(artefacts.rules, raising),
      records: readAgain(written, reach),
      beginsInImport: beginsInImport(log.boundaries(reach.fromSeq, reach.toSeq, 'forwards')),
      ...(open === undefined ? {} : { open }),
    });
  const outcome = await run(log.open);
  if (isMade(outcome, written)) return outcome.found;
  // A replay without the vault saw pseudonyms.
  const stored = log.open === undefined ? outcome : await run();
  if (isMade(stored, written)) return stored.found;
  if (!reach.isKnown || outcome.undecidedSeqs.length > 0) return undefined;
  const message = `the log does not give this detection: ${differenceWords(outcome, written)}`;
  throw new ProtegoError('PROOF_DETECTION_DIFFERS', message, { detection: detection.id });
}

function reachOf(
  { log, detection, seqs }: WrittenDetection,
  artefacts: PipelineArtefacts,
  raising: RaisingRule,
): Reach {
  const [first, last] = [seqs[0] as number, seqs.at(-1) as number];
  const begin = sessionBeginOf(log, first);
  const need = raising.kind === 'rule' ? TIMING_NEED : historyNeedOf(artefacts.rules, raising, detection);
  // How long detections are held back hangs on all that came before.
  const isWindow = need.kind === 'window' && !need.holdsBack;
  const fromSeq = isWindow ? settledStart(need, begin.seq, first, { log, artefacts, detection }) : begin.seq;
  const { sources, defaults } = artefacts.declarations;
  const latenessMaxMs = Math.max(defaults.latenessMs, ...sources.map(({ latenessMs }) => latenessMs));
  return {
    fromSeq,
    toSeq: raising.kind === 'rule' ? last + 1 : log.size,
    untilMs: decidedMs({ detection, artefacts }) + latenessMaxMs,
    isKnown: begin.isKnown || fromSeq > begin.seq,
  };
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
