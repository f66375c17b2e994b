import type { EventDraft } from '../draft';
import { DAY_MS } from '../durations';
import {
  exchangeDraft,
  patientView,
  signedInDraft,
  type EndpointView,
  type ExchangeFacts,
  type UserView,
} from '../event-drafts';
import type { Hospital, Partner, Resident, Role, StaffMember, Stay } from '../hospital/model';
import { staffSeat, type StaffSeat } from '../life/answers';
import { consentsOf, type PlannedConsent } from '../life/consent-plan';
import { episodesSince, partnersOf } from '../life/episode';
import { deskSessions, portalSessionUid, requestUid, type PortalSeat } from '../life/partner-desks';
import { officeAddress, peopleOfPartner, portalUserAgent, programOf } from '../portal-accounts';
import type { SeededRandom } from '../random';
import type { Stage } from './activity';

/** Consents of older episodes may not be on file: the simulation had not begun. */
const REMEMBERED_MS = 6 * DAY_MS;

/** A member of staff of one of some roles who is on duty, with a place to work from. */
export interface Insider {
  readonly person: StaffMember;
  readonly seat: StaffSeat;
}

/** Somebody on duty when the activity begins; undefined where nobody of the roles is. */
export function insider({ hospital, random, startMs }: Stage, roles: readonly Role[]): Insider | undefined {
  const duties = roles.flatMap((role) => hospital.onDuty(startMs, { role }));
  if (duties.length === 0) return undefined;
  const { person, ward } = random.pick(duties);
  return { person, seat: staffSeat(hospital, person.user, ward) };
}

/** A partner of a kind; undefined where none takes part. */
export function partnerOf({ hospital, random }: Stage, ...kinds: readonly Partner['kind'][]): Partner | undefined {
  const partners = kinds.flatMap((kind) => partnersOf(hospital, kind));
  return partners.length === 0 ? undefined : random.pick(partners);
}

/**
 * A person of a partner who is not on a journey on the day; of partners of which only a program takes part, that. Whoever is on
 * a journey cannot be in the office as well.
 */
export function partnerPerson({ hospital, random, startMs }: Stage, partner: Partner): UserView {
  const day = Math.floor(startMs / DAY_MS);
  const abroad = new Set<string>();
  for (const each of [day, day + 1])
    for (const { user, from } of deskSessions(hospital, partner, each))
      if (from.country !== officeAddress(hospital, partner, user.uid).country) abroad.add(user.uid);
  const people = peopleOfPartner(partner).filter(({ uid }) => !abroad.has(uid));
  return people.length === 0 ? (partner.users[0] as UserView) : random.pick(people);
}

/** A person of a partner who does not sign in from one time to another; undefined where all do. */
export function absentPartnerPerson(
  { hospital, random }: Stage,
  partner: Partner,
  fromMs: number,
  toMs: number,
): UserView | undefined {
  const present = new Set<string>();
  for (let day = Math.floor(fromMs / DAY_MS); day * DAY_MS < toMs; day++)
    for (const { user, startMs, endMs } of deskSessions(hospital, partner, day))
      if (startMs < toMs && endMs > fromMs) present.add(user.uid);
  const absent = peopleOfPartner(partner).filter(({ uid }) => !present.has(uid));
  return absent.length === 0 ? undefined : random.pick(absent);
}

/** Consents of ordinary life around a time, by patient. */
export function consentsAround(hospital: Hospital, timeMs: number): Map<string, PlannedConsent[]> {
  const byPatient = new Map<string, PlannedConsent[]>();
  for (const episode of episodesSince(hospital, timeMs - REMEMBERED_MS, timeMs)) {
    const { patientUid } = episode.stay.patient;
    const known = byPatient.get(patientUid) ?? [];
    byPatient.set(patientUid, [...known, ...consentsOf(hospital, episode)]);
  }
  return byPatient;
}

/** Patients who are or were in the house lately and have nothing to do with a partner. */
export function patientsWithout(stage: Stage, partner: Partner, count: number): Resident[] {
  const { hospital, random, startMs } = stage;
  const consents = consentsAround(hospital, startMs);
  const isStranger = ({ patientUid }: Resident): boolean =>
    consents.get(patientUid)?.every((consent) => consent.partner.view.uid !== partner.view.uid) !== false;
  const strangersOf = (stays: readonly Stay[]): Resident[] =>
    distinct(stays.map(({ patient }) => patient)).filter(isStranger);
  const recent = strangersOf(hospital.staysWithin(startMs - DAY_MS, startMs));
  if (recent.length >= count) return random.sample(recent, count);
  // Small houses have too few.
  const former = strangersOf([
    ...hospital.staysWithin(startMs - DAY_MS, startMs),
    ...hospital.formerStays(startMs, 5 * count),
  ]);
  return random.sample(former, count);
}

