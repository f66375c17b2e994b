import { patientView, type PatientView } from '../event-drafts';
import { drawFraction, drawIndex } from '../hospital/draws';
import type { Resident, Role, Stay } from '../hospital/model';
import type { SeededRandom } from '../random';
import { HourPlans, type PlanBasis } from './hour-plans';
import type { StaffSession } from './life';
import { visitsIn } from './visit-life';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Parts of a record, as they stand in `data.record_type`. */
export const RECORD_PARTS = [
  'chart',
  'medication',
  'laboratory',
  'imaging-report',
  'observation',
  'demographics',
  'letters',
] as const;
/** One of {@link RECORD_PARTS}. */
export type RecordPart = (typeof RECORD_PARTS)[number];

/** A record that somebody opens for work, and on what ground. */
export interface RecordCase {
  readonly patient: PatientView;
  readonly isInCare: boolean;
  readonly purpose: string;
  readonly parts: readonly RecordPart[];
  /** Share of accesses that change the record. */
  readonly changedShare: number;
  /** Share of cases that end with an export, and where that goes. */
  readonly exportedShare: number;
  readonly destination: string;
}

/** Somebody at work in a stretch of a session. */
export interface Work {
  readonly basis: PlanBasis;
  readonly session: StaffSession;
  /** Ward or unit of the duty. */
  readonly ward: string;
  readonly timeMs: number;
  readonly random: SeededRandom;
  /** Key of what stays the same over a duty. */
  readonly dutyKey: number;
}

const AT_BEDSIDE: readonly RecordPart[] = ['chart', 'medication', 'observation', 'observation', 'laboratory'];
const ON_ROUNDS: readonly RecordPart[] = ['chart', 'laboratory', 'medication', 'imaging-report', 'letters', 'chart'];

const NURSING = {
  purpose: 'treatment',
  parts: AT_BEDSIDE,
  changedShare: 0.3,
  exportedShare: 0.003,
  destination: 'printer',
};
const MEDICAL = {
  purpose: 'treatment',
  parts: ON_ROUNDS,
  changedShare: 0.16,
  exportedShare: 0.004,
  destination: 'printer',
};
const READING = { changedShare: 0, exportedShare: 0, destination: 'printer' };

/** Shares of a physician's cases that are consults on other wards, and letters about patients who went home. */
const CONSULT_SHARE = 0.05;
const LETTER_SHARE = 0.08;
/** Share of discharge letters that are sent out when they are looked at. */
const LETTER_SENT_SHARE = 0.22;
const LETTER_DAYS = 3;
/** A nurse's own patients are one part in so many of the ward; most cases are about them. */
const NURSE_PARTS = 3;
const OWN_PATIENT_SHARE = 0.85;
/** Patients who have come within this time may not yet be on the lists of the ward. */
const UNLISTED_MS = 12 * MINUTE_MS;
const UNLISTED_SHARE = 0.4;

/** Stays that ended within a week, made anew every six hours. */
const ended = new HourPlans<Stay>(
  ({ hospital }, startMs, endMs) =>
    hospital
      .staysWithin(startMs - 7 * DAY_MS, endMs)
      .filter((stay) => stay.outcome !== 'transferred' && stay.endMs < endMs),
  6,
  6,
);

type CaseMaker = (work: Work) => RecordCase | undefined;

/** What each role opens records for; those who open none are left out. */
const CASES: Readonly<Partial<Record<Role, CaseMaker>>> = {
  nurse: nursingCase,
  'float-nurse': nursingCase,
  physician: medicalCase,
  radiographer: (work) =>
    houseCase(
      work,
      { ...READING, purpose: 'diagnostics', parts: ['imaging-report', 'chart'], changedShare: 0.2 },
      true,
    ),
  'lab-technician': (work) =>
    houseCase(work, { ...READING, purpose: 'diagnostics', parts: ['laboratory'], changedShare: 0.4 }, true),
  pharmacist: (work) =>
    houseCase(
      work,
      { ...READING, purpose: 'medication-review', parts: ['medication', 'medication', 'laboratory'] },
      false,
    ),
  'infection-control-nurse': (work) =>
    houseCase(work, { ...READING, purpose: 'infection-control', parts: ['laboratory', 'chart'] }, true),
  'social-worker': (work) =>
    houseCase(
      work,
      { ...READING, purpose: 'discharge-planning', parts: ['chart', 'demographics', 'letters'], changedShare: 0.2 },
      true,
    ),
  'clinical-coder': (work) =>
    endedCase(work, 'coding', { changedShare: 0.12, exportedShare: 0.25, destination: 'billing' }),
  'quality-officer': (work) => formerCase(work),
  'admission-clerk': admissionCase,
};

/** The next record that somebody opens for work; undefined where there is none to open. */
export function nextCase(work: Work): RecordCase | undefined {
  return CASES[work.session.person.user.role]?.(work);
}

/** Somebody in a bed of a ward, or of any; undefined where all are empty. */
export function anyInpatient({ basis, timeMs, random }: Work, ward?: string): Stay | undefined {
  const stays = basis.hospital.inpatients(timeMs, ward);
  return stays.length === 0 ? undefined : random.pick(stays);
}

/** Somebody whose stay ended within a week. */
export function anyEnded({ basis, timeMs, random }: Work): Stay | undefined {
  const stays = ended.touching(basis, timeMs, timeMs + 1).flat();
  for (let attempt = 0; attempt < 4 && stays.length > 0; attempt++) {
    const stay = random.pick(stays);
    if (stay.endMs < timeMs && basis.hospital.stayOf(stay.patient.patientUid, timeMs) === undefined) return stay;
  }
  return undefined;
}

