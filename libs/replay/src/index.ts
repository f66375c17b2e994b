export {
  DETECTIONS_MAX,
  PROGRESS_RECORDS,
  runReplay,
  type ReplayLog,
  type ReplayOutcome,
  type ReplayRequest,
} from './replay-run';
export { manifestText, parseManifest, type RunCounts, type RunManifest } from './run-manifest';
