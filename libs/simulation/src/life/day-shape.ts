import { DAY_MS, HOUR_MS } from '../durations';
import { isWeekend } from '../hospital/shifts';

/** How busy wards are in each hour of the day (UTC), as a part of the mean: rounds in the morning, quiet nights. */
const WARD_HOURS = [
  0.3, 0.25, 0.22, 0.22, 0.28, 0.5, 1, 1.7, 1.9, 2, 1.9, 1.7, 1.4, 1.5, 1.6, 1.5, 1.2, 1.1, 1, 0.85, 0.7, 0.55, 0.45,
  0.35,
];
/** How busy offices and outpatient units are on a weekday. */
const OFFICE_HOURS = [0, 0, 0, 0, 0, 0, 0.6, 2.2, 3, 3.2, 3.1, 2.8, 1.8, 2.4, 2.6, 1.8, 0.4, 0.1, 0, 0, 0, 0, 0, 0];
/** What is left of it on a Saturday or Sunday. */
const WEEKEND_OFFICE_FACTOR = 0.06;
const WEEKEND_WARD_FACTOR = 0.75;

const OFFICE_UNITS: ReadonlySet<string> = new Set(['administration', 'outpatients', 'pharmacy', 'technical-services']);

/** How something goes with the hours: all day alike, as work on wards does, or as work in offices does. */
export type DayShape = 'steady' | 'ward' | 'office';

/** Shape of the work in a ward or unit. */
export function shapeOfWard(ward: string): DayShape {
  return OFFICE_UNITS.has(ward) ? 'office' : 'ward';
}

/** How busy it is at a time, as a part of the mean of a weekday. */
export function busyness(shape: DayShape, timeMs: number): number {
  if (shape === 'steady') return 1;
  const day = Math.floor(timeMs / DAY_MS);
  const hour = Math.floor((timeMs - day * DAY_MS) / HOUR_MS);
  if (shape === 'ward') return (WARD_HOURS[hour] as number) * (isWeekend(day) ? WEEKEND_WARD_FACTOR : 1);
  return (OFFICE_HOURS[hour] as number) * (isWeekend(day) ? WEEKEND_OFFICE_FACTOR : 1);
}
