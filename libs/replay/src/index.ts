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
  type SetWord,
} from './forces/activation';
export {
  NO_CONTROL,
  approve,
  checkSignatures,
  dualControlOf,
  statementText,
  type ActivationStatement,
  type CheckedSignature,
  type DualControl,
} from './forces/approval';
