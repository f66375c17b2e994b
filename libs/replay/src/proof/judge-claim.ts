import {
  isProtegoError,
  parseRfc3339Ms,
  type Detection,
  type OpenPersonalFields,
  type ProtegoError,
} from '@protego/contracts';
import { ENGINE_SOURCE, type PipelineArtefacts } from '@protego/streams';
import type { ReplayRecord } from '../replay-log';
import { artefactsOf, type ClaimArtefacts } from './claim-artefacts';
import { runClaim, type ClaimRunOutcome } from './claim-run';
import type { DetectionClaim } from './detection-claim';
import { differenceBetween, isSameBesideLateness, isSameStatement, missWords } from './detection-difference';
import { judged, type ProofJudgement } from './proof-verdict';
import {
  TIMING_NEED,
  artefactsBehind,
  contentHashOf,
  historyNeedOf,
  raisingRuleOf,
  raisingRulesOf,
  rulesBehind,
  takerOf,
  type HistoryNeed,
  type RaisingRule,
} from './raising-rule';
import { beginsInImport, isSettled, sessionStartOf } from './session-start';

/** What is judged: a claim, and the records that are to bear it out. */
export interface ClaimToJudge {
  readonly claim: DetectionClaim;
  /** Records of the proof, in the order of the log, each proven by itself. */
  readonly records: readonly ReplayRecord[];
  /** Opens personal fields with the keys that the proof holds. */
  readonly open?: OpenPersonalFields;
  /** SHA-256 of this code, as {@link DetectionClaim.engine}. */
  readonly engine: string;
}

/** Span of contributing records from which on a window may be too long for a proof. */
export const SHORT_SPAN_RECORDS = 10_000;
/** Most undecided records that a reason names. */
const UNDECIDED_NAMED_MAX = 10;

/** Says whether the records of a proof bear its claim out: runs the rule again on them. */
export async function judgeClaim(input: ClaimToJudge): Promise<ProofJudgement> {
  const { claim, records } = input;
  const contradiction = contradictionIn(claim, records);
  if (contradiction !== undefined) return contradiction;
  let held: ClaimArtefacts;
  try {
    held = artefactsOf(claim);
  } catch (error) {
    if (!isProtegoError(error)) throw error;
    return judged('INVALID', 'rule-altered', error.message);
  }
  const raising = raisingOf(claim, held.artefacts, input.engine);
  if ('verdict' in raising) return raising;
  const taken = takenAway(held.artefacts, raising);
  if (taken !== undefined) return taken;
  const artefacts = artefactsBehind(held.artefacts, raising);
  const need = historyNeedOf(artefacts.rules, raising, claim.detection);
  const gap = coverageGap(claim, records, need);
  if (gap !== undefined) return gap;
  if (claim.coverage.kind === 'events') return notRerun(claim, raising);
  if (claim.fields === 'opened' && input.open === undefined)
    return judged(
      'PARTIAL',
      'keys-missing',
      'the rule looks into personal fields: run again with the key that the proof was made for',
    );
  try {
    const judgement = await rerun(input, artefacts, raising, need);
    return raising.kind === 'detector' || held.isWholeSet ? judgement : ofPartOfSet(claim, judgement);
  } catch (error) {
    if (!isProtegoError(error)) throw error;
    return unrunnable(error);
  }
}

/** What a newer Protego wrote this one cannot read; anything else is the fault of the records. */
function unrunnable({ code, message }: ProtegoError): ProofJudgement {
  const isNewer = code === 'EVENT_TYPE_UNKNOWN' || code === 'EVENT_VERSION_UNKNOWN';
  return isNewer
    ? judged('PARTIAL', 'engine-differs', `the range holds events of a newer version than this verifier: ${message}`)
    : judged('INVALID', 'result-differs', `the rule cannot be run on these records: ${message}`);
}

