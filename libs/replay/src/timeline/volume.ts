import { formatRfc3339 } from '@protego/contracts';
import type { TimelineRange, Unusual, Volume } from './timeline-shape';

const HOUR_MS = 3_600_000;
/** Most columns of a volume by the hour; longer ranges are told by the day, and very long ones by more days. */
const COLUMNS_MAX = 48;
/** Hours before a span that say what is usual. */
export const USUAL_MS = 24 * HOUR_MS;
/** Fewer of a type that was not there before are no surprise. */
const UNUSUAL_MIN = 5;
/** So many times as much as in the fullest hour of the day before is unusual. */
const UNUSUAL_FACTOR = 1.5;
/** Most unusual hours that are told. */
export const UNUSUAL_MAX = 50;
/** Most types that are counted. */
const TYPES_MAX = 256;

/** Counts events by type and hour. */
export class VolumeCounter {
  readonly #hours = new Map<string, Map<number, number>>();

  add(type: string, timeMs: number): void {
    let hours = this.#hours.get(type);
    if (hours === undefined) {
      if (this.#hours.size >= TYPES_MAX) return;
      this.#hours.set(type, (hours = new Map()));
    }
    const hour = Math.floor(timeMs / HOUR_MS);
    hours.set(hour, (hours.get(hour) ?? 0) + 1);
  }

  /** The counts of a range, by the hour or by so many days that there are few columns. */
  volume({ fromMs, toMs }: TimelineRange): Volume {
    const hours = Math.max(1, Math.ceil(toMs / HOUR_MS) - Math.floor(fromMs / HOUR_MS));
    const days = Math.ceil(hours / 24 / COLUMNS_MAX);
    const stepMs = hours <= COLUMNS_MAX ? HOUR_MS : 24 * HOUR_MS * days;
    const startMs = Math.floor(fromMs / stepMs) * stepMs;
    const count = Math.max(1, Math.ceil((toMs - startMs) / stepMs));
    const rows = [...this.#hours].map(([type, byHour]) => {
      const counts = new Array<number>(count).fill(0);
      for (const [hour, events] of byHour) {
        const at = Math.floor((hour * HOUR_MS - startMs) / stepMs);
        if (at >= 0 && at < count) counts[at] = (counts[at] as number) + events;
      }
      return { type, counts };
    });
    return {
      stepMs,
      steps: Array.from({ length: count }, (_, at) => formatRfc3339(startMs + at * stepMs)),
      rows: rows.filter(({ counts }) => counts.some((n) => n > 0)).sort((a, b) => sum(b) - sum(a) || order(a, b)),
    };
  }

  /** Hours of a range with far more of a type than any hour of the day before it had; in order of time. */
  unusual({ fromMs, toMs }: TimelineRange): Unusual[] {
    const found: (Unusual & { readonly hour: number })[] = [];
    const usualHours = USUAL_MS / HOUR_MS;
    const earliest = this.#earliestHour();
    for (const [type, hours] of this.#hours)
      for (const [hour, count] of hours) {
        const startMs = hour * HOUR_MS;
        // Of an hour before which there is no day, nobody knows what is usual.
        if (startMs < fromMs - HOUR_MS || startMs >= toMs || hour - earliest < usualHours) continue;
        let before = 0;
        for (let i = hour - usualHours; i < hour; i++) before = Math.max(before, hours.get(i) ?? 0);
        if (count >= UNUSUAL_MIN && count >= before * UNUSUAL_FACTOR)
          found.push({ type, at: formatRfc3339(startMs), count, before, hour });
      }
    found.sort((a, b) => a.hour - b.hour || (a.type < b.type ? -1 : 1));
    return found.slice(0, UNUSUAL_MAX).map(({ type, at, count, before }) => ({ type, at, count, before }));
  }

  #earliestHour(): number {
    let earliest = Infinity;
    for (const hours of this.#hours.values()) for (const hour of hours.keys()) earliest = Math.min(earliest, hour);
    return earliest;
  }
}

const sum = ({ counts }: { readonly counts: readonly number[] }): number => counts.reduce((all, one) => all + one, 0);
const order = (a: { readonly type: string }, b: { readonly type: string }): number => (a.type < b.type ? -1 : 1);
