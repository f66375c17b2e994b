import { createPublicKey, hash, verify, type KeyObject } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';
import type { NoteSigner } from '@protego/enclave';

/** Signature type of Ed25519 in keys and key ids (C2SP signed-note, "Signature types"). */
const ED25519 = 1;
const PUBLIC_KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
const KEY_ID_BYTES = 4;
/** Most bytes of a note: room for many post-quantum signatures. */
const NOTE_BYTES_MAX = 1 << 20;
/** Most signatures of a note; the specification asks for at least 16. */
const SIGNATURES_MAX = 100;
/** What stands before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410, section 4). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

const KEY_NAME = /^[^\p{White_Space}+]+$/u;
// eslint-disable-next-line no-control-regex -- the specification forbids exactly these
const CONTROL_CHARACTER = /[\u0000-\u0009\u000b-\u001f]/;
const VERIFIER_KEY = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/u;
const SIGNATURE_LINE = /^— ([^ ]+) ([^ ]+)$/u;

/** One signature line of a note. */
export interface NoteSignature {
  /** Name of the key. */
  readonly name: string;
  /** First four bytes of the signature, as a number. */
  readonly keyId: number;
  /** The signature itself, without the key id. */
  readonly signature: Buffer;
}

/** A note taken apart. Nothing about it is verified: the text must not be believed. */
export interface SignedNote {
  /** Text with its last line feed: the bytes that are signed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A key that a note may be verified with. */
export interface NoteVerifier {
  readonly name: string;
  readonly keyId: number;
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Buffer;
}

/** What a note's known keys have signed. */
export interface VerifiedNote {
  readonly text: string;
  /** Names of the known keys whose signatures were verified; at least one. */
  readonly signers: readonly string[];
}

/**
 * Key id of an Ed25519 key: the first four bytes of SHA-256(name || 0A || 01 || public key), big-endian (C2SP
 * signed-note, "Ed25519 signatures").
 */
export function noteKeyId(name: string, publicKey: Buffer): number {
  const input = Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), publicKey]);
  return hash('sha256', input, 'buffer').readUInt32BE(0);
}

/**
 * The verifier key as text: name, key id in hex and base64 of the type and the raw key, joined by plus signs.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID` when the name cannot be that of a key or the key has not 32 bytes
 */
export function verifierKeyOf(name: string, publicKey: Buffer): string {
  if (!isKeyName(name) || publicKey.length !== PUBLIC_KEY_BYTES) throw invalid('name or length of the key is wrong');
  const key = Buffer.concat([Buffer.of(ED25519), publicKey]).toString('base64');
  return `${name}+${hexOf(noteKeyId(name, publicKey))}+${key}`;
}

/**
 * Reads a verifier key as {@link verifierKeyOf} writes it. Only Ed25519 keys are known.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID`
 */
export function parseVerifierKey(text: string): NoteVerifier {
  const [, name = '', id = '', base64 = ''] = VERIFIER_KEY.exec(text) ?? [];
  const key = bytesOfBase64(base64);
  if (!isKeyName(name) || key === undefined) throw invalid('the verifier key is malformed');
  if (key[0] !== ED25519 || key.length !== 1 + PUBLIC_KEY_BYTES) throw invalid('the verifier key is not of Ed25519');
  const publicKey = key.subarray(1);
  const keyId = noteKeyId(name, publicKey);
  if (hexOf(keyId) !== id) throw invalid('the verifier key has another id than its bytes give');
  return { name, keyId, publicKey };
}

/**
 * The key that a note of a name is verified with, from an Ed25519 public key as PEM, or as a verifier key of that name.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID`
 */
export function noteVerifierOf(name: string, publicKeyText: string): NoteVerifier {
  const text = publicKeyText.trim();
  if (!text.startsWith('-----BEGIN')) {
    const verifier = parseVerifierKey(text);
    if (verifier.name !== name) throw invalid(`the verifier key is that of \`${verifier.name}\``);
    return verifier;
  }
  return parseVerifierKey(verifierKeyOf(name, rawKeyOf(text)));
}

/**
 * Takes a note apart, strictly: valid UTF-8, no control characters but line feeds, canonical base64.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID`
 */
