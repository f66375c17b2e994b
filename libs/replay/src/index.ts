export {
  DETECTIONS_MAX,
  PROGRESS_RECORDS,
  UNDECIDABLE_LINES_MAX,
  runReplay,
  type ReplayOutcome,
  type ReplayRequest,
} from './replay-run';
export { replayLogOf, type ReplayLog, type ReplayRecord } from './replay-log';
export { manifestText, parseManifest, type RunCounts, type RunManifest } from './run-manifest';
