export {
  DETECTIONS_MAX,
  PROGRESS_RECORDS,
  UNDECIDABLE_LINES_MAX,
  runReplay,
  type ReplayLog,
  type ReplayOutcome,
  type ReplayRecord,
  type ReplayRequest,
} from './replay-run';
export { manifestText, parseManifest, type RunCounts, type RunManifest } from './run-manifest';
