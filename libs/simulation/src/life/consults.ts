import { DAY_MS, HOUR_MS } from '../durations';
import type { Hospital, StaffMember, Stay } from '../hospital/model';
import { SeededRandom } from '../random';

/** Share of the inpatients about whom a physician of another ward is asked on a day. */
const CONSULTED_SHARE = 0.06;
/** A consult lasts so many days at most. */
const CONSULT_DAYS_MAX = 3;
const DAYS_KEPT_MAX = 12;

/** A physician who is asked about a patient of another ward, half-open; it ends with the stay at the latest. */
export interface Consult {
  readonly person: StaffMember;
  readonly stay: Stay;
  readonly startMs: number;
  readonly endMs: number;
}

const plans = new WeakMap<Hospital, Map<number, readonly Consult[]>>();

/** Consults that begin, last or end in a time, half-open. */
export function consultsIn(hospital: Hospital, startMs: number, endMs: number): Consult[] {
  const consults: Consult[] = [];
  for (let day = Math.floor(startMs / DAY_MS) - CONSULT_DAYS_MAX; day * DAY_MS < endMs; day++) {
    for (const consult of consultsOfDay(hospital, day)) {
      if (consult.startMs < endMs && consult.endMs >= startMs) consults.push(consult);
    }
  }
  return consults;
}

function consultsOfDay(hospital: Hospital, day: number): readonly Consult[] {
  let days = plans.get(hospital);
  if (days === undefined) plans.set(hospital, (days = new Map()));
  const known = days.get(day);
  if (known !== undefined) return known;
  const planned = planDay(hospital, day);
  if (days.size >= DAYS_KEPT_MAX) days.delete(days.keys().next().value as number);
  days.set(day, planned);
  return planned;
}

function planDay(hospital: Hospital, day: number): Consult[] {
  const random = SeededRandom.ofStream(hospital.seed, `consults/${day}`);
  const morningMs = day * DAY_MS + 9 * HOUR_MS;
  const stays = hospital.inpatients(morningMs);
  const physicians = hospital.onDuty(morningMs, { role: 'physician' });
  return random.sample(stays, random.times(stays.length * CONSULTED_SHARE)).flatMap((stay) => {
    const others = physicians.filter(({ ward }) => ward !== stay.ward);
    const startMs = morningMs + random.integer(0, 6 * HOUR_MS);
    if (others.length === 0 || startMs >= stay.endMs) return [];
    const { person } = random.pick(others);
    const endMs = Math.min(stay.endMs, startMs + random.integer(4 * HOUR_MS, CONSULT_DAYS_MAX * DAY_MS - DAY_MS));
    return [{ person, stay, startMs, endMs }];
  });
}
