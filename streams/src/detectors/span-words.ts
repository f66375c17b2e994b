import { durationText } from '../duration-text';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Beyond so much of a unit, the next larger one is said. */
const UNITS: readonly (readonly [beyondMs: number, unitMs: number])[] = [
  [DAY_MS, DAY_MS],
  [90 * MINUTE_MS, HOUR_MS],
  [90_000, MINUTE_MS],
  [0, 1_000],
];

/** A time that is long enough for what happened, as it is said aloud: `14 hours`. Rounded up. */
export function withinWords(spanMs: number): string {
  return spanWords(spanMs, Math.ceil);
}

/** How long something takes or has taken, about, as it is said aloud: `24 minutes`. Rounded to the nearest. */
export function aboutWords(spanMs: number): string {
  return spanWords(spanMs, Math.round);
}

function spanWords(spanMs: number, round: (count: number) => number): string {
  const unitMs = UNITS.find(([beyondMs]) => spanMs > beyondMs)?.[1] ?? 1_000;
  return durationText(Math.max(1, round(spanMs / unitMs)) * unitMs);
}
