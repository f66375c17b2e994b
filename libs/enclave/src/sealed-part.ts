import { Buffer } from 'node:buffer';
import { hash, randomFillSync, timingSafeEqual } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';
import { type Latin1Buffer } from './latin1-buffer';
import { GuardedBytes } from './memory/guarded-memory';
import {
  BLAKE2B_STATE_BYTES,
  TAG_BYTES,
  blake2b,
  blake2bFinal,
  blake2bInit,
  blake2bUpdate,
  decryptAead,
  encryptAead,
} from './sodium';
import { SLOT_KINDS, type SlotKind } from './slot-kinds';

export { SLOT_KINDS, type SlotKind };

/** Version of the sealed part that this code writes and reads; `docs/reference/log-format.md` describes it. */
export const SEALED_VERSION = 1;
/** Most bytes of a record's sealed part. */
export const SEALED_BYTES_MAX = 131_072;
/** Bytes of a person's key, and of a record key. */
export const KEY_BYTES = 32;
/** Bytes of the id of a person's key. */
export const KEY_ID_BYTES = 16;

/** Plaintexts are padded to a multiple of as many bytes. */
export const PLAINTEXT_BLOCK_BYTES = 16;

/** One slot of a sealed part; its buffers share memory with the part. */
export interface SealedSlot {
  /** Place in the sealed part, from 0. */
  readonly slot: number;
  readonly kind: SlotKind;
  /** Ids of the keys that are needed, all of them, 16 bytes each. */
  readonly keyIds: readonly Buffer[];
  /** SHA-256 of `protego/commit/1` and the record key. */
  readonly commitment: Buffer;
  /** With its tag of 16 bytes. */
  readonly ciphertext: Buffer;
}

/** A sealed part taken apart. */
export interface SealedPart {
  /** 16 random bytes of this record. */
  readonly salt: Buffer;
  readonly slots: readonly SealedSlot[];
}

/** Who lends the key of a person. */
export interface KeyLender {
  /** The key, 32 bytes, to be used at once: it may be another one as soon as anything else is lent. */
  lendKey(): Buffer;
}

/** Whose key seals a slot, with its id. */
export interface SlotOwner extends KeyLender {
  /** 16 bytes. */
  readonly keyId: Buffer;
}

/** A slot before it is sealed. */
export interface SlotInput {
  readonly kind: SlotKind;
  /** Persons whose keys are needed, in the order in which they are written; at most {@link SLOT_KEYS_MAX}. */
  readonly owners: readonly SlotOwner[];
  /** Length a multiple of 16. */
  readonly plaintext: Buffer;
}

/** Most persons of one text. */
export const SLOT_KEYS_MAX = 4096;

const SALT_BYTES = 16;
const COMMITMENT_BYTES = 32;
const HEADER_BYTES = 1 + SALT_BYTES + 2;
const SLOT_FIXED_BYTES = 1 + 2 + COMMITMENT_BYTES + 4;
const SLOTS_MAX = 0xffff;
const AAD_BYTES = 1 + SALT_BYTES + 2 + 1;
const SALTS_AHEAD = 1024;

// A record key is used once, so that its nonce need not differ.
const NONCE = Buffer.alloc(12);
const COMMIT = Buffer.from('protego/commit/1', 'latin1');

const salts = Buffer.alloc(SALT_BYTES * SALTS_AHEAD);
let nextSalt = salts.length;
// Scratch memory: nothing here waits, so that no two calls share it.
const aad = Buffer.alloc(AAD_BYTES);
const saltAndSlot = aad.subarray(1, 1 + SALT_BYTES + 2);
// What holds a record key, or a part of one, is guarded. The state of BLAKE2b comes first: it has to lie at a multiple of 64.
const secrets = GuardedBytes.allocate(BLAKE2B_STATE_BYTES + 128).bytes;
const hashState = secrets.subarray(0, BLAKE2B_STATE_BYTES);
const commitInput = secrets.subarray(BLAKE2B_STATE_BYTES, BLAKE2B_STATE_BYTES + COMMIT.length + KEY_BYTES);
const commitKey = commitInput.subarray(COMMIT.length);
const keyPart = secrets.subarray(-2 * KEY_BYTES, -KEY_BYTES);
const openingKey = secrets.subarray(-KEY_BYTES);
COMMIT.copy(commitInput);

/** Text as a plaintext: UTF-8, padded with spaces to a multiple of 16 bytes, so that lengths tell less. */
export function paddedPlaintext(text: string): Buffer {
  const bytes = Buffer.byteLength(text);
  const padded = Buffer.allocUnsafe(Math.ceil(bytes / PLAINTEXT_BLOCK_BYTES) * PLAINTEXT_BLOCK_BYTES);
  padded.write(text, 'utf8');
  return padded.fill(0x20, bytes);
}

