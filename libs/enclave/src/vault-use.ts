import { type CompactionState } from './vault-compaction';

/** Keys and slots of a vault, in numbers. */
export interface VaultUse {
  /** Slots in use, of names and destroyed keys too. */
  readonly slots: number;
  readonly slotsMax: number;
  /** Slots that hold no key and no name any more; a start frees them once they are a quarter of all. */
  readonly deadSlots: number;
  /** What became of that at this start. */
  readonly compaction: CompactionState;
  /** Keys that exist, by what they are for. */
  readonly keys: { readonly staff: number; readonly patient: number; readonly month: number };
  /** Names of persons that were not kept because the person has too many. */
  readonly aliasesLeftOut: number;
}
