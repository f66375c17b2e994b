import {
  ProtegoError,
  canonicalJson,
  parseRfc3339Ms,
  type Detection,
  type OpenPersonalFields,
} from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import type { EventLogReader } from '@protego/event-log';
import { SESSION_CLOSED, SESSION_OPENED, type PipelineArtefacts } from '@protego/streams';
import type { ReplayRecord } from '../replay-log';
import { DECLARATION_NAMES, artefactsOf, listingHash, sha256Of } from './claim-artefacts';
import { runClaim, type ClaimRunOutcome } from './claim-run';
import { CLAIM_BYTES_MAX, CLAIM_LISTING_MAX, type ClaimFile, type DetectionClaim } from './detection-claim';
import { isSameStatement, statementOf } from './detection-difference';
import {
  historyNeedOf,
  pathsBehind,
  raisingRuleOf,
  rulesBehind,
  type HistoryNeed,
  type RaisingRule,
} from './raising-rule';
import { beginsInImport, settledFromMs } from './session-start';

/** Read side of a log, as a proof is planned from it. */
export interface ProofLog {
  readonly size: number;
  /** First record that the log still holds. */
  readonly firstSeq: number;
  /** Records of `[fromSeq, toSeq)`. */
  records(fromSeq: number, toSeq: number): Iterable<ReplayRecord>;
  /** Records of `[fromSeq, toSeq)` that open or close an import session, from the first on or from the last. */
  boundaries(
    fromSeq: number,
    toSeq: number,
    direction: 'forwards' | 'backwards',
  ): Iterable<Pick<ReplayRecord, 'seq' | 'type'>>;
  readonly open?: OpenPersonalFields;
}

/** A log as it stands now; without its vault, personal fields stay sealed. */
export function proofLogOf(
  reader: Pick<EventLogReader, 'stat' | 'records' | 'query'>,
  vault?: Pick<PersonalDataVault, 'openForPipeline'>,
): ProofLog {
  const { size, firstSeq } = reader.stat();
  return {
    size,
    firstSeq,
    records: (fromSeq, toSeq) => reader.records({ fromSeq, toSeq }),
    boundaries: (fromSeq, toSeq, direction) =>
      reader.query({ fromSeq, toSeq, direction, types: [SESSION_OPENED, SESSION_CLOSED] }),
    ...(vault === undefined ? {} : { open: (records) => vault.openForPipeline(records) }),
  };
}

/** What to prove, and with what. */
export interface ProofRequest {
  readonly log: ProofLog;
  /** With or without `evidence`. */
  readonly detection: Detection;
  /** Contributing events as far as they are known, ascending. */
  readonly seqs: readonly number[];
  /** Seq of the `detection.raised` event; null where the detection is from a replay. */
  readonly recordedSeq: number | null;
  /** Compiled from `ruleFiles`. */
  readonly artefacts: PipelineArtefacts;
  /** All rule files of the set, as they decide. */
  readonly ruleFiles: readonly ClaimFile[];
  /** `sources.yaml`, and `placeholders.yaml` where there is one. */
  readonly declarations: readonly ClaimFile[];
  readonly artefactHashes: Readonly<Record<string, string>>;
  readonly engine: string;
  /** Most records, and bytes of stored events, of the range. */
  readonly recordsMax: number;
  readonly bytesMax: number;
}

/** Default of {@link ProofRequest.recordsMax}. */
export const PROOF_RECORDS_MAX = 100_000;
/** Default of {@link ProofRequest.bytesMax}. */
export const PROOF_BYTES_MAX = 134_217_728;
/** How far before the first event a detector is tried from, where the whole session is too long. */
const TRIED_BEFORE_RECORDS = [0, 1_000, 10_000];
/** Detectors look at the clock when it passes whole minutes: so much later they have decided. */
const DECIDED_WITHIN_MS = 120_000;

/**
 * Finds out what a proof of a detection has to hold: tries the rule on the stored form of the records and, where that is not
 * enough, in clear; on all that it rests on, and where that is too long on less.
 *
 * @throws ProtegoError `PROOF_RULE_MISSING` when no rule of the set raised it; `PROOF_TOO_LARGE` when the rule texts are
 */
