import type { SimulatedDevice } from '../hospital/model';
import { SeededRandom } from '../random';
import { HourPlans, type PlanBasis } from './hour-plans';

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
const LOST_HOURS_MAX = 6;

const plans = new HourPlans<LostSpan>(planDay, 24, 16);

/** Spans in which tablets were missing and that touch a time, half-open. */
export function lostSpans(basis: PlanBasis, startMs: number, endMs: number): LostSpan[] {
  return plans
    .touching(basis, startMs - LOST_HOURS_MAX * HOUR_MS, endMs)
    .flat()
    .filter((span) => span.startMs < endMs && span.endMs > startMs);
}

function planDay({ hospital, seed }: PlanBasis, dayMs: number): LostSpan[] {
  const random = SeededRandom.ofStream(seed, `lost-devices/${dayMs}`);
  const tablets = hospital.devicesOf('tablet');
  return random.sample(tablets, random.times(tablets.length * LOST_SHARE)).map((device) => {
    const startMs = dayMs + random.integer(7 * HOUR_MS, 20 * HOUR_MS);
    return { device, startMs, endMs: startMs + random.integer(HOUR_MS / 2, LOST_HOURS_MAX * HOUR_MS) };
  });
}
