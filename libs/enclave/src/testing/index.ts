export { recordKeyOf } from './record-key';
export { fixedHouse, fixedKeys } from './fixed-keys';
export { MemoryCounters, memoryPlatform } from './memory-platform';
export { sampleAuthor, sampleImage, type SampleEnclave } from './sample-enclaves';
export { openVaultBytes } from './opened-vault';
export { describeVault, type VaultUnderTest } from './vault-contract';
