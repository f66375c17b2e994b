import { networkOf } from '../address-claims';
import { HOUR_MS } from '../durations';
import type { EventDraft } from '../draft';
import { deviceDraft, outside, recordDraft, signedInDraft, type EndpointView, type Seat } from '../event-drafts';
import type { SimulatedDevice, StaffMember, Stay } from '../hospital/model';
import { deviceReportDraft } from '../life/account-life';
import { cellularEndpoint } from '../life/session-life';
import {
  MINUTE_MS,
  accessTo,
  addressEntity,
  bedWard,
  deviceEntity,
  deviceOf,
  houseSeat,
  inpatientsOf,
  onDuty,
  personEntity,
  readsOf,
  strangeAddresses,
  timeOfNth,
  workplaceOf,
} from './access-parts';
import { amountOf, inTime, pacedMs, stepTimes, type Course, type Script, type Stage } from './activity';

/** A ward tablet and somebody of its ward. */
interface Cast {
  readonly ward: string;
  readonly tablet: SimulatedDevice;
  readonly person: StaffMember;
}

function cast(stage: Stage): Cast | undefined {
  const ward = bedWard(stage);
  const tablet = ward === undefined ? undefined : deviceOf(stage, 'tablet', ward);
  const person = onDuty(stage, { role: 'nurse', ward });
  return ward === undefined || tablet === undefined || person === undefined ? undefined : { ward, tablet, person };
}

/** What the tablet does on its own while it is gone is left out: whoever has it does what there is to see. */
function gone(tablet: SimulatedDevice, fromMs: number, drafts: readonly EventDraft[]): Course['suppressions'] {
  const toMs = (drafts.at(-1) as EventDraft).timeMs + MINUTE_MS;
  return [{ deviceUid: tablet.view.uid, types: ACCESS_TYPES, fromMs, toMs }];
}

const ACCESS_TYPES = [
  'access.signed-in',
  'access.sign-in-failed',
  'access.session-ended',
  'access.record-read',
  'access.record-changed',
  'access.record-exported',
  'access.break-glass-used',
] as const;

/** It is missed and reported; somewhere else in the house it goes on being read on, under the account that was open. */
function playReportedLost(stage: Stage): Course | undefined {
  const { random, startMs } = stage;
  const scene = cast(stage);
  if (scene === undefined) return undefined;
  const { tablet, person, ward } = scene;
  const seat = houseSeat(person.user, tablet, random);
  const firstReadMs = startMs + pacedMs(stage, random.integer(15 * MINUTE_MS, 50 * MINUTE_MS));
  const stays = inpatientsOf(stage, amountOf(stage, 18, 9), (stay) => stay.ward !== ward);
  if (stays.length < 6) return undefined;
  const times = stepTimes(random, firstReadMs, pacedMs(stage, 40 * MINUTE_MS), stays.length);
  const reads = readsOf(stage, workplaceOf(person, seat, random), stays, times);
  const drafts = inTime([
    deviceReportDraft(startMs, 'lost', tablet, person.user),
    signedInDraft(firstReadMs - 8000, seat, false),
    ...reads,
  ]);
  return {
    entities: [deviceEntity(tablet.view), personEntity(person)],
    drafts,
    detectableAtMs: timeOfNth(inTime(reads), 4),
    suppressions: gone(tablet, startMs, drafts),
  };
}

/** It leaves the house in a bag, and comes in over the Internet. */
function playLeavesHouse(stage: Stage): Course | undefined {
  const { random, startMs } = stage;
  const scene = cast(stage);
  const ip = strangeAddresses(stage, 1)[0];
  if (scene === undefined || ip === undefined) return undefined;
  const { tablet, person, ward } = scene;
  const from = outside(ip, stage.hospital.countryOf(ip));
  const seat: Seat = { ...houseSeat(person.user, tablet, random), from };
  const signInMs = startMs + pacedMs(stage, random.integer(1.5 * HOUR_MS, 3 * HOUR_MS));
  const stays = inpatientsOf(stage, amountOf(stage, 14, 6), (stay) => stay.ward === ward);
  const times = stepTimes(random, signInMs + 20_000, pacedMs(stage, 30 * MINUTE_MS), stays.length);
  const drafts = inTime([
    deviceDraft(startMs, 'network-monitor', 'device.left', tablet.view, { network: networkOf(tablet) }),
    signedInDraft(signInMs, seat, false),
    ...readsOf(stage, workplaceOf(person, seat, random), stays, times),
  ]);
  return {
    entities: [deviceEntity(tablet.view), personEntity(person), addressEntity(ip)],
    drafts,
    detectableAtMs: signInMs,
    suppressions: gone(tablet, startMs, drafts),
  };
}

