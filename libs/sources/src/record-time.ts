import { formatRfc3339, parseRfc3339Ms } from '@protego/contracts';

const ZONELESS = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?$/;
// A leap second (`60`) is left to the general parser.
const UTC_OR_ZONELESS = /^(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}):([0-5]\d)(?:\.(\d{1,9}))?(Z?)$/;
const DECIMAL = /^(\d{1,32})(?:\.(\d{1,64}))?(?:[eE]([+-]?\d{1,2}))?$/;
// Years 0000 to 9999, which RFC 3339 can write.
const TIME_MS_MIN = -62_167_219_200_000;
const TIME_MS_MAX = 253_402_300_799_999;

/**
 * Milliseconds since the Unix epoch of an RFC 3339 date-time, with a space or `T`, where the offset may be missing;
 * undefined when the text is none. Fractions beyond the millisecond are cut.
 */
export function parseRecordTimeMs(text: string, zonelessOffsetMinutes: number): number | undefined {
  if (!ZONELESS.test(text)) return withinYears(parseRfc3339Ms(text));
  const timeMs = parseRfc3339Ms(`${text}Z`);
  return timeMs === undefined ? undefined : withinYears(timeMs - zonelessOffsetMinutes * 60_000);
}

/**
 * Reads and writes the times of one file. Records of one minute stand together, so the minute is read and written once
 * and only seconds are done anew; what comes out is that of {@link parseRecordTimeMs} and `formatRfc3339`.
 */
export class RecordTimes {
  #minuteText = '';
  #minuteMs = 0;
  #writtenMinute = NaN;
  #writtenText = '';

  constructor(readonly zonelessOffsetMinutes: number) {}

  /** As {@link parseRecordTimeMs}. */
  parse(text: string): number | undefined {
    const match = UTC_OR_ZONELESS.exec(text);
    if (match === null) return parseRecordTimeMs(text, this.zonelessOffsetMinutes);
    const [, minute = '', second = '', fraction = '', zone = ''] = match;
    if (this.#minuteText !== minute + zone) {
      const minuteMs = parseRecordTimeMs(`${minute}:00${zone}`, this.zonelessOffsetMinutes);
      if (minuteMs === undefined) return undefined;
      this.#minuteText = minute + zone;
      this.#minuteMs = minuteMs;
    }
    return withinYears(this.#minuteMs + Number(second) * 1000 + Number(fraction.slice(0, 3).padEnd(3, '0')));
  }

  /** As `formatRfc3339`. */
  format(timeMs: number): string {
    const minute = Math.floor(timeMs / 60_000);
    if (minute !== this.#writtenMinute) {
      this.#writtenMinute = minute;
      this.#writtenText = formatRfc3339(minute * 60_000).slice(0, -7);
    }
    const restMs = timeMs - minute * 60_000;
    const second = Math.floor(restMs / 1000);
    return `${this.#writtenText}${padded(second, 2)}.${padded(restMs - second * 1000, 3)}Z`;
  }
}

const padded = (value: number, digits: number): string => String(value).padStart(digits, '0');

/**
 * Milliseconds of a count of seconds in decimal digits, by moving the point in the text: a product of floating-point
 * numbers would round some times into the next or last millisecond. Fractions beyond the millisecond are cut; negative
 * numbers, and those beyond the year 9999, give undefined.
 */
export function decimalSecondsToMs(token: string): number | undefined {
  const match = DECIMAL.exec(token);
  if (match === null) return undefined;
  const [, whole = '', fraction = '', exponent = '0'] = match;
  const pointAt = whole.length + Number(exponent) + 3;
  if (pointAt <= 0) return 0;
  return withinYears(Number((whole + fraction).padEnd(pointAt, '0').slice(0, pointAt)));
}

function withinYears(timeMs: number | undefined): number | undefined {
  return timeMs !== undefined && timeMs >= TIME_MS_MIN && timeMs <= TIME_MS_MAX ? timeMs : undefined;
}
