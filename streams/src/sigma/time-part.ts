/** Parts of a time that a rule may ask for (Sigma 2.1, "Time modifiers"). */
export const TIME_PARTS = ['minute', 'hour', 'day', 'week', 'month', 'year'] as const;
/** One of {@link TIME_PARTS}. */
export type TimePart = (typeof TIME_PARTS)[number];

const DATE_TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::\d\d(?:[.,]\d+)?)?(?:[Zz]|[+-]\d\d:?\d\d)?)?$/;
const DAY_MS = 86_400_000;
const THURSDAY = 4;

/**
 * A part of a time as it is written, in ISO 8601 with a date first: nothing is converted to another time zone, as the
 * specification has it. Undefined for text that is no such time, and for a part that it does not give. `week` is the week of
 * ISO 8601, 1 to 53.
 */
export function timePartOf(text: string, part: TimePart): number | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute] = match.map((group: string | undefined) =>
    group === undefined ? undefined : Number(group),
  );
  const date = new Date(0);
  // Of a year below 100, `Date.UTC` would make another.
  date.setUTCFullYear(year as number, (month as number) - 1, day as number);
  if (date.getUTCMonth() !== (month as number) - 1 || date.getUTCDate() !== day) return undefined;
  if ((hour ?? 0) > 23 || (minute ?? 0) > 59) return undefined;
  return part === 'week' ? isoWeekOf(date) : { minute, hour, day, month, year }[part];
}

/** The week in which the Thursday of the same week lies, counted from the first of its year. */
function isoWeekOf(date: Date): number {
  const weekday = date.getUTCDay() === 0 ? 7 : date.getUTCDay();
  const thursday = new Date(date.getTime() + (THURSDAY - weekday) * DAY_MS);
  const firstDay = new Date(thursday);
  firstDay.setUTCMonth(0, 1);
  return 1 + Math.floor((thursday.getTime() - firstDay.getTime()) / (7 * DAY_MS));
}
