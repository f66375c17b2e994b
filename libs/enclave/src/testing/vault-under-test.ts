import type { FieldClasses } from '@protego/contracts';
import { type GateOptions } from '../admission/event-gate';
import { type PersonalDataVault } from '../personal-data';

/** An implementation of the vault, as its contract suite needs it. */
export interface VaultUnderTest {
  /** Opens the vault in a directory of its own, which may hold one from before; without a gate it admits nothing. */
  open(directory: string, mode: 'write' | 'read', fields: FieldClasses, gate?: GateOptions): Promise<PersonalDataVault>;
}
