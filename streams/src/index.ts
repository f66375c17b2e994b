// The one composition
export {
  SESSION_CLOSED,
  SESSION_OPENED,
  buildPipeline,
  isPipelineInput,
  type Pipeline,
  type PipelineOptions,
  type PipelineSnapshot,
} from './pipeline';
export { MUTES_MAX, isMuteType, type MuteOption } from './mutes';
export { type PipelineArtefacts } from './pipeline-rules';
export { PARTS_MAX, splitArtefacts } from './pipeline-parts';
export {
  KNOWLEDGE_ID,
  isOutput,
  type DetectionResult,
  type MissedResult,
  type MistimedResult,
  type OutputResult,
  type PipelineResult,
  type RuleFailedResult,
  type RunResult,
  type UndecidableResult,
} from './result';
export {
  ENGINE_SOURCE,
  EVIDENCE_SEQS_MAX,
  OUTPUT_TYPES,
  engineEventOf,
  isOutputType,
  outputEventOf,
  outputIdOf,
  type LogCheckpoint,
} from './output-events';
export { sigmaRecordOf } from './sigma-record';
// Rules and what is expected of them
export { BUDGET_DEFAULT, detectionId, type IdentifiedFinding, type RuleIdentity } from './detection-builder';
export { CorrelationReaches, mayFeed, type CorrelationReach, type RuleFeed } from './rule-feeds';
export { DETECTOR_RULES } from './detectors/detector-rules';
export { KNOWLEDGE_EVENTS_MAX, KnowledgeReader, isKnowledgeType, type KnowledgeBook } from './detectors/knowledge-book';
// Checking rules
export { caseLog, runRuleCase, type CheckEvent } from './rule-case-run';
export { checkRules, type DocumentCheck } from './rule-check';
// Event-time operators
export {
  ABSENCE_KEYS_MAX,
  ABSENCE_PENDING_MAX,
  ABSENCE_PENDING_PER_KEY_MAX,
  AbsenceStore,
  absence,
  type Absence,
  type AbsenceBounds,
  type AbsenceOptions,
} from './operators/absence';
export {
  aggregates,
  countAggregate,
  maxAggregate,
  minAggregate,
  valuesAggregate,
  type Aggregate,
  type WindowValues,
} from './operators/aggregate';
export { TICK_TYPE, assignWatermarks } from './operators/assign-watermarks';
export {
  BASELINE_KEYS_MAX,
  BASELINE_WINDOWS_MAX,
  BaselineStore,
  MAD_SCALE,
  baselineRate,
  type Baseline,
  type BaselineBounds,
  type BaselineRateOptions,
  type RatePane,
} from './operators/baseline-rate';
export { DeadlineStore, type DeadlineBounds, type DeadlineCell, type DeadlineCodec } from './operators/deadline-store';
export {
  DISTINCT_KEYS_MAX,
  DISTINCT_VALUES_MAX,
  DISTINCT_VALUES_PER_KEY_MAX,
  DistinctStore,
  distinctCount,
  type DistinctBounds,
  type DistinctCount,
  type DistinctCountOptions,
} from './operators/distinct-count';
export { compareEventOrder, type EventOrder } from './operators/event-heap';
export { orderedOperator, watermarkOperator, type EventTimeHandler } from './operators/event-time-operator';
export { KeyedStore, type ValueCodec } from './operators/keyed-store';
export { MistimedCounts, mistimedEvents, type MistimedEvent } from './operators/mistimed-events';
export {
  N_OF_M_KEYS_MAX,
  N_OF_M_KINDS_MAX,
  NOfMStore,
  nOfM,
  type KindSeen,
  type NOfMBounds,
  type NOfMMatch,
  type NOfMOptions,
} from './operators/n-of-m';
export { WINDOW_MS_MAX } from './operators/operator-options';
export { REORDER_EVENTS_MAX, ReorderBuffer, orderByEventTime } from './operators/order-by-event-time';
export {
  SEQUENCE_KEYS_MAX,
  SEQUENCE_STEPS_MAX,
  SequenceStore,
  sequence,
  type SequenceBounds,
  type SequenceMatch,
  type SequenceOptions,
} from './operators/sequence';
export {
  SESSIONS_MAX,
  SESSIONS_PER_KEY_MAX,
  SessionWindows,
  sessionWindow,
  type SessionBounds,
  type SessionPane,
  type SessionWindowOptions,
} from './operators/session-window';
export {
  SLIDING_ENTRIES_MAX,
  SLIDING_KEYS_MAX,
  SlidingTimes,
  slidingCount,
  type SlidingBounds,
  type SlidingCount,
  type SlidingCountOptions,
} from './operators/sliding-count';
export { SourceTable, WATERMARK_NONE } from './operators/source-table';
export { STATE_BYTES_VERSION, stateFromBytes, stateToBytes } from './operators/state-bytes';
export { type Json, type StateStore, type StreamElement, type Timing } from './operators/stream-element';
export {
  HOPPING_OVERLAP_MAX,
  TUMBLING_PANES_MAX,
  TumblingWindows,
  hoppingWindow,
  tumblingWindow,
  type HoppingWindowOptions,
  type TumblingPane,
  type TumblingWindowOptions,
} from './operators/tumbling-window';
// Sigma
export {
  CorrelationPlan,
  CorrelationRun,
  SigmaMatcher,
  compileSigma,
  decidingText,
  fieldPlaceOf,
  fieldValue,
  parseRuleCases,
  parseSigmaFile,
  sigmaContentsOf,
  silenceOf,
  whyMatched,
  whyNotMatched,
  type ContributingEvent,
  type CorrelationBounds,
  type CorrelationCondition,
  type CorrelationFiring,
  type CorrelationHit,
  type CorrelationTrigger,
  type CorrelationType,
  type EventRef,
  type PlannedHit,
  type RaisedCorrelation,
  type FailedClause,
  type MatchedField,
  type NearMiss,
  type RuleCase,
  type SigmaContent,
  type SigmaCorrelation,
  type SigmaDocument,
  type SigmaFilter,
  type SigmaMatch,
  type SigmaProblem,
  type SigmaRecord,
  type SigmaRule,
  type SigmaRuleSet,
} from './sigma';
