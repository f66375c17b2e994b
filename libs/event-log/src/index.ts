// Writing
export { EventLogWriter, type EventLogWriterOptions, type FinishedSegment } from './writer';
export { openWritableLog, closeWritableLog, type WritableLog, type WritableLogOptions } from './writable-log';
export { siteOfOrigin, type LogIdentity } from './log-identity';
export { type LogRecovery } from './recovery';
export { nodeFileLayer, type LogFile, type LogFileLayer } from './file-layer';
// Reading
export { EventLogReader, type EventLogReaderOptions, type FollowOptions, type LogStat, type SeqRange } from './reader';
export { LogQuery, type DamagedRange, type LogQueryOptions, type QueryStats } from './log-query';
export { type RecordCriteria, type SubjectsOf } from './record-choice';
export { BlockView } from './block-view';
export { type LogTotals } from './log-totals';
export {
  PROBLEMS_MAX,
  verifyLog,
  type LogProblem,
  type LogProblemKind,
  type VerifiedAmount,
  type VerifyOptions,
  type VerifyReport,
} from './verify';
// Records
export {
  RECORD_BYTES_MAX,
  SEALED_BYTES_MAX,
  type LogCheckpoint,
  type LogRecord,
  type LogRecordInput,
  type RecordIdentity,
} from './log-record';
// Hashes
export { MerkleTree, leafHash, merkleRootOf } from './merkle-tree';
export { DedupeIndex, type DedupeIndexOptions, type DedupeStat } from './dedupe-index';
export { type DedupeVerdict } from './dedupe-disk';
// Checkpoints and proofs
export { openCheckpoint, parseCheckpoint, type Checkpoint } from './checkpoint';
export { readLatestCheckpoint, type SignedCheckpoint } from './checkpoint-files';
export { parseVerifierKey, verifierKeyOf, verifyNote, type NoteVerifier } from './signed-note';
export { TileStore } from './tile-store';
export {
  checkConsistency,
  checkInclusion,
  makeConsistencyProof,
  makeInclusionProof,
  type ConsistencyClaim,
  type InclusionClaim,
  type NodeSource,
} from './proof';
export { checkRangeProof, makeRangeProof, type LeafRange, type RangeClaim } from './range-proof';
export { makeEntryBundle, parseEntryBundle, type EntryBundle } from './entry-bundle';
export { entriesPath } from './tile-path';
// Evidence
export { writerAuthority, type LogAuthority, type OwnEventType } from './evidence/log-authority';
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
// Forgetting
export { applyErasures, eraseSubject, type ErasureOptions, type ErasureReceipt, type ReceiptContent } from './erasure';
export { type CopyOutOfReach } from './copy-out-of-reach';
export { type AffectedRecords, type TextsFound } from './erasure-scan';
export {
  openRefused,
  refusedFileOf,
  refusedFilesIn,
  refusedLinesOf,
  sealRefused,
  type RefusedRecord,
} from './refused-records';
export { NameSearch } from './name-search';
export { applyExpiries, expireSegments, type ExpiryOptions, type ExpirySummary } from './expiry';
// Backups
export { backupLog, BACKUPS_KEPT, type BackupOptions, type BackupSummary } from './backup/backup';
export { type TargetOpener } from './backup/backup-erasure';
export { listBackups, readManifest, type BackupManifest, type CheckedManifest } from './backup/backup-manifest';
export { registeredBackups, type RegisteredBackup } from './backup/backup-registry';
export { invalidBackup, type BackupTarget } from './backup/backup-target';
export { DirectoryTarget } from './backup/directory-target';
export { restoreLog, type RestoreOptions, type RestoreReport } from './backup/restore';
