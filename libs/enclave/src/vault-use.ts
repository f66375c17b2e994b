/** Keys and slots of a vault, in numbers. */
export interface VaultUse {
  /** Slots in use, of names and destroyed keys too. */
  readonly slots: number;
  readonly slotsMax: number;
  /** Keys that exist, by what they are for. */
  readonly keys: { readonly staff: number; readonly patient: number; readonly month: number };
  /** Names of persons that were not kept because the person has too many. */
  readonly aliasesLeftOut: number;
}
