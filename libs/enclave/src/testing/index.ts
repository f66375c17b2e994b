export { recordKeyOf } from './record-key';
export { describeVault } from './describe-vault';
export { fixedHouse, fixedKeys } from './fixed-keys';
export { MemoryCounters, memoryPlatform } from './memory-platform';
export { sampleAuthor, sampleImage, type SampleEnclave } from './sample-enclaves';
export { reopenedOf, revealedOf, sealedOf, slotKeysOf } from './one-event';
export { openVaultBytes } from './opened-vault';
export { eventOf } from './sample-events';
export { SAMPLE_GATE } from './sample-gate';
export { shippedFields } from './shipped-fields';

export { type VaultUnderTest } from './vault-under-test';
