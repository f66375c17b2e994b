import type { EventDraft } from '../draft';
import { HOUR_MS } from '../durations';
import {
  endpointOf,
  mfaDraft,
  outside,
  patientView,
  recordDraft,
  sessionEndedDraft,
  signedInDraft,
  type PatientView,
  type RecordAccess,
  type Seat,
} from '../event-drafts';
import type { Resident, Role, StaffMember } from '../hospital/model';
import type { RecordPart } from '../life/record-work';
import { sessionUid } from '../life/session-life';
import { mfaMethodOf } from '../life/sign-in-life';
import { visitAt, visitDrafts, type Visit } from '../life/visit-life';
import { userAgentOf } from '../user-agents';
import { pacedMs, type Course, type Stage } from './activity';

/** Milliseconds of a minute. */
export const MINUTE_MS = 60_000;

/** Where somebody looks from: a workstation or tablet of the ward, the own phone in the house, the own phone or a computer at home. */
export type Place = 'ward-seat' | 'ward-tablet' | 'own-phone' | 'phone-at-home' | 'home';

/** Some accesses in a row in one session. */
export interface Look {
  readonly person: StaffMember;
  readonly place: Place;
  /** When the session begins. */
  readonly startMs: number;
  readonly accesses: readonly LookAccess[];
  /** Seconds between two accesses, least and most. */
  readonly gapSeconds?: readonly [number, number];
  /** Seconds over which the accesses are spread instead. */
  readonly spreadSeconds?: number;
}

/** One access of a look. */
export interface LookAccess {
  readonly patient: PatientView;
  readonly part: RecordPart;
  readonly purpose: string;
  readonly isInCare: boolean;
  readonly act?: 'read' | 'changed';
  /** Where the record goes instead of being read. */
  readonly exportedTo?: string;
}

/** Person as an entity of a label. */
export const personEntity = ({ user }: StaffMember): Course['entities'][number] => ({ kind: 'person', id: user.uid });
/** Patient as an entity of a label. */
export const patientEntity = ({ patientUid }: Resident): Course['entities'][number] => ({
  kind: 'patient',
  id: patientUid,
});

/** Drafts of a look: sign-in, with a second factor from away, the accesses, the end. Undefined where there is no such seat. */
export function lookDrafts({ hospital, random }: Stage, look: Look): EventDraft[] | undefined {
  const { person, place, accesses, startMs } = look;
  const seat = seatOf(hospital, random, person, place, startMs);
  if (seat === undefined) return undefined;
  const isAway = place !== 'ward-seat' && place !== 'ward-tablet';
  const signedInMs = startMs + 30_000;
  const drafts: EventDraft[] = [];
  if (isAway) drafts.push(mfaDraft(signedInMs - 9_000, seat, mfaMethodOf(person.user.uid), 'approved'));
  drafts.push(signedInDraft(signedInMs, seat, isAway));
  let timeMs = signedInMs;
  const [fromS, toS] = look.gapSeconds ?? [8, 55];
  const evenS = look.spreadSeconds === undefined ? undefined : look.spreadSeconds / Math.max(1, accesses.length);
  for (const access of accesses) {
    timeMs +=
      evenS === undefined
        ? random.integer(fromS * 1000, toS * 1000)
        : Math.round(evenS * 1000 * (0.6 + 0.8 * random.fraction()));
    drafts.push(accessDraft(timeMs, seat, person, access, random.integer(60_000, 1_400_000)));
  }
  drafts.push(sessionEndedDraft(timeMs + random.integer(5_000, 50_000), seat, 'signed out'));
  return drafts;
}

function accessDraft(
  timeMs: number,
  seat: Required<Omit<Seat, 'partner'>>,
  person: StaffMember,
  access: LookAccess,
  bytesOut: number,
): EventDraft {
  const { device, from, session, userAgent } = seat;
  const record: RecordAccess = {
    person,
    device,
    from,
    session,
    userAgent,
    patient: access.patient,
    hasCareRelationship: access.isInCare,
    purpose: access.purpose,
    recordType: access.part,
  };
  if (access.exportedTo === undefined) return recordDraft(timeMs, access.act ?? 'read', record);
  return recordDraft(timeMs, 'exported', record, { bytesOut, destination: access.exportedTo });
}

function seatOf(
  hospital: Stage['hospital'],
  random: Stage['random'],
  person: StaffMember,
  place: Place,
  timeMs: number,
): Required<Omit<Seat, 'partner'>> | undefined {
  const common = { user: person.user, service: 'ehr', session: sessionUid(random) };
  const home = outside(person.homeAddress, hospital.countryOf(person.homeAddress));
  if (place === 'own-phone' || place === 'phone-at-home') {
    const { phone } = person;
    if (phone === undefined) return undefined;
    const from = place === 'own-phone' ? endpointOf(phone) : home;
    return { ...common, device: phone.view, from, userAgent: userAgentOf('phone', phone.view.uid) };
  }
  if (place === 'home') {
    const gateway = hospital.devicesOf('gateway')[0];
    if (gateway === undefined) return undefined;
    return { ...common, device: gateway.view, from: home, userAgent: userAgentOf('gateway', person.user.uid) };
  }
  const ward = hospital.dutyOf(person, timeMs)?.ward ?? person.user.ward;
  const type = place === 'ward-tablet' ? 'tablet' : 'workstation';
  const seats = hospital.devicesOf(type, ward);
  if (seats.length === 0) return undefined;
  const seat = random.pick(seats);
  return { ...common, device: seat.view, from: endpointOf(seat), userAgent: userAgentOf(type, seat.view.uid) };
}

