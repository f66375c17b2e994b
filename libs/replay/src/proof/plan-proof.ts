import { ProtegoError, canonicalJson, parseRfc3339Ms, type Detection } from '@protego/contracts';
import type { PipelineArtefacts } from '@protego/streams';
import type { ReplayRecord } from '../replay-log';
import { DECLARATION_NAMES, artefactsOf, listingHash, sha256Of } from './claim-artefacts';
import { runClaim, type ClaimRunOutcome } from './claim-run';
import { CLAIM_BYTES_MAX, CLAIM_LISTING_MAX, type DetectionClaim } from './detection-claim';
import { isSameBesideLateness, isSameStatement, statementOf } from './detection-difference';
import { SHORT_SPAN_RECORDS } from './judge-claim';
import { madeByLog } from './made-by-log';
import type { ProofRequest } from './proof-request';
import { decidedMs, sessionBeginOf, settledStarts, type SessionBegin } from './proof-starts';
import {
  artefactsBehind,
  historyNeedOf,
  pathsBehind,
  raisingRuleOf,
  rulesBehind,
  takerOf,
  type HistoryNeed,
  type RaisingRule,
} from './raising-rule';
import { beginsInImport, isSettled } from './session-start';

/** Default of {@link ProofRequest.recordsMax}. */
export const PROOF_RECORDS_MAX = 100_000;
/** Default of {@link ProofRequest.bytesMax}. */
export const PROOF_BYTES_MAX = 134_217_728;
/** How far before the first event a detector is tried from, where the whole session is too long. */
const TRIED_BEFORE_RECORDS = [0, 1_000, 10_000];

/**
 * Finds out what a proof of a detection has to hold: tries the rule on the stored form of the records and, where that is not
 * enough, in clear; on all that it rests on, and where that is too long on less. A detection that the log did not record is
 * taken for what the log gives, and for nothing that was written down elsewhere.
 *
 * @throws ProtegoError `PROOF_RULE_MISSING` when no rule of the set raised it; `PROOF_TOO_LARGE` when the rule texts are;
 *   `PROOF_DETECTION_DIFFERS` when the log gives another detection
 */
export async function planProof(request: ProofRequest): Promise<DetectionClaim> {
  const { detection, artefacts, recordedSeq, engine } = request;
  const raising = raisingRuleOf(artefacts.rules, detection);
  if (raising === undefined || takerOf(artefacts.rules, raising) !== undefined) {
    const message = `no rule of the set raises detections with the id \`${detection.ruleId}\` and the hash ${detection.ruleHash}`;
    throw new ProtegoError('PROOF_RULE_MISSING', message, { ruleId: detection.ruleId });
  }
  const base: DetectionClaim = {
    format: 1,
    detection: withoutEvidence(detection),
    seqs: request.seqs,
    recordedSeq,
    rules: null,
    declarations: request.declarations,
    artefacts: request.artefactHashes,
    engine,
    fields: 'stored',
    coverage: { kind: 'events', because: 'not-reproduced' },
  };
  return attempted(request, withRules(request, raising, base), raising);
}

/** The claim with what the attempt that proves most needs. */
async function attempted(request: ProofRequest, base: DetectionClaim, raising: RaisingRule): Promise<DetectionClaim> {
  const { detection, recordedSeq } = request;
  // From here on as whoever checks it: with what the claim holds, and nothing else.
  const { artefacts: whole } = artefactsOf(base);
  const held = raisingRuleOf(whole.rules, detection) ?? raising;
  const behind = artefactsBehind(whole, held);
  const need = historyNeedOf(behind.rules, held, detection);
  const starts = startsFor(need, request);
  let partial: DetectionClaim | undefined;
  for (const attempt of attemptsFor(starts, request)) {
    // What is tried after those that may prove all proves less.
    if (partial !== undefined && !attempt.isBest) break;
    const found = await claimBy(attempt, request, base, { behind, held, need });
    if (found === undefined) continue;
    partial ??= found.claim;
    if (!found.isWhole) continue;
    const isSure = held.kind !== 'rule' && !(need.kind === 'window' && need.holdsBack);
    if (recordedSeq === null && !isSure) await madeByLog(request, behind, held);
    return found.claim;
  }
  if (partial !== undefined) {
    if (recordedSeq === null) await madeByLog(request, behind, held);
    return partial;
  }
  const made = recordedSeq === null ? await madeByLog(request, behind, held) : undefined;
  const claim = { ...base, seqs: made?.seqs ?? base.seqs };
  return { ...claim, coverage: coverageOfNothingFound(need, starts, claim.seqs) };
}

