import { ProtegoError } from '@protego/contracts';
import { GuardedBytes } from './memory/guarded-memory';
import { fillRandom } from './random-pool';
import { KEY_BYTES, KEY_ID_BYTES, type KeyLender } from './sealed-part';
import { TAG_BYTES, decryptAead, encryptAead } from './sodium';

/** Bytes of a slot of the vault. */
export const VAULT_SLOT_BYTES = 256;
/** Most bytes, in UTF-8, of a name that the vault keeps; a longer one is not found in texts. */
export const VAULT_NAME_BYTES_MAX = 152;

/** What a slot of the vault is. `mark` says only how far the vault was durable. */
export const VAULT_SLOT_KINDS = { staff: 1, patient: 2, month: 3, staffAlias: 4, patientAlias: 5, mark: 6 } as const;
/** One of {@link VAULT_SLOT_KINDS}. */
export type VaultSlotKind = (typeof VAULT_SLOT_KINDS)[keyof typeof VAULT_SLOT_KINDS];

/** Most slots of a vault: 256 MB. */
export const VAULT_SLOTS_MAX = 1_000_000;

/** A slot that holds a key, or another name of the person of a key; without the key itself. */
export interface VaultSlot {
  readonly kind: VaultSlotKind;
  /** 16 bytes. */
  readonly keyId: Buffer;
  /** Token without its class, 16 bytes. */
  readonly tokenBytes: Buffer;
  /** Normalised; undefined where it was too long. */
  readonly name: string | undefined;
  /** Whether the name is looked for in texts. */
  readonly isInText: boolean;
  /** Of an alias: whether it is declared an account of the person, so that a key under it is the person's too. */
  readonly isAccount?: boolean;
}

/** A slot as it is read. */
export interface LiveVaultSlot extends VaultSlot {
  /** 32 bytes in guarded memory, wiped as soon as the slot was told of; zeros in an alias or mark. */
  readonly key: Buffer;
}

/** A slot to be written. */
export interface NewVaultSlot extends VaultSlot {
  /** Who lends the key, and whether it still exists; none for an alias or mark. */
  readonly owner?: KeyLender & { readonly isDestroyed: boolean };
}

/** What a slot's bytes hold: a key or name, what is left of a destroyed key, or nothing that can be trusted. */
export type DecodedVaultSlot =
  | { readonly state: 'live'; readonly slot: LiveVaultSlot; readonly durableSlots: number }
  | { readonly state: 'destroyed'; readonly keyId: Buffer }
  | { readonly state: 'invalid' };

const STATE_LIVE = 1;
const STATE_DESTROYED = 2;
const NO_NAME = 255;

// state u32 | key id 16 | nonce 12 | ciphertext 208 | tag 16
const KEY_ID_AT = 4;
const NONCE_AT = KEY_ID_AT + KEY_ID_BYTES;
const NONCE_BYTES = 12;
const CIPHERTEXT_AT = NONCE_AT + NONCE_BYTES;
// kind u8 | name bytes u8 | flags u8 | zero u8 | durable slots u32 | key 32 | token 16 | name 152
const KEY_AT = 8;
const TOKEN_AT = KEY_AT + KEY_BYTES;
const NAME_AT = TOKEN_AT + KEY_ID_BYTES;
const PLAINTEXT_BYTES = NAME_AT + VAULT_NAME_BYTES_MAX;
const FLAG_IN_TEXT = 1;
const FLAG_ACCOUNT = 2;

// Guarded, for it holds a key. Nothing here waits, so that no two calls share it.
const plaintext = GuardedBytes.allocate(PLAINTEXT_BYTES).bytes;
const plaintextKey = plaintext.subarray(KEY_AT, KEY_AT + KEY_BYTES);
const aad = Buffer.alloc(4 + 4 + KEY_ID_BYTES);

/**
 * Bytes of a live slot, or of a destroyed one where the key is gone by now; sealed with ChaCha20-Poly1305 (RFC 8439) under a random nonce; number, state and key id are bound.
 *
 * @param durableSlots number of slots that are durable for certain when this one is written
 */
export function encodeVaultSlot(slot: NewVaultSlot, number: number, durableSlots: number, vaultKey: Buffer): Buffer {
  if (slot.owner?.isDestroyed === true) return encodeDestroyedSlot(slot.keyId, number, vaultKey);
  plaintext.fill(0);
  plaintext[0] = slot.kind;
  const nameBytes = slot.name === undefined ? NO_NAME : Buffer.byteLength(slot.name);
  const isKept = nameBytes <= VAULT_NAME_BYTES_MAX;
  plaintext[1] = isKept ? nameBytes : NO_NAME;
  plaintext[2] = (slot.isInText ? FLAG_IN_TEXT : 0) | (slot.isAccount === true ? FLAG_ACCOUNT : 0);
  plaintext.writeUInt32BE(durableSlots, 4);
  slot.tokenBytes.copy(plaintext, TOKEN_AT);
  if (isKept) plaintext.write(slot.name ?? '', NAME_AT, 'utf8');
  try {
    if (slot.owner !== undefined) plaintextKey.set(slot.owner.lendKey());
    return seal(STATE_LIVE, slot.keyId, number, vaultKey);
  } finally {
    plaintext.fill(0);
  }
}

