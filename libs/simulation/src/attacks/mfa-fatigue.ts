import { HOUR_MS } from '../durations';
import type { EventDraft } from '../draft';
import { mfaDraft, signedInDraft, type Seat, type UserView } from '../event-drafts';
import type { SimulatedDevice, StaffMember } from '../hospital/model';
import { credentialResetDraft, serviceDesk } from '../life/account-life';
import { sessionUid } from '../life/session-life';
import { mfaMethodOf } from '../life/sign-in-life';
import {
  MINUTE_MS,
  addressEntity,
  awayFromWork,
  bedWard,
  deviceOf,
  houseSeat,
  inpatientsOf,
  isFree,
  outsideSeat,
  personEntity,
  readsOf,
  strangeAddresses,
  timeOfNth,
  workplaceOf,
} from './access-parts';
import type { SeededRandom } from '../random';
import { amountOf, inTime, pacedMs, stepTimes, type Course, type Script, type Stage } from './activity';

interface Pushes {
  /** Pushes that nobody asked for, at volume 1, and the least. */
  readonly count: readonly [usual: number, least: number];
  readonly durationMs: number;
}

interface Scene {
  readonly victim: StaffMember;
  readonly ip: string;
  readonly seat: Seat;
  /** Pushes that came to nothing. */
  readonly refused: readonly EventDraft[];
  readonly lastMs: number;
}

/** Somebody whose password is known is asked again and again, at work or at home. */
function pushes(stage: Stage, { count, durationMs }: Pushes): Scene | undefined {
  const { hospital, random, startMs } = stage;
  const victims = [...hospital.peopleOf('physician'), ...hospital.peopleOf('it-administrator')];
  const ip = strangeAddresses(stage, 1)[0];
  if (victims.length === 0 || ip === undefined) return undefined;
  const victim = random.pick(victims);
  const seat = outsideSeat(stage, victim.user, ip);
  if (seat === undefined) return undefined;
  const times = stepTimes(random, startMs, pacedMs(stage, durationMs), amountOf(stage, ...count));
  const refused = times.map((timeMs) => mfaDraft(timeMs, seat, 'push', random.chance(0.55) ? 'denied' : 'timed-out'));
  return { victim, ip, seat, refused, lastMs: Math.max(...times) };
}

/** The way in, from a second factor that was approved on. */
function wayIn(stage: Stage, scene: Scene, approvedMs: number, method: 'push' | 'token'): EventDraft[] {
  const { random } = stage;
  const inside: Seat = { ...scene.seat, session: sessionUid(random) };
  const signInMs = approvedMs + random.integer(2000, 9000);
  const stays = inpatientsOf(stage, random.integer(3, 7), () => true);
  const times = stepTimes(random, signInMs + 15_000, pacedMs(stage, 8 * MINUTE_MS), stays.length);
  return [
    mfaDraft(approvedMs, scene.seat, method, 'approved'),
    signedInDraft(signInMs, inside, true),
    ...readsOf(stage, workplaceOf(scene.victim, inside, random), stays, times),
  ];
}

function playPushes(stage: Stage, plan: Pushes): Course | undefined {
  const scene = pushes(stage, plan);
  if (scene === undefined) return undefined;
  const approvedMs = scene.lastMs + pacedMs(stage, stage.random.integer(30_000, 150_000));
  return {
    entities: [personEntity(scene.victim), addressEntity(scene.ip)],
    drafts: inTime([...scene.refused, ...wayIn(stage, scene, approvedMs, 'push')]),
    detectableAtMs: timeOfNth(inTime(scene.refused), 5),
  };
}

/** When pushes do not help, "the person" calls support: the second factor is set anew, for the caller's own token. */
function playSupportCall(stage: Stage): Course | undefined {
  const scene = pushes(stage, { count: [6, 4], durationMs: 25 * MINUTE_MS });
  const desk = scene && serviceDesk(stage.hospital, stage.random, scene.lastMs);
  if (scene === undefined || desk === undefined) return undefined;
  const resetMs = scene.lastMs + pacedMs(stage, stage.random.integer(10 * MINUTE_MS, 30 * MINUTE_MS));
  const approvedMs = resetMs + pacedMs(stage, stage.random.integer(2 * MINUTE_MS, 9 * MINUTE_MS));
  return {
    entities: [personEntity(scene.victim), addressEntity(scene.ip)],
    drafts: inTime([
      ...scene.refused,
      credentialResetDraft(resetMs, scene.victim.user, desk, 'second-factor'),
      ...wayIn(stage, scene, approvedMs, 'token'),
    ]),
    detectableAtMs: resetMs,
  };
}

/** Longest time that one person takes at the desk. */
const AT_DESK_MS = 10 * MINUTE_MS;

