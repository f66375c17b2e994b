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
// What-if
export { compareRuns, type WhatIfRequest, type WhatIfSide } from './whatif/whatif-diff';
export {
  type DocumentDiff,
  type KindSummary,
  type MakerSummary,
  type SideSummary,
  type RunCost,
  type WhatIfCost,
  type WhatIfDiff,
} from './whatif/whatif-shape';
export { headOf, textReport } from './whatif/report/text-report';
export { htmlReport } from './whatif/report/html-report';
export { junitReport } from './whatif/report/junit-report';
export {
  type DiffSource,
  type Finding,
  type FindingCore,
  type FindingKind,
  type FindingKindName,
} from './whatif/finding';
export { DETECTION_KIND, detectionDiffSource, readDetections, type DetectionWithSeqs } from './whatif/detection-source';
export { type Difference } from './whatif/differences';
export { type ArtefactSide, type DocumentChange } from './whatif/document-changes';
export { PLACE_TYPES, eventFactsOf, type EventFacts } from './whatif/places';
export { LabelIndex, parseLabels, type ActivityLabel, type LabelledFinding } from './whatif/labels';
export {
  GATES,
  GATE_NAMES,
  failedGates,
  parseGates,
  requireLabels,
  type GateName,
  type GateResult,
} from './whatif/gates';
export {
  assessmentOf,
  changeRecordOf,
  changeRecordText,
  diffHashOf,
  diffText,
  parseChangeRecord,
  parseDiff,
  type ChangeRecord,
} from './whatif/change-record';
