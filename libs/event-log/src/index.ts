// Writing
export { EventLogWriter, type EventLogWriterOptions, type FinishedSegment } from './writer/writer';
export { openWritableLog, closeWritableLog, type WritableLog, type WritableLogOptions } from './writer/writable-log';
export { readIdentity, siteOfOrigin, type LogIdentity } from './log-identity';
export { type LogRecovery } from './writer/recovery';
export { nodeFileLayer, writeThenSync, type LogFile, type LogFileLayer } from './writer/file-layer';
// Reading
export {
  EventLogReader,
  type EventLogReaderOptions,
  type FollowOptions,
  type LogStat,
  type SeqRange,
} from './reader/reader';
export { LogQuery, type DamagedRange, type LogQueryOptions, type QueryStats } from './reader/log-query';
export { type RecordCriteria, type SubjectsOf } from './reader/record-choice';
export { BlockView } from './blocks/block-view';
export { type LogTotals } from './reader/log-totals';
export {
  PROBLEMS_MAX,
  verifyLog,
  type LogProblem,
  type LogProblemKind,
  type VerifiedAmount,
  type VerifyOptions,
  type VerifyReport,
} from './verify/verify';
// Records
export {
  RECORD_BYTES_MAX,
  SEALED_BYTES_MAX,
  SealedRecord,
  type LogCheckpoint,
  type LogRecord,
  type LogRecordInput,
  type RecordIdentity,
  type RecordParts,
} from './log-record';
// Hashes
export { MerkleTree, leafHash, merkleRootOf } from './tree/merkle-tree';
export { DedupeIndex, type DedupeIndexOptions, type DedupeStat } from './dedupe/dedupe-index';
export { type DedupeVerdict } from './dedupe/dedupe-disk';
// Checkpoints and proofs
export { openCheckpoint, parseCheckpoint, type Checkpoint } from './tree/checkpoint';
export { readLatestCheckpoint, type SignedCheckpoint } from './tree/checkpoint-files';
export {
  formatNote,
  noteVerifierOf,
  parseNote,
  parseVerifierKey,
  signNote,
  verifierKeyOf,
  verifyNote,
  type NoteSignature,
  type NoteVerifier,
  type SignedNote,
} from './tree/signed-note';
export { TileStore } from './tree/tile-store';
export {
  checkConsistency,
  checkInclusion,
  makeConsistencyProof,
  makeInclusionProof,
  type ConsistencyClaim,
  type InclusionClaim,
  type NodeSource,
} from './tree/proof';
export { checkRangeProof, makeRangeProof, type LeafRange, type RangeClaim } from './tree/range-proof';
export { makeEntryBundle, parseEntryBundle, type EntryBundle } from './tree/entry-bundle';
export { entriesPath } from './tree/tile-path';
// Evidence
export { writerAuthority, type LogAuthority, type OwnEventType } from './evidence/log-authority';
export { appendAssessment, type AssessmentReceipt } from './evidence/change-assessment';
export { BATCH_RECORDS_MAX, recordBatches } from './reader/record-batches';
export { selectRecords, storedNamesOf, subjectsOfRecord, type RecordSelection } from './evidence/record-selection';
export {
  appendLook,
  revealRecords,
  type Look,
  type RevealOptions,
  type RevealedRecord,
  type Revelation,
} from './evidence/reveal';
export {
  BUNDLE_RECORDS_MAX,
  exportBundle,
  type BundleExportOptions,
  type BundleSummary,
} from './evidence/bundle-export';
export { exportTlog, type TlogExportOptions, type TlogExportSummary } from './evidence/tlog-export';
export { copyStandaloneVerifier, openBundleFile, verifyBundleFile, verifyReceipt } from './evidence/bundle-check';
export { generateReceiverKey, receiverKeyId, receiverPublicKey, type ReceiverKeyPair } from './evidence/hpke';
export {
  KEYS_INFO,
  checkBundle,
  describeBundle,
  hpkeOpen,
  type BundleRecord,
  type CheckedBundle,
  type CheckedCheckpoint,
  type OpenedRecord,
} from './evidence/standalone/verify-bundle';
// What people say about detections
export {
  DETECTIONS_SEARCHED_MAX,
  findDetection,
  muteDetections,
  requireDecentReason,
  unmuteDetections,
  type MuteParts,
  type MuteReceipt,
  type MuteRequest,
  type UnmuteRequest,
} from './mutes/mute';
export { actorTokenOf, mutedEntityOf, type EntityVault } from './mutes/muted-entity';
// Forgetting
export { eraseSubject, type ErasureOptions, type ErasureReceipt, type ReceiptContent } from './erasure/erasure';
export { applyErasures, type AppliedErasures } from './erasure/erasure-events';
export { ForgottenPersons } from './erasure/forgotten-persons';
export { type CopyOutOfReach } from './erasure/copy-out-of-reach';
export { type AffectedRecords, type TextsFound } from './erasure/erasure-scan';
export { sealedTextsNaming } from './erasure/sealed-texts';
export {
  openRefused,
  refusedFileOf,
  refusedFilesIn,
  refusedLinesOf,
  sealRefused,
  type RefusedRecord,
} from './refused-records';
export { applyExpiries, expireSegments, type ExpiryOptions, type ExpirySummary } from './erasure/expiry';
// States of pipelines
export { replaceFileDurably } from './snapshots/replace-file';
export { openState, sealState, type SealingLog } from './snapshots/sealed-state';
export { SNAPSHOTS_KEPT_MAX, SnapshotFiles, removeSnapshots, type SnapshotName } from './snapshots/snapshot-files';
// Data keys
export { rotateDataKey, type DataKeyRotation } from './data-key-rotation';
// Backups
export { backupLog, BACKUPS_KEPT, type BackupOptions, type BackupSummary } from './backup/backup';
export { type TargetOpener } from './backup/backup-erasure';
export { listBackups, readManifest, type BackupManifest, type CheckedManifest } from './backup/backup-manifest';
export { registeredBackups, type RegisteredBackup } from './backup/backup-registry';
export { invalidBackup, type BackupTarget } from './backup/backup-target';
export { DirectoryTarget, openDirectoryTarget } from './backup/directory-target';
export { restoreLog, type RestoreOptions, type RestoreReport } from './backup/restore';
