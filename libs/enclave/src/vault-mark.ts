import { ProtegoError } from '@protego/contracts';
import { KEY_ID_BYTES } from './sealed-part';
import { formatVaultRecord, parseVaultRecord } from './vault-record';
import { VAULT_SLOT_BYTES, keyIdIn } from './vault-slot';

/** File of the key directory that says how far its vault goes, so that one that is gone, cut or exchanged is noticed. */
export const VAULT_MARK_FILE = 'vault.mark';
/** So many slots may be added before the file says so: a thousandth of what the slots themselves cost. */
export const SLOTS_PER_MARK = 4096;

const PURPOSE = 'vault-mark/1';
const FORMAT = 1;
const STATES_MAX = 2;

/** What a mark is compared with; a `VaultDisk` is. */
interface VaultBytes {
  /** Bytes of the vault's file; 0 when there is none. */
  size(): number;
  /** Reads bytes that are there; fewer than asked for only at the end of the file. */
  read(position: number, bytes: number): Buffer;
}

/** A slot that is never overwritten and that no other file of the vault has in its place. */
export interface VaultAnchor {
  readonly slot: number;
  /** 16 bytes. */
  readonly keyId: Buffer;
}

/** A file that may be the vault. */
export interface VaultState {
  /** It has so many slots at least. */
  readonly slots: number;
  readonly anchor: VaultAnchor;
}

/**
 * What `vault.mark` says: the file that is the vault; while that is compacted, also the one that is to take its place; none
 * before there is a vault.
 */
export type VaultMark = readonly VaultState[];

/**
 * Bytes of `vault.mark`.
 *
 * @param vaultKey 32 bytes
 */
export function formatVaultMark(mark: VaultMark, vaultKey: Buffer): Buffer {
  const vaults = mark.map(({ slots, anchor: { slot, keyId } }) => ({
    slots,
    anchor: slot,
    keyId: keyId.toString('hex'),
  }));
  return formatVaultRecord(PURPOSE, { format: FORMAT, vaults }, vaultKey);
}

/**
 * Reads `vault.mark`.
 *
 * @throws ProtegoError `LOG_KEYS_DAMAGED`; `LOG_FORMAT_UNKNOWN` for another version
 */
export function parseVaultMark(text: Buffer, vaultKey: Buffer): VaultMark {
  const fields = parseVaultRecord(PURPOSE, text, vaultKey);
  if (fields === undefined) throw altered();
  const { format, vaults } = fields;
  if (format !== FORMAT)
    throw new ProtegoError('LOG_FORMAT_UNKNOWN', `\`${VAULT_MARK_FILE}\` has format ${String(format)}`, { format });
  if (!Array.isArray(vaults) || vaults.length > STATES_MAX) throw altered();
  return (vaults as { slots: number; anchor: number; keyId: string }[]).map(({ slots, anchor, keyId }) => ({
    slots,
    anchor: { slot: anchor, keyId: Buffer.from(keyId, 'hex') },
  }));
}

/**
 * Which of the files that a mark names is on the disk; undefined when it names none.
 *
 * @throws ProtegoError `LOG_KEYS_DAMAGED` when it is none of them, or is shorter than it was
 */
export function stateOnDisk(mark: VaultMark, disk: VaultBytes): VaultState | undefined {
  if (mark.length === 0) return undefined;
  const slots = Math.floor(disk.size() / VAULT_SLOT_BYTES);
  const found = mark.find((state) => slots >= state.slots && isAnchored(state, disk));
  if (found !== undefined) return found;
  const known = Math.min(...mark.map((state) => state.slots));
  const problem =
    slots < known ? `has \`${slots}\` slots and had at least \`${known}\`` : 'is another file than the one in use';
  const message =
    `the vault ${problem}: restore the newest \`vault\`. To go on with an older one, remove \`${VAULT_MARK_FILE}\` beside it: ` +
    'keys that it lacks are lost, and erasures since have to be repeated';
  throw new ProtegoError('LOG_KEYS_DAMAGED', message, { slots, known });
}

/** Where a slot lies that a vault is known by. */
export function anchorAt(slot: number, disk: Pick<VaultBytes, 'read'>): VaultAnchor {
  return { slot, keyId: keyIdIn(disk.read(slot * VAULT_SLOT_BYTES, VAULT_SLOT_BYTES)) };
}

function isAnchored({ anchor }: VaultState, disk: Pick<VaultBytes, 'read'>): boolean {
  const { keyId } = anchorAt(anchor.slot, disk);
  return keyId.length === KEY_ID_BYTES && keyId.equals(anchor.keyId);
}

function altered(): ProtegoError {
  const message =
    `\`${VAULT_MARK_FILE}\` was altered or damaged, or is of other keys: restore it together with \`vault\`; or, where \`vault\` is known ` +
    'to be the newest, remove it';
  return new ProtegoError('LOG_KEYS_DAMAGED', message);
}
