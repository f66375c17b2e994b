export { fixedHouse, fixedKeys } from './fixed-keys';
export { describeVault, type VaultUnderTest } from './vault-contract';
