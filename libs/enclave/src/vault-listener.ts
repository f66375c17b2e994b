import { VAULT_SLOT_KINDS, decodeVaultSlot, type DecodedVaultSlot, type LiveVaultSlot } from './vault-slot';

/** Who is told of single slots. */
export interface SlotListener {
  /** A slot with a key or name; it may have been told before. Its key is lent until this returns. */
  onLive(slot: LiveVaultSlot, number: number): void;
  /** A key that was destroyed, here or by the writer whose vault this reads. */
  onDestroyed(keyId: Buffer): void;
}

/** What a store tells of the slots that it finds. */
export interface VaultListener extends SlotListener {
  /** Another file has taken the vault's place: the numbers of all slots are void, and are told anew. */
  onReplaced(): void;
  /** All slots of that file were told of: a key that none of them holds was destroyed. */
  onReread(): void;
}

/**
 * Tells a listener of a slot. Returns how many slots it says were durable; undefined when it is not of the vault with this key,
 * or of another place.
 */
export function tellOfSlot(
  bytes: Buffer,
  number: number,
  vaultKey: Buffer,
  listener: SlotListener,
): number | undefined {
  return decodeVaultSlot(bytes, number, vaultKey, (decoded) => tellOf(decoded, number, listener));
}

/** As {@link tellOfSlot}, of a slot that was decoded. */
export function tellOf(decoded: DecodedVaultSlot, number: number, listener: SlotListener): number | undefined {
  if (decoded.state === 'invalid') return undefined;
  if (decoded.state === 'destroyed') {
    listener.onDestroyed(decoded.keyId);
    return 0;
  }
  const { slot, durableSlots } = decoded;
  if (slot.kind !== VAULT_SLOT_KINDS.mark) {
    listener.onLive(slot, number);
    return durableSlots;
  }
  // A mark that covers all before it covers itself: it needs no other.
  return durableSlots === number ? number + 1 : durableSlots;
}
