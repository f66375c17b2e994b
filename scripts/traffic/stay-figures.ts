import type { Simulation } from '@protego/simulation';
import { clockPlace } from './day-clock';
import { mean, ratio } from './statistics';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A stay shorter than this may be missed. */
const STEP_MS = 3 * HOUR_MS;

type Hospital = Simulation['hospital'];
type Stay = ReturnType<Hospital['inpatients']>[number];

/** Who lay in the beds, and when they came and went. */
export interface StayFigures {
  readonly beds: number;
  /** Part of the beds that is occupied, on average. */
  readonly occupancy: number;
  readonly admissionsPerDay: number;
  /** Mean stay in the hospital, transfers included, in days. */
  readonly stayDays: number;
  /** Part of the stays that is longer than so many days, from none on. */
  readonly longerThanDays: readonly number[];
  /** Part of the admissions before each full hour, 0 to 24. */
  readonly admittedBefore: readonly number[];
  readonly weekendAdmissions: number;
  /** Part of the weekday discharges before each full hour, 0 to 24. */
  readonly dischargedBefore: readonly number[];
  readonly deceased: number;
  /** Inpatients to each nurse on duty on the wards with beds, by hour. */
  readonly patientsPerNurse: readonly number[];
}

/** A stay in the hospital over all its wards. */
interface HospitalStay {
  readonly startMs: number;
  readonly endMs: number;
  readonly outcome: Stay['outcome'];
}

/** Figures of the stays that begin or end within so many days. */
export function stayFigures(hospital: Hospital, startMs: number, days: number): StayFigures {
  const endMs = startMs + days * DAY_MS;
  const wardStays = new Map<string, Stay>();
  const inBeds: number[] = [];
  // Stays that begin in the period are followed to their end, beyond it.
  for (let timeMs = startMs; timeMs < endMs + 60 * DAY_MS; timeMs += STEP_MS) {
    const present = hospital.inpatients(timeMs);
    if (timeMs < endMs) inBeds.push(present.length);
    for (const stay of present) wardStays.set(`${stay.patient.patientUid} ${stay.startMs}`, stay);
  }
  const stays = hospitalStays([...wardStays.values()]);
  const begun = stays.filter((stay) => stay.startMs >= startMs && stay.startMs < endMs);
  const ended = stays.filter((stay) => stay.endMs >= startMs && stay.endMs < endMs);
  const lengths = begun.map((stay) => (stay.endMs - stay.startMs) / DAY_MS);
  const beds = hospital.wards.reduce((total, { bedCount }) => total + bedCount, 0);
  const admissions = begun.map((stay) => stay.startMs);
  const weekdayEnds = ended.map((stay) => stay.endMs).filter((timeMs) => !clockPlace(timeMs).isWeekend);
  return {
    beds,
    occupancy: ratio(mean(inBeds), beds),
    admissionsPerDay: begun.length / days,
    stayDays: mean(lengths),
    longerThanDays: Array.from({ length: 22 }, (_, day) => partOf(lengths, (length) => length > day)),
    admittedBefore: partBeforeHour(admissions),
    weekendAdmissions: partOf(admissions, (timeMs) => clockPlace(timeMs).isWeekend),
    dischargedBefore: partBeforeHour(weekdayEnds),
    deceased: partOf(ended, ({ outcome }) => outcome === 'deceased'),
    patientsPerNurse: patientsPerNurse(hospital, startMs, days),
  };
}

function hospitalStays(wardStays: readonly Stay[]): HospitalStay[] {
  const inOrder = [...wardStays].sort((a, b) => a.startMs - b.startMs);
  const open = new Map<string, Stay>();
  const whole: HospitalStay[] = [];
  for (const stay of inOrder) {
    const { patientUid } = stay.patient;
    const before = open.get(patientUid);
    const startMs = before?.endMs === stay.startMs ? before.startMs : stay.startMs;
    if (stay.outcome === 'transferred') open.set(patientUid, { ...stay, startMs });
    else {
      open.delete(patientUid);
      whole.push({ startMs, endMs: stay.endMs, outcome: stay.outcome });
    }
  }
  return whole;
}

function partBeforeHour(times: readonly number[]): number[] {
  return Array.from({ length: 25 }, (_, hour) => partOf(times, (timeMs) => timeMs % DAY_MS < hour * HOUR_MS));
}

function partOf<T>(items: readonly T[], isCounted: (item: T) => boolean): number {
  return ratio(items.filter(isCounted).length, items.length);
}

function patientsPerNurse(hospital: Hospital, startMs: number, days: number): number[] {
  const wards = hospital.wards.filter(({ bedCount }) => bedCount > 0).map(({ name }) => name);
  return Array.from({ length: 24 }, (_, hour) => {
    const times = Array.from({ length: Math.min(days, 14) }, (_, day) => startMs + day * DAY_MS + hour * HOUR_MS);
    const nurses = (timeMs: number): number =>
      wards.reduce((total, ward) => total + hospital.onDuty(timeMs, { role: 'nurse', ward }).length, 0);
    // Half past, so that no change of shift is counted twice.
    const ratios = times.map((timeMs) => timeMs + HOUR_MS / 2);
    return mean(ratios.map((timeMs) => ratio(hospital.inpatients(timeMs).length, nurses(timeMs))));
  });
}