/** Where no attempt bears the detection out: all records around its events still, where a rule counts and they are few. */
function coverageOfNothingFound(
  { kind }: HistoryNeed,
  { best, shorter, isCut }: Starts,
  seqs: readonly number[],
): DetectionClaim['coverage'] {
  const [first, last] = [seqs[0] as number, seqs.at(-1) as number];
  const isFitting = last - first < SHORT_SPAN_RECORDS && [...best, ...shorter].includes(first);
  if (kind === 'window' && isFitting) return { kind: 'range', fromSeq: first, toSeq: last + 1 };
  return { kind: 'events', because: isCut ? 'range-too-long' : 'not-reproduced' };
}

/** What is run again, and what it needs. */
interface Tried {
  readonly behind: PipelineArtefacts;
  readonly held: RaisingRule;
  readonly need: HistoryNeed;
}

/** What an attempt bears out. */
interface BorneOut {
  readonly claim: DetectionClaim;
  /** False when it also rests on what came before the range. */
  readonly isWhole: boolean;
}

/** The claim that an attempt bears out, of stored fields where they are enough; undefined for none. */
async function claimBy(
  attempt: Attempt,
  request: ProofRequest,
  base: DetectionClaim,
  what: Tried,
): Promise<BorneOut | undefined> {
  const { need, held } = what;
  const isSaid = need.kind === 'none' ? isSameBesideLateness : isSameStatement;
  const borneOutBy = (fields: Attempt['fields'], outcome: ClaimRunOutcome): BorneOut | undefined => {
    const { found, lastSeq } = outcome;
    if (found === undefined || !isSaid(found.detection, request.detection)) return undefined;
    const range = { kind: 'range', fromSeq: attempt.start, toSeq: lastSeq + 1 } as const;
    const coverage = need.kind === 'none' ? ({ kind: 'records' } as const) : range;
    return {
      claim: { ...base, seqs: found.seqs, fields, coverage },
      isWhole: isWhole(attempt, request, need, outcome),
    };
  };
  const stored = await tried(request, what, attempt);
  const borneOut = borneOutBy('stored', stored);
  const canOpen = request.log.open !== undefined;
  const isClosed = stored.needsClear || stored.undecidedSeqs.length > 0;
  if (borneOut !== undefined && !(isClosed && canOpen)) return borneOut;
  const isClearWorthIt = isClosed || (held.kind === 'detector' && attempt.isBest);
  if (!canOpen || !isClearWorthIt) return undefined;
  return borneOutBy('opened', await tried(request, what, { ...attempt, fields: 'opened' }));
}

function isWhole(
  { isComplete }: Attempt,
  { detection, artefacts }: ProofRequest,
  need: HistoryNeed,
  { agreedSinceMs }: ClaimRunOutcome,
): boolean {
  const certainAtMs = parseRfc3339Ms(statementOf(detection).certainAt) ?? Number.NEGATIVE_INFINITY;
  return isSettled(need, { isComplete }, certainAtMs, agreedSinceMs, artefacts.declarations);
}

function withoutEvidence({ evidence: _evidence, ...detection }: Detection): Detection {
  return detection;
}

/**
 * The claim with the rule files of the set: all where they fit, because another file may change what a rule finds; else those
 * that hold the rule.
 *
 * @throws ProtegoError `PROOF_TOO_LARGE`
 */
function withRules(request: ProofRequest, raising: RaisingRule, base: DetectionClaim): DetectionClaim {
  const { artefacts, ruleFiles, artefactHashes } = request;
  if (raising.kind === 'detector') return base;
  const listing = ruleFiles.map(({ path, text }) => ({ path, sha256: sha256Of(text) }));
  const isListed = listing.length <= CLAIM_LISTING_MAX && listingHash(listing) === artefactHashes['rules'];
  const whole: DetectionClaim = { ...base, rules: { files: ruleFiles, listing } };
  if (isListed && bytesOf(whole) <= CLAIM_BYTES_MAX) return whole;
  const paths = pathsBehind(artefacts.rules, raising);
  const files = ruleFiles.filter(({ path }) => paths.has(path));
  const part: DetectionClaim = { ...base, rules: { files, listing: isListed ? listing : null } };
  const bytes = bytesOf(part);
  if (bytes <= CLAIM_BYTES_MAX) return part;
  const message = `the rules behind the detection have ${bytes} bytes, more than ${CLAIM_BYTES_MAX}`;
  throw new ProtegoError('PROOF_TOO_LARGE', message, { bytes, bytesMax: CLAIM_BYTES_MAX });
}

