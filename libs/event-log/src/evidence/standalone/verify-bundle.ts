/* eslint-disable max-lines -- one file, so that it can be handed over and read by itself */
import {
  createDecipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  timingSafeEqual,
  verify,
  type KeyObject,
} from 'node:crypto';
import { readFileSync } from 'node:fs';

// Checks evidence without the software that made it: this file needs Node and nothing else. It does not import from the
// rest of the repository, so that whoever is handed a bundle can read all that decides about it in one place.

/** Why a bundle, a receipt or a key was refused. */
export class EvidenceError extends Error {
  override readonly name = 'EvidenceError';

  constructor(
    readonly code: 'BUNDLE_INVALID' | 'BUNDLE_KEY_INVALID' | 'RECEIPT_INVALID',
    message: string,
  ) {
    super(message);
  }
}

/** JSON value with members, as it stands in manifests, receipts and events. */
export type JsonObject = { [member: string]: unknown };

/** A checkpoint (C2SP tlog-checkpoint) whose signature was checked. */
export interface CheckedCheckpoint {
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Buffer;
}

/** A record of a bundle. Times are milliseconds since the Unix epoch. */
export interface BundleRecord {
  readonly seq: number;
  readonly timeMs: number;
  readonly arrivedAtMs: number;
  readonly recordedAtMs: number;
  /** Sealed personal fields; empty where there are none. */
  readonly sealed: Buffer;
  /** The stored event: personal fields hold placeholders. */
  readonly event: JsonObject;
}

/** A bundle in which everything that needs no private key was checked. */
export interface CheckedBundle {
  readonly manifest: JsonObject;
  readonly records: readonly BundleRecord[];
  readonly checkpoint: CheckedCheckpoint;
  /** An older checkpoint that the log is proven to have grown from, where the bundle has one. */
  readonly earlier: CheckedCheckpoint | undefined;
  /** True when the records follow each other without a gap: these and only these stood there. */
  readonly isContiguous: boolean;
  readonly sealedKeys: Buffer;
  /** Additional data of the sealed keys: SHA-256 of the records' bytes. */
  readonly recordsHash: Buffer;
}

/** A record with its personal fields in clear as far as the bundle holds their keys. */
export interface OpenedRecord extends BundleRecord {
  /** Slots whose key the bundle does not hold. */
  readonly slotsClosed: number;
}

const MAGIC = Buffer.from('\xf5PTGBND\n', 'latin1');
const HEADER_BYTES = 16;
const LENGTHS_BYTES = 32;
const SIGNATURE_BYTES = 64;
const HASH_BYTES = 32;
const KEY_ENTRY_BYTES = 38;
const LEAF_FIXED_BYTES = 44;
const SEALED_HEAD_BYTES = 19;
/** Purpose of the message that carries the record keys. */
export const KEYS_INFO = Buffer.from('protego/evidence-bundle/1');
const SAFE_INTEGER_MAX = BigInt(Number.MAX_SAFE_INTEGER);

/** Text that a signature over a bundle or receipt covers: a kind, and the SHA-256 of the content. */
export function signedTextOf(kind: 'evidence-bundle' | 'erasure-receipt', hash: Buffer): Buffer {
  return Buffer.from(`protego/${kind}/1\n${hash.toString('base64')}\n`);
}

