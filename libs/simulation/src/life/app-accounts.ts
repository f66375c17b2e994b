import { DAY_MS, HOUR_MS } from '../durations';
import {
  exchangeDraft,
  outside,
  patientView,
  sessionEndedDraft,
  signInFailedDraft,
  signedInDraft,
  type EndpointView,
  type Seat,
} from '../event-drafts';
import type { Hospital, Resident } from '../hospital/model';
import { officeAddress, patientAccount, portalUserAgent, programOf } from '../portal-accounts';
import type { SeededRandom } from '../random';
import type { PlannedConsent } from './consent-plan';
import { AFTERCARE_MS, episodeRandom, type Episode } from './episode';
import { mistypedBefore, portalSessionUid, requestUid, type PortalSeat } from './partner-desks';
import type { EpisodePlan, PlannedDraft } from './planned-draft';

const MINUTE_MS = 60_000;

/** Looks into the app in a day, summaries that its vendor sends in a day, and readings that its program asks for. */
const LOOKS_PER_DAY = 1.3;
const SUMMARIES_PER_DAY = 0.9;
const MONITORINGS_PER_DAY = 1.1;
/** Share of patients for whom somebody of the household uses the app with an account of their own. */
const PROXY_SHARE = 0.1;
const APP_BYTES = [2_000, 60_000] as const;
/** Sign-ins to the patient portal in a day, while somebody is a patient and afterwards. */
const PORTAL_SIGN_INS_PER_DAY = { inpatient: 0.75, afterwards: 0.7 } as const;
const PORTAL_MISTYPED_SHARE = 0.1;

/** What a patient's app asks for and sends in while the consent to it is in force. */
export function appDrafts(plan: EpisodePlan, consents: readonly PlannedConsent[]): PlannedDraft[] {
  return consents
    .filter(({ partner }) => partner.kind === 'app-vendor')
    .flatMap((consent) =>
      consent.purpose === 'remote-monitoring' ? monitoringDrafts(plan, consent) : coachingDrafts(plan, consent),
    );
}

/** A patient, or somebody of the household, looks into the app; its vendor sends what it has coached. */
function coachingDrafts(plan: EpisodePlan, consent: PlannedConsent): PlannedDraft[] {
  const { hospital, episode } = plan;
  const { partner, purpose, patient } = consent;
  const random = episodeRandom(hospital, episode, 'coaching');
  const holder = appHolder(hospital, episode);
  const account = patientAccount(holder);
  const seat = { actor: account, from: homeEndpoint(hospital, holder), userAgent: portalUserAgent('app', account.uid) };
  const looks = timesInForce(plan, random, consent, LOOKS_PER_DAY).flatMap((timeMs) =>
    answeredAtOnce(random, consent, seat, timeMs),
  );
  const about = { partner: partner.view, agreement: partner.agreement, purpose, patient: patientView(patient) };
  const summaries = timesInForce(plan, random, consent, SUMMARIES_PER_DAY).map((timeMs) => ({
    timeMs,
    sinceMs: timeMs,
    make: () => exchangeDraft(timeMs, 'received', about),
  }));
  return [...looks, ...summaries];
}

/** The vendor's program asks for readings. */
function monitoringDrafts(plan: EpisodePlan, consent: PlannedConsent): PlannedDraft[] {
  const { hospital, episode } = plan;
  const { partner } = consent;
  const program = programOf(partner);
  if (program === undefined) return [];
  const random = episodeRandom(hospital, episode, 'monitoring');
  const from = officeAddress(hospital, partner, program.uid);
  const seat = { actor: program, from, userAgent: portalUserAgent('program', program.uid) };
  return timesInForce(plan, random, consent, MONITORINGS_PER_DAY).flatMap((timeMs) =>
    answeredAtOnce(random, consent, seat, timeMs),
  );
}

function timesInForce(
  { episode, rate }: EpisodePlan,
  random: SeededRandom,
  { givenMs, withdrawnMs }: PlannedConsent,
  perDay: number,
): number[] {
  const fromMs = givenMs + HOUR_MS;
  const untilMs = Math.min(withdrawnMs ?? Number.POSITIVE_INFINITY, episode.endMs + AFTERCARE_MS) - HOUR_MS;
  if (untilMs <= fromMs) return [];
  return drawTimes(random, ((untilMs - fromMs) / DAY_MS) * perDay * rate, fromMs, untilMs);
}