/** Somebody of another ward picks it up and goes through as many records as there is time for. */
function playOtherWard(stage: Stage): Course | undefined {
  const { random, startMs } = stage;
  const scene = cast(stage);
  const otherWard = scene && bedWard(stage, [scene.ward]);
  const other = otherWard === undefined ? undefined : onDuty(stage, { ward: otherWard });
  if (scene === undefined || other === undefined || other.user.ward === scene.ward) return undefined;
  const { tablet } = scene;
  const seat = houseSeat(other.user, tablet, random);
  const isForeign = ({ ward }: Stay): boolean => ward !== other.user.ward;
  const stays = inpatientsOf(stage, amountOf(stage, 22, 10), isForeign);
  if (stays.length < 8) return undefined;
  const times = stepTimes(random, startMs + 10_000, pacedMs(stage, 12 * MINUTE_MS), stays.length);
  const reads = readsOf(stage, workplaceOf(other, seat, random), stays, times);
  const drafts = inTime([signedInDraft(startMs, seat, false), ...reads]);
  return {
    entities: [deviceEntity(tablet.view), personEntity(other)],
    drafts,
    detectableAtMs: timeOfNth(inTime(reads), 7),
    suppressions: gone(tablet, startMs, drafts),
  };
}

/** Lent to the next ward, reported lost by those who did not know, used there for its own patients, and found. */
function lentTablet(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const scene = cast(stage);
  const otherWard = scene && bedWard(stage, [scene.ward]);
  if (scene === undefined || otherWard === undefined) return undefined;
  const { tablet, person } = scene;
  const lostMs = startMs + random.integer(20 * MINUTE_MS, 60 * MINUTE_MS);
  const foundMs = lostMs + random.integer(1.2 * HOUR_MS, 2.5 * HOUR_MS);
  const borrower = onDuty(stage, { role: 'nurse', ward: otherWard });
  if (borrower === undefined) return undefined;
  const seat = houseSeat(borrower.user, tablet, random);
  const caredFor = ({ patient }: Stay): boolean => hospital.caresFor(borrower, patient.patientUid, startMs);
  const stays = inpatientsOf(stage, amountOf(stage, 12, 5), caredFor);
  const times = stepTimes(random, startMs + 30_000, foundMs - startMs - 10 * MINUTE_MS, stays.length);
  const drafts = inTime([
    signedInDraft(startMs, seat, false),
    deviceReportDraft(lostMs, 'lost', tablet, person.user),
    ...readsOf(stage, workplaceOf(borrower, seat, random), stays, times),
    deviceReportDraft(foundMs, 'found', tablet, person.user),
  ]);
  return {
    entities: [deviceEntity(tablet.view), personEntity(borrower)],
    drafts,
    detectableAtMs: null,
    suppressions: gone(tablet, startMs, drafts),
  };
}

/** Taken along to a patient's home, where it comes in over the carrier's network. */
function homeVisit(stage: Stage): Course | undefined {
  const { random, startMs } = stage;
  const scene = cast(stage);
  if (scene === undefined) return undefined;
  const { tablet, person, ward } = scene;
  const from: EndpointView = cellularEndpoint(stage.hospital, random);
  const seat: Seat = { ...houseSeat(person.user, tablet, random), from };
  const stays = inpatientsOf(stage, amountOf(stage, 3, 1), (stay) => stay.ward === ward);
  const times = stepTimes(random, startMs + MINUTE_MS, 40 * MINUTE_MS, stays.length);
  const at = workplaceOf(person, seat, random);
  const drafts = inTime([
    signedInDraft(startMs, seat, false),
    ...readsOf(stage, at, stays, times),
    ...stays.slice(0, 1).map((stay) => {
      const timeMs = startMs + 45 * MINUTE_MS;
      return recordDraft(timeMs, 'changed', accessTo(stage, at, stay, timeMs));
    }),
  ]);
  return {
    entities: [deviceEntity(tablet.view), personEntity(person)],
    drafts,
    detectableAtMs: null,
    suppressions: gone(tablet, startMs, drafts),
  };
}

const attack = { attack: 'stolen-tablet', kind: 'attack' } as const;
const twin = { attack: 'stolen-tablet', kind: 'benign-twin' } as const;

/** Ward tablets in the wrong hands, and in unusual ones. */
export const STOLEN_TABLET: readonly Script[] = [
  {
    ...attack,
    name: 'stolen-tablet-reported-lost',
    source: 'A tablet taken from a ward with the session still open, read in another part of the house',
    durationMsMax: 100 * MINUTE_MS,
    play: playReportedLost,
  },
  {
    ...attack,
    name: 'stolen-tablet-leaves-house',
    source: 'A device stolen from a clinic and used from outside, the commonest loss in breach reports',
    durationMsMax: 3.8 * HOUR_MS,
    play: playLeavesHouse,
  },
  {
    ...attack,
    name: 'stolen-tablet-other-ward',
    source: 'A tablet lying open that somebody of another ward goes through records on',
    durationMsMax: 20 * MINUTE_MS,
    play: playOtherWard,
  },
  {
    ...twin,
    name: 'lent-tablet',
    source: 'A tablet lent to the next ward and thought to be lost',
    durationMsMax: 4 * HOUR_MS,
    play: lentTablet,
  },
  {
    ...twin,
    name: 'home-visit-tablet',
    source: 'A tablet on a visit at a patient’s home',
    durationMsMax: HOUR_MS,
    beginHours: [8, 9, 10, 11, 12, 13, 14],
    play: homeVisit,
  },
];
