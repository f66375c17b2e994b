import { DAY_MS, HOUR_MS } from '../durations';
import type { PlannedDraft } from './planned-draft';

/**
 * What begins on a day, counted from the Unix epoch, with all that follows from it, in an order that is always the same. What is over
 * before `fromMs` may be left out.
 */
export type PlanDay = (day: number, fromMs: number) => Iterable<readonly PlannedDraft[]>;

/**
 * What is planned for each hour, for hours that are asked for in ascending order: each day is planned once, and what lies in hours
 * to come waits for them. Asked for an earlier hour it begins anew, so that the answer hangs on the hour alone.
 */
export class HourBuckets {
  readonly #waiting = new Map<number, PlannedDraft[]>();
  #hour = Number.POSITIVE_INFINITY;
  #nextDay = 0;

  /** @param lookBackDays - no day further back than this reaches into an hour */
  constructor(
    private readonly planDay: PlanDay,
    private readonly lookBackDays: number,
  ) {}

  /** What is planned for an hour, counted from the Unix epoch, in time. */
  of(hour: number): readonly PlannedDraft[] {
    const day = Math.floor((hour * HOUR_MS) / DAY_MS);
    if (hour < this.#hour || day > this.#nextDay + 1) {
      this.#waiting.clear();
      this.#nextDay = day - this.lookBackDays;
    }
    for (const before of this.#waiting.keys()) if (before < hour) this.#waiting.delete(before);
    this.#hour = hour;
    for (; this.#nextDay <= day; this.#nextDay++)
      for (const drafts of this.planDay(this.#nextDay, hour * HOUR_MS)) for (const each of drafts) this.#put(each);
    // The sort is stable, so what lies in the same millisecond keeps the order of planning.
    return this.#waiting.get(hour)?.sort((a, b) => a.timeMs - b.timeMs) ?? [];
  }

  #put(planned: PlannedDraft): void {
    const hour = Math.floor(planned.timeMs / HOUR_MS);
    if (hour < this.#hour) return;
    const bucket = this.#waiting.get(hour);
    if (bucket === undefined) this.#waiting.set(hour, [planned]);
    else bucket.push(planned);
  }
}
