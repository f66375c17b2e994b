const YEAR_0_MS = -62_167_219_200_000;
const YEAR_10000_MS = 253_402_300_800_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
/** Days of a common year before each month. */
const DAYS_BEFORE_MONTH = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
/** Days from the first of January of the year 0 to the Unix epoch. */
const EPOCH_DAYS = 719_528;

const ZERO = 0x30;
const NINE = 0x39;
const PLUS = 0x2b;
const DASH = 0x2d;
const POINT = 0x2e;
const COLON = 0x3a;
const SPACE = 0x20;
/** Bit by which an ASCII letter in lower case differs from the one in upper case. */
const LOWER = 0x20;
const LETTER_T = 0x74;
const LETTER_Z = 0x7a;
/** Where the offset or the fraction begins: `YYYY-MM-DDThh:mm:ss` is before it. */
const SECONDS_END = 19;
/** Length of an offset other than `Z`. */
const OFFSET_LENGTH = 6;

/**
 * Milliseconds since the Unix epoch of an RFC 3339 date-time, or undefined when the text is not one or its UTC form is
 * outside the years 0000 to 9999. Fractions beyond the millisecond are cut, never rounded, so that a time does not move
 * into the next window. A leap second, which is the last of a day in UTC, counts as the first of the next day.
 */
export function parseRfc3339Ms(text: string): number | undefined {
  if (!hasSeparators(text)) return undefined;
  const century = twoDigits(text, 0);
  const yearOfCentury = twoDigits(text, 2);
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  const hour = twoDigits(text, 11);
  const minute = twoDigits(text, 14);
  const second = twoDigits(text, 17);
  if (century < 0 || yearOfCentury < 0 || hour < 0 || minute < 0 || second < 0) return undefined;
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60) return undefined;
  const year = century * 100 + yearOfCentury;
  if (day > (DAYS_IN_MONTH[month - 1] ?? 0) || (month === 2 && day === 29 && !isLeapYear(year))) return undefined;
  const fractionEnd = text.charCodeAt(SECONDS_END) === POINT ? digitsEnd(text, SECONDS_END + 1) : SECONDS_END;
  if (fractionEnd === SECONDS_END + 1) return undefined;
  const offsetMinutes = offsetAt(text, fractionEnd);
  if (offsetMinutes === undefined) return undefined;
  const timeMs =
    daysBefore(year, month, day) * DAY_MS +
    hour * HOUR_MS +
    (minute - offsetMinutes) * MINUTE_MS +
    second * 1_000 +
    millisecondsOf(text, fractionEnd);
  if (second === 60 && modulo(timeMs, DAY_MS) >= 1_000) return undefined;
  return timeMs >= YEAR_0_MS && timeMs < YEAR_10000_MS ? timeMs : undefined;
}

function hasSeparators(text: string): boolean {
  const between = text.charCodeAt(10);
  return (
    (between === SPACE || (between | LOWER) === LETTER_T) &&
    text.charCodeAt(4) === DASH &&
    text.charCodeAt(7) === DASH &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON
  );
}

/** Number that two digits write; -1 where there are none. */
function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at);
  const ones = text.charCodeAt(at + 1);
  const isNumber = tens >= ZERO && tens <= NINE && ones >= ZERO && ones <= NINE;
  return isNumber ? (tens - ZERO) * 10 + (ones - ZERO) : -1;
}

function digitsEnd(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < ZERO || code > NINE) break;
  }
  return at;
}

/** The first three digits of a fraction that ends before `end`; 0 where there is none. */
function millisecondsOf(text: string, end: number): number {
  let ms = 0;
  for (let at = SECONDS_END + 1, worth = 100; worth >= 1 && at < end; at++, worth /= 10)
    ms += (text.charCodeAt(at) - ZERO) * worth;
  return ms;
}

/** Minutes by which the local time at the front is ahead of UTC; undefined when the rest of the text is no offset. */
function offsetAt(text: string, at: number): number | undefined {
  const sign = text.charCodeAt(at);
  if ((sign | LOWER) === LETTER_Z) return text.length === at + 1 ? 0 : undefined;
  const isSigned = (sign === PLUS || sign === DASH) && text.charCodeAt(at + 3) === COLON;
  if (!isSigned || text.length !== at + OFFSET_LENGTH) return undefined;
  const hours = twoDigits(text, at + 1);
  const minutes = twoDigits(text, at + 4);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return undefined;
  return (sign === DASH ? -1 : 1) * (hours * 60 + minutes);
}

/** Days from the Unix epoch to a day of the Gregorian calendar. */
function daysBefore(year: number, month: number, day: number): number {
  const before = year - 1;
  // The year 0 is a leap year.
  const leapYears = year === 0 ? 0 : 1 + Math.floor(before / 4) - Math.floor(before / 100) + Math.floor(before / 400);
  const leapDay = month > 2 && isLeapYear(year) ? 1 : 0;
  return year * 365 + leapYears + (DAYS_BEFORE_MONTH[month - 1] as number) + leapDay + (day - 1) - EPOCH_DAYS;
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
