export {
  keysDirectoryOf,
  openHouseKeys,
  requireKeys,
  type HouseKeys,
  type HouseKeysOptions,
  type HouseOpener,
} from './house-keys';
export { NameSearch } from './name-search';
export { ALIASES_MAX } from './key-ring';
export { liveKeyIdsIn } from './vault-slot';
export { isFreedMemoryOverwritten, overwritingFreedMemory } from './process/freed-memory';
export { openEnclave, type Enclave, type EnclaveOptions } from './process/open-enclave';
export { type EnclaveInspection, type ProcessInspection } from './process/enclave-inspection';
export { type VaultUse } from './vault-use';
export { type AttesterFacts } from './process/attester';
export { sealEnclaveRoot, type SealEnclaveRootOptions } from './process/seal-enclave-root';
export { isRootSealed } from './root/root-files';
export { type RootCustody } from './root/root-custody';
export { type SealedRootReport } from './root/seal-root';
export { type UnlockFile } from './unlock/unlock-files';
export { ENCLAVE_PROCESSES_MAX } from './process/enclave-start';
export { isDirectoryLocked, lockDirectory, type DirectoryLock } from './directory-lock';
export { type LogKeys, type NoteSigner } from './log-keys';
export { type GateOptions } from './admission/event-gate';
export {
  NAMES_MAX,
  type Admission,
  type AdmittedEvent,
  type PersonRef,
  type PersonalDataVault,
  type RawEvent,
  type SealedEvent,
  type SealedTextForm,
  type Sealing,
  type SlotKey,
  type StoredFields,
} from './personal-data';
export { applyOpened, type OpenedFields, type OpeningScope } from './opened-fields';
// The sealed part of a record, for those who hold record keys and no vault
export { openWithSlotKeys } from './event-opener';
export {
  SEALED_BYTES_MAX,
  SEALED_VERSION,
  SLOT_KINDS,
  openSlot,
  readSealedPart,
  type SealedPart,
  type SealedSlot,
  type SlotKind,
} from './sealed-part';
// Emulated platform: who an enclave is, what it may open, and how it proves that
export { measureFiles, measurementOf, type MeasuredFile, type MeasuredManifest } from './measurement/measure';
export { signMeasurement, signerIdOf, type SignedMeasurement } from './measurement/signed-measurement';
export {
  identityOf,
  type EnclaveIdentity,
  type EnclaveImage,
  type EnclaveSigner,
} from './measurement/enclave-identity';
export { openPlatform } from './platform/open-platform';
export { isPathWithin, platformDirectoryOf } from './platform/platform-directory';
export { type LaunchedEnclave, type MonotonicCounters, type Platform } from './platform/platform';
export { commitBlob, openBlob, sealBlob, type OpenOptions, type SealOptions } from './sealing/sealed-blob';
export { inspectBlob, type BlobHeader, type SealingPolicy } from './sealing/blob-format';
export { readSealedFile, writeSealedFile, type SealedFile } from './sealing/sealed-file';
export {
  migrateBlob,
  signMigrationGrant,
  type MigrateOptions,
  type MigrationAuthority,
  type MigrationGrant,
} from './sealing/migration';
export { makeUnlockKeyFile, type UnlockSecret } from './unlock/unlock-secret';
export { unlockMethodOf, type UnlockFactor, type UnlockMethod } from './unlock/unlock-method';
export { unwrapRoot, wrapRoot } from './unlock/wrapped-root';
export { type AttestationKey } from './attestation/attestation-key';
export { type MemoryState, type QuoteRequest } from './attestation/quote';
export { readQuoteClaims, type QuoteClaims } from './attestation/quote-claims';
export { verifyQuote, type AppraisalPolicy, type AttestationResult } from './attestation/verify-quote';
export { AttestedChannel, offerChannel, type ChannelOffer } from './attestation/attested-channel';
export { Ed25519KeyPair } from './primitives/ed25519';
export { type Argon2Cost } from './primitives/argon2';
// Encrypted memory, for secrets that outlive a call
export {
  EncryptedMemory,
  type EncryptedMemoryOptions,
  type EncryptedMemoryStats,
  type MemoryFault,
} from './memory/encrypted-memory';
export { GuardedBytes } from './memory/guarded-memory';
export { guardedMemoryState, type GuardedMemoryState } from './memory/guarded-memory-state';
export { SecretStore, type SecretStoreOptions } from './memory/secret-store';
export { VAULT_INTENT_FILE } from './vault-intent';
export { VAULT_MARK_FILE } from './vault-mark';