/** People who can look from a place at a time, in random order: on duty for a seat or phone in the house, else off duty. */
export function lookers(
  { hospital, random }: Stage,
  place: Place,
  timeMs: number,
  isWanted: (person: StaffMember) => boolean,
): StaffMember[] {
  const onDuty = new Set(hospital.onDuty(timeMs).map(({ person }) => person));
  const isInHouse = place !== 'home' && place !== 'phone-at-home';
  const people = isInHouse ? [...onDuty] : hospital.people.filter((person) => isOff(hospital, person, timeMs));
  const fitting = people.filter(
    (person) => SNOOPERS.has(person.user.role) && hasSeat(hospital, person, place, timeMs) && isWanted(person),
  );
  return random.sample(fitting, fitting.length);
}

/** Roles with an account in the health record and no task that would explain a look at anybody. */
const SNOOPERS: ReadonlySet<Role> = new Set<Role>([
  'nurse',
  'physician',
  'radiographer',
  'lab-technician',
  'social-worker',
  'pharmacist',
  'admission-clerk',
]);

function hasSeat(hospital: Stage['hospital'], person: StaffMember, place: Place, timeMs: number): boolean {
  if (place === 'home') return hospital.devicesOf('gateway').length > 0;
  if (place === 'own-phone' || place === 'phone-at-home') return person.phone !== undefined;
  const ward = hospital.dutyOf(person, timeMs)?.ward ?? person.user.ward;
  return hospital.devicesOf(place === 'ward-tablet' ? 'tablet' : 'workstation', ward).length > 0;
}

/** Neither on duty nor on call, nor within two hours of either, for some time from a time on. */
export function isOff(hospital: Stage['hospital'], person: StaffMember, timeMs: number, lengthMs = 0): boolean {
  for (let atMs = timeMs - 2 * HOUR_MS; atMs <= timeMs + lengthMs + 2 * HOUR_MS; atMs += HOUR_MS) {
    if (hospital.dutyOf(person, atMs) !== undefined) return false;
  }
  return true;
}

/** A patient whom somebody looks up, and how the patient came to be known. */
export interface Target {
  readonly patient: Resident;
  readonly view: PatientView;
  /** When the first look can come. */
  readonly fromMs: number;
  /** What the directory says of a visit, where that is how the patient came. */
  readonly drafts: readonly EventDraft[];
}

/** The first look comes at most so long after a visit began, at pace 1. */
export const LEAD_MS = 2 * HOUR_MS;
/** A planted visit is over at most so long after it began, at pace 1. */
export const VISIT_MS = 5 * HOUR_MS;

/**
 * One of some residents as a patient: who lies in a bed, else one who comes on a visit. `person` does not work
 * where the patient is. Undefined where nobody can be a patient now.
 */
export function targetAmong(stage: Stage, residents: readonly Resident[], person: StaffMember): Target | undefined {
  const { hospital, random, startMs } = stage;
  const order = random.sample(residents, Math.min(residents.length, 24));
  for (const patient of order) {
    const stay = hospital.stayOf(patient.patientUid, startMs);
    if (stay === undefined || hospital.caresFor(person, patient.patientUid, startMs)) continue;
    return { patient, view: patientView(patient, stay.ward), fromMs: startMs, drafts: [] };
  }
  for (const patient of order) {
    const visit = plantedVisit(stage, patient, 'home');
    if (visit === undefined || worksIn(stage, person, visit.unit)) continue;
    const fromMs = startMs + Math.round(pacedMs(stage, LEAD_MS) * (0.3 + 0.7 * random.fraction()));
    return { patient, view: patientView(patient, visit.unit), fromMs, drafts: visitDrafts(visit) };
  }
  return undefined;
}

function worksIn({ hospital, startMs }: Stage, person: StaffMember, ward: string): boolean {
  return person.user.ward === ward || hospital.dutyOf(person, startMs)?.ward === ward;
}

/** A visit to the emergency department that begins with the stage; undefined for somebody who lies in a bed. */
export function plantedVisit(stage: Stage, patient: Resident, outcome: Visit['outcome']): Visit | undefined {
  const { hospital, random, startMs } = stage;
  const lengthMs = Math.min(VISIT_MS, pacedMs(stage, VISIT_MS));
  const isFree = [0, VISIT_MS].every((afterMs) => hospital.stayOf(patient.patientUid, startMs + afterMs) === undefined);
  return isFree ? visitAt(hospital, random, patient, { unit: 'emergency', startMs, outcome, lengthMs }) : undefined;
}