function nursingCase(work: Work): RecordCase | undefined {
  if (isVisitedUnit(work.ward)) return visitorCase(work, NURSING);
  const { basis, random, dutyKey, timeMs, ward } = work;
  const stays = basis.hospital.inpatients(timeMs, ward);
  if (stays.length === 0) return undefined;
  const own = drawIndex(NURSE_PARTS, dutyKey, 1);
  const isOwn = random.chance(OWN_PATIENT_SHARE);
  // By resident and not by bed: whose patient somebody is does not change when another one leaves.
  const choices = isOwn ? stays.filter(({ patient }) => patient.index % NURSE_PARTS === own) : stays;
  return wardCase(work, random.pick(choices.length > 0 ? choices : stays), NURSING);
}

function medicalCase(work: Work): RecordCase | undefined {
  const { random, ward } = work;
  if (isVisitedUnit(ward)) return visitorCase(work, MEDICAL);
  if (ward === 'theatre') return houseCase(work, MEDICAL, true);
  if (ward === 'radiology') return houseCase(work, { ...MEDICAL, parts: ['imaging-report', 'chart', 'letters'] }, true);
  const choice = random.fraction();
  if (choice < CONSULT_SHARE) return houseCase(work, { ...MEDICAL, purpose: 'consult', changedShare: 0.1 }, true);
  if (choice < CONSULT_SHARE + LETTER_SHARE) return letterCase(work);
  const stay = anyInpatient(work, ward);
  return stay && wardCase(work, stay, MEDICAL);
}

const isVisitedUnit = (ward: string): boolean => ward === 'emergency' || ward === 'outpatients';

type Ground = Omit<RecordCase, 'patient' | 'isInCare'>;

function wardCase({ random, timeMs }: Work, { patient, ward, startMs }: Stay, ground: Ground): RecordCase {
  const isUnlisted = timeMs - startMs < UNLISTED_MS && random.chance(UNLISTED_SHARE);
  return { ...ground, patient: patientView(patient, ward), isInCare: !isUnlisted };
}

/** Somebody in any bed: of an operation, an image, a sample, a consult. */
function houseCase(work: Work, ground: Ground, isInCare: boolean): RecordCase | undefined {
  const stay = anyInpatient(work);
  return stay && { ...ground, patient: patientView(stay.patient, stay.ward), isInCare };
}

function visitorCase({ basis, random, session, timeMs }: Work, ground: Ground): RecordCase | undefined {
  const visits = visitsIn(basis, timeMs, timeMs + 1);
  const own = visits.filter(({ carers }) => carers.includes(session.person));
  const { unit, patient } = own.length > 0 ? random.pick(own) : {};
  if (patient === undefined || unit === undefined) return undefined;
  return { ...ground, patient: patientView(patient, unit), isInCare: true };
}

function letterCase(work: Work): RecordCase | undefined {
  const stay = anyEnded(work);
  if (stay === undefined || stay.ward !== work.ward || stay.endMs < work.timeMs - LETTER_DAYS * DAY_MS)
    return undefined;
  const sent = { exportedShare: LETTER_SENT_SHARE, destination: 'general-practice' };
  const ground: Ground = {
    purpose: 'treatment',
    parts: ['letters', 'chart', 'laboratory'],
    changedShare: 0.3,
    ...sent,
  };
  return { ...ground, patient: patientView(stay.patient, stay.ward), isInCare: true };
}

function endedCase(
  work: Work,
  purpose: string,
  ground: Pick<Ground, 'changedShare' | 'exportedShare' | 'destination'>,
): RecordCase | undefined {
  const stay = anyEnded(work);
  if (stay === undefined) return undefined;
  const patient = patientView(stay.patient, stay.ward);
  return {
    ...ground,
    purpose,
    parts: ['letters', 'chart', 'imaging-report', 'demographics'],
    patient,
    isInCare: false,
  };
}

const FORMER_MAX = 200;

/** A stay that ended long ago: of a complaint, a death, a sample that is reviewed. */
function formerCase({ basis, random, timeMs }: Work): RecordCase | undefined {
  const stays = basis.hospital.formerStays(timeMs, FORMER_MAX);
  if (stays.length === 0) return undefined;
  const { patient, ward } = random.pick(stays);
  const ground: Ground = {
    ...READING,
    purpose: 'quality-review',
    parts: ['chart', 'letters', 'medication', 'observation'],
  };
  return { ...ground, patient: patientView(patient, ward), isInCare: false };
}

/** Somebody who came within the last hours, or is about to. */
function admissionCase({ basis, random, timeMs }: Work): RecordCase | undefined {
  const stays = basis.hospital
    .staysWithin(timeMs - 2 * HOUR_MS, timeMs + HOUR_MS)
    .filter(({ startMs }) => startMs > timeMs - 2 * HOUR_MS && startMs < timeMs + HOUR_MS);
  const visits = visitsIn(basis, timeMs - HOUR_MS, timeMs).filter(({ startMs }) => startMs < timeMs);
  const choices: readonly { readonly patient: Resident; readonly ward?: string }[] = [
    ...stays,
    ...visits.map(({ patient, unit }) => ({ patient, ward: unit })),
  ];
  if (choices.length === 0) return undefined;
  const { patient, ward } = random.pick(choices);
  const ground: Ground = {
    ...READING,
    purpose: 'admission',
    parts: ['demographics', 'demographics', 'letters'],
    changedShare: 0.4,
  };
  return { ...ground, patient: patientView(patient, ward), isInCare: false };
}

/** A number of a duty in `[0, 1)`: the same in all its slices. */
export function ofDuty({ dutyKey }: Work, question: number): number {
  return drawFraction(dutyKey, question);
}
