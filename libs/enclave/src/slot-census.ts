import { VAULT_SLOT_KINDS, type DecodedVaultSlot, type LiveVaultSlot } from './vault-slot';

/** The slots of a key that exists: its own, and those of its person's other names. */
interface LiveKey {
  readonly slots: Set<number>;
  names: Map<string, LiveName> | undefined;
}

interface LiveName {
  readonly number: number;
  readonly text: string | undefined;
  readonly isInText: boolean;
  readonly isAccount: boolean;
}

/**
 * Which slots of a vault are live: those that a key ring takes something from. All others are dead: of destroyed keys, marks,
 * names that a later slot holds with all that the earlier one said, and names whose key a crash took away.
 */
export class SlotCensus {
  readonly #keys = new Map<string, LiveKey>();

  /** Takes note of a slot; in the order of their numbers. */
  note(decoded: DecodedVaultSlot, number: number): void {
    if (decoded.state === 'destroyed') this.forget(decoded.keyId);
    if (decoded.state !== 'live') return;
    const { slot } = decoded;
    const { mark, staffAlias, patientAlias } = VAULT_SLOT_KINDS;
    if (slot.kind === mark) return;
    const id = slot.keyId.toString('latin1');
    const key = this.#keys.get(id);
    if (slot.kind !== staffAlias && slot.kind !== patientAlias) {
      if (key === undefined) this.#keys.set(id, { slots: new Set([number]), names: undefined });
    } else if (key !== undefined) noteName(key, slot, number);
  }

  /** All slots of a key are dead. */
  forget(keyId: Buffer): void {
    this.#keys.delete(keyId.toString('latin1'));
  }

  /** Numbers of the live slots, ascending. */
  liveSlots(): Uint32Array {
    return Uint32Array.from([...this.#keys.values()].flatMap(({ slots }) => [...slots])).sort();
  }
}

function noteName(key: LiveKey, slot: LiveVaultSlot, number: number): void {
  const token = slot.tokenBytes.toString('latin1');
  const name = { number, text: slot.name, isInText: slot.isInText, isAccount: slot.isAccount === true };
  key.names ??= new Map();
  const before = key.names.get(token);
  if (before !== undefined && saysAll(before, name)) return;
  if (before !== undefined && saysAll(name, before)) key.slots.delete(before.number);
  key.names.set(token, name);
  key.slots.add(number);
}

/** Whether a name's slot says all that another of the same token says. */
function saysAll(one: LiveName, other: LiveName): boolean {
  const isSameText = one.text === other.text;
  return isSameText && (one.isInText || !other.isInText) && (one.isAccount || !other.isAccount);
}
