import type { Detection, LoggedEvent } from '@protego/contracts';

/** A detection with what it rests on. */
export interface DetectionResult {
  readonly kind: 'detection';
  /** Without `evidence`: it must not depend on where in which log the events stand. */
  readonly detection: Detection;
  /** Event time at which it became certain, milliseconds. */
  readonly certainAtMs: number;
  /** Sequence numbers of all contributing events, ascending. */
  readonly seqs: readonly number[];
}

/** An event that the windows did not see, because its time was past or in the future. */
export interface MistimedResult {
  readonly kind: 'late' | 'skewed';
  readonly event: LoggedEvent;
  /** Watermark when it came, milliseconds. */
  readonly watermarkMs: number;
}

/** A rule that threw on one event. */
export interface RuleFailedResult {
  readonly kind: 'rule-failed';
  readonly ruleId: string;
  /** Without personal values. */
  readonly message: string;
  readonly event: LoggedEvent;
}

/**
 * A rule of which nobody can say what it would have found in an event, because it asks about values that were erased. It
 * says something about the run, not about the hospital, and becomes no event.
 */
export interface UndecidableResult {
  readonly kind: 'undecidable';
  readonly ruleId: string;
  /** Erased fields that the rule asks about; `*` for keywords. */
  readonly fields: readonly string[];
  readonly event: LoggedEvent;
}

/**
 * A document whose windows did not see an event that they would have counted, because its time was past or in the future. It
 * says something about the run, as {@link UndecidableResult} does, and becomes no event.
 */
export interface MissedResult {
  readonly kind: 'missed';
  /** Correlation or detector; {@link KNOWLEDGE_ID} for an event that says what is known of the house. */
  readonly ruleId: string;
  readonly timing: 'late' | 'skewed';
  readonly event: LoggedEvent;
}

/** Stands in the place of a rule where knowledge of the house is meant, on which several detectors rest. */
export const KNOWLEDGE_ID = 'knowledge';

/** What becomes an event of its own. */
export type OutputResult = DetectionResult | MistimedResult | RuleFailedResult;

/** What the pipeline makes of the log. */
export type PipelineResult = OutputResult | RunResult;

/** What says something about a run, and becomes no event. */
export type RunResult = UndecidableResult | MissedResult;

/** True for what becomes an event of its own. */
export function isOutput(result: PipelineResult): result is OutputResult {
  return result.kind !== 'undecidable' && result.kind !== 'missed';
}