export async function planProof(request: ProofRequest): Promise<DetectionClaim> {
  const { detection, artefacts, recordedSeq, engine, log } = request;
  const raising = raisingRuleOf(artefacts.rules, detection);
  if (raising === undefined) {
    const message = `no rule of the set has the id \`${detection.ruleId}\` and the hash ${detection.ruleHash}`;
    throw new ProtegoError('PROOF_RULE_MISSING', message, { ruleId: detection.ruleId });
  }
  const base: DetectionClaim = {
    format: 1,
    detection: withoutEvidence(detection),
    seqs: request.seqs,
    recordedSeq,
    rules: raising.kind === 'detector' ? null : rulesOf(request, raising),
    declarations: request.declarations,
    artefacts: request.artefactHashes,
    engine,
    fields: 'stored',
    coverage: { kind: 'events', because: 'not-reproduced' },
  };
  requireSmall(base);
  // From here on as whoever checks it: with what the claim holds, and nothing else.
  const small = artefactsOf(base);
  const held = raisingRuleOf(small.rules, detection) ?? raising;
  const need = historyNeedOf(small.rules, held, detection);
  const starts = startsFor(need, request);
  const claimOf = (attempt: Attempt, { found, lastSeq }: ClaimRunOutcome): DetectionClaim | undefined => {
    if (found === undefined || !isSameStatement(found.detection, detection)) return undefined;
    const range = { kind: 'range', fromSeq: attempt.start, toSeq: lastSeq + 1 } as const;
    const coverage = need.kind === 'none' ? ({ kind: 'records' } as const) : range;
    return { ...base, seqs: found.seqs, fields: attempt.fields, coverage };
  };
  for (const attempt of attemptsFor(starts, request)) {
    const stored = await tried(request, small, held, need, attempt);
    const claim = claimOf(attempt, stored);
    const canOpen = log.open !== undefined;
    if (claim !== undefined && !(stored.needsClear && canOpen)) return claim;
    const isClearWorthIt = held.kind === 'detector' ? attempt.isBest : stored.needsClear;
    if (!canOpen || !isClearWorthIt) continue;
    const inClear: Attempt = { ...attempt, fields: 'opened' };
    const opened = claimOf(inClear, await tried(request, small, held, need, inClear));
    if (opened !== undefined) return opened;
  }
  const because = starts.isCut ? 'range-too-long' : 'not-reproduced';
  return { ...base, coverage: { kind: 'events', because } };
}

function withoutEvidence({ evidence: _evidence, ...detection }: Detection): Detection {
  return detection;
}

function rulesOf(
  { artefacts, ruleFiles, artefactHashes }: ProofRequest,
  raising: RaisingRule,
): DetectionClaim['rules'] {
  const paths = pathsBehind(artefacts.rules, raising);
  const listing = ruleFiles.map(({ path, text }) => ({ path, sha256: sha256Of(text) }));
  const isListed = listing.length <= CLAIM_LISTING_MAX && listingHash(listing) === artefactHashes['rules'];
  return { files: ruleFiles.filter(({ path }) => paths.has(path)), listing: isListed ? listing : null };
}

function requireSmall(claim: DetectionClaim): void {
  const bytes = Buffer.byteLength(canonicalJson(claim));
  if (bytes <= CLAIM_BYTES_MAX) return;
  const message = `the rules behind the detection have ${bytes} bytes, more than ${CLAIM_BYTES_MAX}`;
  throw new ProtegoError('PROOF_TOO_LARGE', message, { bytes, bytesMax: CLAIM_BYTES_MAX });
}

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
  artefacts: PipelineArtefacts,
  raising: RaisingRule,
  need: HistoryNeed,
  { start, fields, isPatient }: Attempt,
): Promise<ClaimRunOutcome> {
  const { log, detection, recordsMax, seqs } = request;
  const end = need.kind === 'none' ? (seqs[0] as number) + 1 : Math.min(log.size, start + recordsMax);
  return runClaim({
    artefacts,
    detection,
    rules: rulesBehind(artefacts.rules, raising),
    records: bounded(log.records(start, end), request, isPatient ? Number.POSITIVE_INFINITY : decidedMs(request)),
    beginsInImport: beginsInImport(log.boundaries(start, end, 'forwards')),
    ...(fields === 'opened' && log.open !== undefined ? { open: log.open } : {}),
  });
}

/** Pipeline time by which a result is there, as far as no source is later than the default. */
function decidedMs({ detection, artefacts }: ProofRequest): number {
  const { declarations } = artefacts;
  const certainAtMs = parseRfc3339Ms(detection.certainAt) ?? 0;
  return settledFromMs(certainAtMs, declarations) + declarations.defaults.latenessMs + DECIDED_WITHIN_MS;
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

/** Where the session of a record began, or the first record of it that the log still holds. */
function sessionBeginOf(log: ProofLog, seq: number): { readonly seq: number } {
  for (const boundary of log.boundaries(log.firstSeq, seq, 'backwards'))
    if (boundary.type === SESSION_OPENED) return { seq: boundary.seq };
    else break;
  return { seq: log.firstSeq };
}

/** Last record from which on windows are settled when the detection became certain; pipeline time never falls in a session. */
function settledStart(
  need: Extract<HistoryNeed, { kind: 'window' }>,
  begin: number,
  first: number,
  { log, artefacts, detection }: ProofRequest,
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

/** Names of the declarations that a claim holds. */
export const CLAIM_DECLARATIONS: readonly string[] = Object.keys(DECLARATION_NAMES);