/** A request that the portal answers by itself, because it needs nobody's eye. */
function answeredAtOnce(
  random: SeededRandom,
  { partner, purpose, patient }: PlannedConsent,
  seat: PortalSeat,
  timeMs: number,
): PlannedDraft[] {
  const request = requestUid(random);
  const facts = {
    partner: partner.view,
    agreement: partner.agreement,
    purpose,
    patient: patientView(patient),
    request,
  };
  const releasedMs = timeMs + random.integer(150, 2_500);
  const bytesOut = random.integer(...APP_BYTES);
  return [
    { timeMs, sinceMs: timeMs, make: () => exchangeDraft(timeMs, 'requested', { ...facts, ...seat }) },
    { timeMs: releasedMs, sinceMs: timeMs, make: () => exchangeDraft(releasedMs, 'released', { ...facts, bytesOut }) },
  ];
}

/** Who uses the app for a patient: the patient, or for few somebody of the household. */
export function appHolder(hospital: Hospital, episode: Episode): Resident {
  const { patient } = episode.stay;
  const random = episodeRandom(hospital, episode, 'app-holder');
  if (!random.chance(PROXY_SHARE)) return patient;
  const household = hospital.householdOf(patient);
  return household.length > 0 ? random.pick(household) : patient;
}

/** Sign-ins of a patient to the patient portal, with what goes before and after. */
export function portalDrafts(plan: EpisodePlan): PlannedDraft[] {
  const { hospital, episode, rate } = plan;
  const { stay, startMs, endMs, outcome } = episode;
  const random = episodeRandom(hospital, episode, 'portal');
  const user = patientAccount(stay.patient);
  const base = { user, from: homeEndpoint(hospital, stay.patient), service: 'patient-portal' } as const;
  const { inpatient, afterwards } = PORTAL_SIGN_INS_PER_DAY;
  const untilMs = outcome === 'deceased' ? endMs : endMs + AFTERCARE_MS;
  return [
    ...drawTimes(random, ((endMs - startMs) / DAY_MS) * inpatient * rate, startMs + HOUR_MS, endMs),
    ...drawTimes(random, ((untilMs - endMs) / DAY_MS) * afterwards * rate, endMs, untilMs),
  ].flatMap((timeMs) => {
    const seat: Seat = { ...base, session: portalSessionUid(random), userAgent: portalUserAgent('browser', user.uid) };
    return visitDrafts(random, seat, timeMs);
  });
}

function visitDrafts(random: SeededRandom, seat: Seat, timeMs: number): PlannedDraft[] {
  const mistypedMs = mistypedBefore(random, timeMs, PORTAL_MISTYPED_SHARE);
  const sinceMs = mistypedMs[0] ?? timeMs;
  const hasSecondFactor = random.chance(0.6);
  const reason = random.chance(0.4) ? 'signed out' : 'timed out';
  const endedMs = timeMs + random.integer(2 * MINUTE_MS, 25 * MINUTE_MS);
  const wrong = (failedMs: number): PlannedDraft => ({
    timeMs: failedMs,
    sinceMs,
    make: () => signInFailedDraft(failedMs, seat, 'wrong password'),
  });
  return [
    ...mistypedMs.map(wrong),
    { timeMs, sinceMs, make: () => signedInDraft(timeMs, seat, hasSecondFactor) },
    { timeMs: endedMs, sinceMs, make: () => sessionEndedDraft(endedMs, seat, reason) },
  ];
}

function homeEndpoint(hospital: Hospital, resident: Resident): EndpointView {
  const ip = hospital.homeAddressOf(resident);
  return outside(ip, hospital.countryOf(ip));
}

/** Times of what happens `expected` times on average from one time to another. */
function drawTimes(random: SeededRandom, expected: number, fromMs: number, untilMs: number): number[] {
  return Array.from({ length: random.times(expected) }, () => random.integer(fromMs, Math.max(fromMs, untilMs)));
}