/** Bytes of a destroyed slot: the key id, and nothing else that can be told from random bytes. */
export function encodeDestroyedSlot(keyId: Buffer, number: number, vaultKey: Buffer): Buffer {
  fillRandom(plaintext);
  return seal(STATE_DESTROYED, keyId, number, vaultKey);
}

/** Ids, in hex, of the keys in the bytes of a vault that were not destroyed; no key is needed to tell. */
export function liveKeyIdsIn(vault: Uint8Array): Set<string> {
  const bytes = Buffer.from(vault.buffer, vault.byteOffset, vault.byteLength);
  const keyIds = new Set<string>();
  for (let at = 0; at + VAULT_SLOT_BYTES <= bytes.length; at += VAULT_SLOT_BYTES) {
    if (bytes.readUInt32BE(at) !== STATE_LIVE) continue;
    keyIds.add(bytes.toString('hex', at + KEY_ID_AT, at + NONCE_AT));
  }
  return keyIds;
}

/** The key id of a slot, whoever may read the rest of it; shorter than 16 bytes where the slot is not whole. */
export function keyIdIn(slot: Buffer): Buffer {
  return Buffer.from(slot.subarray(KEY_ID_AT, NONCE_AT));
}

/**
 * Reads a slot, tells `take` what it holds, and returns what that returns. The key is lent: it is wiped afterwards.
 *
 * @param bytes those at the slot's place in the file
 */
export function decodeVaultSlot<T>(
  bytes: Buffer,
  number: number,
  vaultKey: Buffer,
  take: (decoded: DecodedVaultSlot) => T,
): T {
  const state = bytes.readUInt32BE(0);
  if (state !== STATE_LIVE && state !== STATE_DESTROYED) return take({ state: 'invalid' });
  const keyId = Buffer.from(bytes.subarray(KEY_ID_AT, NONCE_AT));
  setAdditionalData(state, keyId, number);
  try {
    const nonce = bytes.subarray(NONCE_AT, CIPHERTEXT_AT);
    decryptAead(plaintext, null, bytes.subarray(CIPHERTEXT_AT, VAULT_SLOT_BYTES), aad, nonce, vaultKey);
  } catch {
    return take({ state: 'invalid' });
  }
  try {
    return take(state === STATE_DESTROYED ? { state: 'destroyed', keyId } : decodePlaintext(keyId));
  } finally {
    plaintext.fill(0);
  }
}

/**
 * A live slot for another place, under a fresh nonce: what it holds stays as it is. Its plaintext is in guarded memory only,
 * and wiped before this returns.
 *
 * @param bytes those at the slot's place in the file
 * @param durableSlots as for {@link encodeVaultSlot}
 * @throws ProtegoError `LOG_KEYS_DAMAGED` when it is no live slot of this place
 */
export function moveVaultSlot(bytes: Buffer, from: number, to: number, durableSlots: number, vaultKey: Buffer): Buffer {
  return decodeVaultSlot(bytes, from, vaultKey, (decoded) => {
    if (decoded.state !== 'live')
      throw new ProtegoError('LOG_KEYS_DAMAGED', `slot \`${from}\` of the vault cannot be read any more`, {
        slot: from,
      });
    // The plaintext is where decoding left it.
    plaintext.writeUInt32BE(durableSlots, 4);
    return seal(STATE_LIVE, decoded.slot.keyId, to, vaultKey);
  });
}

function decodePlaintext(keyId: Buffer): DecodedVaultSlot {
  const nameBytes = plaintext[1] as number;
  const flags = plaintext[2] as number;
  const slot: LiveVaultSlot = {
    kind: plaintext[0] as VaultSlotKind,
    keyId,
    key: plaintextKey,
    tokenBytes: Buffer.from(plaintext.subarray(TOKEN_AT, NAME_AT)),
    name: nameBytes === NO_NAME ? undefined : plaintext.toString('utf8', NAME_AT, NAME_AT + nameBytes),
    isInText: (flags & FLAG_IN_TEXT) !== 0,
    ...((flags & FLAG_ACCOUNT) !== 0 && { isAccount: true }),
  };
  return { state: 'live', slot, durableSlots: plaintext.readUInt32BE(4) };
}

function seal(state: number, keyId: Buffer, number: number, vaultKey: Buffer): Buffer {
  const bytes = Buffer.alloc(VAULT_SLOT_BYTES);
  bytes.writeUInt32BE(state, 0);
  keyId.copy(bytes, KEY_ID_AT);
  const nonce = bytes.subarray(NONCE_AT, CIPHERTEXT_AT);
  fillRandom(nonce);
  setAdditionalData(state, keyId, number);
  encryptAead(
    bytes.subarray(CIPHERTEXT_AT, CIPHERTEXT_AT + PLAINTEXT_BYTES + TAG_BYTES),
    plaintext,
    aad,
    null,
    nonce,
    vaultKey,
  );
  return bytes;
}

function setAdditionalData(state: number, keyId: Buffer, number: number): void {
  aad.writeUInt32BE(number, 0);
  aad.writeUInt32BE(state, 4);
  keyId.copy(aad, 8);
}