function sha256(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

const refuse = (message: string): never => {
  throw new EvidenceError('BUNDLE_INVALID', message);
};

/** Hash of a leaf's data (RFC 6962, section 2.1). */
export function leafHashOf(leaf: Buffer): Buffer {
  return sha256(Buffer.of(0), leaf);
}

function parentOf(left: Buffer, right: Buffer): Buffer {
  return sha256(Buffer.of(1), left, right);
}

/** Greatest power of two below `count`, for a count of 2 or more. */
function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/**
 * Root of a tree of `size` leaves of which some are known; `proof` holds the roots of the greatest subtrees that hold none
 * of them, from left to right.
 *
 * @param seqs places of the known leaves, ascending
 * @throws EvidenceError when the proof has too few or too many hashes, or a leaf lies outside the tree
 */
export function rootFromLeaves(
  seqs: readonly number[],
  hashes: readonly Buffer[],
  size: number,
  proof: readonly Buffer[],
): Buffer {
  let at = 0;
  let used = 0;
  const nodeOf = (from: number, to: number): Buffer => {
    const seq = seqs[at];
    if (seq === undefined || seq >= to) return proof[used++] ?? refuse('the proof is too short');
    if (to - from === 1) return hashes[at++] ?? refuse('a leaf has no hash');
    const middle = from + splitOf(to - from);
    return parentOf(nodeOf(from, middle), nodeOf(middle, to));
  };
  const root = nodeOf(0, size);
  if (at !== seqs.length || used !== proof.length) refuse('the proof does not fit the records');
  return root;
}

/**
 * Checks that the tree of `newer` begins with the tree of `older` (RFC 9162, section 2.1.4.2).
 *
 * @throws EvidenceError
 */
export function checkConsistency(older: CheckedCheckpoint, newer: CheckedCheckpoint, proof: readonly Buffer[]): void {
  let used = 0;
  const next = (): Buffer => proof[used++] ?? refuse('the consistency proof is too short');
  // Roots over the older part alone and over everything, for the subtree of `count` leaves of which `known` are old.
  const rootsOf = (known: number, count: number, isWhole: boolean): readonly [Buffer, Buffer] => {
    if (known === count) {
      const root = isWhole ? older.root : next();
      return [root, root];
    }
    const split = splitOf(count);
    if (known <= split) {
      const [old, all] = rootsOf(known, split, isWhole);
      return [old, parentOf(all, next())];
    }
    const [old, all] = rootsOf(known - split, count - split, false);
    const left = next();
    return [parentOf(left, old), parentOf(left, all)];
  };
  if (older.size === 0 || older.size > newer.size) refuse('the older checkpoint cannot be proven from the newer');
  const [old, all] = rootsOf(older.size, newer.size, true);
  if (used !== proof.length || !old.equals(older.root) || !all.equals(newer.root)) {
    refuse('the log of the checkpoint did not grow from the older checkpoint');
  }
}

/** Bytes of strict base64: the one text that encodes them. */
function base64Bytes(text: unknown, what: string): Buffer {
  const bytes = Buffer.from(typeof text === 'string' ? text : '', 'base64');
  return typeof text === 'string' && bytes.toString('base64') === text ? bytes : refuse(`${what} is not base64`);
}

/** Name, key id and key of a verifier key (C2SP signed-note, Ed25519). */
interface Verifier {
  readonly name: string;
  readonly keyId: Buffer;
  readonly key: KeyObject;
}

function verifierOf(text: string): Verifier {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text);
  const [, name = '', id = '', base64 = ''] = match ?? refuse('the verifier key is not one');
  const typed = base64Bytes(base64, 'the verifier key');
  const keyId = sha256(Buffer.from(`${name}\n`), typed).subarray(0, 4);
  if (typed.length !== 33 || typed[0] !== 1 || keyId.toString('hex') !== id) refuse('the verifier key is not one');
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: typed.subarray(1).toString('base64url') };
  return { name, keyId, key: createPublicKey({ key: jwk, format: 'jwk' }) };
}

/**
 * Checks a checkpoint against the key of its log; other signatures in the note are passed over.
 *
 * @throws EvidenceError
 */
export function checkCheckpoint(note: unknown, verifierKey: string): CheckedCheckpoint {
  const { name, keyId, key } = verifierOf(verifierKey);
  const text = typeof note === 'string' ? note : refuse('the checkpoint is missing');
  const end = text.lastIndexOf('\n\n') + 1;
  const lines = text.slice(end + 1, -1).split('\n');
  if (end === 0 || !text.endsWith('\n')) refuse('the checkpoint is not a signed note');
  const signatures = lines.map((line) => {
    const [, signer, base64] = /^\u2014 (\S+) (\S+)$/.exec(line) ?? refuse('a signature of the checkpoint is damaged');
    return { signer, bytes: base64Bytes(base64, 'a signature of the checkpoint') };
  });
  const own = signatures.filter(({ signer, bytes }) => signer === name && bytes.subarray(0, 4).equals(keyId));
  const body = Buffer.from(text.slice(0, end));
  if (own.length !== 1 || !own.every(({ bytes }) => verify(null, body, key, bytes.subarray(4)))) {
    refuse('the checkpoint is not signed with the key of the log');
  }
  const [origin, size = '', root] = text.slice(0, end).split('\n');
  if (origin !== name || !/^(0|[1-9]\d{0,15})$/.test(size)) refuse('the checkpoint belongs to another log');
  return { origin: name, size: Number(size), root: base64Bytes(root, 'the root of the checkpoint') };
}

const JSON_DEPTH_MAX = 64;

/**
 * Canonical JSON (RFC 8785) of a value that JSON.parse gave.
 *
 * @throws EvidenceError when it is nested too deep
 */
