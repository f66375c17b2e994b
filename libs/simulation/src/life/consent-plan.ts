import { DAY_MS, HOUR_MS } from '../durations';
import type { Hospital, Partner, Resident } from '../hospital/model';
import type { SeededRandom } from '../random';
import { BoundedMemo } from './bounded-memo';
import { episodeRandom, episodesSince, partnersOf, type Episode } from './episode';

/** A consent of ordinary life: from when to when a partner may get a patient's data for a purpose. */
export interface PlannedConsent {
  readonly partner: Partner;
  readonly patient: Resident;
  readonly purpose: string;
  readonly givenMs: number;
  /** When the patient took it back; undefined for nearly all. */
  readonly withdrawnMs: number | undefined;
}

// Shares of episodes in which a patient is asked and agrees.
const PRACTICE_SHARE = 0.93;
const REFERRAL_SHARE = 0.35;
const REHABILITATION_SHARE = 0.3;
const RESEARCH_SHARE = 0.2;
const SECOND_OPINION_SHARE = 0.08;
/** Patients take up nutrition coaching in every hospital, and more of them where wearables are handed out. */
const COACHING_SHARE = { usual: 0.14, perWearable: 0.5, most: 0.6 } as const;
const REMOTE_MONITORING_SHARE = 0.6;
const WITHDRAWN_SHARE = 0.025;
/** Consents are taken within this time of the admission. */
const TAKEN_WITHIN_MS = 5 * HOUR_MS;
/** Nothing is exchanged because of an episode that ended longer ago. */
const REMEMBERED_MS = 30 * DAY_MS;

const plans = new WeakMap<Hospital, BoundedMemo<string, readonly PlannedConsent[]>>();
const EPISODES_KEPT_MAX = 8_192;

/** The consents of an episode. A pure function of its arguments. */
export function consentsOf(hospital: Hospital, episode: Episode): readonly PlannedConsent[] {
  let memo = plans.get(hospital);
  if (memo === undefined) plans.set(hospital, (memo = new BoundedMemo(EPISODES_KEPT_MAX)));
  const { patientUid } = episode.stay.patient;
  return memo.get(`${patientUid}/${episode.startMs}`, () => planConsents(hospital, episode));
}

/** The practice that a patient goes to; always the same. Undefined where no practice takes part. */
export function practiceOf(hospital: Hospital, patient: Resident): Partner | undefined {
  const practices = partnersOf(hospital, 'general-practice');
  return practices[patient.index % Math.max(1, practices.length)];
}

/**
 * The consent of ordinary life that is in force for a patient, partner and purpose at a time; undefined where there is none. A pure
 * function of its arguments: ordinary life releases nothing that needs a consent without asking it, and whatever is planted
 * can ask it, too.
 */
export function consentInForce(
  hospital: Hospital,
  patientUid: string,
  partnerUid: string,
  purpose: string,
  timeMs: number,
): PlannedConsent | undefined {
  const episodes = [...episodesSince(hospital, timeMs - REMEMBERED_MS, timeMs)];
  for (const episode of episodes.reverse()) {
    if (episode.stay.patient.patientUid !== patientUid) continue;
    const found = consentsOf(hospital, episode).find(
      (consent) => consent.partner.view.uid === partnerUid && consent.purpose === purpose && consent.givenMs <= timeMs,
    );
    if (found !== undefined) return isInForce(found, timeMs) ? found : undefined;
  }
  return undefined;
}

/** True when a consent was given before a time and not taken back. */
export function isInForce({ givenMs, withdrawnMs }: PlannedConsent, timeMs: number): boolean {
  return givenMs <= timeMs && (withdrawnMs === undefined || withdrawnMs > timeMs);
}

function planConsents(hospital: Hospital, episode: Episode): PlannedConsent[] {
  const random = episodeRandom(hospital, episode, 'consents');
  const wanted: [Partner | undefined, readonly string[]][] = [
    [chance(random, PRACTICE_SHARE, practiceOf(hospital, episode.stay.patient)), practicePurposes(random)],
    [
      chance(random, REHABILITATION_SHARE, pickOf(hospital, random, 'rehabilitation')),
      ['treatment', 'discharge-letter'],
    ],
    [chance(random, RESEARCH_SHARE, pickOf(hospital, random, 'research')), ['research']],
    [chance(random, SECOND_OPINION_SHARE, pickOf(hospital, random, 'hospital')), ['second-opinion']],
    [chance(random, coachingShare(hospital), pickOf(hospital, random, 'app-vendor')), coachingPurposes(random)],
  ];
  return wanted.flatMap(([partner, purposes]) =>
    partner === undefined ? [] : purposes.map((purpose) => planConsent(random, episode, partner, purpose)),
  );
}

function planConsent(random: SeededRandom, episode: Episode, partner: Partner, purpose: string): PlannedConsent {
  const { startMs, endMs, stay } = episode;
  const takenBeforeMs = Math.min(startMs + TAKEN_WITHIN_MS, startMs + (endMs - startMs) / 2);
  const givenMs = random.integer(startMs + 5 * 60_000, Math.max(startMs + 6 * 60_000, Math.floor(takenBeforeMs)));
  const withdrawnAtMs = random.integer(givenMs + HOUR_MS, Math.max(givenMs + 2 * HOUR_MS, endMs));
  const withdrawnMs = random.chance(WITHDRAWN_SHARE) ? withdrawnAtMs : undefined;
  return { partner, patient: stay.patient, purpose, givenMs, withdrawnMs };
}

function practicePurposes(random: SeededRandom): readonly string[] {
  return random.chance(REFERRAL_SHARE)
    ? ['treatment', 'discharge-letter', 'referral']
    : ['treatment', 'discharge-letter'];
}

function coachingPurposes(random: SeededRandom): readonly string[] {
  return random.chance(REMOTE_MONITORING_SHARE) ? ['nutrition-coaching', 'remote-monitoring'] : ['nutrition-coaching'];
}

function coachingShare(hospital: Hospital): number {
  const bedCount = hospital.wards.reduce((sum, ward) => sum + ward.bedCount, 0);
  const perBed = hospital.devicesOf('wearable').length / Math.max(1, bedCount);
  return Math.min(COACHING_SHARE.most, COACHING_SHARE.usual + COACHING_SHARE.perWearable * perBed);
}

/** One of the partners of a kind; the numbers that it takes do not hang on how many there are. */
function pickOf(hospital: Hospital, random: SeededRandom, kind: Partner['kind']): Partner | undefined {
  const partners = partnersOf(hospital, kind);
  return partners[Math.floor(random.fraction() * partners.length)];
}

function chance<T>(random: SeededRandom, share: number, value: T): T | undefined {
  return random.chance(share) ? value : undefined;
}
