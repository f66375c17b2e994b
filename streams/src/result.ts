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
  readonly message: string;
  readonly event: LoggedEvent;
}

/** What the pipeline makes of the log. */
export type PipelineResult = DetectionResult | MistimedResult | RuleFailedResult;
