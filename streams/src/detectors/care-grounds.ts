import type { Known } from './detector';
import type { AccessFact } from './facts';
import type { RecordFact } from './record-facts';

/** Somebody touched a record. */
export interface RecordAccess {
  readonly person: AccessFact;
  readonly record: RecordFact;
  readonly timeMs: number;
}

/** Numbers and lists that decide what explains an access. */
export const GROUNDS = {
  /** Letters are written and questions answered for so long after care ended. */
  graceMs: 14 * 86_400_000,
  /** People come early and stay on. */
  dutyMarginMs: 60 * 60_000,
  /** Work that needs records of patients whom one does not care for: role, and the purpose that it is done for. */
  tasks: {
    'clinical-coder': ['coding'],
    'quality-officer': ['quality-review'],
    'admission-clerk': ['admission'],
    pharmacist: ['medication-review'],
    'infection-control-nurse': ['infection-control'],
    'lab-technician': ['diagnostics'],
    radiographer: ['diagnostics'],
    'social-worker': ['discharge-planning'],
  } as Readonly<Record<string, readonly string[]>>,
};

/** True where a care relationship is on record, with the health record or in the directory, now or not long ago. */
export function isInCare({ people }: Known, { person, record, timeMs }: RecordAccess): boolean {
  if (record.isInCare === true) return true;
  return people.hasCared(person.person, record.patient, timeMs, GROUNDS.graceMs);
}

/** True where the person's work asks for it: by role and purpose, in an emergency, or at the patient's ward. */
export function isExplainedByWork(known: Known, access: RecordAccess): boolean {
  const { person, record, timeMs } = access;
  if (hasTask(access) || known.people.isEmergency(person.person, record.patient, timeMs)) return true;
  return isAtPatientsWard(known, access) || wasOnOwnWard(known, access);
}

/** True where role and purpose ask for it, and somebody is concerned who is or was a patient as far as is known. */
export function isTaskAboutPatient({ people }: Known, access: RecordAccess): boolean {
  return hasTask(access) && people.patient(access.record.patient) !== undefined;
}

/** Ward in which a patient lies, by the event, else by the directory; null where neither tells. */
export function wardOfPatient({ people }: Known, { record }: RecordAccess): string | null {
  if (record.patientWard !== null) return record.patientWard;
  const patient = people.patient(record.patient);
  return patient?.leftMs === null ? patient.ward : null;
}

/** True of a patient who went home, or died, as far as is known. */
export function hasLeft({ people }: Known, { record }: RecordAccess): boolean {
  const leftMs = people.patient(record.patient)?.leftMs ?? null;
  return leftMs !== null;
}

/** True when the person is not on duty, nor on call, by the roster. */
export function isOffDuty({ people }: Known, { person, timeMs }: RecordAccess): boolean {
  return people.dutyAt(person.person, timeMs, GROUNDS.dutyMarginMs) === 'off-duty';
}

// Somebody who helps out sits where the patient lies, and a patient who has just come is not yet on anybody's list.
function isAtPatientsWard(known: Known, access: RecordAccess): boolean {
  const ward = wardOfPatient(known, access);
  if (ward === null || isOffDuty(known, access)) return false;
  if (hasLeft(known, access)) return false;
  const { device, ward: ownWard } = access.person;
  return ward === ownWard || ward === device?.ward;
}

/** Letters about those who went home are the ward's. */
function wasOnOwnWard({ people }: Known, { person, record, timeMs }: RecordAccess): boolean {
  const patient = people.patient(record.patient);
  if (patient === undefined || patient.leftMs === null || person.ward === null) return false;
  return patient.ward === person.ward && timeMs < patient.leftMs + GROUNDS.graceMs;
}

function hasTask({ person: { role }, record: { purpose } }: RecordAccess): boolean {
  return isTaskOf(role, purpose);
}

/** True of a purpose that people of a role open records for without caring for the patients. */
export function isTaskOf(role: string | null, purpose: string | null): boolean {
  if (purpose === null || role === null || !Object.hasOwn(GROUNDS.tasks, role)) return false;
  return GROUNDS.tasks[role]?.includes(purpose) === true;
}
