import { ProtegoError, canonicalJson, type Detection } from '@protego/contracts';
import type { PipelineArtefacts } from '@protego/streams';
import type { ReplayRecord } from '../replay-log';
import { DECLARATION_NAMES, artefactsOf, listingHash, sha256Of } from './claim-artefacts';
import { runClaim, type ClaimRunOutcome } from './claim-run';
import { CLAIM_BYTES_MAX, CLAIM_LISTING_MAX, type DetectionClaim } from './detection-claim';
import { isSameBesideLateness, isSameStatement } from './detection-difference';
import { madeByLog } from './made-by-log';
import type { ProofRequest } from './proof-request';
import { decidedMs, sessionBeginOf, settledStart } from './proof-starts';
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
import { beginsInImport } from './session-start';

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
  for (const attempt of attemptsFor(starts, request)) {
    const claim = await claimBy(attempt, request, base, { behind, held, need });
    if (claim === undefined) continue;
    const isSure = held.kind !== 'rule' && attempt.isBest && !(need.kind === 'window' && need.holdsBack);
    if (recordedSeq === null && !isSure) await madeByLog(request, behind, held);
    return claim;
  }
  const because = starts.isCut ? 'range-too-long' : 'not-reproduced';
  const made = recordedSeq === null ? await madeByLog(request, behind, held) : undefined;
  return { ...base, seqs: made?.seqs ?? base.seqs, coverage: { kind: 'events', because } };
}

/** What is run again, and what it needs. */
interface Tried {
  readonly behind: PipelineArtefacts;
  readonly held: RaisingRule;
  readonly need: HistoryNeed;
}

/** The claim that an attempt bears out, of stored fields where they are enough; undefined for none. */
async function claimBy(
  attempt: Attempt,
  request: ProofRequest,
  base: DetectionClaim,
  what: Tried,
): Promise<DetectionClaim | undefined> {
  const { need, held } = what;
  const isSaid = need.kind === 'none' ? isSameBesideLateness : isSameStatement;
  const claimOf = (fields: Attempt['fields'], { found, lastSeq }: ClaimRunOutcome): DetectionClaim | undefined => {
    if (found === undefined || !isSaid(found.detection, request.detection)) return undefined;
    const range = { kind: 'range', fromSeq: attempt.start, toSeq: lastSeq + 1 } as const;
    const coverage = need.kind === 'none' ? ({ kind: 'records' } as const) : range;
    return { ...base, seqs: found.seqs, fields, coverage };
  };
  const stored = await tried(request, what, attempt);
  const claim = claimOf('stored', stored);
  const canOpen = request.log.open !== undefined;
  const isClosed = stored.needsClear || stored.undecidedSeqs.length > 0;
  if (claim !== undefined && !(isClosed && canOpen)) return claim;
  const isClearWorthIt = isClosed || (held.kind === 'detector' && attempt.isBest);
  if (!canOpen || !isClearWorthIt) return undefined;
  return claimOf('opened', await tried(request, what, { ...attempt, fields: 'opened' }));
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
  /** True when it is tried on all that can matter. */
  readonly isBest: boolean;
}

/** From the attempt that proves most on, each quick before it is patient. */
function attemptsFor({ seqs, isCut }: Starts, { artefacts }: ProofRequest): Attempt[] {
  const { defaults, sources } = artefacts.declarations;
  const isOftenLate = sources.some(({ latenessMs }) => latenessMs > defaults.latenessMs);
  return seqs.flatMap((start, i) => {
    const isBest = i === 0 && !isCut;
    const patience = isBest && isOftenLate ? [false, true] : [false];
    return patience.map((isPatient) => ({ start, fields: 'stored' as const, isPatient, isBest }));
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

/** Seqs from which the rule is tried, the one that proves most first; cut when what would prove all is too long. */
interface Starts {
  readonly seqs: readonly number[];
  readonly isCut: boolean;
}

function startsFor(need: HistoryNeed, request: ProofRequest): Starts {
  const { seqs, log, recordsMax } = request;
  const first = seqs[0] as number;
  if (need.kind === 'none') return { seqs: [first], isCut: false };
  const span = (seqs.at(-1) as number) - first + 1;
  const begin = sessionBeginOf(log, first);
  const best = need.kind === 'window' ? settledStart(need, begin.seq, first, request) : begin.seq;
  const fallbacks = TRIED_BEFORE_RECORDS.map((before) => Math.max(begin.seq, log.firstSeq, first - before));
  const all = [...new Set([best, ...fallbacks])].filter((start) => first - start + span <= recordsMax);
  return { seqs: all, isCut: !all.includes(best) };
}

/** Names of the declarations that a claim holds. */
export const CLAIM_DECLARATIONS: readonly string[] = Object.keys(DECLARATION_NAMES);
