/** Standard deviations of a one-sided limit that holds in 99 of 100 samples. */
const LIMIT_DEVIATIONS = 2.326;

/** Nearest-rank quantile of numbers, `share` from 0 to 1; undefined of none. */
export function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

/** A share with the limits that the true share lies above, and below, in 99 of 100 samples (Wilson score). */
export interface ShareLimits {
  readonly least: number;
  readonly greatest: number;
}

/** Limits of a share of which `hits` of `count` were seen; from 0 to 1 where nothing was counted. */
export function shareLimits(hits: number, count: number): ShareLimits {
  if (count === 0) return { least: 0, greatest: 1 };
  const z2 = LIMIT_DEVIATIONS ** 2;
  const share = hits / count;
  const centre = share + z2 / (2 * count);
  const margin = LIMIT_DEVIATIONS * Math.sqrt((share * (1 - share)) / count + z2 / (4 * count * count));
  const scale = 1 + z2 / count;
  return { least: Math.max(0, (centre - margin) / scale), greatest: Math.min(1, (centre + margin) / scale) };
}

/** Least mean with which a Poisson count of `count` or more is seen in 1 of 100 samples (Wilson and Hilferty, 1931). */
export function leastMean(count: number): number {
  if (count === 0) return 0;
  return Math.max(0, count * (1 - 1 / (9 * count) - LIMIT_DEVIATIONS / (3 * Math.sqrt(count))) ** 3);
}
