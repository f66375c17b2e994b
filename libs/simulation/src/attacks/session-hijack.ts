import { HOUR_MS } from '../durations';
import type { EventDraft } from '../draft';
import {
  keystrokesDraft,
  outside,
  signedInDraft,
  sessionEndedDraft,
  type EndpointView,
  type Seat,
} from '../event-drafts';
import type { DeviceView, SimulatedDevice, StaffMember, Stay } from '../hospital/model';
import { cellularEndpoint } from '../life/session-life';
import { typingOf, type Typing } from '../life/typing';
import {
  MINUTE_MS,
  addressEntity,
  deviceEntity,
  deviceOf,
  houseSeat,
  inpatientsOf,
  personEntity,
  readsOf,
  strangeAddresses,
  timeOfNth,
  workplaceOf,
} from './access-parts';
import { amountOf, inTime, pacedMs, stepTimes, type Course, type Script, type Stage } from './activity';

/** Somebody who works at a seat of the own ward. */
interface Cast {
  readonly person: StaffMember;
  readonly seat: Required<Omit<Seat, 'partner'>>;
  readonly workstation: SimulatedDevice;
}

function cast(stage: Stage): Cast | undefined {
  const { hospital, random, startMs } = stage;
  const duties = hospital
    .onDuty(startMs)
    .filter(({ person, ward }) => isClinical(person) && hospital.devicesOf('workstation', ward).length > 0);
  if (duties.length === 0) return undefined;
  const { person, ward } = random.pick(duties);
  const workstation = deviceOf(stage, 'workstation', ward);
  return workstation && { person, workstation, seat: houseSeat(person.user, workstation, random) };
}

const isClinical = ({ user }: StaffMember): boolean => user.role === 'nurse' || user.role === 'physician';

/** Records that somebody reads in the own work. */
function ownReads(stage: Stage, { person, seat }: Cast, durationMs: number, count: number): EventDraft[] {
  const cared = (stay: Stay): boolean => stage.hospital.caresFor(person, stay.patient.patientUid, stage.startMs);
  const stays = inpatientsOf(stage, count, cared);
  const times = stepTimes(stage.random, stage.startMs + MINUTE_MS, durationMs, stays.length);
  return readsOf(stage, workplaceOf(person, seat, stage.random), stays, times);
}

/** Where a session goes on that somebody took over. */
interface Elsewhere {
  readonly device: DeviceView;
  readonly from: EndpointView;
  readonly userAgent: string;
}

/** The owner works on, and so does somebody else in the same session. */
function playElsewhere(
  stage: Stage,
  where: (scene: Cast) => Elsewhere | undefined,
  typedBy?: 'somebody-else',
): Course | undefined {
  const { random, startMs } = stage;
  const scene = cast(stage);
  const elsewhere = scene && where(scene);
  if (scene === undefined || elsewhere === undefined) return undefined;
  const { person, seat } = scene;
  const takenMs = startMs + pacedMs(stage, random.integer(3 * MINUTE_MS, 8 * MINUTE_MS));
  const taken: Seat = { ...seat, ...elsewhere };
  const stays = inpatientsOf(stage, amountOf(stage, 10, 4), () => true);
  const times = stepTimes(random, takenMs, pacedMs(stage, 20 * MINUTE_MS), stays.length);
  const reads = inTime(readsOf(stage, workplaceOf(person, taken, random), stays, times));
  const typing = typedBy === undefined ? [] : typedElsewhere(stage, scene, taken, times);
  return {
    entities: [
      personEntity(person),
      deviceEntity(elsewhere.device),
      ...(elsewhere.from.zone === 'internet' ? [addressEntity(elsewhere.from.ip)] : []),
    ],
    drafts: inTime([
      signedInDraft(startMs, seat, false),
      ...ownReads(stage, scene, pacedMs(stage, 25 * MINUTE_MS), 6),
      ...reads,
      ...typing,
    ]),
    detectableAtMs: timeOfNth(reads, 1),
  };
}

function typedElsewhere(stage: Stage, { person }: Cast, taken: Seat, times: readonly number[]): EventDraft[] {
  const stranger = otherTypist(stage, person);
  return times
    .filter((_, index) => index % 3 === 1)
    .map((timeMs) => keystrokesDraft(timeMs + 2000, taken, typingOf(stranger.user.uid, timeMs, stage.random.word())));
}