export function canonicalText(value: unknown, depth = 0): string {
  if (depth > JSON_DEPTH_MAX) return refuse('JSON is nested too deep');
  if (Array.isArray(value)) return `[${value.map((item) => canonicalText(item, depth + 1)).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = value as JsonObject;
  const texts = Object.keys(members)
    .sort()
    .map((name) => `${JSON.stringify(name)}:${canonicalText(members[name], depth + 1)}`);
  return `{${texts.join(',')}}`;
}

/**
 * JSON object that its canonical bytes (RFC 8785) stand for.
 *
 * @throws EvidenceError when the bytes are anything else
 */
export function canonicalObject(bytes: Buffer, what: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return refuse(`${what} is not JSON`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(`${what} is not an object`);
  if (!Buffer.from(canonicalText(value)).equals(bytes)) refuse(`${what} is not canonical JSON`);
  return value as JsonObject;
}

function u64At(bytes: Buffer, at: number): number {
  const value = bytes.readBigUInt64BE(at);
  return value <= SAFE_INTEGER_MAX ? Number(value) : refuse('a number is out of range');
}

/**
 * A record from the bytes of its leaf.
 *
 * @throws EvidenceError when they are cut short or hold no event
 */
export function recordOf(seq: number, leaf: Buffer): BundleRecord {
  if (leaf.length < LEAF_FIXED_BYTES) return refuse(`record ${seq} is cut short`);
  const bodyAt = LEAF_FIXED_BYTES + leaf.readUInt32BE(40);
  if (bodyAt >= leaf.length) return refuse(`record ${seq} contradicts itself`);
  return {
    seq,
    timeMs: leaf.readDoubleBE(16),
    arrivedAtMs: leaf.readDoubleBE(24),
    recordedAtMs: leaf.readDoubleBE(32),
    sealed: leaf.subarray(LEAF_FIXED_BYTES, bodyAt),
    event: canonicalObject(leaf.subarray(bodyAt), `the event of record ${seq}`),
  };
}

/** The parts of a bundle, as its lengths divide it; nothing in them is checked. */
export interface BundleSections {
  readonly records: Buffer;
  readonly proof: Buffer;
  readonly sealedKeys: Buffer;
  readonly manifest: Buffer;
}

/**
 * Divides a bundle into its parts.
 *
 * @throws EvidenceError when the bytes are not laid out as a bundle
 */
export function sectionsOf(bytes: Buffer): BundleSections {
  const signatureAt = bytes.length - SIGNATURE_BYTES;
  const lengthsAt = signatureAt - LENGTHS_BYTES;
  if (lengthsAt < HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return refuse('the file is not a bundle');
  if (bytes.readUInt32BE(8) !== 1 || bytes.readUInt32BE(12) !== 0) return refuse('the bundle has an unknown version');
  const parts: Buffer[] = [];
  let at = HEADER_BYTES;
  for (let i = 0; i < 4; i++) {
    const end = at + u64At(bytes, lengthsAt + 8 * i);
    if (end > lengthsAt) return refuse('the bundle contradicts its own lengths');
    parts.push(bytes.subarray(at, end));
    at = end;
  }
  const [records, proof, sealedKeys, manifest] = parts;
  if (at !== lengthsAt || !records || !proof || !sealedKeys || !manifest) return refuse('the bundle has extra bytes');
  return { records, proof, sealedKeys, manifest };
}

/**
 * Seqs and leaves of a section of records, in order.
 *
 * @throws EvidenceError when they are cut short or out of order
 */
export function leavesOf(section: Buffer): { seqs: number[]; leaves: Buffer[] } {
  const seqs: number[] = [];
  const leaves: Buffer[] = [];
  for (let at = 0; at < section.length;) {
    if (section.length - at < 12) return refuse('a record is cut short');
    const seq = u64At(section, at);
    const end = at + 12 + section.readUInt32BE(at + 8);
    if (end > section.length || seq <= (seqs.at(-1) ?? -1)) return refuse('the records are cut short or out of order');
    seqs.push(seq);
    leaves.push(section.subarray(at + 12, end));
    at = end;
  }
  return { seqs, leaves };
}

/**
 * Hashes that stand end to end.
 *
 * @throws EvidenceError when one is cut short
 */
export function hashesOf(section: Buffer): Buffer[] {
  if (section.length % HASH_BYTES !== 0) return refuse('a hash of the proof is cut short');
  return Array.from({ length: section.length / HASH_BYTES }, (_, i) => section.subarray(32 * i, 32 * i + 32));
}

/**
 * Checks a bundle: format, hash and signature, every record against the root of the checkpoint, counts. Needs no private
 * key.
 *
 * @param verifierKey key of the log as it was handed over apart from the bundle; without it the bundle's own is used,
 *   which proves nothing until a person compares it
 * @throws EvidenceError `BUNDLE_INVALID`
 */
export function checkBundle(bytes: Buffer, verifierKey?: string): CheckedBundle {
  const sections = sectionsOf(bytes);
  const manifest = canonicalObject(sections.manifest, 'the manifest');
  const ownKey = String(manifest['verifierKey']);
  if (verifierKey !== undefined && ownKey !== verifierKey)
    refuse('the bundle was made with another key than the given one');
  const signatureAt = bytes.length - SIGNATURE_BYTES;
  const text = signedTextOf('evidence-bundle', sha256(bytes.subarray(0, signatureAt)));
  const verifier = verifierOf(ownKey);
  if (!verify(null, text, verifier.key, bytes.subarray(signatureAt)))
    refuse('the bundle was altered: its signature fails');
  if (manifest['format'] !== 1 || manifest['origin'] !== verifier.name) refuse('the manifest contradicts its key');
  const checkpoint = checkCheckpoint(manifest['checkpoint'], ownKey);
  const { seqs, leaves } = leavesOf(sections.records);
  if (seqs.length === 0 || seqs.length !== manifest['records']) refuse('the manifest counts other records');
  const root = rootFromLeaves(seqs, leaves.map(leafHashOf), checkpoint.size, hashesOf(sections.proof));
  if (!root.equals(checkpoint.root)) refuse('the records do not lead to the root of the checkpoint');
  const first = seqs[0] ?? 0;
  const last = seqs.at(-1) ?? 0;
  if (first !== manifest['firstSeq'] || last !== manifest['lastSeq']) refuse('the manifest names other records');
  checkLeafList(manifest['leaves'], leaves);
  const records = leaves.map((leaf, i) => recordOf(seqs[i] ?? 0, leaf));
  checkSelection(selectionOf(manifest), records);
  return {
    manifest,
    checkpoint,
    earlier: earlierOf(manifest['earlier'], checkpoint, ownKey),
    records,
    isContiguous: last - first + 1 === seqs.length,
    sealedKeys: sections.sealedKeys,
    recordsHash: sha256(sections.records),
  };
}

/** A list of leaf hashes, where the manifest has one, must be that of the records. */
function checkLeafList(list: unknown, leaves: readonly Buffer[]): void {
  if (list === undefined) return;
  const isSame = base64Bytes(list, 'the list of leaf hashes').equals(Buffer.concat(leaves.map(leafHashOf)));
  if (!isSame) refuse('the list of leaf hashes is not that of the records');
}

function selectionOf(manifest: JsonObject): JsonObject {
  const { selection } = manifest;
  return typeof selection === 'object' && selection !== null
    ? (selection as JsonObject)
    : refuse('no selection is named');
}

/** What the manifest says was selected must not be contradicted by the records. */
function checkSelection(selection: JsonObject, records: readonly BundleRecord[]): void {
  const { types } = selection;
  const bound = (name: string, otherwise: number): number => {
    const value = selection[name];
    return typeof value === 'number' ? value : otherwise;
  };
  const [fromSeq, toSeq] = [bound('fromSeq', 0), bound('toSeq', Infinity)];
  const [fromTimeMs, toTimeMs] = [bound('fromTimeMs', -Infinity), bound('toTimeMs', Infinity)];
  const isOfType = (type: string): boolean =>
    !Array.isArray(types) ||
    types.some((each) => (String(each).endsWith('.*') ? type.startsWith(String(each).slice(0, -1)) : type === each));
  const ranges = Array.isArray(selection['seqRanges']) ? (selection['seqRanges'] as JsonObject[]) : undefined;
  const isInRanges = (seq: number): boolean =>
    ranges?.some((range) => seq >= Number(range['fromSeq']) && seq < Number(range['toSeq'])) ?? true;
  for (const { seq, timeMs, event } of records) {
    if (!isInRanges(seq)) refuse(`record ${seq} is not one of those that were selected`);
    const isWithin = seq >= fromSeq && seq < toSeq && timeMs >= fromTimeMs && timeMs < toTimeMs;
    if (!isWithin || !isOfType(String(event['type']))) refuse(`record ${seq} is not one of those that were selected`);
  }
}

/** True when the tree itself proves that the selection was left nothing out of: a range of seqs that is there whole. */
function isSelectionProven({ manifest, records, isContiguous }: CheckedBundle): boolean {
  const { fromSeq = 0, toSeq, ...others } = selectionOf(manifest);
  const [first, last] = [records[0]?.seq, records.at(-1)?.seq ?? 0];
  return isContiguous && Object.keys(others).length === 0 && first === fromSeq && last + 1 === toSeq;
}

function earlierOf(member: unknown, newer: CheckedCheckpoint, verifierKey: string): CheckedCheckpoint | undefined {
  if (member === null) return undefined;
  const { checkpoint, proof } = (member ?? refuse('the manifest is cut short')) as JsonObject;
  const older = checkCheckpoint(checkpoint, verifierKey);
  const hashes = Array.isArray(proof) ? proof.map((each) => base64Bytes(each, 'a hash of the proof')) : [];
  checkConsistency(older, newer, hashes);
  return older;
}

const NO_BYTES = Buffer.alloc(0);
const HPKE_SUITE = Buffer.from('48504b45002000010002', 'hex');
const KEM_SUITE = Buffer.from('4b454d0020', 'hex');

function extract(suite: Buffer, salt: Buffer, label: string, secret: Buffer): Buffer {
  const material = Buffer.concat([Buffer.from('HPKE-v1'), suite, Buffer.from(label), secret]);
  return createHmac('sha256', salt).update(material).digest();
}

function expand(suite: Buffer, key: Buffer, label: string, info: Buffer, bytes: number): Buffer {
  const head = Buffer.concat([Buffer.of(0, bytes), Buffer.from('HPKE-v1'), suite, Buffer.from(label), info]);
  // Not more than one block of HMAC-SHA256 is ever asked for.
  return createHmac('sha256', key).update(head).update(Buffer.of(1)).digest().subarray(0, bytes);
}

/** Raw X25519 public key, 32 bytes, of a public or private key. */
export function rawPublicKey(key: KeyObject): Buffer {
  return Buffer.from(
    String((key.type === 'private' ? createPublicKey(key) : key).export({ format: 'jwk' }).x),
    'base64url',
  );
}

/**
 * Key and base nonce of a message in HPKE base mode (RFC 9180) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and
 * AES-256-GCM.
 *
 * @param encapsulated the sender's ephemeral public key, 32 bytes
 */
export function hpkeKeys(privateKey: KeyObject, encapsulated: Buffer, info: Buffer): { key: Buffer; nonce: Buffer } {
  const jwk = { kty: 'OKP', crv: 'X25519', x: encapsulated.toString('base64url') };
  const shared = diffieHellman({ privateKey, publicKey: createPublicKey({ key: jwk, format: 'jwk' }) });
  const kemContext = Buffer.concat([encapsulated, rawPublicKey(privateKey)]);
  const kemSecret = extract(KEM_SUITE, NO_BYTES, 'eae_prk', shared);
  const secret = expand(KEM_SUITE, kemSecret, 'shared_secret', kemContext, 32);
  const pskIdHash = extract(HPKE_SUITE, NO_BYTES, 'psk_id_hash', NO_BYTES);
  const infoHash = extract(HPKE_SUITE, NO_BYTES, 'info_hash', info);
  const context = Buffer.concat([Buffer.of(0), pskIdHash, infoHash]);
  const prk = extract(HPKE_SUITE, secret, 'secret', NO_BYTES);
  return {
    key: expand(HPKE_SUITE, prk, 'key', context, 32),
    nonce: expand(HPKE_SUITE, prk, 'base_nonce', context, 12),
  };
}

/** Opens one message: 32 bytes of encapsulated key, ciphertext, 16 bytes of tag. */
export function hpkeOpen(privateKey: KeyObject, message: Buffer, info: Buffer, additional: Buffer): Buffer {
  const { key, nonce } = hpkeKeys(privateKey, message.subarray(0, 32), info);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 }).setAAD(additional);
  decipher.setAuthTag(message.subarray(-16));
  return Buffer.concat([decipher.update(message.subarray(32, -16)), decipher.final()]);
}

/** A slot of a record's sealed part. */
interface SealedSlot {
  /** 1 fields of staff, 2 fields of a patient, 3 free text, 4 bytes from outside. */
  readonly kind: number;
  /** Version, salt, slot number and kind: what the ciphertext is bound to. */
  readonly bound: Buffer;
  readonly commitment: Buffer;
  /** Ciphertext and tag. */
  readonly ciphertext: Buffer;
}

function slotsOf({ seq, sealed }: BundleRecord): SealedSlot[] {
  const short = (): never => refuse(`the sealed fields of record ${seq} are cut short`);
  if (sealed.length === 0) return [];
  if (sealed.length < SEALED_HEAD_BYTES || sealed[0] !== 1) return short();
  const slots: SealedSlot[] = [];
  const count = sealed.readUInt16BE(SEALED_HEAD_BYTES - 2);
  let at = SEALED_HEAD_BYTES;
  for (let slot = 0; slot < count; slot++) {
    if (at + 3 > sealed.length) return short();
    const commitmentAt = at + 3 + 16 * sealed.readUInt16BE(at + 1);
    if (commitmentAt + 36 > sealed.length) return short();
    const ciphertextAt = commitmentAt + 36;
    const end = ciphertextAt + sealed.readUInt32BE(ciphertextAt - 4);
    if (end < ciphertextAt + 16 || end > sealed.length) return short();
    const place = Buffer.of(slot >> 8, slot & 0xff, sealed.readUInt8(at));
    slots.push({
      kind: sealed.readUInt8(at),
      bound: Buffer.concat([sealed.subarray(0, 17), place]),
      commitment: sealed.subarray(commitmentAt, commitmentAt + 32),
      ciphertext: sealed.subarray(ciphertextAt, end),
    });
    at = end;
  }
  return at === sealed.length ? slots : short();
}

function openSlot({ bound, commitment, ciphertext }: SealedSlot, key: Buffer): unknown[] {
  // The commitment comes first: a second key under which the same ciphertext opens to something else is refused.
  if (!timingSafeEqual(sha256(Buffer.from('protego/commit/1'), key), commitment)) {
    return refuse('a record key is not the one that its record commits to');
  }
  const decipher = createDecipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: 16 });
  decipher.setAAD(bound, { plaintextLength: ciphertext.length - 16 });
  decipher.setAuthTag(ciphertext.subarray(-16));
  const parts = decrypted('a sealed field', () => [decipher.update(ciphertext.subarray(0, -16)), decipher.final()]);
  return JSON.parse(Buffer.concat(parts).toString('utf8')) as unknown[];
}

function decrypted<T>(what: string, operation: () => T): T {
  try {
    return operation();
  } catch {
    return refuse(`${what} cannot be decrypted`);
  }
}

/** A personal field: place (RFC 6901), value, and the number of the placeholder that its name has, where that is sealed too. */
export type PersonalField = readonly [pointer: string, value: unknown, hidden?: number];

function putFields(event: JsonObject, fields: readonly PersonalField[]): void {
  const places = fields.map(([pointer, value, hidden]) => {
    const names = pointer
      .split('/')
      .slice(1)
      .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
    const name = names.pop() ?? refuse('a sealed field has no place');
    const member = hidden === undefined ? name : `~k.${hidden}`;
    const parent = names.reduce<unknown>((at, each) => (hasMember(at, each) ? at[each] : undefined), event);
    // Only what the stored event holds is replaced, whatever the sealed text asks for.
    return hasMember(parent, member) ? { parent, name, member, value } : refuse(`the event has no \`${pointer}\``);
  });
  // All that is replaced goes first: a sender may have named a member as the placeholder of another.
  for (const { parent, member, name } of places) if (member !== name) delete parent[member];
  for (const { parent, name, value } of places)
    Object.defineProperty(parent, name, { value, enumerable: true, configurable: true, writable: true });
}

