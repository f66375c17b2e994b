export { recordKeyOf } from '../sealed-part';
export { fixedHouse, fixedKeys } from './fixed-keys';
export { openVaultBytes } from './opened-vault';
export { describeVault, type VaultUnderTest } from './vault-contract';