/** What cannot be, whatever the rule says. */
function contradictionIn(claim: DetectionClaim, records: readonly ReplayRecord[]): ProofJudgement | undefined {
  const { detection, seqs, recordedSeq } = claim;
  const bySeq = new Map(records.map((record) => [Number(record.seq), record]));
  const missing = seqs.find((seq) => !bySeq.has(seq));
  if (missing !== undefined)
    return judged(
      'INVALID',
      'event-missing',
      `the event at seq ${missing}, on which the detection rests, is not in the proof`,
      {
        seq: missing,
      },
    );
  if (detection.eventCount !== seqs.length)
    return judged(
      'INVALID',
      'claim-altered',
      `the detection counts ${detection.eventCount} events, the proof names ${seqs.length}`,
    );
  return recordedSeq === null ? undefined : recordContradiction(claim, recordedSeq, bySeq.get(recordedSeq));
}

/** What the log itself says of the detection must be what is claimed. */
function recordContradiction(
  { detection, seqs }: DetectionClaim,
  seq: number,
  record: ReplayRecord | undefined,
): ProofJudgement | undefined {
  const wrong = (reason: string): ProofJudgement => judged('INVALID', 'claim-altered', reason, { seq });
  if (record === undefined)
    return judged('INVALID', 'event-missing', `the record of the detection at seq ${seq} is not in the proof`, { seq });
  const event = JSON.parse(Buffer.from(record.body).toString('utf8')) as {
    readonly source: string;
    readonly type: string;
    readonly data: Detection;
  };
  if (event.type !== 'detection.raised' || event.source !== ENGINE_SOURCE)
    return wrong(`the record at seq ${seq} is not that of a detection`);
  const difference = differenceBetween({ what: 'the log', detection: event.data }, { what: 'the proof', detection });
  if (difference !== undefined) return wrong(`the log recorded another detection at seq ${seq}: ${difference}`);
  const named = new Set(seqs);
  const stranger = event.data.evidence?.seqs.find((each) => !named.has(each));
  if (stranger === undefined) return undefined;
  return wrong(`the log recorded at seq ${seq} that the detection rests on seq ${stranger} as well`);
}

/** A building block raises nothing of its own, however well it matches. */
function takenAway({ rules }: PipelineArtefacts, raising: RaisingRule): ProofJudgement | undefined {
  const taker = takerOf(rules, raising);
  if (taker === undefined) return undefined;
  const reason = `the rule raises no detection: the correlation \`${taker.id}\` of \`${taker.path}\` takes what it finds for itself`;
  return judged('INVALID', 'result-differs', reason);
}

/** What is known of a rule without the other files of its set. */
function ofPartOfSet({ rules }: DetectionClaim, judgement: ProofJudgement): ProofJudgement {
  if (judgement.verdict !== 'VALID') return judgement;
  const listing = rules?.listing ?? null;
  const missing =
    listing === null
      ? 'the proof does not list the files of its set, so that nothing ties the rule to it'
      : `the proof holds ${rules?.files.length} of the ${listing.length} files of its set, and a filter or a correlation in one of the others may take it away`;
  const reason = `the rule, run again on ${judgement.recordsRun} records, makes this detection; but ${missing}`;
  return { ...judgement, verdict: 'PARTIAL', code: 'set-unproven', reason };
}

function raisingOf(
  { detection, engine: madeBy }: DetectionClaim,
  { rules }: PipelineArtefacts,
  engine: string,
): RaisingRule | ProofJudgement {
  const raising = raisingRuleOf(rules, detection);
  if (raising !== undefined) return raising;
  const candidates = raisingRulesOf(rules, detection.ruleId);
  const [other] = candidates;
  if (other === undefined && engine === madeBy)
    return judged('INVALID', 'rule-altered', `the proof lacks the rule \`${detection.ruleId}\``);
  if (other === undefined || (other.kind === 'detector' && engine !== madeBy))
    return judged(
      'PARTIAL',
      'engine-differs',
      `the rule \`${detection.ruleId}\` is not in the proof, and this verifier is of another version than the engine that raised the detection`,
    );
  return judged(
    'INVALID',
    'rule-altered',
    `the rule \`${detection.ruleId}\` has the hash ${contentHashOf(other)}, the detection names ${detection.ruleHash}`,
  );
}

