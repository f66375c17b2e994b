import { conditionHolds, measuresNumbers, type SigmaCorrelation } from './correlation';
import type { Measure } from './measure';
import { chainsOf } from './member-chains';
import { MemberCount, OrderedChains, OrderedCount } from './member-measures';
import { EventCount, RankedValues, SumOrAverage, ValueCount, ValueShare } from './value-measures';

/** Makes the measure of each new window of a correlation. */
export function measureOf(correlation: SigmaCorrelation): () => Measure {
  const { type, condition, percentile } = correlation;
  switch (type) {
    case 'event_count':
      return () => new EventCount(condition);
    case 'value_count':
      return () => new ValueCount(condition);
    case 'value_sum':
      return () => new SumOrAverage(condition, false);
    case 'value_avg':
      return () => new SumOrAverage(condition, true);
    case 'value_median':
      return () => new RankedValues(condition);
    case 'value_percentile':
      return measuresNumbers(correlation)
        ? () => new RankedValues(condition, percentile)
        : () => new ValueShare(condition);
    case 'temporal':
      return () => new MemberCount(correlation);
    case 'temporal_ordered':
      return orderedMeasureOf(correlation);
  }
}

function orderedMeasureOf(correlation: SigmaCorrelation): () => Measure {
  const { condition, memberCondition, ruleRefs } = correlation;
  const { length } = ruleRefs;
  if (memberCondition !== undefined) {
    const chains = chainsOf(memberCondition);
    return () => new OrderedChains(chains);
  }
  const shorter = Array.from({ length: length - 1 }, (_, n) => n + 1);
  if (shorter.some((count) => conditionHolds(condition, (bound) => count - bound)))
    return () => new OrderedCount(condition, length);
  const whole = { positive: Array.from({ length }, (_, member) => member), negative: [] };
  return () => new OrderedChains([whole]);
}
