// Writing
export { EventLogWriter, type EventLogWriterOptions } from './writer';
export { type LogRecovery } from './recovery';
export { nodeFileLayer, type LogFile, type LogFileLayer } from './file-layer';
// Reading
export { EventLogReader, type FollowOptions, type LogStat, type SeqRange } from './reader';
export { type LogTotals } from './log-totals';
export { PROBLEMS_MAX, type LogProblem, type VerifyOptions, type VerifyReport } from './verify';
// Records
export { RECORD_BYTES_MAX, type LogCheckpoint, type LogRecord, type LogRecordInput } from './log-record';
// Hashes
export { MerkleTree, leafHash, merkleRootOf } from './merkle-tree';
export { DedupeIndex, type DedupeIndexOptions, type DedupeVerdict } from './dedupe-index';