/** What is not there and should be. */
function coverageGap(
  { coverage, seqs }: DetectionClaim,
  records: readonly ReplayRecord[],
  need: HistoryNeed,
): ProofJudgement | undefined {
  const [first, last] = [seqs[0] as number, seqs.at(-1) as number];
  if (coverage.kind === 'range') {
    const held = new Set(records.map(({ seq }) => Number(seq)));
    const { fromSeq, toSeq } = coverage;
    if (first < fromSeq || last >= toSeq)
      return judged('INVALID', 'claim-altered', 'the detection rests on events outside the range of the proof');
    for (let seq = fromSeq; seq < toSeq; seq++)
      if (!held.has(seq))
        return judged('INVALID', 'range-broken', `record ${seq} is left out of the range ${fromSeq} to ${toSeq - 1}`, {
          seq,
        });
    return undefined;
  }
  const isShort = last - first < SHORT_SPAN_RECORDS;
  if (need.kind === 'none' || (coverage.kind === 'events' && !(need.kind === 'window' && isShort))) return undefined;
  return judged(
    'INVALID',
    'range-broken',
    `the rule counts over time, and the proof does not hold all records from ${first} to ${last}: events may have been left out`,
  );
}

function notRerun({ coverage, recordedSeq }: DetectionClaim, raising: RaisingRule): ProofJudgement {
  const what = raising.kind === 'detector' ? 'detector' : 'rule';
  const why =
    coverage.kind === 'events' && coverage.because === 'range-too-long'
      ? `the ${what} rests on more of the log than fits into a proof`
      : `the ${what} rests on what it learned before`;
  const recorded = recordedSeq === null ? '' : `, and that the log recorded the detection at seq ${recordedSeq}`;
  return judged(
    'PARTIAL',
    'not-rerun',
    `${why}: its events are proven${recorded}; that it finds this detection, and that no event was left out, is not`,
  );
}

async function rerun(
  { claim, records, open }: ClaimToJudge,
  artefacts: PipelineArtefacts,
  raising: RaisingRule,
  need: HistoryNeed,
): Promise<ProofJudgement> {
  const { coverage, detection, seqs } = claim;
  const wanted = new Set(seqs);
  const isCovered = (seq: number): boolean =>
    coverage.kind === 'range' ? seq >= coverage.fromSeq && seq < coverage.toSeq : wanted.has(seq);
  const covered = records.filter(({ seq }) => isCovered(seq));
  const outcome = await runClaim({
    artefacts,
    detection,
    rules: rulesBehind(artefacts.rules, raising),
    records: covered,
    beginsInImport: beginsInImport(covered),
    ...(open === undefined || claim.fields === 'stored' ? {} : { open }),
  });
  const recordsRun = covered.length;
  const undecided = undecidedIn(outcome, raising);
  if (undecided !== undefined) return { ...undecided, recordsRun };
  const start = sessionStartOf(covered, seqs[0] as number);
  const certainAtMs = parseRfc3339Ms(detection.certainAt) ?? Number.NEGATIVE_INFINITY;
  const isSettledFor = (wanted: HistoryNeed): boolean =>
    isSettled(wanted, start, certainAtMs, outcome.agreedSinceMs, artefacts.declarations);
  const isTimingKnown = raising.kind !== 'rule' || (coverage.kind === 'range' && isSettledFor(TIMING_NEED));
  const miss = missOf(claim, outcome, isTimingKnown);
  if (miss !== undefined) {
    // A run that begins too late may find something else, and nobody is to blame.
    const isDecided = need.kind !== 'window' || isSettledFor(need);
    return isDecided ? { ...miss, recordsRun } : undecidedMiss(raising, miss, recordsRun);
  }
  if (outcome.needsClear && claim.fields === 'stored')
    return judged(
      'PARTIAL',
      'keys-missing',
      'the rule looks into personal fields that the proof holds as pseudonyms only',
      { recordsRun },
    );
  const isKnown =
    isSettledFor(need) &&
    (start?.isComplete === true || need.kind !== 'window' || !need.holdsBack || outcome.isNothingHeldBack);
  if (!isKnown) return unsettled(raising, recordsRun);
  const isTimingShown = isTimingKnown || outcome.found?.detection.timing === 'skewed';
  return isTimingShown ? reproduced(claim, raising, recordsRun) : reproducedBesideTiming(claim, recordsRun);
}