function hasMember(value: unknown, name: string): value is JsonObject {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name);
}

function keysOf(bundle: CheckedBundle, privateKey: KeyObject): Map<number, Map<number, Buffer>> {
  const { manifest, sealedKeys, recordsHash } = bundle;
  const receiver = manifest['receiver'] as JsonObject | null;
  if (receiver === null)
    throw new EvidenceError('BUNDLE_KEY_INVALID', 'the bundle was made for no receiver: it holds no keys');
  if (receiver['publicKey'] !== rawPublicKey(privateKey).toString('base64')) {
    throw new EvidenceError('BUNDLE_KEY_INVALID', `the bundle was made for the key \`${String(receiver['keyId'])}\``);
  }
  const plain = decrypted('the record keys', () => hpkeOpen(privateKey, sealedKeys, KEYS_INFO, recordsHash));
  if (plain.length !== KEY_ENTRY_BYTES * Number(manifest['keys'])) refuse('the manifest counts other keys');
  const keys = new Map<number, Map<number, Buffer>>();
  for (let at = 0; at < plain.length; at += KEY_ENTRY_BYTES) {
    const ofRecord = keys.get(plain.readUInt32BE(at)) ?? new Map<number, Buffer>();
    keys.set(plain.readUInt32BE(at), ofRecord.set(plain.readUInt16BE(at + 4), plain.subarray(at + 6, at + 38)));
  }
  return keys;
}