const bytesOf = (claim: DetectionClaim): number => Buffer.byteLength(canonicalJson(claim));

/** One way in which the rule is tried. */
interface Attempt {
  readonly start: number;
  readonly fields: DetectionClaim['fields'];
  /** False: only until the windows of the sources have passed that are no later than the default. */
  readonly isPatient: boolean;
  /** True when it is tried on what is likely to be all that can matter. */
  readonly isBest: boolean;
  /** True when the session begins there. */
  readonly isComplete: boolean;
}

/** From the attempt that proves most with the fewest records on, each quick before it is patient. */
function attemptsFor({ best, shorter, begin }: Starts, { artefacts }: ProofRequest): Attempt[] {
  const { defaults, sources } = artefacts.declarations;
  const isOftenLate = sources.some(({ latenessMs }) => latenessMs > defaults.latenessMs);
  return [...best, ...shorter].flatMap((start, i) => {
    const isBest = i < best.length;
    const isComplete = begin.isKnown && start === begin.seq;
    const patience = isBest && isOftenLate ? [false, true] : [false];
    return patience.map((isPatient) => ({ start, fields: 'stored' as const, isPatient, isBest, isComplete }));
  });
}

async function tried(
  request: ProofRequest,
  { behind, held, need }: Tried,
  { start, fields, isPatient }: Attempt,
): Promise<ClaimRunOutcome> {
  const { log, detection, recordsMax, seqs } = request;
  const end = need.kind === 'none' ? (seqs[0] as number) + 1 : Math.min(log.size, start + recordsMax);
  return runClaim({
    artefacts: behind,
    detection,
    rules: rulesBehind(behind.rules, held),
    records: bounded(log.records(start, end), request, isPatient ? Number.POSITIVE_INFINITY : decidedMs(request)),
    beginsInImport: beginsInImport(log.boundaries(start, end, 'forwards')),
    ...(fields === 'opened' && log.open !== undefined ? { open: log.open } : {}),
  });
}

/** The records up to a number of bytes, and those after the contributing ones up to a pipeline time. */
function* bounded(
  records: Iterable<ReplayRecord>,
  { bytesMax, seqs }: ProofRequest,
  untilMs: number,
): Generator<ReplayRecord, void, undefined> {
  const last = seqs.at(-1) as number;
  let bytes = 0;
  for (const record of records) {
    bytes += record.body.length + (record.sealed?.length ?? 0);
    if (bytes > bytesMax || (record.seq > last && record.arrivedAtMs > untilMs)) return;
    yield record;
  }
}

/** Seqs from which the rule is tried. */
interface Starts {
  /** Those that may prove all, the fewest records first. */
  readonly best: readonly number[];
  readonly shorter: readonly number[];
  /** True when what would prove all is too long. */
  readonly isCut: boolean;
  readonly begin: SessionBegin;
}

function startsFor(need: HistoryNeed, request: ProofRequest): Starts {
  const { seqs, log, recordsMax } = request;
  const first = seqs[0] as number;
  const begin = sessionBeginOf(log, first);
  if (need.kind === 'none') return { best: [first], shorter: [], isCut: false, begin };
  const span = (seqs.at(-1) as number) - first + 1;
  const isShort = (start: number): boolean => first - start + span <= recordsMax;
  const wanted = need.kind === 'window' ? settledStarts(need, begin.seq, first, request) : [begin.seq];
  const best = wanted.filter(isShort);
  const fallbacks = TRIED_BEFORE_RECORDS.map((before) => Math.max(begin.seq, log.firstSeq, first - before));
  const shorter = [...new Set(fallbacks)].filter((start) => isShort(start) && !best.includes(start));
  return { best, shorter, isCut: best.length < wanted.length, begin };
}

/** Names of the declarations that a claim holds. */
export const CLAIM_DECLARATIONS: readonly string[] = Object.keys(DECLARATION_NAMES);