/** What nobody could say of records whose fields stayed closed; whatever the run found besides may be for want of them. */
function undecidedIn({ undecidedSeqs }: ClaimRunOutcome, raising: RaisingRule): ProofJudgement | undefined {
  const [seq] = undecidedSeqs;
  if (seq === undefined) return undefined;
  const what = raising.kind === 'detector' ? 'the detector' : 'the rule';
  const named = undecidedSeqs.slice(0, UNDECIDED_NAMED_MAX).join(', ');
  const more = undecidedSeqs.length > UNDECIDED_NAMED_MAX ? ' and others' : '';
  const reason = `${what} asks for personal fields of the records at seq ${named}${more} that cannot be opened: their keys are not in the proof, because they were erased or withheld`;
  return judged('PARTIAL', 'keys-missing', reason, { seq });
}

/** @param isTimingKnown - false where the run has no say in whether an event was late; that one is skewed it says itself */
function missOf(
  { detection, seqs }: DetectionClaim,
  { found, others }: ClaimRunOutcome,
  isTimingKnown: boolean,
): ProofJudgement | undefined {
  const differs = (reason: string): ProofJudgement => judged('INVALID', 'result-differs', reason);
  if (found === undefined) return differs(missWords(detection, others));
  const isSaid = isTimingKnown ? isSameStatement : isSameBesideLateness;
  if (!isSaid(found.detection, detection)) {
    const difference = differenceBetween(
      { what: 'what the rule finds', detection: found.detection },
      { what: 'the proof', detection },
    );
    return differs(`the rule makes another detection of these records: ${difference ?? ''}`);
  }
  const isSame = found.seqs.length === seqs.length && found.seqs.every((seq, i) => seq === seqs[i]);
  return isSame ? undefined : differs('the rule rests on other events than the proof names');
}

function reproduced(claim: DetectionClaim, raising: RaisingRule, recordsRun: number): ProofJudgement {
  const what = raising.kind === 'detector' ? 'the detector' : 'the rule';
  const reason = `${what}, run again on ${recordWords(claim, recordsRun)}, makes exactly this detection`;
  return judged('VALID', 'reproduced', reason, { recordsRun });
}

function reproducedBesideTiming(claim: DetectionClaim, recordsRun: number): ProofJudgement {
  const reason = `the rule, run again on ${recordWords(claim, recordsRun)}, makes this detection; whether the event came in time is left out`;
  const notes = ['whether the event came in time hangs on what came before it, which the proof does not hold'];
  return judged('VALID', 'reproduced', reason, { recordsRun, leftOut: ['timing'], notes });
}

function recordWords({ coverage }: DetectionClaim, recordsRun: number): string {
  if (coverage.kind === 'range') return `${recordsRun} records that stand in the log without a gap`;
  return recordsRun === 1 ? 'the record it rests on' : `${recordsRun} records it rests on`;
}

function undecidedMiss(raising: RaisingRule, { reason: found }: ProofJudgement, recordsRun: number): ProofJudgement {
  const what = raising.kind === 'detector' ? 'the detector' : 'the rule';
  const reason = `whether ${what} makes this detection hangs on more of what came before the ${recordsRun} records of the proof; by themselves they do not show it: ${found}`;
  return judged('PARTIAL', 'history-before-range', reason, { recordsRun });
}

function unsettled(raising: RaisingRule, recordsRun: number): ProofJudgement {
  const what = raising.kind === 'detector' ? 'the detector' : 'the rule';
  const reason = `${what}, run again on ${recordsRun} records without a gap, makes exactly this detection; but it also rests on what came before them, which the proof does not hold`;
  return judged('PARTIAL', 'history-before-range', reason, { recordsRun });
}