/**
 * Puts the personal fields of a checked bundle back in clear, as far as it holds their keys.
 *
 * @param privateKey X25519 key of the receiver
 * @throws EvidenceError `BUNDLE_KEY_INVALID` for another's key; `BUNDLE_INVALID` when a key is not the one that its record
 *   commits to
 */
export function openBundle(bundle: CheckedBundle, privateKey: KeyObject): OpenedRecord[] {
  const keys = keysOf(bundle, privateKey);
  const lastWithKey = Math.max(-1, ...keys.keys());
  if (lastWithKey >= bundle.records.length) refuse('there is a key for a record that the bundle does not hold');
  return bundle.records.map((record, i) => {
    const slots = slotsOf(record);
    const event = structuredClone(record.event);
    const ofRecord = keys.get(i) ?? new Map<number, Buffer>();
    const fields = [...ofRecord].flatMap(([slot, key]) => {
      const sealed = slots[slot] ?? refuse(`there is a key for a slot that record ${record.seq} does not have`);
      return openSlot(sealed, key);
    });
    putFields(event, fields as PersonalField[]);
    return { ...record, event, slotsClosed: slots.length - ofRecord.size };
  });
}

/** The slots of one record, as far as the bundle holds their keys. */
export interface OpenedSlots {
  /** False when the bundle lacks the key of a slot. */
  readonly isAllOpen: boolean;
  readonly slots: readonly { readonly kind: number; readonly fields: readonly PersonalField[] }[];
}

