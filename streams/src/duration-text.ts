const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
];

/** A duration in words, in the largest unit that divides it: `15 minutes`. */
export function durationText(durationMs: number): string {
  const [unitMs, name] = UNITS.find(([ms]) => durationMs >= ms && durationMs % ms === 0) ?? [1, 'millisecond'];
  const count = durationMs / unitMs;
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
