import type { EventDraft } from '../draft';
import { directoryDraft, patientView } from '../event-drafts';
import type { Hospital, Resident, StaffMember } from '../hospital/model';
import { SeededRandom } from '../random';
import { HourPlans, type PlanBasis } from './hour-plans';
import type { Life } from './life';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Beds for which the numbers of visits are written below. */
const HOUSE_BEDS = 144;
/** A visit is over at the latest so long after it began. */
const VISIT_MS_MAX = 8 * HOUR_MS;
const DEATH_SHARE = 0.003;

/** Units that see people who do not stay. */
export type VisitedUnit = 'emergency' | 'outpatients';

/** Somebody who is treated without a bed of a ward, half-open. */
export interface Visit {
  readonly patient: Resident;
  readonly unit: VisitedUnit;
  readonly startMs: number;
  readonly endMs: number;
  readonly outcome: 'home' | 'deceased';
  /** Who treats: they have a care relationship from a few minutes after the beginning on. */
  readonly carers: readonly StaffMember[];
}

/** Visits an hour in a house of 144 beds, by hour of the day (UTC). */
const EMERGENCY_BY_HOUR = [
  1, 1, 0.7, 0.6, 0.6, 0.7, 1, 1.3, 1.8, 2.4, 2.6, 2.6, 2.4, 2.3, 2.3, 2.4, 2.5, 2.6, 2.6, 2.4, 2.2, 1.9, 1.6, 1.3,
];
const OUTPATIENTS_BY_HOUR = [8, 9, 10, 11, 12, 13, 14];
const OUTPATIENTS_PER_HOUR = 5;

const plans = new HourPlans<Visit>(visitsOfHour);
/** Visits that go on in a stretch of five minutes: they are asked for again and again in it. */
const present = new HourPlans<Visit>(touchingVisits, 1 / 12, 24);
const told = new HourPlans<EventDraft>(draftsOfHour, 1, 4);

/** Visits that go on in the five minutes around a time. */
export function visitsAt(basis: PlanBasis, timeMs: number): readonly Visit[] {
  return present.touching(basis, timeMs, timeMs + 1)[0] ?? [];
}

function touchingVisits(basis: PlanBasis, startMs: number, endMs: number): Visit[] {
  return plans
    .touching(basis, startMs - VISIT_MS_MAX, endMs)
    .flat()
    .filter((visit) => visit.startMs < endMs && visit.endMs > startMs);
}

function draftsOfHour(basis: PlanBasis, startMs: number, endMs: number): EventDraft[] {
  return touchingVisits(basis, startMs - MINUTE_MS, endMs)
    .flatMap(visitDrafts)
    .filter(({ timeMs }) => timeMs >= startMs && timeMs < endMs);
}

/** The emergency department and the outpatient clinics, as the directory tells of them. */
export const VISIT_LIFE: Life = {
  name: 'visits',
  drafts({ hospital, settings, seed, startMs, endMs }) {
    return told
      .touching({ hospital, settings, seed }, startMs, endMs)
      .flatMap((drafts) => drafts.filter(({ timeMs }) => timeMs >= startMs && timeMs < endMs));
  },
};

/** What the directory says of a visit: the patient came, somebody treats, the treatment ended, the patient went. */
export function visitDrafts({ patient, unit, startMs, endMs, outcome, carers }: Visit): EventDraft[] {
  const view = patientView(patient, unit);
  const care = (timeMs: number, type: string): EventDraft[] =>
    carers.map(({ user }, index) =>
      directoryDraft(timeMs + index * 700, `care.relationship-${type}`, user.uid, { user, patient: view }),
    );
  return [
    admittedDraft(startMs, patient, unit),
    ...care(startMs + 3 * MINUTE_MS, 'started'),
    ...care(endMs - 2 * MINUTE_MS, 'ended'),
    directoryDraft(endMs, 'care.patient-discharged', patient.patientUid, { patient: view, outcome }),
  ];
}

function admittedDraft(timeMs: number, patient: Resident, ward: string): EventDraft {
  const { patientUid, surname, street, address } = patient;
  const view = { ...patientView(patient, ward), surname, street, address };
  return directoryDraft(timeMs, 'care.patient-admitted', patientUid, { patient: view });
}

/**
 * A visit to a unit that begins at a time; undefined where nobody there treats at that time.
 *
 * @param lengthMs - of the visit; of an ordinary length where missing
 */
export function visitAt(
  hospital: Hospital,
  random: SeededRandom,
  patient: Resident,
  { unit, startMs, outcome, lengthMs }: Pick<Visit, 'unit' | 'startMs' | 'outcome'> & { readonly lengthMs?: number },
): Visit | undefined {
  const carers = (['physician', 'nurse'] as const).flatMap((role) => {
    const onDuty = hospital.onDuty(startMs, { role, ward: unit });
    return onDuty.length === 0 ? [] : [random.pick(onDuty).person];
  });
  if (carers.length === 0) return undefined;
  const minutes = unit === 'emergency' ? random.integer(50, 400) : random.integer(20, 110);
  return { patient, unit, startMs, endMs: startMs + (lengthMs ?? minutes * MINUTE_MS), outcome, carers };
}

function visitsOfHour({ hospital, seed }: PlanBasis, startMs: number): Visit[] {
  const random = SeededRandom.ofStream(seed, `visits/${startMs / HOUR_MS}`);
  const hour = Math.floor(startMs / HOUR_MS) % 24;
  const bedCount = hospital.wards.reduce((sum, ward) => sum + ward.bedCount, 0);
  const counts: readonly (readonly [VisitedUnit, number])[] = [
    ['emergency', EMERGENCY_BY_HOUR[hour] as number],
    ['outpatients', OUTPATIENTS_BY_HOUR.includes(hour) ? OUTPATIENTS_PER_HOUR : 0],
  ];
  const visits: Visit[] = [];
  for (const [unit, perHour] of counts) {
    for (let left = random.times((perHour * bedCount) / HOUSE_BEDS); left > 0; left--) {
      const beginMs = startMs + random.integer(0, HOUR_MS - 1);
      const patient = visitor(hospital, random, beginMs);
      const isDeath = patient !== undefined && unit === 'emergency' && random.chance(DEATH_SHARE);
      const outcome = isDeath && !comesBack(hospital, patient, beginMs) ? 'deceased' : 'home';
      const visit = patient && visitAt(hospital, random, patient, { unit, startMs: beginMs, outcome });
      if (visit !== undefined) visits.push(visit);
    }
  }
  return visits;
}

/** Somebody of the town who lies in no bed now, nor is about to. */
function visitor(hospital: Hospital, random: SeededRandom, startMs: number): Resident | undefined {
  const patient = hospital.resident(random.integer(0, hospital.residentCount - 1));
  const isFree = [0, VISIT_MS_MAX].every(
    (afterMs) => hospital.stayOf(patient.patientUid, startMs + afterMs) === undefined,
  );
  return isFree ? patient : undefined;
}

const DAY_MS = 24 * HOUR_MS;
/** How far ahead it is looked whether somebody will be a patient: longer than any simulation that is evaluated. */
const COMES_BACK_DAYS = 60;

/** True when somebody lies in a bed within two months after a time. */
export function comesBack(hospital: Hospital, { patientUid }: Resident, timeMs: number): boolean {
  for (let day = 0; day < COMES_BACK_DAYS; day++) {
    if (hospital.stayOf(patientUid, timeMs + day * DAY_MS) !== undefined) return true;
  }
  return false;
}
