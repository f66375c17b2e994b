import { patientView, type PatientView } from '../event-drafts';
import { drawFraction, drawIndex } from '../hospital/draws';
import type { Role, Stay } from '../hospital/model';
import type { SeededRandom } from '../random';
import { consultsIn } from './consults';
import { HourPlans, type PlanBasis } from './hour-plans';
import type { StaffSession } from './life';
import { visitsAt, type Visit } from './visit-life';

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
  readonly ground: Ground;
}

/** Why records are opened, and what happens to them then. */
export interface Ground {
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
  /** Beginning of the stretch: whoever is a patient then is taken for one in all of it. */
  readonly timeMs: number;
  readonly random: SeededRandom;
  /** Key of what stays the same over a duty. */
  readonly dutyKey: number;
}

const AT_BEDSIDE: readonly RecordPart[] = ['chart', 'medication', 'observation', 'observation', 'laboratory'];
const ON_ROUNDS: readonly RecordPart[] = ['chart', 'laboratory', 'medication', 'imaging-report', 'letters', 'chart'];

const READING = { changedShare: 0, exportedShare: 0, destination: 'printer' };
const NURSING: Ground = {
  ...READING,
  purpose: 'treatment',
  parts: AT_BEDSIDE,
  changedShare: 0.3,
  exportedShare: 0.003,
};
const MEDICAL: Ground = {
  ...READING,
  purpose: 'treatment',
  parts: ON_ROUNDS,
  changedShare: 0.16,
  exportedShare: 0.004,
};
const CONSULT: Ground = { ...MEDICAL, purpose: 'consult', changedShare: 0.1 };
const IMAGING: Ground = { ...MEDICAL, parts: ['imaging-report', 'chart', 'letters'] };
const DIAGNOSTICS = { ...READING, purpose: 'diagnostics' };
const TAKEN_IMAGES: Ground = { ...DIAGNOSTICS, parts: ['imaging-report', 'chart'], changedShare: 0.2 };
const SAMPLES: Ground = { ...DIAGNOSTICS, parts: ['laboratory'], changedShare: 0.4 };
const MEDICATION: Ground = {
  ...READING,
  purpose: 'medication-review',
  parts: ['medication', 'medication', 'laboratory'],
};
const INFECTIONS: Ground = { ...READING, purpose: 'infection-control', parts: ['laboratory', 'chart'] };
const SOCIAL: Ground = {
  ...READING,
  purpose: 'discharge-planning',
  parts: ['chart', 'demographics', 'letters'],
  changedShare: 0.2,
};

/** Shares of a physician's cases that are consults on other wards, where there are any, and letters about patients who went home. */
const CONSULT_SHARE = 0.25;
const LETTER_SHARE = 0.08;
const LETTER_DAYS = 3;
/** A nurse's own patients are one part in so many of the ward; most cases are about them. */
const NURSE_PARTS = 3;
const OWN_PATIENT_SHARE = 0.85;
/** Share of cases about somebody who has come within some hours, where there is anybody. */
const JUST_COME_SHARE = 0.3;
const JUST_COME_MS = 3 * HOUR_MS;
/** Patients who have come within this time may not yet be on the lists of the ward. */
const UNLISTED_MS = 90 * MINUTE_MS;
const UNLISTED_SHARE = 0.5;

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
  radiographer: (work) => houseCase(work, TAKEN_IMAGES, true),
  'lab-technician': (work) => houseCase(work, SAMPLES, true),
  pharmacist: (work) => houseCase(work, MEDICATION, false),
  'infection-control-nurse': (work) => houseCase(work, INFECTIONS, true),
  'social-worker': (work) => houseCase(work, SOCIAL, true),
  'clinical-coder': codingCase,
  'quality-officer': reviewCase,
  'admission-clerk': admissionCase,
};

/** The next record that somebody opens for work; undefined where there is none to open. */
export function nextCase(work: Work): RecordCase | undefined {
  const { user, resident } = work.session.person;
  const found = CASES[user.role]?.(work);
  // The own record is left to colleagues.
  return found?.patient.uid === resident.patientUid ? undefined : found;
}

/** Somebody in a bed of a ward, or of any; undefined where all are empty. */
export function anyInpatient({ basis, timeMs, random }: Work, ward?: string): Stay | undefined {
  const stays = basis.hospital.inpatients(timeMs, ward);
  return stays.length === 0 ? undefined : random.pick(stays);
}

/** Somebody whose stay ended within a week. */
export function anyEnded({ basis, timeMs, random }: Work): Stay | undefined {
  const stays = ended.touching(basis, timeMs, timeMs + 1)[0] ?? [];
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
  const newcomer = justCome(work, stays);
  if (newcomer !== undefined) return wardCase(work, newcomer, NURSING);
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
  if (ward === 'radiology') return houseCase(work, IMAGING, true);
  const choice = random.fraction();
  const other = choice < CONSULT_SHARE ? consultCase(work) : undefined;
  const letter = choice > 1 - LETTER_SHARE ? letterCase(work) : undefined;
  return other ?? letter ?? ownWardCase(work);
}

