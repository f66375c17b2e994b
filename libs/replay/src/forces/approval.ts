import { createHash } from 'node:crypto';
import { ProtegoError, isProtegoError, type ArtefactSignature, type ProtegoConfig } from '@protego/contracts';
import type { NoteSigner } from '@protego/enclave';
import {
  noteVerifierOf,
  parseNote,
  parseVerifierKey,
  signNote,
  verifierKeyOf,
  verifyNote,
  type NoteSignature,
  type NoteVerifier,
} from '@protego/event-log';
import type { Activation, ForceLedger } from './force-ledger';

/** What an approver signs: this set, for this reason, on this log, as it stands now. */
export interface ActivationStatement {
  /** Name of the log. */
  readonly origin: string;
  readonly set: string;
  /** Set in force until then. */
  readonly previous: string | undefined;
  /** Seq of the last event about artefacts: an approval holds once, and not beyond a retirement. */
  readonly after: number | undefined;
  readonly reason: string;
}

/** Whose signatures an activation needs, and how many. */
export interface DualControl {
  readonly approvals: number;
  readonly approvers: readonly NoteVerifier[];
}

/** A site that asks for no approval. */
export const NO_CONTROL: DualControl = { approvals: 0, approvers: [] };

const TITLE = 'protego activation of artefacts, version 1';

/**
 * Dual control as `protego.yaml` declares it.
 *
 * @throws ProtegoError `CONFIG_INVALID` when a key cannot be read, a name or key stands twice, or there are too few approvers
 */
export function dualControlOf({ approvals, approvers }: ProtegoConfig['artefacts']): DualControl {
  const verifiers = approvers.map(({ name, publicKey }) => {
    try {
      return noteVerifierOf(name, publicKey);
    } catch (cause) {
      if (!isProtegoError(cause)) throw cause;
      throw wrong(`the key of \`${name}\`: ${cause.message}`);
    }
  });
  for (const [what, texts] of [
    ['name', verifiers.map(({ name }) => name)],
    ['key', verifiers.map(keyOf)],
  ] as const)
    if (new Set(texts).size < texts.length) throw wrong(`two approvers have the same ${what}`);
  if (verifiers.length < approvals)
    throw wrong(`more approvals are asked for, ${approvals}, than there are approvers, ${verifiers.length}`);
  return { approvals, approvers: verifiers };
}