/** Patients who agreed that a partner gets their data for a purpose and will not take that back. */
export function patientsWith(stage: Stage, partner: Partner, purpose: string, count: number): Resident[] {
  const { hospital, random, startMs } = stage;
  const agreed = [...consentsAround(hospital, startMs).values()].flatMap((consents) => {
    const consent = consents.find((each) => each.partner.view.uid === partner.view.uid && each.purpose === purpose);
    return consent !== undefined && consent.withdrawnMs === undefined && consent.givenMs < startMs
      ? [consent.patient]
      : [];
  });
  return random.sample(distinct(agreed), count);
}

/** Patients who are in the house. */
export function inpatientsOf({ hospital, random, startMs }: Stage, count: number, ward?: string): Resident[] {
  return random.sample(distinct(hospital.inpatients(startMs, ward).map(({ patient }) => patient)), count);
}

function distinct(residents: readonly Resident[]): Resident[] {
  return [...new Map(residents.map((resident) => [resident.patientUid, resident])).values()];
}

/** What an exchange is about. */
export interface Matter {
  readonly partner: Partner;
  readonly purpose: string;
  readonly agreement?: string;
}

/** An exchange event about a patient. */
export function exchangeOf(
  { hospital }: Stage,
  timeMs: number,
  act: Parameters<typeof exchangeDraft>[1],
  { partner, purpose, agreement = partner.agreement }: Matter,
  patient: Resident,
  more: Partial<ExchangeFacts>,
): EventDraft {
  // As in ordinary life: apps leave the ward out, all others get the last one.
  const ward = partner.kind === 'app-vendor' ? undefined : hospital.wardOfPatient(patient.patientUid, timeMs);
  const facts = { partner: partner.view, patient: patientView(patient, ward), agreement, purpose };
  return exchangeDraft(timeMs, act, { ...facts, ...more });
}

/** A request of a partner and the release that answers it. */
export function askedAndReleased(
  stage: Stage,
  matter: Matter,
  patient: Resident,
  asked: { readonly timeMs: number; readonly seat: PortalSeat },
  released: { readonly timeMs: number; readonly seat: StaffSeat; readonly bytesOut: number },
): EventDraft[] {
  const request = requestUid(stage.random);
  const { seat, bytesOut } = released;
  return [
    exchangeOf(stage, asked.timeMs, 'requested', matter, patient, { ...asked.seat, request }),
    exchangeOf(stage, released.timeMs, 'released', matter, patient, { ...seat, request, bytesOut }),
  ];
}

/** A request that the portal refuses at once. */
export function askedAndRefused(
  stage: Stage,
  matter: Matter,
  patient: Resident,
  timeMs: number,
  seat: PortalSeat,
  reason: string,
): EventDraft[] {
  const request = requestUid(stage.random);
  const refusedMs = timeMs + stage.random.integer(200, 2_500);
  return [
    exchangeOf(stage, timeMs, 'requested', matter, patient, { ...seat, request }),
    exchangeOf(stage, refusedMs, 'refused', matter, patient, { ...seat, request, reason }),
  ];
}

/** The portal's words for a patient who has nothing to do with a partner. */
export function strangerReason(random: SeededRandom): string {
  return random.chance(0.5) ? 'unknown patient' : 'no consent of this patient on file';
}

/** A partner's person or program in its office. */
export function officeSeat({ hospital }: Stage, partner: Partner, user: UserView): PortalSeat {
  return portalSeat(partner, user, officeAddress(hospital, partner, user.uid));
}

/** A partner's person or program at any address. */
export function portalSeat(partner: Partner, user: UserView, from: EndpointView): PortalSeat {
  const kind = programOf(partner)?.uid === user.uid ? 'program' : 'browser';
  return { actor: user, from, userAgent: portalUserAgent(kind, user.uid) };
}

/** A sign-in of a partner's person to the exchange portal. */
export function partnerSignIn(
  { random }: Stage,
  timeMs: number,
  partner: Partner,
  { actor, from, userAgent }: PortalSeat,
  hasSecondFactor: boolean,
): EventDraft {
  const seat = {
    user: actor as UserView,
    from,
    userAgent,
    service: 'exchange-portal',
    session: portalSessionUid(random),
  };
  return signedInDraft(timeMs, { ...seat, partner: partner.view }, hasSecondFactor);
}

/** Size of a letter or document, bytes. */
export function letterBytes(random: SeededRandom): number {
  return random.integer(18_000, 420_000);
}

/** Who took part, for the label. */
export function entitiesOf(
  ...ids: readonly (readonly [kind: string, id: string | undefined])[]
): { readonly kind: string; readonly id: string }[] {
  return ids.flatMap(([kind, id]) => (id === undefined ? [] : [{ kind, id }]));
}