/**
 * What the sealed slots of each record of a checked bundle say, for whoever puts it back in another way than
 * {@link openBundle}: in order of the records.
 *
 * @param isWanted kinds of slots that are to be opened; the others count as if they were not there
 * @throws EvidenceError as {@link openBundle}
 */
export function openBundleSlots(
  bundle: CheckedBundle,
  privateKey: KeyObject,
  isWanted: (kind: number) => boolean,
): OpenedSlots[] {
  const keys = keysOf(bundle, privateKey);
  return bundle.records.map((record, i) => {
    const wanted = slotsOf(record).flatMap((slot, at) =>
      isWanted(slot.kind) ? [{ slot, key: keys.get(i)?.get(at) }] : [],
    );
    const open = wanted.flatMap(({ slot, key }) => (key === undefined ? [] : [{ slot, key }]));
    return {
      isAllOpen: open.length === wanted.length,
      slots: open.map(({ slot, key }) => ({ kind: slot.kind, fields: openSlot(slot, key) as PersonalField[] })),
    };
  });
}

/**
 * Checks the receipt of an erasure: its signature, and that the event stands in the log of the checkpoint.
 *
 * @param verifierKey as for {@link checkBundle}
 * @throws EvidenceError `RECEIPT_INVALID`
 */
export function checkReceipt(bytes: Buffer, verifierKey?: string): JsonObject {
  try {
    const { receipt, signature } = canonicalObject(bytes.subarray(0, -1), 'the receipt');
    if (bytes.at(-1) !== 0x0a || typeof receipt !== 'object' || receipt === null) return refuse('it is cut short');
    const content = receipt as JsonObject;
    const ownKey = String(content['verifierKey']);
    if (verifierKey !== undefined && verifierKey !== ownKey) refuse('it was made with another key than the given one');
    const text = signedTextOf('erasure-receipt', sha256(Buffer.from(canonicalText(content))));
    const { name, key } = verifierOf(ownKey);
    if (!verify(null, text, key, base64Bytes(signature, 'the signature'))) refuse('its signature fails');
    if (content['format'] !== 1 || content['origin'] !== name) refuse('it contradicts its key');
    checkErasure(content, ownKey);
    return content;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new EvidenceError('RECEIPT_INVALID', `the receipt is not valid: ${reason}`);
  }
}

