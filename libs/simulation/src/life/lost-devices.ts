import type { Hospital, SimulatedDevice } from '../hospital/model';
import { SeededRandom } from '../random';

/** A tablet that was missed and came back, half-open: nobody uses it between. */
export interface LostSpan {
  readonly device: SimulatedDevice;
  /** When it was missed, milliseconds since the Unix epoch. */
  readonly startMs: number;
  /** When it was found. */
  readonly endMs: number;
}

/** Share of the tablets of a house that are missed on a day. */
const LOST_SHARE = 0.012;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Days whose spans are kept; a slice asks for one day and the day before. */
const DAYS_MAX = 16;

const known = new WeakMap<Hospital, { seed: number; readonly days: Map<number, readonly LostSpan[]> }>();

/** Spans in which tablets were missing and that touch a time, half-open. */
export function lostSpans(hospital: Hospital, seed: number, startMs: number, endMs: number): LostSpan[] {
  const spans: LostSpan[] = [];
  // A span ends on the day on which it began, or on the next.
  for (let day = Math.floor(startMs / DAY_MS) - 1; day <= Math.floor((endMs - 1) / DAY_MS); day++) {
    for (const span of spansOfDay(hospital, seed, day)) {
      if (span.startMs < endMs && span.endMs > startMs) spans.push(span);
    }
  }
  return spans;
}

function spansOfDay(hospital: Hospital, seed: number, day: number): readonly LostSpan[] {
  let cache = known.get(hospital);
  if (cache?.seed !== seed) {
    cache = { seed, days: new Map() };
    known.set(hospital, cache);
  }
  const cached = cache.days.get(day);
  if (cached !== undefined) return cached;
  const spans = planDay(hospital, SeededRandom.ofStream(seed, `lost-devices/${day}`), day * DAY_MS);
  cache.days.set(day, spans);
  for (const oldest of cache.days.keys()) {
    if (cache.days.size <= DAYS_MAX) break;
    cache.days.delete(oldest);
  }
  return spans;
}

function planDay(hospital: Hospital, random: SeededRandom, dayMs: number): LostSpan[] {
  const tablets = hospital.devicesOf('tablet');
  return random.sample(tablets, random.times(tablets.length * LOST_SHARE)).map((device) => {
    const startMs = dayMs + random.integer(7 * HOUR_MS, 20 * HOUR_MS);
    return { device, startMs, endMs: startMs + random.integer(HOUR_MS / 2, 6 * HOUR_MS) };
  });
}
