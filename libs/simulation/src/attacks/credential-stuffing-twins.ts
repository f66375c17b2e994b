import { HOUR_MS } from '../durations';
import type { EventDraft } from '../draft';
import { mfaDraft, signedInDraft, type Seat } from '../event-drafts';
import { SERVICE_ACCOUNTS, serviceSeat } from '../life/account-life';
import { sessionUid } from '../life/session-life';
import { mfaMethodOf, refusedDraft } from '../life/sign-in-life';
import {
  MINUTE_MS,
  addressEntity,
  awayFromWork,
  bedWard,
  deviceEntity,
  deviceOf,
  houseSeat,
  outsideSeat,
  personEntity,
} from './access-parts';
import { amountOf, inTime, stepTimes, type Course, type Script, type Stage } from './activity';

/** All passwords of a ward expired: support walks round with a tablet on which people fail once to three times each. */
function forcedPasswordChange(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const ward = bedWard(stage);
  const tablet = ward === undefined ? undefined : deviceOf(stage, 'tablet', ward);
  const people = random.sample(hospital.onDuty(startMs), amountOf(stage, 7, 3));
  if (tablet === undefined || people.length === 0) return undefined;
  const drafts: EventDraft[] = [];
  let timeMs = startMs;
  for (const { person } of people) {
    const seat = houseSeat(person.user, tablet, random);
    for (let n = random.integer(1, 3); n > 0; n--) {
      drafts.push(refusedDraft(timeMs, seat, 'password expired'));
      timeMs += random.integer(4000, 14_000);
    }
    drafts.push(signedInDraft(timeMs, seat, false));
    timeMs += random.integer(25_000, 90_000);
  }
  return { entities: [addressEntity(tablet.view.ip), deviceEntity(tablet.view)], drafts, detectableAtMs: null };
}

/** A service goes on with its old password until somebody tells it the new one. */
function staleServiceAccount(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const seats = SERVICE_ACCOUNTS.map((account) => serviceSeat(hospital, account)).filter((seat) => seat !== undefined);
  if (seats.length === 0) return undefined;
  const seat = random.pick(seats) as Required<Seat>;
  const times = stepTimes(random, startMs, 10 * MINUTE_MS, amountOf(stage, 120, 40));
  const drafts = times.map((timeMs) => refusedDraft(timeMs, seat, 'password expired'));
  const endMs = (drafts.at(-1) as EventDraft).timeMs + random.integer(10_000, 60_000);
  drafts.push(signedInDraft(endMs, { ...seat, session: sessionUid(random) }, false));
  return {
    entities: [addressEntity(seat.device.ip), { kind: 'person', id: seat.user.uid }],
    drafts: inTime(drafts),
    detectableAtMs: null,
  };
}

const HOTEL_MS = 2 * HOUR_MS;

/** Colleagues at a congress sign in from the network of one hotel; two of them mistype. */
function congressHotel(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const ip = hospital.strangeAddress(random.integer(0, 1_000_000));
  const people = random.sample(awayFromWork(stage, 'physician', startMs, startMs + HOTEL_MS), amountOf(stage, 4, 2));
  if (people.length === 0) return undefined;
  const drafts: EventDraft[] = [];
  let timeMs = startMs;
  for (const [index, person] of people.entries()) {
    const seat = outsideSeat(stage, person.user, ip, undefined);
    if (seat === undefined) return undefined;
    if (index < 2) {
      drafts.push(refusedDraft(timeMs, seat, 'wrong password'));
      timeMs += random.integer(6000, 20_000);
    }
    drafts.push(mfaDraft(timeMs, seat, mfaMethodOf(person.user.uid), 'approved'));
    timeMs += random.integer(5000, 20_000);
    drafts.push(signedInDraft(timeMs, { ...seat, session: sessionUid(random) }, true));
    timeMs += random.integer(MINUTE_MS, 15 * MINUTE_MS);
  }
  return { entities: [addressEntity(ip), ...people.map(personEntity)], drafts, detectableAtMs: null };
}

const twin = { attack: 'credential-stuffing', kind: 'benign-twin' } as const;

/** Many refused sign-ins that nobody means ill with. */
export const CREDENTIAL_STUFFING_TWINS: readonly Script[] = [
  {
    ...twin,
    name: 'forced-password-change',
    source: 'A day on which all passwords of a ward expire',
    durationMsMax: 40 * MINUTE_MS,
    beginHours: [7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
    play: forcedPasswordChange,
  },
  {
    ...twin,
    name: 'stale-service-account',
    source: 'A password of a service was changed, and one host was forgotten',
    durationMsMax: 15 * MINUTE_MS,
    play: staleServiceAccount,
  },
  {
    ...twin,
    name: 'congress-hotel',
    source: 'A department at a congress, behind one address',
    durationMsMax: HOTEL_MS,
    play: congressHotel,
  },
];
