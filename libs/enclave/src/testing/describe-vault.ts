import { describeBatches } from './vault-batches';
import { describeFields } from './vault-contract';
import { describeSearches } from './vault-searches';
import { type VaultUnderTest } from './vault-under-test';

/** Tests that every implementation of `PersonalDataVault` passes. */
export function describeVault(name: string, underTest: VaultUnderTest): void {
  describeFields(name, underTest);
  describeBatches(name, underTest);
  describeSearches(name, underTest);
}
