// Formats and items
export {
  LINE_BYTES_MAX,
  RAW_BYTES_MAX,
  importFormats,
  newSourceCounts,
  type AcceptedItem,
  type ImportFormat,
  type ReadSourceOptions,
  type RejectedItem,
  type SourceCounts,
  type SourceItem,
} from './source-item';
// Reading
export { parseImportFormat, readSourceBatches, readSourceFile } from './source-file';
export { parseRecordLine, type NativeRecord } from './record-json';
export { parseRecordTimeMs } from './record-time';
export { DISTINCT_LINES_MAX } from './line-ids';
// Lines of files, plain or gzip
export { readChunks } from './byte-chunks';
export { LineSplitter, isBlank, type ByteLine } from './byte-lines';
// Merging
export { MERGE_FILES_MAX, mergeBatchesByArrival, mergeByArrival } from './merge-by-arrival';