function checkErasure(content: JsonObject, verifierKey: string): void {
  const checkpoint = checkCheckpoint(content['checkpoint'], verifierKey);
  const leaf = base64Bytes(content['leaf'], 'the leaf');
  const proof = (content['proof'] as unknown[]).map((each) => base64Bytes(each, 'a hash of the proof'));
  const seq = Number(content['seq']);
  const root = rootFromLeaves([seq], [leafHashOf(leaf)], checkpoint.size, proof);
  if (!root.equals(checkpoint.root)) refuse('the event does not lead to the root of the checkpoint');
  const { event } = recordOf(seq, leaf);
  const { person, keyIds, reason } = event['data'] as JsonObject;
  const isSame = person === content['person'] && reason === content['reason'];
  if (event['type'] !== 'log.erased' || !isSame || canonicalText(keyIds) !== canonicalText(content['keyIds'])) {
    refuse('the event is another than the receipt says');
  }
}

/** What is printed about a bundle. */
export function describeBundle(checked: CheckedBundle): JsonObject {
  const { manifest, checkpoint, earlier, records, isContiguous } = checked;
  const { bundle, origin, logId, verifierKey, createdAt, purpose, selection, firstSeq, lastSeq, keys, receiver } =
    manifest;
  const { size, root } = checkpoint;
  const earlierSize = earlier?.size ?? null;
  const tree = { size, root: root.toString('hex'), earlierSize };
  const range = { records: records.length, firstSeq, lastSeq, isContiguous };
  const chosen = { selection, isSelectionProven: isSelectionProven(checked) };
  return { bundle, origin, logId, verifierKey, createdAt, purpose, ...chosen, ...range, keys, receiver, ...tree };
}

const USAGE = `usage: node verify-bundle.js FILE [VERIFIER-KEY] [--open PRIVATE-KEY-FILE] [--json]

Checks an evidence bundle, or the receipt of an erasure. VERIFIER-KEY is the public key of the log, as whoever runs it
publishes it; \`--key KEY\` says the same. With --open, the records are printed with their personal fields in clear, one
JSON object a line. Exit code 0: all is well; 1: the file was altered or does not fit the key; 2: wrong use.
`;
const WARNING =
  'warning: no verifier key was given, so the file was checked against the key inside it. Compare this key with the one\n' +
  'that the owner of the log publishes elsewhere; without that the check proves nothing:\n';

