import { patientView } from '../event-drafts';
import { drawIndex } from '../hospital/draws';
import type { Resident } from '../hospital/model';
import { anyEnded, anyInpatient, ofDuty, type Ground, type RecordCase, type Work } from './record-work';

const HOUR_MS = 3_600_000;

/** Share of cases before which the wrong record is opened, and of those that are noticed at the second look only. */
const WRONG_SHARE = 0.0035;
const SECOND_LOOK_SHARE = 0.1;
/** Share of physicians' late and night duties with a second ward, and how long that is in no list. */
const COVER_SHARE = 0.08;
const COVER_UNRECORDED_MS = 2 * HOUR_MS;
const COVER_CASES_SHARE = 0.15;
const COVER_PATIENTS = 2;

const ONE_LOOK: Ground = {
  purpose: 'treatment',
  parts: ['chart'],
  changedShare: 0,
  exportedShare: 0,
  destination: 'printer',
};
const TWO_LOOKS: Ground = { ...ONE_LOOK, parts: ['chart', 'demographics'] };

/** A record that was opened by mistake; undefined for nearly all cases. Each part was looked at once. */
export function wrongRecord(work: Work): RecordCase | undefined {
  const { random } = work;
  if (!random.chance(WRONG_SHARE)) return undefined;
  const found = wrongPatient(work);
  if (found === undefined) return undefined;
  const ground = random.chance(SECOND_LOOK_SHARE) ? TWO_LOOKS : ONE_LOOK;
  return { ground, patient: patientView(found.patient, found.ward), isInCare: false };
}

interface Found {
  readonly patient: Resident;
  readonly ward?: string;
}

/** Whoever stands beside the right one in a list or among what a search finds: of any ward, gone, a colleague, a neighbour. */
function wrongPatient(work: Work): Found | undefined {
  const { basis, random, session } = work;
  const { hospital } = basis;
  const choice = random.fraction();
  if (choice < 0.6) {
    const stay = anyInpatient(work);
    return stay?.ward === work.ward ? undefined : stay;
  }
  if (choice < 0.75) return anyEnded(work);
  if (choice < 0.93) return withWard(work, hospital.resident(random.integer(0, hospital.residentCount - 1)));
  if (choice < 0.97) {
    const { resident } = random.pick(hospital.people);
    return resident.index === session.person.resident.index ? undefined : withWard(work, resident);
  }
  const neighbours = hospital.neighboursOf(session.person.resident, 20);
  return neighbours.length === 0 ? undefined : withWard(work, random.pick(neighbours));
}

function withWard({ basis, timeMs }: Work, patient: Resident): Found {
  const ward = basis.hospital.wardOfPatient(patient.patientUid, timeMs);
  return ward === undefined ? { patient } : { patient, ward };
}

/**
 * A patient of another ward, where somebody has to look after that as well: not on record as caring for anybody there in the
 * first hours. Undefined where this is no such case.
 */
export function coverCase(work: Work, dutyStartMs: number, usual: RecordCase): RecordCase | undefined {
  const { basis, random, session, timeMs, dutyKey, ward } = work;
  // Whoever covers a ward goes there or sits down; it is nothing for a phone.
  if (session.isRemote || session.device.type === 'phone') return undefined;
  if (session.person.user.role !== 'physician' || !isLate(dutyStartMs)) return undefined;
  if (ofDuty(work, 2) >= COVER_SHARE || !random.chance(COVER_CASES_SHARE)) return undefined;
  const others = basis.hospital.wards.filter(({ name, bedCount }) => bedCount > 0 && name !== ward);
  const covered = others[drawIndex(others.length, dutyKey, 3)];
  const stays = covered === undefined ? [] : basis.hospital.inpatients(dutyStartMs, covered.name);
  const stay = stays[drawIndex(stays.length, dutyKey, 4, random.integer(1, COVER_PATIENTS))];
  if (stay === undefined) return undefined;
  const isInCare = timeMs >= dutyStartMs + COVER_UNRECORDED_MS;
  return { ...usual, patient: patientView(stay.patient, stay.ward), isInCare };
}

const isLate = (startMs: number): boolean => Math.floor(startMs / HOUR_MS) % 24 >= 14;