/**
 * Seals slots under a fresh random salt.
 *
 * @throws ProtegoError `EVENT_TOO_LARGE` when the sealed part would be longer than `bytesMax`, or a text names
 *   more than {@link SLOT_KEYS_MAX} persons
 */
export function sealSlots(inputs: readonly SlotInput[], bytesMax = SEALED_BYTES_MAX): Buffer {
  let bytes = HEADER_BYTES;
  for (const { owners, plaintext } of inputs)
    bytes += SLOT_FIXED_BYTES + owners.length * KEY_ID_BYTES + plaintext.length + TAG_BYTES;
  if (bytes > bytesMax || inputs.length > SLOTS_MAX || inputs.some(hasTooManyOwners)) {
    const message = `the personal fields take \`${bytes}\` bytes or name too many persons`;
    throw new ProtegoError('EVENT_TOO_LARGE', message, { bytes, bytesMax });
  }
  const sealed = Buffer.allocUnsafe(bytes) as Latin1Buffer;
  sealed[0] = aad[0] = SEALED_VERSION;
  takeSalt(sealed, 1);
  writeUint16(sealed, 1 + SALT_BYTES, inputs.length);
  let at = HEADER_BYTES;
  for (let slot = 0; slot < inputs.length; slot++) at = sealSlot(sealed, at, slot, inputs[slot] as SlotInput);
  commitKey.fill(0);
  return sealed;
}

function sealSlot(sealed: Latin1Buffer, start: number, slot: number, { kind, owners, plaintext }: SlotInput): number {
  sealed[start] = kind;
  writeUint16(sealed, start + 1, owners.length);
  let at = start + 3;
  for (const { keyId } of owners) {
    for (let i = 0; i < KEY_ID_BYTES; i++) sealed[at + i] = keyId[i] as number;
    at += KEY_ID_BYTES;
  }
  setPlace(slot, kind);
  deriveRecordKey(owners, commitKey);
  const ciphertextAt = at + COMMITMENT_BYTES + 4;
  const ciphertextBytes = plaintext.length + TAG_BYTES;
  sealed.latin1Write(hash('sha256', commitInput, 'binary'), at, COMMITMENT_BYTES);
  sealed.writeUInt32BE(ciphertextBytes, ciphertextAt - 4);
  const ciphertext = sealed.subarray(ciphertextAt, ciphertextAt + ciphertextBytes);
  encryptAead(ciphertext, plaintext, aad, null, NONCE, commitKey);
  return ciphertextAt + ciphertextBytes;
}

function hasTooManyOwners({ owners }: SlotInput): boolean {
  return owners.length > SLOT_KEYS_MAX;
}

function writeUint16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value & 0xff;
}

/**
 * Takes a sealed part apart.
 *
 * @throws ProtegoError `LOG_BLOCK_CORRUPT` when it is damaged; `LOG_FORMAT_UNKNOWN` for another version
 */
export function readSealedPart(sealed: Uint8Array): SealedPart {
  const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
  if (bytes.length < HEADER_BYTES) damaged('it ends early');
  if (bytes[0] !== SEALED_VERSION) {
    throw new ProtegoError('LOG_FORMAT_UNKNOWN', `sealed fields have version \`${bytes[0]}\``, { version: bytes[0] });
  }
  const slots: SealedSlot[] = [];
  let at = HEADER_BYTES;
  for (let left = bytes.readUInt16BE(1 + SALT_BYTES); left > 0; left--) {
    const slot = readSlot(bytes, at, slots.length);
    slots.push(slot);
    at += SLOT_FIXED_BYTES + slot.keyIds.length * KEY_ID_BYTES + slot.ciphertext.length;
  }
  if (at !== bytes.length) damaged('it has a rest');
  return { salt: bytes.subarray(1, 1 + SALT_BYTES), slots };
}

function readSlot(bytes: Buffer, start: number, slot: number): SealedSlot {
  if (start + SLOT_FIXED_BYTES > bytes.length) damaged('it ends early');
  const kind = bytes[start] as SlotKind;
  if (kind < SLOT_KINDS.staff || kind > SLOT_KINDS.bytes) damaged('a slot is of no known kind');
  const keyCount = bytes.readUInt16BE(start + 1);
  const commitmentAt = start + 3 + keyCount * KEY_ID_BYTES;
  const ciphertextAt = commitmentAt + COMMITMENT_BYTES + 4;
  if (keyCount === 0 || ciphertextAt > bytes.length) damaged('it ends early');
  const ciphertextBytes = bytes.readUInt32BE(ciphertextAt - 4);
  if (ciphertextBytes < TAG_BYTES || ciphertextAt + ciphertextBytes > bytes.length) damaged('it ends early');
  const keyIds: Buffer[] = [];
  for (let at = start + 3; at < commitmentAt; at += KEY_ID_BYTES) keyIds.push(bytes.subarray(at, at + KEY_ID_BYTES));
  return {
    slot,
    kind,
    keyIds,
    commitment: bytes.subarray(commitmentAt, commitmentAt + COMMITMENT_BYTES),
    ciphertext: bytes.subarray(ciphertextAt, ciphertextAt + ciphertextBytes),
  };
}