export function parseNote(note: string | Uint8Array): SignedNote {
  if (note.length > NOTE_BYTES_MAX) throw invalid(`the note has more than ${NOTE_BYTES_MAX} bytes`);
  const whole = typeof note === 'string' ? note : decode(note);
  if (!whole.isWellFormed()) throw invalid('the note is not valid Unicode');
  if (CONTROL_CHARACTER.test(whole)) throw invalid('the note holds a control character');
  const split = whole.lastIndexOf('\n\n');
  if (split < 0 || !whole.endsWith('\n')) throw invalid('the note has no signatures or no last line feed');
  const lines = whole.slice(split + 2, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) throw invalid(`the note has more than ${SIGNATURES_MAX} signatures`);
  return { text: whole.slice(0, split + 1), signatures: lines.map(parseSignature) };
}

/** Puts a note together; the opposite of {@link parseNote}. */
export function formatNote({ text, signatures }: SignedNote): string {
  const lines = signatures.map(({ name, keyId, signature }) => {
    const id = Buffer.alloc(KEY_ID_BYTES);
    id.writeUInt32BE(keyId);
    return `— ${name} ${Buffer.concat([id, signature]).toString('base64')}\n`;
  });
  return `${text}\n${lines.join('')}`;
}

/**
 * Signs a text. With the signature it is a note (C2SP signed-note).
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID` for a text without a last line feed or a name that no key can have
 */
export async function signNote(text: string, name: string, signer: NoteSigner): Promise<string> {
  if (!text.endsWith('\n') || !text.isWellFormed() || CONTROL_CHARACTER.test(text)) {
    throw invalid('the text needs a last line feed and no other control character');
  }
  if (!isKeyName(name)) throw invalid('the name cannot be that of a key');
  const keyId = noteKeyId(name, signer.publicKey);
  const signature = await signer.sign(Buffer.from(text));
  return formatNote({ text, signatures: [{ name, keyId, signature }] });
}

/**
 * Verifies a note with the known keys. Signatures of other keys are left aside; one of a known key that is wrong makes
 * the whole note invalid, and one that is right is needed.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID`
 */
export function verifyNote(note: string | Uint8Array, verifiers: readonly NoteVerifier[]): VerifiedNote {
  const { text, signatures } = parseNote(note);
  const message = Buffer.from(text);
  const signers = new Set<string>();
  for (const { name, keyId, signature } of signatures) {
    const known = verifiers.find((verifier) => verifier.name === name && verifier.keyId === keyId);
    if (known === undefined) continue;
    if (signature.length !== SIGNATURE_BYTES || !verify(null, message, keyObjectOf(known), signature)) {
      throw invalid(`the signature of \`${name.slice(0, 256)}\` is wrong`);
    }
    signers.add(name);
  }
  if (signers.size === 0) throw invalid('no known key has signed the note');
  return { text, signers: [...signers] };
}

function parseSignature(line: string): NoteSignature {
  const [, name = '', base64 = ''] = SIGNATURE_LINE.exec(line) ?? [];
  const bytes = bytesOfBase64(base64);
  if (!isKeyName(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES) {
    throw invalid('a signature line of the note is malformed');
  }
  return { name, keyId: bytes.readUInt32BE(0), signature: bytes.subarray(KEY_ID_BYTES) };
}

function isKeyName(name: string): boolean {
  return KEY_NAME.test(name) && name.isWellFormed() && !CONTROL_CHARACTER.test(name);
}

/** Undefined unless the text is exactly what encoding its bytes gives: one signature has one spelling. */
function bytesOfBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return text.length > 0 && bytes.toString('base64') === text ? bytes : undefined;
}

function rawKeyOf(pem: string): Buffer {
  try {
    const { crv, x = '' } = createPublicKey(pem).export({ format: 'jwk' });
    if (crv === 'Ed25519') return Buffer.from(x, 'base64url');
  } catch (cause) {
    throw new ProtegoError('LOG_CHECKPOINT_INVALID', 'the public key cannot be read', {}, { cause });
  }
  throw invalid('the public key is not of Ed25519');
}

function keyObjectOf({ publicKey }: NoteVerifier): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
}

function hexOf(keyId: number): string {
  return keyId.toString(16).padStart(8, '0');
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new ProtegoError('LOG_CHECKPOINT_INVALID', 'the note is not valid UTF-8', {}, { cause });
  }
}

function invalid(reason: string): ProtegoError {
  return new ProtegoError('LOG_CHECKPOINT_INVALID', reason);
}
