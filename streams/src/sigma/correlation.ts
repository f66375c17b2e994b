import type { SigmaHeader } from './rule';

/** Bounds of a count; all that are given must hold. */
export interface CorrelationCondition {
  readonly gt?: number;
  readonly gte?: number;
  readonly lt?: number;
  readonly lte?: number;
  readonly eq?: number;
  readonly neq?: number;
}

/** A Sigma 2.1 correlation over matches of rules. */
export interface SigmaCorrelation extends SigmaHeader {
  readonly kind: 'correlation';
  readonly type: 'event_count' | 'value_count';
  /** Ids or names of the rules whose matches are counted. */
  readonly ruleRefs: readonly string[];
  /** Fields, or aliases, whose values make a group; empty: all matches are one group. */
  readonly groupBy: readonly string[];
  readonly timespanMs: number;
  /** Field whose different values are counted; only, and always, with `value_count`. */
  readonly field?: string;
  readonly condition: CorrelationCondition;
  /** Alias → rule id or name → field of that rule's events. */
  readonly aliases: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** True when the rules referred to raise detections of their own as well. */
  readonly generate: boolean;
}
