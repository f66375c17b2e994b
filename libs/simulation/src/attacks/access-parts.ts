import type { EventDraft } from '../draft';
import {
  endpointOf,
  outside,
  patientView,
  recordDraft,
  type EndpointView,
  type PatientView,
  type RecordAccess,
  type Seat,
  type UserView,
} from '../event-drafts';
import type { DeviceView, Role, SimulatedDevice, StaffMember, Stay } from '../hospital/model';
import { sessionUid, sessionsIn } from '../life/session-life';
import type { SeededRandom } from '../random';
import { userAgentOf } from '../user-agents';
import type { Course, Stage } from './activity';

/** Milliseconds of a minute. */
export const MINUTE_MS = 60_000;

/** Nobody is at the seats of two wards within less. */
const WALK_MS = 90_000;
const RECORD_TYPES = ['chart', 'medication', 'laboratory', 'imaging-report', 'observation', 'letters'] as const;

/** Whoever took part, by the kinds of detections. */
export type Entities = Course['entities'];

/** Person as an entity of a label. */
export const personEntity = ({ user }: StaffMember): Entities[number] => ({ kind: 'person', id: user.uid });
/** Device as an entity of a label. */
export const deviceEntity = ({ uid }: DeviceView): Entities[number] => ({ kind: 'device', id: uid });
/** Address as an entity of a label. */
export const addressEntity = (id: string): Entities[number] => ({ kind: 'address', id });

/** Somebody of a role who is on duty in a ward, or anywhere when nobody is there. */
export function onDuty(
  stage: Stage,
  wanted: { readonly role?: Role; readonly ward?: string },
): StaffMember | undefined {
  const { hospital, random, startMs } = stage;
  const there = hospital.onDuty(startMs, wanted);
  const duties =
    there.length > 0 || wanted.role === undefined ? there : hospital.onDuty(startMs, { role: wanted.role });
  return duties.length === 0 ? undefined : random.pick(duties).person;
}

/**
 * True of somebody who is at no seat between two times in ordinary life, with a little time before and after to walk: whoever
 * is called away cannot go on working where they were.
 */
export function isFree({ hospital }: Stage, person: StaffMember, fromMs: number, toMs: number): boolean {
  const sessions = sessionsIn(hospital, hospital.settings, hospital.seed, fromMs - WALK_MS, toMs + WALK_MS);
  return sessions.every((session) => session.person !== person);
}

/** Somebody of a role who is at home, or anywhere else but at work, between two times. */
export function awayFromWork(stage: Stage, role: Role, fromMs: number, toMs: number): StaffMember[] {
  const { hospital } = stage;
  return hospital
    .peopleOf(role)
    .filter((person) => [fromMs, toMs].every((timeMs) => hospital.dutyOf(person, timeMs)?.isOnCall !== false))
    .filter((person) => isFree(stage, person, fromMs, toMs));
}

/** A ward with beds, other than those named; undefined where there is none. */
export function bedWard({ hospital, random }: Stage, except: readonly string[] = []): string | undefined {
  const wards = hospital.wards.filter(({ name, bedCount }) => bedCount > 0 && !except.includes(name));
  return wards.length === 0 ? undefined : random.pick(wards).name;
}

/** One device of a class, of a ward where one is named. */
export function deviceOf(
  { hospital, random }: Stage,
  type: SimulatedDevice['view']['type'],
  ward?: string,
): SimulatedDevice | undefined {
  const devices = hospital.devicesOf(type, ward);
  return devices.length === 0 ? undefined : random.pick(devices);
}

/** Picks among which addresses of the same networks are looked for. */
const PICKS = 4_000;

/** Addresses that are nobody's in ordinary life, of as few networks of 256 addresses as there are to be had. */
export function strangeAddresses({ hospital, random }: Stage, count: number): string[] {
  const networks = new Map<string, Set<string>>();
  const firstPick = random.integer(0, 1_000_000);
  for (let pick = 0; pick < (count === 1 ? 1 : PICKS); pick++) {
    const ip = hospital.strangeAddress(firstPick + pick);
    const network = ip.slice(0, ip.lastIndexOf('.'));
    const addresses = networks.get(network);
    if (addresses === undefined) networks.set(network, new Set([ip]));
    else addresses.add(ip);
  }
  const largestFirst = [...networks.values()].sort((a, b) => b.size - a.size);
  return largestFirst.flatMap((addresses) => [...addresses]).slice(0, count);
}

/** A seat outside that comes in through the gateway; undefined where the house has none. */
export function outsideSeat({ hospital }: Stage, user: UserView, ip: string, userAgent?: string): Seat | undefined {
  const gateway = hospital.devicesOf('gateway')[0];
  if (gateway === undefined) return undefined;
  const from = outside(ip, hospital.countryOf(ip));
  const agent = userAgent ?? userAgentOf('gateway', ip);
  return { user, device: gateway.view, from, service: 'ehr', userAgent: agent };
}

/** A seat at a device of the house. */
export function houseSeat(
  user: UserView,
  device: SimulatedDevice,
  random: SeededRandom,
): Required<Omit<Seat, 'partner'>> {
  return {
    user,
    device: device.view,
    from: endpointOf(device),
    service: 'ehr',
    session: sessionUid(random),
    userAgent: userAgentOf(device.view.type, device.view.uid),
  };
}

/** Where records are worked on: what a seat with a session says. */
export interface Workplace {
  readonly person: StaffMember;
  readonly device: DeviceView;
  readonly from: EndpointView;
  readonly session: string;
  readonly userAgent: string;
}

/** The workplace of a seat. */
export function workplaceOf(person: StaffMember, seat: Seat, random: SeededRandom): Workplace {
  const { device, from, userAgent } = seat as Required<Seat>;
  return { person, device, from, session: seat.session ?? sessionUid(random), userAgent };
}

/** Inpatients of some wards at the start of a stage, in random order; of all wards where none is named. */
export function inpatientsOf(
  { hospital, random, startMs }: Stage,
  count: number,
  isWanted: (stay: Stay) => boolean,
): Stay[] {
  const stays = hospital.inpatients(startMs).filter(isWanted);
  return random.sample(stays, count);
}

/** Access to the record of somebody in a bed, with the care relationship that is on record. */
export function accessTo(stage: Stage, at: Workplace, stay: Stay, timeMs: number, purpose = 'treatment'): RecordAccess {
  const hasCareRelationship = stage.hospital.caresFor(at.person, stay.patient.patientUid, timeMs);
  return accessBy(stage, at, patientView(stay.patient, stay.ward), hasCareRelationship, purpose);
}

/** Access to a record on a ground that is given. */
export function accessBy(
  { random }: Stage,
  at: Workplace,
  patient: PatientView,
  hasCareRelationship: boolean,
  purpose = 'treatment',
): RecordAccess {
  return { ...at, patient, hasCareRelationship, purpose, recordType: random.pick(RECORD_TYPES) };
}

/** One read of each record at its time. */
export function readsOf(stage: Stage, at: Workplace, stays: readonly Stay[], times: readonly number[]): EventDraft[] {
  return stays.map((stay, index) => {
    const timeMs = times[index] as number;
    return recordDraft(timeMs, 'read', accessTo(stage, at, stay, timeMs));
  });
}

/** Time of the draft from which an attack can be told, or the last one's. */
export function timeOfNth(drafts: readonly EventDraft[], nth: number): number {
  return (drafts[Math.min(nth, drafts.length) - 1] as EventDraft).timeMs;
}