const UNPROVEN_SELECTION =
  'note: that nothing was left out of the selection is what the maker of the bundle says; each record is proven by itself\n';

interface Arguments {
  readonly file: string;
  readonly verifierKey: string | undefined;
  readonly privateKeyFile: string | undefined;
  readonly isJson: boolean;
}

function parseArguments(argv: readonly string[]): Arguments | undefined {
  const values: string[] = [];
  const named: Record<string, string | undefined> = {};
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] ?? '';
    if (word === '--key' || word === '--open') named[word] = argv[++i] ?? '';
    else if (word === '--json') named[word] = word;
    else if (word.startsWith('-')) return undefined;
    else values.push(word);
  }
  const [file, second, ...others] = values;
  if (file === undefined || others.length > 0 || Object.values(named).includes('')) return undefined;
  return { file, verifierKey: named['--key'] ?? second, privateKeyFile: named['--open'], isJson: '--json' in named };
}

/** A receiver's private key from PEM (PKCS #8) or JWK text. */
export function receiverPrivateKey(text: string): KeyObject {
  try {
    const jwk = text.trimStart().startsWith('{') ? (JSON.parse(text) as JsonObject) : undefined;
    const key = jwk === undefined ? createPrivateKey(text) : createPrivateKey({ key: jwk as never, format: 'jwk' });
    if (key.asymmetricKeyType === 'x25519') return key;
  } catch {
    // What cannot be read is refused in the same words as a key of another kind.
  }
  throw new EvidenceError('BUNDLE_KEY_INVALID', 'the private key is not an X25519 key in PEM or JWK');
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

function printable({ seq, timeMs, arrivedAtMs, recordedAtMs, event, slotsClosed }: OpenedRecord): JsonObject {
  const times = { time: isoTime(timeMs), arrivedAt: isoTime(arrivedAtMs), recordedAt: isoTime(recordedAtMs) };
  return { seq, ...times, slotsClosed, event };
}

function report({ file, verifierKey, privateKeyFile, isJson }: Arguments, say: (text: string) => void): void {
  const bytes = readFileSync(file);
  const isReceipt = bytes[0] === 0x7b;
  const bundle = isReceipt ? undefined : checkBundle(bytes, verifierKey);
  const facts = bundle === undefined ? checkReceipt(bytes, verifierKey) : describeBundle(bundle);
  const privateKey =
    privateKeyFile === undefined ? undefined : receiverPrivateKey(readFileSync(privateKeyFile, 'utf8'));
  const opened = bundle === undefined || privateKey === undefined ? [] : openBundle(bundle, privateKey).map(printable);
  if (isJson) {
    say(`${JSON.stringify({ ok: true, isKeyGiven: verifierKey !== undefined, ...facts, opened })}\n`);
    return;
  }
  for (const [name, value] of Object.entries(facts)) say(`${name.padEnd(14)} ${plain(value)}\n`);
  if (bundle !== undefined && facts['isSelectionProven'] !== true) say(UNPROVEN_SELECTION);
  if (verifierKey === undefined)
    say(`${WARNING}  ${plain(facts['verifierKey'])}\nUNPROVEN: the file is whole in itself\n`);
  else say(isReceipt ? 'OK: the receipt is genuine\n' : 'OK: the bundle is whole and every record is in the log\n');
  for (const record of opened) say(`${escaped(JSON.stringify(record))}\n`);
}

/** JSON text with the control characters escaped that JSON lets stand. */
function escaped(json: string): string {
  return json.replace(/[\x7f-\x9f]/g, (character) => `\\u00${character.charCodeAt(0).toString(16)}`);
}

/** Text of a value that came from a file, with nothing in it that could steer a terminal. */
function plain(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.replace(/[^\x20-\x7e]/g, '?');
}

/** Runs the program; returns its exit code. */
export function main(argv: readonly string[], say: (text: string) => void, complain: (text: string) => void): number {
  const parsed = parseArguments(argv);
  if (parsed === undefined) {
    complain(USAGE);
    return 2;
  }
  try {
    report(parsed, say);
    return 0;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    const code = cause instanceof EvidenceError ? cause.code : undefined;
    if (parsed.isJson) say(`${JSON.stringify({ ok: false, code, message })}\n`);
    else complain(`REFUSED: ${message}\n`);
    return code === 'BUNDLE_INVALID' || code === 'RECEIPT_INVALID' ? 1 : 2;
  }
}

if (require.main === module) {
  process.exitCode = main(
    process.argv.slice(2),
    (text) => process.stdout.write(text),
    (text) => process.stderr.write(text),
  );
}