/** Support hands out new phones: each person's first pushes fail at the desk, then the new factor works. */
function newPhoneRollOut(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const device = deviceOf(stage, 'workstation', 'data-centre') ?? deviceOf(stage, 'workstation', bedWard(stage));
  const desk = serviceDesk(hospital, random, startMs);
  if (device === undefined || desk === undefined) return undefined;
  const drafts: EventDraft[] = [];
  const served: StaffMember[] = [];
  let timeMs = startMs;
  for (let left = amountOf(stage, 8, 4); left > 0; left--) {
    const person = nextAtDesk(stage, served, timeMs);
    if (person === undefined) {
      timeMs += 5 * MINUTE_MS;
      continue;
    }
    served.push(person);
    const seat = houseSeat(person.user, device, random);
    const steps = setUp(random, seat, desk, device, timeMs);
    drafts.push(...steps);
    timeMs = (steps.at(-1) as EventDraft).timeMs + random.integer(30_000, 120_000);
  }
  if (drafts.length === 0) return undefined;
  return { entities: served.map(personEntity), drafts, detectableAtMs: null };
}

function nextAtDesk(stage: Stage, served: readonly StaffMember[], timeMs: number): StaffMember | undefined {
  const { hospital, random } = stage;
  const people = hospital.onDuty(timeMs).map(({ person }) => person);
  return random
    .sample(people, people.length)
    .find((person) => !served.includes(person) && isFree(stage, person, timeMs, timeMs + AT_DESK_MS));
}

function setUp(
  random: SeededRandom,
  seat: Seat,
  desk: UserView,
  device: SimulatedDevice,
  startMs: number,
): EventDraft[] {
  let timeMs = startMs;
  const later = (fromSeconds: number, toSeconds: number): number =>
    (timeMs += random.integer(fromSeconds * 1000, toSeconds * 1000));
  const failed = Array.from({ length: random.integer(2, 5) }, (_, index) =>
    mfaDraft(index === 0 ? startMs : later(15, 45), seat, 'push', random.chance(0.7) ? 'timed-out' : 'failed'),
  );
  return [
    ...failed,
    credentialResetDraft(later(45, 150), seat.user, desk, 'second-factor', device),
    mfaDraft(later(45, 150), seat, 'push', 'approved'),
    signedInDraft(later(3, 9), seat, true),
  ];
}

/** On call at home with hardly any signal: two or three pushes do not arrive, then the person types a token. */
function weakSignal(stage: Stage): Course | undefined {
  const { random, startMs } = stage;
  const physicians = awayFromWork(stage, 'physician', startMs, startMs + 10 * MINUTE_MS);
  if (physicians.length === 0) return undefined;
  const person = random.pick(physicians);
  const seat = outsideSeat(stage, person.user, person.homeAddress);
  if (seat === undefined) return undefined;
  const drafts: EventDraft[] = [];
  let timeMs = startMs;
  for (let n = random.integer(2, 3); n > 0; n--) {
    drafts.push(mfaDraft(timeMs, seat, 'push', 'timed-out'));
    timeMs += random.integer(35_000, 90_000);
  }
  drafts.push(mfaDraft(timeMs, seat, mfaMethodOf(person.user.uid) === 'push' ? 'token' : 'text-message', 'approved'));
  drafts.push(signedInDraft(timeMs + 5000, { ...seat, session: sessionUid(random) }, true));
  return {
    entities: [personEntity(person), addressEntity(person.homeAddress)],
    drafts,
    detectableAtMs: null,
  };
}

const PUSH_AFTER_PUSH: Pushes = { count: [14, 7], durationMs: 25 * MINUTE_MS };
const AT_NIGHT: Pushes = { count: [10, 6], durationMs: 2.5 * HOUR_MS };
const attack = { attack: 'mfa-fatigue', kind: 'attack' } as const;
const twin = { attack: 'mfa-fatigue', kind: 'benign-twin' } as const;

/** Second factors that people are worn down with, and failed ones that mean nothing. */
export const MFA_FATIGUE: readonly Script[] = [
  {
    ...attack,
    name: 'mfa-fatigue-push-after-push',
    source: 'A stolen password, then push after push until one is approved, as extortion groups do it',
    durationMsMax: 60 * MINUTE_MS,
    play: (stage) => playPushes(stage, PUSH_AFTER_PUSH),
  },
  {
    ...attack,
    name: 'mfa-fatigue-at-night',
    source: 'A push every quarter of an hour through the night, until a tired person approves',
    durationMsMax: 3.5 * HOUR_MS,
    beginHours: [22, 23, 0, 1, 2],
    play: (stage) => playPushes(stage, AT_NIGHT),
  },
  {
    ...attack,
    name: 'mfa-fatigue-support-call',
    source:
      'Pushes that are denied, then a call to the service desk in the name of the person, which sets the factor anew',
    durationMsMax: 110 * MINUTE_MS,
    beginHours: [7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    play: playSupportCall,
  },
  {
    ...twin,
    name: 'new-phone-roll-out',
    source: 'Support moves people to new phones, and the first pushes go to the old ones',
    durationMsMax: 180 * MINUTE_MS,
    beginHours: [7, 8, 9, 10, 11, 12, 13, 14],
    play: newPhoneRollOut,
  },
  {
    ...twin,
    name: 'weak-signal',
    source: 'A physician on call in a house with hardly any signal',
    durationMsMax: 10 * MINUTE_MS,
    play: weakSignal,
  },
];
