const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** A place in the week; the simulation's clock is the hospital's own. */
export interface ClockPlace {
  readonly hour: number;
  readonly isWeekend: boolean;
}

/** Hour of the day and whether it is Saturday or Sunday. */
export function clockPlace(timeMs: number): ClockPlace {
  const weekday = new Date(timeMs).getUTCDay();
  return { hour: Math.floor((timeMs % DAY_MS) / HOUR_MS), isWeekend: weekday === 0 || weekday === 6 };
}

/** Counts of a kind of event by hour, weekdays and weekends apart. */
export class HourCounts {
  readonly #weekday = new Array<number>(24).fill(0);
  readonly #weekend = new Array<number>(24).fill(0);

  /** Counts one event. */
  add(timeMs: number): void {
    const { hour, isWeekend } = clockPlace(timeMs);
    const counts = isWeekend ? this.#weekend : this.#weekday;
    counts[hour] = (counts[hour] as number) + 1;
  }

  /** Mean number an hour, on weekdays or at weekends, of a history of so many days of each. */
  perHour(part: 'weekday' | 'weekend', days: number): number[] {
    const counts = part === 'weekday' ? this.#weekday : this.#weekend;
    return counts.map((count) => (days === 0 ? 0 : count / days));
  }
}

/** Days of a history: whole days from a start at midnight. */
export function daysOf(startMs: number, days: number): { readonly weekday: number; readonly weekend: number } {
  const places = Array.from({ length: days }, (_, day) => clockPlace(startMs + day * DAY_MS));
  const weekend = places.filter(({ isWeekend }) => isWeekend).length;
  return { weekday: days - weekend, weekend };
}