/** Somebody whose rhythm is plainly another. */
function otherTypist({ hospital, random, startMs }: Stage, person: StaffMember): StaffMember {
  const own = typingOf(person.user.uid, startMs, random.word());
  const distance = ({ user }: StaffMember): number => {
    const other = typingOf(user.uid, startMs, random.word());
    return Math.abs(other.dwellMs - own.dwellMs) + Math.abs(other.flightMs - own.flightMs);
  };
  const some = random.sample(hospital.people, 12);
  return some.reduce((best, each) => (distance(each) > distance(best) ? each : best), some[0] as StaffMember);
}

const copiedAgent = ({ seat }: Cast): string => seat.userAgent;

function throughGateway(stage: Stage, userAgent: string): Elsewhere | undefined {
  const gateway = stage.hospital.devicesOf('gateway')[0];
  const ip = strangeAddresses(stage, 1)[0];
  if (gateway === undefined || ip === undefined) return undefined;
  return { device: gateway.view, from: outside(ip, stage.hospital.countryOf(ip)), userAgent };
}

/** A token that was stolen on one seat is used at another, in another ward. */
function atAnotherSeat(stage: Stage, { workstation }: Cast): Elsewhere | undefined {
  const others = stage.hospital.devicesOf('workstation').filter(({ view }) => view.ward !== workstation.view.ward);
  if (others.length === 0) return undefined;
  const { device, from, userAgent } = houseSeat({ uid: '' }, stage.random.pick(others), stage.random);
  return { device, from, userAgent };
}

/** Whoever sits between a seat and the server claims to be the seat, from an address outside. */
function inBetween(stage: Stage, { seat }: Cast): Elsewhere | undefined {
  const outsider = throughGateway(stage, seat.userAgent);
  return outsider && { ...outsider, device: seat.device };
}

/** A seat that was left unlocked: another person types in the session, in the same place. */
function playRhythmOnly(stage: Stage): Course | undefined {
  const { random, startMs } = stage;
  const scene = cast(stage);
  if (scene === undefined) return undefined;
  const { person, seat } = scene;
  const stranger = otherTypist(stage, person);
  const takenMs = startMs + pacedMs(stage, 12 * MINUTE_MS);
  const times = stepTimes(random, takenMs, pacedMs(stage, 25 * MINUTE_MS), amountOf(stage, 6, 3));
  const typed = times.map((timeMs) =>
    keystrokesDraft(timeMs, seat, typingOf(stranger.user.uid, timeMs, random.word())),
  );
  const own = stepTimes(random, startMs + 90_000, pacedMs(stage, 8 * MINUTE_MS), 2);
  const drafts = inTime([
    signedInDraft(startMs, seat, false),
    ...own.map((timeMs) => keystrokesDraft(timeMs, seat, typingOf(person.user.uid, timeMs, random.word()))),
    ...ownReads(stage, scene, pacedMs(stage, 30 * MINUTE_MS), 7),
    ...typed,
  ]);
  return {
    entities: [personEntity(person), deviceEntity(seat.device)],
    drafts,
    detectableAtMs: timeOfNth(inTime(typed), 2),
  };
}

/** A bandaged hand: the person's own rhythm, but slower for the rest of the duty. */
function bandagedHand(stage: Stage): Course | undefined {
  const { random, startMs } = stage;
  const scene = cast(stage);
  if (scene === undefined) return undefined;
  const { person, seat } = scene;
  const slower = (typing: Typing): Typing => ({
    keys: Math.round(typing.keys * 0.6),
    dwellMs: Math.round(typing.dwellMs * 13) / 10,
    flightMs: Math.round(typing.flightMs * 17) / 10,
    spreadMs: Math.round(typing.spreadMs * 14) / 10,
  });
  const times = stepTimes(random, startMs + 2 * MINUTE_MS, 60 * MINUTE_MS, amountOf(stage, 9, 4));
  const drafts = inTime([
    signedInDraft(startMs, seat, false),
    ...times.map((timeMs) => keystrokesDraft(timeMs, seat, slower(typingOf(person.user.uid, timeMs, random.word())))),
    ...ownReads(stage, scene, 50 * MINUTE_MS, 6),
  ]);
  return { entities: [personEntity(person), deviceEntity(seat.device)], drafts, detectableAtMs: null };
}

/** A phone leaves the wireless network of the house for its carrier's and comes back, in one session. */
function roamingPhone(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const owners = hospital.onDuty(startMs).filter(({ person }) => person.phone !== undefined && isClinical(person));
  const person = owners.length === 0 ? undefined : random.pick(owners).person;
  if (person?.phone === undefined) return undefined;
  const seat = houseSeat(person.user, person.phone, random);
  const cellular = cellularEndpoint(hospital, random);
  const reads = ownReads(stage, { person, seat, workstation: person.phone }, 35 * MINUTE_MS, amountOf(stage, 7, 4));
  const third = Math.ceil(reads.length / 3);
  const roamed = reads.map((draft, index) =>
    index >= third && index < 2 * third
      ? { ...draft, data: { ...draft.data, src_endpoint: endpointIn(cellular) } }
      : draft,
  );
  const drafts = inTime([
    signedInDraft(startMs, seat, true),
    ...roamed,
    sessionEndedDraft(startMs + HOUR_MS, seat, 'timed out'),
  ]);
  return { entities: [personEntity(person), deviceEntity(seat.device)], drafts, detectableAtMs: null };
}

