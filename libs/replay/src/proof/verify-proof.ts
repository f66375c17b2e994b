import type { KeyObject } from 'node:crypto';
import {
  isProtegoError,
  messageOf,
  type EventSeq,
  type OpenPersonalFields,
  type ProtegoEvent,
} from '@protego/contracts';
import { applyOpened, SLOT_KINDS, type Entry, type OpenedFields, type SlotKind } from '@protego/enclave/standalone';
import {
  EvidenceError,
  checkBundle,
  checkCheckpoint,
  leafHashOf,
  leavesOf,
  openBundleSlots,
  recordOf,
  sectionsOf,
  type CheckedBundle,
  type JsonObject,
} from '@protego/event-log/standalone';
import type { ReplayRecord } from '../replay-log';
import { parseClaim, type DetectionClaim } from './detection-claim';
import { judgeClaim } from './judge-claim';
import { judged, type ProofJudgement } from './proof-verdict';

/** What a proof is checked with. */
export interface VerifyProofOptions {
  /** SHA-256 of this code, as run manifests name it. */
  readonly engine: string;
  /** Key of the log as its owner publishes it; without it the proof is checked against the key inside it. */
  readonly verifierKey?: string;
  /** Signed checkpoint of the log that was kept elsewhere. */
  readonly against?: string;
  /** X25519 key of the receiver, for rules that look into personal fields. */
  readonly privateKey?: KeyObject;
  /** In place of the receiver's key: what the owner of the log opens its records with. */
  readonly open?: OpenPersonalFields;
}

/** What a check of a proof found. */
export interface ProofReport extends ProofJudgement {
  /** True when the key of the log came from elsewhere: without that the proof only fits itself. */
  readonly isKeyGiven: boolean;
  /** The claim; undefined where the file holds none that can be read. */
  readonly claim: DetectionClaim | undefined;
  /** Manifest of the bundle; undefined where it cannot be read. */
  readonly manifest: JsonObject | undefined;
}

/** Bytes before the sealed fields of a leaf. */
const LEAF_FIXED_BYTES = 44;
const HASH_BYTES = 32;

/**
 * Checks a proof of one detection: signature, tree, leaves, and runs the rule again on the records. It needs nothing but
 * the bytes.
 *
 * @throws EvidenceError `BUNDLE_KEY_INVALID` for a private key that the proof was not made for
 */
export async function verifyProof(bytes: Buffer, options: VerifyProofOptions): Promise<ProofReport> {
  const { verifierKey, against, engine } = options;
  const isKeyGiven = verifierKey !== undefined || against !== undefined;
  const known = readablePart(bytes);
  const report = (judgement: ProofJudgement): ProofReport => ({ ...judgement, isKeyGiven, ...known });
  let bundle: CheckedBundle;
  try {
    bundle = checkBundle(bytes, verifierKey);
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    return report(await diagnosed(bytes, error.message, engine));
  }
  let claim: DetectionClaim;
  try {
    claim = parseClaim(bundle.manifest['claim']);
  } catch (error) {
    if (!isProtegoError(error)) throw error;
    return report(judged('INVALID', 'file-damaged', error.message));
  }
  const open = options.privateKey === undefined ? options.open : openerOf(bundle, options.privateKey);
  const records = recordsOf(leavesOf(sectionsOf(bytes).records));
  const judgement = await judgeClaim({ claim, records, engine, ...(open === undefined ? {} : { open }) });
  const other = against === undefined ? undefined : comparison(bundle, against);
  return report(other === undefined || judgement.verdict === 'INVALID' ? judgement : { ...judgement, ...other });
}

function readablePart(bytes: Buffer): Pick<ProofReport, 'claim' | 'manifest'> {
  try {
    const manifest = JSON.parse(sectionsOf(bytes).manifest.toString('utf8')) as JsonObject;
    return { manifest, claim: claimIn(manifest) };
  } catch {
    // Whatever the reason is, the check says it.
    return { manifest: undefined, claim: undefined };
  }
}

function claimIn(manifest: JsonObject): DetectionClaim | undefined {
  try {
    return parseClaim(manifest['claim']);
  } catch {
    return undefined;
  }
}

/**
 * Why a file is not the one that was signed: the first thing that can be named, else what the check of the bundle says.
 */
async function diagnosed(bytes: Buffer, message: string, engine: string): Promise<ProofJudgement> {
  let leaves: { readonly seqs: number[]; readonly leaves: Buffer[] };
  const { manifest, claim } = readablePart(bytes);
  try {
    leaves = leavesOf(sectionsOf(bytes).records);
  } catch (error) {
    return judged('INVALID', 'file-damaged', messageOf(error));
  }
  const altered = alteredLeaf(leaves, manifest?.['leaves'], claim);
  if (altered !== undefined) return altered;
  const notes = [message];
  if (claim !== undefined) {
    const judgement = await judgedAnyway(claim, leaves, engine);
    if (judgement?.verdict === 'INVALID') return { ...judgement, notes };
  }
  return judged('INVALID', codeOf(message), message);
}

