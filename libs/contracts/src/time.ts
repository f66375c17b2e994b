const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:([Zz])|([+-])(\d{2}):(\d{2}))$/;
const YEAR_0_MS = -62_167_219_200_000;
const YEAR_10000_MS = 253_402_300_800_000;
const DAY_MS = 86_400_000;
const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * Milliseconds since the Unix epoch of an RFC 3339 date-time, or undefined when the text is not one or its UTC form is
 * outside the years 0000 to 9999. Fractions beyond the millisecond are cut, never rounded, so that a time does not move
 * into the next window. A leap second, which is the last of a day in UTC, counts as the first of the next day.
 */
export function parseRfc3339Ms(text: string): number | undefined {
  const match = RFC3339.exec(text);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60) return undefined;
  if (day > (DAYS_IN_MONTH[month - 1] ?? 0) || (month === 2 && day === 29 && !isLeapYear(year))) return undefined;
  const offsetMinutes = offsetOf(match[9], match[10], match[11]);
  if (offsetMinutes === undefined) return undefined;
  const ms = Number((match[7] ?? '').padEnd(3, '0').slice(0, 3));
  // Date.UTC would read the years 0 to 99 as 1900 to 1999.
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  at.setUTCHours(hour, minute, second, ms);
  const timeMs = at.getTime() - offsetMinutes * 60_000;
  if (second === 60 && modulo(timeMs, DAY_MS) >= 1_000) return undefined;
  return timeMs >= YEAR_0_MS && timeMs < YEAR_10000_MS ? timeMs : undefined;
}

function offsetOf(
  sign: string | undefined,
  hours: string | undefined,
  minutes: string | undefined,
): number | undefined {
  if (sign === undefined) return 0;
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}

const modulo = (value: number, divisor: number): number => ((value % divisor) + divisor) % divisor;

const isLeapYear = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

/**
 * RFC 3339 text in UTC with milliseconds of a time in milliseconds since the Unix epoch. RFC 3339 has the years 0000 to
 * 9999 only: a time outside, such as the end of the last window, becomes the nearest that can be written.
 */
export function formatRfc3339(timeMs: number): string {
  return new Date(Math.min(Math.max(timeMs, YEAR_0_MS), YEAR_10000_MS - 1)).toISOString();
}
