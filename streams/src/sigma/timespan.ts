import { quote } from './problem';

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};
/** Longest time span: state is kept for it, 366 days in milliseconds. */
const TIMESPAN_MS_MAX = 366 * 86_400_000;

/**
 * Milliseconds of a time span such as `15m` (Sigma 2.1, correlation rules, "Time Selection").
 *
 * @param reject - told what is wrong with it; throws
 */
export function timespanMsOf(text: string, reject: (problem: string) => never): number {
  const [, count, unit = ''] = /^(\d{1,9})([a-zA-Z])$/.exec(text) ?? [];
  if (unit === 'M' || unit === 'y') reject('has months or years, which have no fixed length; use s, m, h, d or w');
  const unitMs = UNIT_MS[unit];
  if (count === undefined || unitMs === undefined) return reject(`is ${quote(text)}, not a number and s, m, h, d or w`);
  const timespanMs = Number(count) * unitMs;
  const isInRange = timespanMs > 0 && timespanMs <= TIMESPAN_MS_MAX;
  return isInRange ? timespanMs : reject('must be between 1s and 366d');
}