/** The key that opens one slot of one record, 32 bytes, from the keys of all its persons in the order of the slot. */
export function recordKeyOf(salt: Uint8Array, slot: number, owners: readonly KeyLender[]): Buffer {
  setAdditionalData(salt, slot, SLOT_KINDS.staff);
  const recordKey = Buffer.alloc(KEY_BYTES);
  deriveRecordKey(owners, recordKey);
  return recordKey;
}

/** As {@link recordKeyOf}, in guarded memory that the next call uses again: to be used at once, and wiped. */
export function guardedRecordKeyOf(salt: Uint8Array, slot: number, owners: readonly KeyLender[]): Buffer {
  setAdditionalData(salt, slot, SLOT_KINDS.staff);
  deriveRecordKey(owners, openingKey);
  return openingKey;
}

/**
 * Opens a slot with its record key. The key is compared with the slot's commitment, in constant time, before anything is
 * decrypted: one ciphertext has one key and so one plaintext.
 *
 * @returns the plaintext, padding included; undefined when the key is not the one that was committed to
 * @throws ProtegoError `LOG_BLOCK_CORRUPT` when the key is right and the ciphertext was altered
 */
export function openSlot(part: SealedPart, sealedSlot: SealedSlot, recordKey: Buffer): Buffer | undefined {
  if (recordKey.length !== KEY_BYTES) return undefined;
  recordKey.copy(commitKey);
  const commitment = Buffer.from(hash('sha256', commitInput, 'binary'), 'latin1');
  commitKey.fill(0);
  if (!timingSafeEqual(commitment, sealedSlot.commitment)) return undefined;
  const { slot, kind, ciphertext } = sealedSlot;
  setAdditionalData(part.salt, slot, kind);
  const plaintext = Buffer.allocUnsafe(ciphertext.length - TAG_BYTES);
  try {
    decryptAead(plaintext, null, ciphertext, aad, NONCE, recordKey);
  } catch (cause) {
    throw new ProtegoError(
      'LOG_BLOCK_CORRUPT',
      `slot \`${slot}\` of the sealed fields was altered`,
      { slot },
      { cause },
    );
  }
  return plaintext;
}

/** Version, salt, slot number and kind: binds a ciphertext to its place. */
function setAdditionalData(salt: Uint8Array, slot: number, kind: SlotKind): void {
  aad[0] = SEALED_VERSION;
  for (let i = 0; i < SALT_BYTES; i++) aad[1 + i] = salt[i] as number;
  setPlace(slot, kind);
}

/** Slot number and kind, behind version and salt. */
function setPlace(slot: number, kind: SlotKind): void {
  writeUint16(aad, 1 + SALT_BYTES, slot);
  aad[AAD_BYTES - 1] = kind;
}

/** Keyed BLAKE2b-256 of salt and slot number, which stand in the scratch memory; of several persons, the BLAKE2b of all. */
function deriveRecordKey(owners: readonly KeyLender[], recordKey: Buffer): void {
  const [first] = owners;
  if (first === undefined) throw new ProtegoError('INTERNAL', 'a slot has no key');
  if (owners.length === 1) return blake2b(recordKey, saltAndSlot, first.lendKey());
  blake2bInit(hashState, null, KEY_BYTES);
  for (const owner of owners) {
    blake2b(keyPart, saltAndSlot, owner.lendKey());
    blake2bUpdate(hashState, keyPart);
  }
  blake2bFinal(hashState, recordKey);
  hashState.fill(0);
  keyPart.fill(0);
}

/** Puts the next salt into a sealed part and into the scratch memory. */
function takeSalt(sealed: Buffer, at: number): void {
  if (nextSalt === salts.length) {
    randomFillSync(salts);
    nextSalt = 0;
  }
  for (let i = 0; i < SALT_BYTES; i++) sealed[at + i] = aad[1 + i] = salts[nextSalt + i] as number;
  nextSalt += SALT_BYTES;
}

function damaged(reason: string): never {
  throw new ProtegoError('LOG_BLOCK_CORRUPT', `the sealed fields of a record are damaged: ${reason}`);
}
