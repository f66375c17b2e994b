import type { EventDraft } from '../draft';
import {
  accountDraft,
  keystrokesDraft,
  mfaDraft,
  sessionEndedDraft,
  signInFailedDraft,
  signedInDraft,
  type Seat,
  type UserView,
} from '../event-drafts';
import { drawFraction, drawWord } from '../hospital/draws';
import type { Hospital } from '../hospital/model';
import { SeededRandom } from '../random';
import type { Life, Slice, StaffSession } from './life';
import { sessionsIn } from './session-life';
import { typingOf } from './typing';

const SECOND_MS = 1000;
/** What comes before a sign-in comes at most so long before it. */
const LEAD_MS = 300 * SECOND_MS;
/** About how often typing is measured. */
const TYPING_MS = 900 * SECOND_MS;

/** How sign-ins go wrong at first, as shares of all. */
const WRONG_PASSWORD = 0.065;
const WRONG_NAME = 0.008;
const EXPIRED = 0.002;
const LOCKED = 0.0004;
/** Share of sign-ins from away for which the second factor of an earlier one still counts. */
const REMEMBERED = 0.3;

/** Sign-ins with what goes wrong before them, second factors, how people type, ends of sessions. */
export const SIGN_IN_LIFE: Life = {
  name: 'sign-ins',
  drafts(slice) {
    const { hospital, settings, seed, startMs, endMs } = slice;
    const drafts: EventDraft[] = [];
    for (const session of sessionsIn(hospital, settings, seed, startMs, endMs + LEAD_MS)) {
      if (session.startMs >= startMs) {
        for (const draft of signIn(slice, session)) {
          if (draft.timeMs >= startMs && draft.timeMs < endMs) drafts.push(draft);
        }
      }
      typing(drafts, slice, session);
      const lastMs = session.endMs - 1;
      if (lastMs >= startMs && lastMs < endMs) drafts.push(sessionEnd(session, lastMs));
    }
    return drafts;
  },
};

/** Where somebody works in a session, as sign-ins say it. */
export function seatOf({ person, device, from, uid, userAgent }: StaffSession): Seat {
  return { user: person.user, device, from, service: 'ehr', session: uid, userAgent };
}

/** Second factor that a person is used to. */
export function mfaMethodOf(personUid: string): 'push' | 'token' | 'text-message' {
  const choice = SeededRandom.ofStream(0, `mfa/${personUid}`).fraction();
  return choice < 0.75 ? 'push' : choice < 0.9 ? 'token' : 'text-message';
}

/** A name of the house with one digit wrong, as somebody types it. */
export function mistypedName(random: SeededRandom, uid: string): string {
  const digits = [...uid.matchAll(/\d/g)].map(({ index }) => index);
  if (digits.length === 0) return `${uid}${random.integer(1, 9)}`;
  const place = random.pick(digits);
  const digit = (Number(uid[place]) + random.integer(1, 9)) % 10;
  return `${uid.slice(0, place)}${digit}${uid.slice(place + 1)}`;
}

/** Why a name is refused with a wrong password. */
export function refusalOf(hospital: Hospital, uid: string): 'wrong password' | 'unknown account' {
  return hospital.personOf(uid) === undefined ? 'unknown account' : 'wrong password';
}

/** A sign-in that was refused: who it was is not known then, so that it says only what name was typed. */
export function refusedDraft(timeMs: number, seat: Seat, detail: string, typed = seat.user.uid): EventDraft {
  return signInFailedDraft(timeMs, { ...seat, user: { uid: typed } }, detail);
}

function signIn(slice: Slice, session: StaffSession): EventDraft[] {
  const random = SeededRandom.ofStream(sessionKey(session), 'sign-in');
  const seat = seatOf(session);
  const isFromAway = session.isRemote || session.device.type === 'phone';
  // What somebody used yesterday is remembered for a while.
  const asksMfa = isFromAway && !random.chance(REMEMBERED);
  const drafts = [signedInDraft(session.startMs, seat, asksMfa)];
  let beforeMs = session.startMs;
  const back = (fromSeconds: number, toSeconds: number): number =>
    (beforeMs -= random.integer(fromSeconds * SECOND_MS, toSeconds * SECOND_MS));
  if (asksMfa) {
    for (const outcome of mfaOutcomes(random)) {
      drafts.push(mfaDraft(back(4, 30), seat, mfaMethodOf(seat.user.uid), outcome));
    }
  }
  drafts.push(...mishap(slice.hospital, random, seat, back));
  return drafts;
}

