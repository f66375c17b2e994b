// Running
export { replayInto } from './run/replay-run';
export { type ReplayRequest } from './run/replay-request';
export { piecesInMemory, runReplay, type ReplayOutcome } from './run/replay-lines';
export { type EmitRange } from './run/emit-range';
export { replayLogOf, type ReplayLog, type ReplayRecord } from './replay-log';
export { manifestText, parseManifest, type RunCounts, type RunManifest } from './run/run-manifest';
export {
  RUN_LINES,
  type ProgressStore,
  type ReplayPorts,
  type RunLines,
  type RunOutput,
  type RunProgress,
  type SnapshotStore,
  type StoredSnapshot,
} from './run/run-ports';
export { Pace, type PacePorts } from './run/pace';
export { RunControl } from './run/run-control';
// Comparing
export {
  DIFFERENCES_LISTED_MAX,
  compareRuns,
  type RunComparison,
  type RunPair,
  type RunVerdict,
} from './verify/verdict';
export { type RunFiles } from './verify/run-files';
export { type FileDifference } from './verify/file-comparison';
export { lineDifferences, type LineDifference } from './verify/line-difference';
export { requireWholeManifest } from './verify/whole-manifest';
// Parts, for whoever runs them in threads
export { PartRun, UNDECIDABLE_LINES_MAX, type PartState, type UndecidableNote } from './run/part-run';
export { type Finding } from './run/finding';
export { pieceDamaged, type PieceStore } from './run/kept-piece';
export { logOfProgress, type LogOfRun } from './run/run-beginning';
export {
  partsInThread,
  summaryOf,
  type PartSummary,
  type PartsRequest,
  type PipelineParts,
  type StartParts,
} from './run/pipeline-parts';
export { snapshotKindOf } from './run/snapshot-kind';
// What was not judged
export { GAP_KINDS, type GapKind } from './coverage/coverage-ledger';
export { SEQ_RANGES_MAX, type SeqSpan } from './coverage/seq-ranges';
// Which artefacts were in force
export {
  ACTIVATED,
  FORCE_TYPES,
  ForceLedger,
  RETIRED,
  foldForces,
  type Activation,
  type ForceRecord,
  type Retirement,
} from './forces/force-ledger';
export { PhaseWalk, type ForcePhase } from './forces/force-phases';
export { PipelineInForce } from './forces/pipeline-in-force';
export {
  InForceRun,
  SETS_AT_ONCE_MAX,
  areInForce,
  documentsOf,
  inForceHashes,
  type ArtefactsInForce,
  type InForceSnapshot,
} from './forces/in-force-run';
export {
  activationData,
  currentSetOf,
  requireWhole,
  retirementData,
  statementOf,
  type ActivationGround,
  type ActivationRequest,
} from './forces/activation';
export {
  NO_CONTROL,
  approve,
  checkSignatures,
  dualControlOf,
  isApproved,
  statementText,
  type ActivationStatement,
  type CheckedSignature,
  type DualControl,
} from './forces/approval';

// What-if
export { whatIfDiffOf, type WhatIfRequest, type WhatIfSide } from './whatif/whatif-diff';
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
export { type DiffSource, type Finding as DiffFinding, type FindingKind } from './whatif/finding';
export { DETECTION_KIND, detectionDiffSource, readDetections, type DetectionWithSeqs } from './whatif/detection-source';
export { type Difference } from './whatif/differences';
export { type ArtefactSide, type DocumentChange } from './whatif/document-changes';
export { PLACE_TYPES, eventFactsOf, type EventFacts } from './whatif/places';
export { LabelIndex, parseLabels, type LabelledFinding } from './whatif/labels';
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
// Proofs of single detections
export { seqRangesOf, type ClaimCoverage, type ClaimFile, type DetectionClaim } from './proof/detection-claim';
export { CLAIM_DECLARATIONS, PROOF_BYTES_MAX, PROOF_RECORDS_MAX, planProof } from './proof/plan-proof';
export { proofLogOf, type ProofLog } from './proof/proof-log';
export { type ProofRequest } from './proof/proof-request';
export { checkClaim, type ClaimToSign } from './proof/check-claim';
export { type ProofCode, type ProofGrade, type ProofJudgement } from './proof/proof-verdict';
export { verifyProof, type ProofReport, type VerifyProofOptions } from './proof/verify-proof';

// Timelines
export { timelineOf, type TimelineRequest } from './timeline/timeline';
export { NAMED_KINDS, isFocus, namedEntities } from './timeline/named-entities';
export { USUAL_MS, VolumeCounter } from './timeline/volume';
export { hasWords, tellEvent } from './timeline/words/event-words';
export { checkTimeline, rangesOf, type ProvedTimeline, type TimelineProof } from './timeline/timeline-proof';
export { timelineText } from './timeline/report/timeline-text';
export { timelineHtml } from './timeline/report/timeline-html';
export { factLines, pivotText, titleText, type CommandOf } from './timeline/report/timeline-words';
export type {
  Timeline,
  TimelineDecision,
  TimelineDetection,
  TimelineFocus,
  TimelineRange,
  TimelineRecord,
} from './timeline/timeline-shape';
