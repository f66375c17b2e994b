// The one composition
export {
  SESSION_CLOSED,
  SESSION_OPENED,
  buildPipeline,
  isPipelineInput,
  type Pipeline,
  type PipelineSnapshot,
} from './pipeline';
export { type PipelineArtefacts } from './pipeline-rules';
export {
  type DetectionResult,
  type MistimedResult,
  type OutputResult,
  type PipelineResult,
  type RuleFailedResult,
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
// Event-time operators
export { TICK_TYPE, assignWatermarks } from './operators/assign-watermarks';
export { compareEventOrder, type EventOrder } from './operators/event-heap';
export { KeyedStore, type ValueCodec } from './operators/keyed-store';
export { REORDER_EVENTS_MAX, ReorderBuffer, orderByEventTime } from './operators/order-by-event-time';
export {
  SLIDING_ENTRIES_MAX,
  SLIDING_KEYS_MAX,
  SlidingWindows,
  slidingCount,
  type SlidingCount,
  type SlidingCountOptions,
  type SlidingWindowOptions,
} from './operators/sliding-window';
export { SourceTable, WATERMARK_NONE } from './operators/source-table';
export { type Json, type StateStore, type StreamElement, type Timing } from './operators/stream-element';
export {
  TUMBLING_PANES_MAX,
  TumblingWindows,
  tumblingWindow,
  type TumblingPane,
  type TumblingWindowOptions,
} from './operators/tumbling-window';
// Sigma
export {
  SigmaMatcher,
  compileSigma,
  fieldValue,
  parseSigmaFile,
  whyMatched,
  type SigmaCorrelation,
  type SigmaDocument,
  type SigmaMatch,
  type SigmaProblem,
  type SigmaRecord,
  type SigmaRule,
  type SigmaRuleSet,
} from './sigma';
export {
  Correlator,
  type CorrelationFiring,
  type CorrelationHit,
  type CorrelationTrigger,
  type EventRef,
} from './sigma/correlator';