function endpointIn({ ip, zone, country }: EndpointView): { ip: string; zone: string; location: { country: string } } {
  return { ip, zone, location: { country: country as string } };
}

/** A tablet that is carried to another part of the house gets another address there. */
function newAddress(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const scene = cast(stage);
  const tablet = scene && deviceOf(stage, 'tablet', scene.workstation.view.ward);
  if (scene === undefined || tablet === undefined) return undefined;
  const { person } = scene;
  const seat = houseSeat(person.user, tablet, random);
  const neighbour = random.pick(hospital.devicesOf('tablet'));
  const moved: EndpointView = {
    ...seat.from,
    ip: `${neighbour.view.ip.slice(0, neighbour.view.ip.lastIndexOf('.'))}.252`,
  };
  const reads = ownReads(stage, { person, seat, workstation: tablet }, 30 * MINUTE_MS, amountOf(stage, 6, 4));
  const half = Math.ceil(reads.length / 2);
  const drafts = inTime([
    signedInDraft(startMs, seat, false),
    ...reads.map((draft, index) =>
      index >= half ? { ...draft, data: { ...draft.data, src_endpoint: { ...moved } } } : draft,
    ),
  ]);
  return { entities: [personEntity(person), deviceEntity(seat.device)], drafts, detectableAtMs: null };
}

const DURATION_MS_MAX = 45 * MINUTE_MS;
const attack = { attack: 'session-hijack', kind: 'attack' } as const;
const twin = { attack: 'session-hijack', kind: 'benign-twin' } as const;

/** Sessions that somebody else goes on with, and those that only move. */
export const SESSION_HIJACK: readonly Script[] = [
  {
    ...attack,
    name: 'session-hijack-other-seat',
    source: 'A session token read by malware on one computer and used on another inside',
    durationMsMax: DURATION_MS_MAX,
    play: (stage) => playElsewhere(stage, (scene) => atAnotherSeat(stage, scene)),
  },
  {
    ...attack,
    name: 'session-hijack-cookie-replay',
    source: 'A cookie stolen by an infostealer or a phishing proxy and replayed from outside, past the second factor',
    durationMsMax: DURATION_MS_MAX,
    play: (stage) => playElsewhere(stage, (scene) => throughGateway(stage, copiedAgent(scene))),
  },
  {
    ...attack,
    name: 'session-hijack-in-between',
    source: 'An adversary in the middle who passes on what the seat claims to be',
    durationMsMax: DURATION_MS_MAX,
    play: (stage) => playElsewhere(stage, (scene) => inBetween(stage, scene)),
  },
  {
    ...attack,
    name: 'session-hijack-other-hands',
    source: 'A replayed session in which somebody else types',
    durationMsMax: DURATION_MS_MAX,
    play: (stage) => playElsewhere(stage, (scene) => throughGateway(stage, copiedAgent(scene)), 'somebody-else'),
  },
  {
    attack: 'session-hijack-rhythm-only',
    kind: 'attack',
    name: 'session-hijack-unlocked-seat',
    source: 'A seat left unlocked, at which somebody else goes on with ordinary work',
    durationMsMax: DURATION_MS_MAX,
    play: playRhythmOnly,
  },
  {
    attack: 'session-hijack-rhythm-only',
    kind: 'attack',
    name: 'session-hijack-shared-account',
    source: 'A password given to a colleague, who works under it at the owner’s seat',
    durationMsMax: DURATION_MS_MAX,
    play: playRhythmOnly,
  },
  {
    attack: 'session-hijack-rhythm-only',
    kind: 'benign-twin',
    name: 'bandaged-hand',
    source: 'Somebody who types with one hand for a while',
    durationMsMax: 90 * MINUTE_MS,
    play: bandagedHand,
  },
  {
    ...twin,
    name: 'roaming-phone',
    source: 'A phone between the wireless network of the house and that of its carrier',
    durationMsMax: 70 * MINUTE_MS,
    play: roamingPhone,
  },
  {
    ...twin,
    name: 'tablet-with-new-address',
    source: 'A tablet that got another address in another part of the house',
    durationMsMax: 60 * MINUTE_MS,
    play: newAddress,
  },
];