function ownWardCase(work: Work): RecordCase | undefined {
  const stays = work.basis.hospital.inpatients(work.timeMs, work.ward);
  const stay = stays.length === 0 ? undefined : (justCome(work, stays) ?? work.random.pick(stays));
  return stay && wardCase(work, stay, MEDICAL);
}

/** Whoever has just come is seen more often than others: now and then the last of them, if there is one. */
function justCome({ random, timeMs }: Work, stays: readonly Stay[]): Stay | undefined {
  if (!random.chance(JUST_COME_SHARE)) return undefined;
  return stays.find(({ startMs }) => timeMs - startMs < JUST_COME_MS);
}

/** A patient of another ward about whom the physician was asked. */
function consultCase({ basis, random, session, timeMs }: Work): RecordCase | undefined {
  const own = consultsIn(basis.hospital, timeMs, timeMs + 1).filter(
    ({ person, startMs, endMs }) => person === session.person && startMs <= timeMs && timeMs < endMs,
  );
  if (own.length === 0) return undefined;
  const { stay } = random.pick(own);
  return { ground: CONSULT, patient: patientView(stay.patient, stay.ward), isInCare: true };
}

const isVisitedUnit = (ward: string): boolean => ward === 'emergency' || ward === 'outpatients';

function wardCase({ random, timeMs }: Work, { patient, ward, startMs }: Stay, ground: Ground): RecordCase {
  const isUnlisted = timeMs - startMs < UNLISTED_MS && random.chance(UNLISTED_SHARE);
  return { ground, patient: patientView(patient, ward), isInCare: !isUnlisted };
}

/** Somebody in any bed: of an operation, an image, a sample, a consult. */
function houseCase(work: Work, ground: Ground, isInCare: boolean): RecordCase | undefined {
  const stay = anyInpatient(work);
  return stay && { ground, patient: patientView(stay.patient, stay.ward), isInCare };
}

function visitorCase({ basis, random, session, timeMs }: Work, ground: Ground): RecordCase | undefined {
  const own = visitsAt(basis, timeMs).filter(
    ({ carers, startMs, endMs }) => startMs <= timeMs && timeMs < endMs && carers.includes(session.person),
  );
  if (own.length === 0) return undefined;
  const { unit, patient } = random.pick(own);
  return { ground, patient: patientView(patient, unit), isInCare: true };
}

const LETTERS: Ground = {
  purpose: 'treatment',
  parts: ['letters', 'chart', 'laboratory'],
  changedShare: 0.3,
  exportedShare: 0.22,
  destination: 'general-practice',
};

function letterCase(work: Work): RecordCase | undefined {
  const stay = anyEnded(work);
  if (stay === undefined || stay.ward !== work.ward || stay.endMs < work.timeMs - LETTER_DAYS * DAY_MS)
    return undefined;
  return { ground: LETTERS, patient: patientView(stay.patient, stay.ward), isInCare: true };
}

const CODING: Ground = {
  purpose: 'coding',
  parts: ['letters', 'chart', 'imaging-report', 'demographics'],
  changedShare: 0.12,
  exportedShare: 0.25,
  destination: 'billing',
};

function codingCase(work: Work): RecordCase | undefined {
  const stay = anyEnded(work);
  return stay && { ground: CODING, patient: patientView(stay.patient, stay.ward), isInCare: false };
}

const FORMER_MAX = 200;
const REVIEW: Ground = {
  ...READING,
  purpose: 'quality-review',
  parts: ['chart', 'letters', 'medication', 'observation'],
};

/** A stay that ended long ago: of a complaint, a death, a sample that is reviewed. */
function reviewCase({ basis, random, timeMs }: Work): RecordCase | undefined {
  const stays = basis.hospital.formerStays(timeMs, FORMER_MAX);
  if (stays.length === 0) return undefined;
  const { patient, ward } = random.pick(stays);
  return { ground: REVIEW, patient: patientView(patient, ward), isInCare: false };
}

const ADMISSION: Ground = {
  ...READING,
  purpose: 'admission',
  parts: ['demographics', 'demographics', 'letters'],
  changedShare: 0.4,
};

/** Stays that began within two hours before an hour, or begin in it. */
const coming = new HourPlans<Stay>(
  ({ hospital }, startMs, endMs) =>
    hospital.staysWithin(startMs - 2 * HOUR_MS, endMs).filter((stay) => stay.startMs >= startMs - 2 * HOUR_MS),
  1,
  4,
);

/** Somebody who came within the last hours, or is about to. */
function admissionCase({ basis, random, timeMs }: Work): RecordCase | undefined {
  const stays = coming.touching(basis, timeMs, timeMs + 1)[0] ?? [];
  const visits = visitsAt(basis, timeMs);
  if (stays.length + visits.length === 0) return undefined;
  const place = random.integer(0, stays.length + visits.length - 1);
  const found: Stay | Visit = stays[place] ?? (visits[place - stays.length] as Visit);
  const patient = patientView(found.patient, 'unit' in found ? found.unit : found.ward);
  return { ground: ADMISSION, patient, isInCare: false };
}

/** A number of a duty in `[0, 1)`: the same in all its slices. */
export function ofDuty({ dutyKey }: Work, question: number): number {
  return drawFraction(dutyKey, question);
}