/** The first record that is not the one whose hash the proof lists; one that the detection rests on comes first. */
function alteredLeaf(
  { seqs, leaves }: { readonly seqs: readonly number[]; readonly leaves: readonly Buffer[] },
  list: unknown,
  claim: DetectionClaim | undefined,
): ProofJudgement | undefined {
  const hashes = Buffer.from(typeof list === 'string' ? list : '', 'base64');
  if (hashes.length !== leaves.length * HASH_BYTES) return undefined;
  const isListed = (leaf: Buffer, i: number): boolean =>
    leafHashOf(leaf).equals(hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
  const altered = leaves.flatMap((leaf, i) => (isListed(leaf, i) ? [] : [seqs[i] as number]));
  const contributing = altered.find((seq) => claim?.seqs.includes(seq) === true);
  const seq = contributing ?? altered[0];
  if (seq === undefined) return undefined;
  const what = contributing === undefined ? 'the record' : 'the event, on which the detection rests,';
  return judged('INVALID', 'event-altered', `${what} at seq ${seq} was altered`, { seq });
}

async function judgedAnyway(
  claim: DetectionClaim,
  leaves: { readonly seqs: readonly number[]; readonly leaves: readonly Buffer[] },
  engine: string,
): Promise<ProofJudgement | undefined> {
  try {
    return await judgeClaim({ claim, records: recordsOf(leaves), engine });
  } catch {
    // A forger chose these bytes: whatever they do to the run, the file is refused by its signature.
    return undefined;
  }
}

function codeOf(message: string): ProofJudgement['code'] {
  if (/another key/.test(message)) return 'log-differs';
  if (/sign/.test(message)) return 'signature-wrong';
  return /root|proof/.test(message) ? 'not-in-log' : 'file-damaged';
}

function recordsOf({
  seqs,
  leaves,
}: {
  readonly seqs: readonly number[];
  readonly leaves: readonly Buffer[];
}): ReplayRecord[] {
  return leaves.map((leaf, i) => {
    const { timeMs, arrivedAtMs, sealed, event } = recordOf(seqs[i] as number, leaf);
    const body = leaf.subarray(LEAF_FIXED_BYTES + sealed.length);
    return { seq: seqs[i] as number as EventSeq, timeMs, arrivedAtMs, type: String(event['type']), body, sealed };
  });
}

const FOR_PIPELINE: ReadonlySet<number> = new Set([SLOT_KINDS.staff, SLOT_KINDS.text]);

/** Opens the records of a bundle as the pipeline sees them: staff and texts in clear, patients by their tokens. */
function openerOf(bundle: CheckedBundle, privateKey: KeyObject): OpenPersonalFields | undefined {
  if (bundle.manifest['receiver'] === null) return undefined;
  const opened = openBundleSlots(bundle, privateKey, (kind) => FOR_PIPELINE.has(kind));
  const bySalt = new Map(bundle.records.map(({ sealed }, i) => [saltOf(sealed), opened[i]]));
  return (stored) =>
    Promise.resolve(
      stored.map(({ event, sealed }) => {
        const slots = bySalt.get(saltOf(sealed));
        const fields: OpenedFields = {
          isAllOpen: slots?.isAllOpen ?? false,
          fields: (slots?.slots ?? []).map(({ kind, fields: entries }) => [
            kind as SlotKind,
            entries as readonly Entry[],
          ]),
        };
        return applyOpened(event as ProtegoEvent, fields, 'staff-and-text');
      }),
    );
}

/** Random salt of a sealed part, by which it is told from all others. */
function saltOf(sealed: Uint8Array): string {
  return Buffer.from(sealed.subarray(1, 17)).toString('latin1');
}

/** What a checkpoint that was kept elsewhere says against a proof; undefined where it bears it out. */
function comparison(bundle: CheckedBundle, against: string): Partial<ProofJudgement> | undefined {
  const refused = (reason: string): Partial<ProofJudgement> => ({ verdict: 'INVALID', code: 'log-differs', reason });
  const { checkpoint, earlier, manifest } = bundle;
  try {
    const kept = checkCheckpoint(against, String(manifest['verifierKey']));
    const same = [checkpoint, earlier].find((each) => each?.size === kept.size);
    if (same?.root.equals(kept.root) === true) return undefined;
    if (same !== undefined)
      return refused(`the log of the proof is another than that of the kept checkpoint of ${kept.size} records`);
    return {
      verdict: 'PARTIAL',
      code: 'growth-unproven',
      reason: `that the log of ${checkpoint.size} records and that of the kept checkpoint of ${kept.size} are one is not proven: ask for a proof made with --since and this checkpoint`,
    };
  } catch (error) {
    if (!(error instanceof EvidenceError)) throw error;
    return refused(`the kept checkpoint is none of the log of the proof: ${error.message}`);
  }
}
