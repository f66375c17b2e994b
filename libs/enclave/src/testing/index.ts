export { recordKeyOf } from '../sealed-part';
export { fixedHouse, fixedKeys } from './fixed-keys';
export { MemoryCounters, memoryPlatform } from './memory-platform';
export { sampleAuthor, sampleImage, type SampleEnclave } from './sample-enclaves';
export { reopenedOf, revealedOf, sealedOf, slotKeysOf } from './one-event';
export { openVaultBytes } from './opened-vault';
export { describeVault } from './vault-contract';
export { type VaultUnderTest } from './vault-under-test';