/** Outcomes of a second factor, the last first. */
function mfaOutcomes(random: SeededRandom): ('approved' | 'denied' | 'timed-out' | 'failed')[] {
  if (!random.chance(0.065)) return ['approved'];
  const choice = random.fraction();
  const first = choice < 0.6 ? 'timed-out' : choice < 0.9 ? 'failed' : 'denied';
  return random.chance(0.12) ? ['approved', first, 'timed-out'] : ['approved', first];
}

type Back = (fromSeconds: number, toSeconds: number) => number;

function mishap(hospital: Hospital, random: SeededRandom, seat: Seat, back: Back): EventDraft[] {
  const choice = random.fraction();
  if (choice < WRONG_PASSWORD) {
    const count = random.chance(0.2) ? 2 : 1;
    return Array.from({ length: count }, () => refusedDraft(back(3, 14), seat, 'wrong password'));
  }
  if (choice < WRONG_PASSWORD + WRONG_NAME) {
    const typed = mistypedName(random, seat.user.uid);
    return [refusedDraft(back(4, 15), seat, refusalOf(hospital, typed), typed)];
  }
  if (choice < WRONG_PASSWORD + WRONG_NAME + EXPIRED) {
    return [resetDraft(back(5, 20), seat, seat.user), refusedDraft(back(25, 80), seat, 'password expired')];
  }
  return choice < WRONG_PASSWORD + WRONG_NAME + EXPIRED + LOCKED ? lockedOut(hospital, random, seat, back) : [];
}

/** Too many wrong passwords: the service desk sets a new one. */
function lockedOut(hospital: Hospital, random: SeededRandom, seat: Seat, back: Back): EventDraft[] {
  const administrators = hospital.peopleOf('it-administrator');
  const desk = administrators.length === 0 ? seat.user : random.pick(administrators).user;
  const drafts = [resetDraft(back(5, 30), seat, desk), refusedDraft(back(60, 120), seat, 'account locked')];
  for (let n = 5; n > 0; n--) drafts.push(refusedDraft(back(4, 10), seat, 'wrong password'));
  return drafts;
}

function resetDraft(timeMs: number, { user, device }: Seat, by: UserView): EventDraft {
  return accountDraft(timeMs, 'access.credential-reset', user.uid, {
    user,
    actor: { user: by },
    ...(device === undefined ? {} : { device }),
    credential: 'password',
  });
}

function typing(drafts: EventDraft[], { startMs, endMs }: Slice, session: StaffSession): void {
  const { device, person } = session;
  // Nobody types evenly on glass.
  if (device.type !== 'workstation' && device.type !== 'gateway') return;
  const key = sessionKey(session);
  const untilMs = Math.min(endMs, session.endMs);
  const first = Math.max(0, Math.floor((startMs - session.startMs) / TYPING_MS) - 1);
  for (let step = first; session.startMs + step * TYPING_MS < untilMs; step++) {
    const shareOfStep = 0.25 + 0.75 * drawFraction(key, step);
    const timeMs = session.startMs + Math.floor((step + shareOfStep) * TYPING_MS);
    if (timeMs < startMs || timeMs >= untilMs) continue;
    drafts.push(keystrokesDraft(timeMs, seatOf(session), typingOf(person.user.uid, timeMs, drawWord(key, step, 1))));
  }
}

function sessionEnd(session: StaffSession, timeMs: number): EventDraft {
  const isTimedOut = drawFraction(sessionKey(session), 0, 2) < 0.25;
  return sessionEndedDraft(timeMs, seatOf(session), isTimedOut ? 'timed out' : 'signed out');
}

/** Key for what is drawn about a session: the first digits of its uid, which are random. */
const sessionKey = ({ uid }: StaffSession): number => Number.parseInt(uid.slice(2, 10), 16);
