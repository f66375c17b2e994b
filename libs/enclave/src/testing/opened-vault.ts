import { deriveKey } from '../key-derivation';
import { VAULT_KEY_PURPOSE } from '../vault-record';
import { VAULT_SLOT_BYTES, decodeVaultSlot, type LiveVaultSlot } from '../vault-slot';

const KEY_BYTES = 32;

/** What whoever has a root secret reads from the bytes of a vault, or of a copy of one: keys and names, slot by slot. */
export function openVaultBytes(vault: Buffer, root: Buffer): LiveVaultSlot[] {
  const vaultKey = deriveKey(root, VAULT_KEY_PURPOSE, KEY_BYTES);
  const slots: LiveVaultSlot[] = [];
  for (let number = 0; (number + 1) * VAULT_SLOT_BYTES <= vault.length; number++) {
    const bytes = vault.subarray(number * VAULT_SLOT_BYTES, (number + 1) * VAULT_SLOT_BYTES);
    decodeVaultSlot(bytes, number, vaultKey, (decoded) => {
      if (decoded.state === 'live') slots.push({ ...decoded.slot, key: Buffer.from(decoded.slot.key) });
    });
  }
  return slots;
}
