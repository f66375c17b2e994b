import { type VaultListener } from '../vault-listener';
import { VAULT_SLOT_KINDS, type LiveVaultSlot, type NewVaultSlot } from '../vault-slot';

/** Key of the slots in tests. */
export const VAULT_KEY = Buffer.alloc(32, 5);

/** Slot of a key that a number decides. */
export function slotOf(number: number): LiveVaultSlot & NewVaultSlot {
  const key = Buffer.alloc(32, number + 1);
  return {
    kind: VAULT_SLOT_KINDS.staff,
    keyId: keyIdOf(number),
    key,
    owner: { isDestroyed: false, lendKey: () => key },
    tokenBytes: Buffer.alloc(16, number),
    name: `person ${number}`,
    isInText: true,
  };
}

/** Slot of another name of the person of that key. */
export function aliasOf(number: number, name: number, isAccount = false): NewVaultSlot {
  const tokenBytes = Buffer.alloc(16, name);
  const kind = VAULT_SLOT_KINDS.staffAlias;
  return { kind, keyId: keyIdOf(number), tokenBytes, name: `name ${name}`, isInText: true, isAccount };
}

/** Id of the key that a number decides. */
export function keyIdOf(number: number): Buffer {
  const keyId = Buffer.alloc(16);
  keyId.writeUInt32BE(number, 12);
  return keyId;
}

/** What is kept of a key. */
export interface KeptKey {
  readonly slot: LiveVaultSlot;
  /** Numbers of its slots. */
  readonly slots: Set<number>;
  readonly names: Set<string | undefined>;
}

/** What a store tells, as a key ring would keep it. */
export class Kept implements VaultListener {
  readonly live = new Map<number, KeptKey>();
  readonly destroyed = new Set<number>();

  onLive(slot: LiveVaultSlot, at: number): void {
    const number = slot.keyId.readUInt32BE(12);
    const known = this.live.get(number);
    if (slot.kind !== VAULT_SLOT_KINDS.staffAlias) {
      const copy = { ...slot, key: Buffer.from(slot.key) };
      if (known === undefined) this.live.set(number, { slot: copy, slots: new Set([at]), names: new Set() });
      else known.slots.add(at);
    } else if (known !== undefined) {
      known.slots.add(at);
      known.names.add(slot.name);
    }
  }

  onDestroyed(keyId: Buffer): void {
    this.destroyed.add(keyId.readUInt32BE(12));
    this.live.delete(keyId.readUInt32BE(12));
  }

  onReplaced(): void {
    for (const { slots } of this.live.values()) slots.clear();
  }

  onReread(): void {
    for (const { slot, slots } of [...this.live.values()]) if (slots.size === 0) this.onDestroyed(slot.keyId);
  }

  /** What destroys these keys. */
  doomed(...numbers: readonly number[]): Map<Buffer, readonly number[]> {
    return new Map(numbers.map((number) => [keyIdOf(number), [...(this.live.get(number)?.slots ?? [])]]));
  }
}