/** The statement as text, one fact a line: what is signed. */
export function statementText({ origin, set, previous, after, reason }: ActivationStatement): string {
  const reasonHash = createHash('sha256').update(reason, 'utf8').digest('hex');
  const lines = [
    TITLE,
    `log ${origin}`,
    `set ${set}`,
    `previous ${previous ?? 'none'}`,
    `after ${after ?? 'none'}`,
    `reason-sha256 ${reasonHash}`,
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/**
 * An approval: the statement as a signed note (C2SP signed-note), which other tools can verify too.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID` when the name cannot be that of a key
 */
export function approve(statement: ActivationStatement, name: string, signer: NoteSigner): Promise<string> {
  return signNote(statementText(statement), name, signer);
}

/**
 * Checks approvals; the signatures of approvers in the order of their names, each once.
 *
 * @throws ProtegoError `ARTEFACT_APPROVAL_INVALID` for one that is no note, is about something else, or has a wrong signature;
 *   `ARTEFACT_APPROVAL_MISSING` when different approvers have signed less often than is asked for
 */
export function checkApprovals(
  statement: ActivationStatement,
  notes: readonly string[],
  { approvals, approvers }: DualControl,
): ArtefactSignature[] {
  const found = new Map<string, ArtefactSignature>();
  for (const note of notes)
    for (const signature of signaturesIn(note, statement, approvers)) found.set(signature.name, signature);
  if (found.size < approvals) {
    const others = approvers.map(({ name }) => name).filter((name) => !found.has(name));
    const message = `${found.size} of ${approvals} approvals are there; still to be asked: ${others.join(', ') || 'nobody'}`;
    throw new ProtegoError('ARTEFACT_APPROVAL_MISSING', message, { approvals, found: found.size, set: statement.set });
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** A signature of an activation, checked again. */
export interface CheckedSignature {
  readonly name: string;
  readonly key: string;
  readonly isValid: boolean;
  /** Whether the key is one of the declared ones. */
  readonly isDeclared: boolean;
}

/** Checks the signatures that stand in an activation, with nothing but the log, and against the declared keys. */
export function checkSignatures(
  origin: string,
  activation: Activation,
  { approvers }: DualControl,
): CheckedSignature[] {
  const { set, previous, after, reason = '', signatures } = activation;
  const text = statementText({ origin, set, previous, after, reason });
  const declared = new Set(approvers.map(verifierKeyTextOf));
  return signatures.map(({ name, key, signature }) => ({
    ...{ name, key, isValid: isSignedBy(text, name, key, signature), isDeclared: declared.has(key) },
  }));
}

/**
 * Whether the activation at a seq bears the approvals that a site asks for, its signatures checked. Who may approve changes with the
 * years, and so may how many must: of an older activation it is asked only that as many have signed as must now, and only once
 * the log shows that approvals are asked for.
 */
export function isApproved(
  seq: number,
  checked: readonly CheckedSignature[],
  { approvals }: DualControl,
  ledger: ForceLedger,
): boolean {
  if (checked.some(({ isValid }) => !isValid)) return false;
  const declared = new Set(checked.filter(({ isDeclared }) => isDeclared).map(({ key }) => key));
  if (seq === ledger.current?.seq) return declared.size >= approvals;
  const isAskedFor = ledger.activations.some((earlier) => earlier.seq < seq && earlier.signatures.length > 0);
  return !isAskedFor || new Set(checked.map(({ key }) => key)).size >= approvals;
}

function signaturesIn(
  note: string,
  statement: ActivationStatement,
  approvers: readonly NoteVerifier[],
): ArtefactSignature[] {
  try {
    const { text, signatures } = parseNote(note);
    requireSame(text, statementText(statement));
    const { signers } = verifyNote(note, approvers);
    return signers.map((name) => {
      const known = approvers.find((approver) => approver.name === name) as NoteVerifier;
      const line = signatures.find((each) => each.name === name && each.keyId === known.keyId);
      return { name, key: verifierKeyTextOf(known), signature: signatureTextOf(line as NoteSignature) };
    });
  } catch (cause) {
    if (!isProtegoError(cause) || cause.code === 'ARTEFACT_APPROVAL_INVALID') throw cause;
    throw invalid(`an approval does not hold: ${cause.message}`, cause);
  }
}

function requireSame(found: string, wanted: string): void {
  if (found === wanted) return;
  const lines = found.split('\n');
  const [what] = wanted.split('\n').filter((line, i) => line !== lines[i]);
  throw invalid(`an approval is for something else: it does not say \`${what ?? TITLE}\``);
}

function isSignedBy(text: string, name: string, key: string, signature: string): boolean {
  try {
    const verified = verifyNote(`${text}\n— ${name} ${signature}\n`, [parseVerifierKey(key)]);
    // What stands in an event might hold lines of its own.
    return verified.text === text && verified.signers.includes(name);
  } catch (error) {
    if (isProtegoError(error)) return false;
    throw error;
  }
}

function signatureTextOf({ keyId, signature }: NoteSignature): string {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(keyId);
  return Buffer.concat([id, signature]).toString('base64');
}

function verifierKeyTextOf({ name, publicKey }: NoteVerifier): string {
  return verifierKeyOf(name, publicKey);
}

function keyOf({ publicKey }: NoteVerifier): string {
  return publicKey.toString('hex');
}

function wrong(problem: string): ProtegoError {
  return new ProtegoError('CONFIG_INVALID', `\`artefacts.approvers\`: ${problem}`, { key: 'artefacts.approvers' });
}

function invalid(message: string, cause?: unknown): ProtegoError {
  return new ProtegoError('ARTEFACT_APPROVAL_INVALID', message, {}, { cause });
}
