import { drawOf } from '../seeds';

/** A scored example; those of one group are not independent of each other. */
export interface Scored {
  readonly score: number;
  readonly isPositive: boolean;
  readonly group: string;
}

/** Area under the receiver operating characteristic, with limits between which it lies in 95 of 100 samples. */
export interface AreaEstimate {
  readonly area: number;
  readonly least: number;
  readonly greatest: number;
}

const RESAMPLES = 300;

/** Probability that a positive example scores higher than a negative one, ties half (Mann and Whitney); 0.5 without either. */
export function areaUnderCurve(scored: readonly Pick<Scored, 'score' | 'isPositive'>[]): number {
  const sorted = scored.toSorted((a, b) => a.score - b.score);
  const positives = sorted.filter(({ isPositive }) => isPositive).length;
  const negatives = sorted.length - positives;
  if (positives === 0 || negatives === 0) return 0.5;
  let rankSum = 0;
  for (let from = 0; from < sorted.length;) {
    let to = from;
    while (to < sorted.length && sorted[to]?.score === sorted[from]?.score) to++;
    const meanRank = (from + 1 + to) / 2;
    for (let at = from; at < to; at++) if (sorted[at]?.isPositive === true) rankSum += meanRank;
    from = to;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/** The area with limits by bootstrap over groups (Efron's percentile method), the same at every call. */
export function estimateArea(scored: readonly Scored[]): AreaEstimate {
  const groups = new Map<string, Scored[]>();
  for (const each of scored) groups.set(each.group, [...(groups.get(each.group) ?? []), each]);
  const members = [...groups.values()];
  const areas = Array.from({ length: RESAMPLES }, (_, round) => {
    const drawn = members.flatMap((_, n) => members[Math.floor(drawOf(round, String(n)) * members.length)] ?? []);
    return areaUnderCurve(drawn);
  }).sort((a, b) => a - b);
  return {
    area: areaUnderCurve(scored),
    least: areas[Math.floor(RESAMPLES * 0.025)] as number,
    greatest: areas[Math.floor(RESAMPLES * 0.975)] as number,
  };
}
