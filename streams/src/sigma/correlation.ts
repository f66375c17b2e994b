import type { SourcePosition } from './problem';
import type { SigmaHeader } from './rule';

/** Types of the specification (Sigma 2.1, "Correlation Types"), and `value_median`, which other engines add. */
export const CORRELATION_TYPES = [
  'event_count',
  'value_count',
  'value_sum',
  'value_avg',
  'value_percentile',
  'value_median',
  'temporal',
  'temporal_ordered',
] as const;
/** One of {@link CORRELATION_TYPES}. */
export type CorrelationType = (typeof CORRELATION_TYPES)[number];

/** Bounds of what a correlation measures; all that are given must hold. */
export interface CorrelationCondition {
  readonly gt?: number;
  readonly gte?: number;
  readonly lt?: number;
  readonly lte?: number;
  readonly eq?: number;
  readonly neq?: number;
}

/** A condition over which rules matched; `member` counts in the order of `ruleRefs` from 0. */
export type MemberExpression =
  | { readonly kind: 'member'; readonly member: number }
  | { readonly kind: 'not'; readonly operand: MemberExpression }
  | { readonly kind: 'and' | 'or'; readonly operands: readonly MemberExpression[] };

/** A Sigma 2.1 correlation over matches of rules, or over other correlations. */
export interface SigmaCorrelation extends SigmaHeader {
  readonly kind: 'correlation';
  readonly type: CorrelationType;
  /** Ids or names of the rules and correlations that it is about, as they are written. */
  readonly ruleRefs: readonly string[];
  /** Fields, or aliases, whose values make a group; empty: all matches are one group. */
  readonly groupBy: readonly string[];
  readonly timespanMs: number;
  /** Fields whose values are measured: several with `value_count` only, none where rules or events are counted. */
  readonly fields: readonly string[];
  /**
   * Percentile, above 0 up to 100 in thousandths, of `value_percentile`. Where it is missing, the share of the event's
   * own value among all values is measured, in percent.
   */
  readonly percentile?: number;
  /** Bounds of the measure; for the temporal types that of how many rules matched. */
  readonly condition: CorrelationCondition;
  /** Takes the place of `condition`; only with the temporal types. */
  readonly memberCondition?: MemberExpression;
  /** Alias → rule id or name → field of that rule's events. */
  readonly aliases: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** True when the rules referred to raise detections of their own as well. */
  readonly generate: boolean;
  /** How long after a detection no other is raised for the same group, milliseconds; 0: none is held back. */
  readonly suppressMs: number;
}

/** A place in a file where a document is referred to. */
export interface SigmaReference {
  readonly ref: string;
  readonly at: SourcePosition;
}

/** Places in a correlation that name other documents. */
export interface CorrelationReferences {
  /** In the order of `ruleRefs`. */
  readonly members: readonly SigmaReference[];
  /** Rules that aliases name. */
  readonly aliased: readonly SigmaReference[];
}

/** True for the types that say which rules matched, not how much of something there was. */
export function isTemporal(type: CorrelationType): boolean {
  return type === 'temporal' || type === 'temporal_ordered';
}

/** True where values are taken as numbers: sums, averages, medians and percentiles. */
export function measuresNumbers({ type, percentile }: Pick<SigmaCorrelation, 'type' | 'percentile'>): boolean {
  if (type === 'value_percentile') return percentile !== undefined;
  return type === 'value_sum' || type === 'value_avg' || type === 'value_median';
}

const OPERATORS: Readonly<Record<keyof CorrelationCondition, (order: number) => boolean>> = {
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
  eq: (order) => order === 0,
  neq: (order) => order !== 0,
};
/** Comparisons of a condition, as they are written. */
export const COMPARISONS = Object.keys(OPERATORS) as readonly (keyof CorrelationCondition)[];

/**
 * True when a measure meets every bound of a condition.
 *
 * @param orderTo - negative, zero or positive as the measure is less than, equal to or greater than a bound
 */
export function conditionHolds(condition: CorrelationCondition, orderTo: (bound: number) => number): boolean {
  for (const name of COMPARISONS) {
    const bound = condition[name];
    if (bound !== undefined && !OPERATORS[name](orderTo(bound))) return false;
  }
  return true;
}
