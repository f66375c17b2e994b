import { DAY_MS, HOUR_MS } from '../durations';
import type { EndpointView, ExchangeFacts, Seat, UserView } from '../event-drafts';
import type { Hospital, Partner } from '../hospital/model';
import {
  journeyAddress,
  officeAddress,
  partnerHomeAddress,
  peopleOfPartner,
  portalUserAgent,
} from '../portal-accounts';
import { SeededRandom } from '../random';
import { isWeekend } from './answers';
import { BoundedMemo } from './bounded-memo';

const MINUTE_MS = 60_000;

/** Who asks in the portal, and from where. */
export type PortalSeat = Pick<ExchangeFacts, 'actor' | 'from' | 'userAgent'>;

/** A person of a partner at work in the exchange portal, half-open. */
export interface DeskSession {
  readonly uid: string;
  readonly partner: Partner;
  readonly user: UserView;
  readonly from: EndpointView;
  readonly userAgent: string;
  readonly startMs: number;
  readonly endMs: number;
  /** False where the portal knows the place from earlier in the day, which it does in the partner's own networks only. */
  readonly hasSecondFactor: boolean;
  /** Times of refused sign-ins before it. */
  readonly mistypedMs: readonly number[];
}

const PRESENT_SHARE = 0.85;
const AT_HOME_SHARE = 0.08;
const ON_JOURNEY_SHARE = 0.01;
const MISTYPED_SHARE = 0.06;
const MISTYPED_AGAIN_SHARE = 0.15;
const MISTYPED_MAX = 3;

/** Where a person works on a day. */
type Place = 'office' | 'home' | 'journey';

const desks = new WeakMap<Hospital, BoundedMemo<string, readonly DeskSession[]>>();
/** Days of partners that are kept: those of 200 partners for three weeks. */
const DESK_DAYS_KEPT_MAX = 4_096;

/**
 * Sessions of a partner's people on a day, by start; none on weekends. A pure function of its arguments.
 *
 * @param day - days since the Unix epoch
 */
export function deskSessions(hospital: Hospital, partner: Partner, day: number): readonly DeskSession[] {
  let memo = desks.get(hospital);
  if (memo === undefined) desks.set(hospital, (memo = new BoundedMemo(DESK_DAYS_KEPT_MAX)));
  return memo.get(`${partner.view.uid}/${day}`, () => planDay(hospital, partner, day));
}

/** A session of a partner's desk at or after a time, within a week, and a time in it; undefined where nobody comes. */
export function deskSessionFrom(
  hospital: Hospital,
  partner: Partner,
  fromMs: number,
  random: SeededRandom,
): { readonly session: DeskSession; readonly timeMs: number } | undefined {
  const firstDay = Math.floor(fromMs / DAY_MS);
  for (let day = firstDay; day < firstDay + 7; day++) {
    const open = deskSessions(hospital, partner, day).filter(({ endMs }) => endMs - MINUTE_MS > fromMs + MINUTE_MS);
    if (open.length === 0) continue;
    const session = random.pick(open);
    const timeMs = random.integer(Math.max(session.startMs, fromMs) + MINUTE_MS / 2, session.endMs - MINUTE_MS / 2);
    return { session, timeMs };
  }
  return undefined;
}

/** A session of a partner's person as a seat in the portal. */
export function deskSeat({ user, from, uid, userAgent, partner }: DeskSession): Seat {
  return { user, from, service: 'exchange-portal', session: uid, userAgent, partner: partner.view };
}

function planDay(hospital: Hospital, partner: Partner, day: number): readonly DeskSession[] {
  if (isWeekend(day * DAY_MS)) return [];
  const sessions = peopleOfPartner(partner).flatMap((user) => {
    const random = SeededRandom.ofStream(hospital.seed, `desk/${user.uid}/${day}`);
    return random.chance(PRESENT_SHARE) ? planPerson(hospital, random, partner, user, day * DAY_MS) : [];
  });
  return sessions.sort((a, b) => a.startMs - b.startMs || (a.uid < b.uid ? -1 : 1));
}

function planPerson(
  hospital: Hospital,
  random: SeededRandom,
  partner: Partner,
  user: UserView,
  dayMs: number,
): DeskSession[] {
  const choice = random.fraction();
  const place: Place =
    choice < ON_JOURNEY_SHARE ? 'journey' : choice < ON_JOURNEY_SHARE + AT_HOME_SHARE ? 'home' : 'office';
  const from = placeEndpoint(hospital, partner, user, place, dayMs);
  const at = (hour: number, spreadMinutes: number): number =>
    dayMs +
    Math.round(hour * HOUR_MS) +
    random.integer(-spreadMinutes, spreadMinutes) * MINUTE_MS +
    random.integer(0, 59_999);
  const spans = [
    [at(8, 45), at(11.75, 25)],
    [at(13, 25), at(16, 45)],
  ] as const;
  return spans.map(([startMs, endMs], index) => ({
    uid: portalSessionUid(random),
    partner,
    user,
    from,
    userAgent: portalUserAgent('browser', user.uid),
    startMs,
    endMs,
    hasSecondFactor: index === 0 || place !== 'office',
    mistypedMs: mistypedBefore(random, startMs),
  }));
}

function placeEndpoint(
  hospital: Hospital,
  partner: Partner,
  user: UserView,
  place: Place,
  dayMs: number,
): EndpointView {
  if (place === 'journey') return journeyAddress(hospital, user.uid, dayMs);
  return place === 'home' ? partnerHomeAddress(hospital, user.uid) : officeAddress(hospital, partner, user.uid);
}

/** Refused sign-ins in the minutes before one that is not. */
export function mistypedBefore(random: SeededRandom, timeMs: number, share = MISTYPED_SHARE): number[] {
  const times: number[] = [];
  for (
    let beforeMs = 0, next = share;
    times.length < MISTYPED_MAX && random.chance(next);
    next = MISTYPED_AGAIN_SHARE
  ) {
    beforeMs += random.integer(4_000, 25_000);
    times.unshift(timeMs - beforeMs);
  }
  return times;
}

/** Uid of a session in the portal: sixteen hexadecimal digits. */
export function portalSessionUid(random: SeededRandom): string {
  const hex = (word: number): string => word.toString(16).padStart(8, '0');
  return `ps-${hex(random.word())}${hex(random.word())}`;
}

/** Uid of a request: ten digits, as the portal gives them. */
export function requestUid(random: SeededRandom): string {
  return `rq-${String(random.integer(0, 9_999_999_999)).padStart(10, '0')}`;
}
