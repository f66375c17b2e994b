import { randomBytes } from 'node:crypto';
import { KEY_ID_BYTES } from './sealed-part';
import { type VaultDisk } from './vault-disk';
import { type VaultState } from './vault-mark';
import { VAULT_SLOT_BYTES, VAULT_SLOT_KINDS, encodeVaultSlot, moveVaultSlot, type NewVaultSlot } from './vault-slot';

/** When a vault is worth being written anew. */
export interface CompactionLimits {
  readonly deadSlotsMin: number;
  /** Of all slots, 0 to 1. */
  readonly deadShareMin: number;
}

/** 64 KiB, which is worth the waits for the disk; and a quarter, so that for each slot that is freed at most three are written. */
export const COMPACTION_LIMITS: CompactionLimits = { deadSlotsMin: 256, deadShareMin: 0.25 };

/** What became of the compaction of a vault at its opening. */
export type CompactionState = 'not due' | 'done' | 'failed';

const SLOTS_PER_WRITE = 4096;

/** A mark, as it is written. */
export function newMark(): NewVaultSlot {
  return {
    kind: VAULT_SLOT_KINDS.mark,
    keyId: randomBytes(KEY_ID_BYTES),
    tokenBytes: Buffer.alloc(KEY_ID_BYTES),
    name: undefined,
    isInText: false,
  };
}

/** Whether so many of a vault's slots are dead that it is to be compacted; the first one, a mark, always stays. */
export function isCompactionDue(slots: number, liveSlots: number, limits: CompactionLimits): boolean {
  const dead = slots - liveSlots - 1;
  return dead >= limits.deadSlotsMin && dead >= limits.deadShareMin * slots;
}

/**
 * Writes the successor of a vault: its first slot, the live slots in their order, and a mark that covers them. All of it is durable
 * when this has resolved, and nothing of it is in place yet.
 *
 * @param live numbers of the live slots, ascending
 * @returns what the successor is known by
 * @throws ProtegoError `LOG_KEYS_DAMAGED` when one cannot be read any more; the errors of the disk
 */
export async function writeSuccessor(disk: VaultDisk, vaultKey: Buffer, live: Uint32Array): Promise<VaultState> {
  // As it is: copies of a vault are known to be of one log by their first slot.
  let batch = [disk.read(0, VAULT_SLOT_BYTES)];
  let written = 0;
  const flush = async (): Promise<void> => {
    await disk.writeSuccessor(Buffer.concat(batch), written * VAULT_SLOT_BYTES);
    written += batch.length;
    batch = [];
  };
  for (const from of live) {
    const to = written + batch.length;
    const bytes = disk.read(from * VAULT_SLOT_BYTES, VAULT_SLOT_BYTES);
    // Nobody finds this file before all of it is durable: each slot may say so of those before it.
    batch.push(moveVaultSlot(bytes, from, to, to, vaultKey));
    if (batch.length >= SLOTS_PER_WRITE) await flush();
  }
  const last = written + batch.length;
  // No other file has it: the first slot is that of the predecessor.
  const mark = newMark();
  batch.push(encodeVaultSlot(mark, last, last, vaultKey));
  await flush();
  await disk.syncSuccessor();
  return { slots: last + 1, anchor: { slot: last, keyId: mark.keyId } };
}
