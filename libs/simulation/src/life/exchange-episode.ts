import { DAY_MS, HOUR_MS } from '../durations';
import { consentDraft, exchangeDraft, patientView } from '../event-drafts';
import type { Hospital, Partner, Role } from '../hospital/model';
import { officeAddress, portalUserAgent, programOf } from '../portal-accounts';
import { SeededRandom } from '../random';
import { answerMs, answerer } from './answers';
import { appDrafts } from './app-accounts';
import { consentsOf, isInForce, type PlannedConsent } from './consent-plan';
import { LETTER_BYTES, episodeRandom, partnersOf, wardIn } from './episode';
import { deskSessionFrom, requestUid, type PortalSeat } from './partner-desks';
import type { EpisodePlan, PlannedDraft } from './planned-draft';
import { unaskedDrafts } from './unasked-releases';

const MINUTE_MS = 60_000;

/** How a partner asks for data, and who of the house answers. */
interface Demand {
  readonly purpose: string;
  /** Requests in an episode on average. */
  readonly perEpisode: number;
  readonly roles: readonly Role[];
  /** Size of what is released, bytes. */
  readonly bytes: readonly [from: number, to: number];
  /** True of what exists only after the discharge. */
  readonly isAfterDischarge: boolean;
}

const PHYSICIANS = ['physician'] as const;
const demand = (
  purpose: string,
  perEpisode: number,
  roles: readonly Role[],
  bytes: readonly [number, number],
  isAfterDischarge = false,
): Demand => ({ purpose, perEpisode, roles, bytes, isAfterDischarge });

const DEMANDS: Readonly<Partial<Record<Partner['kind'], readonly Demand[]>>> = {
  'general-practice': [
    demand('treatment', 1.4, PHYSICIANS, [40_000, 2_500_000]),
    demand('referral', 0.8, PHYSICIANS, LETTER_BYTES),
    demand('discharge-letter', 1.2, PHYSICIANS, LETTER_BYTES, true),
  ],
  rehabilitation: [
    demand('treatment', 2.2, ['social-worker'], [40_000, 2_500_000]),
    demand('discharge-letter', 1.2, PHYSICIANS, LETTER_BYTES, true),
  ],
  research: [demand('research', 1.6, ['quality-officer'], [90_000, 6_000_000])],
  hospital: [demand('second-opinion', 1.6, PHYSICIANS, [40_000_000, 340_000_000])],
};
const BILLING = demand('billing', 1.8, ['clinical-coder', 'admission-clerk'], [12_000, 160_000]);

/** Share of requests that are refused because what is asked for is not there yet. */
const UNFINISHED_SHARE = 0.04;
/** Share of requests for somebody who has nothing to do with the partner: mistyped numbers. */
const MISTAKEN_SHARE = 0.012;
const RESULTS_PER_DAY = 4;
const REVOKED_SHARE = 0.6;

/** All that is exchanged about a patient because of one episode, in any order. A pure function of its argument. */
export function episodeDrafts(plan: EpisodePlan): PlannedDraft[] {
  const consents = consentsOf(plan.hospital, plan.episode);
  return [
    ...consents.flatMap(consentDrafts),
    ...consents.flatMap((consent) => demandedDrafts(plan, consent)),
    ...billedDrafts(plan),
    ...resultDrafts(plan),
    ...unaskedDrafts(plan, consents),
    ...appDrafts(plan, consents),
  ];
}

/** The consent as it is given and, by few, taken back. */
export function consentDrafts({ partner, patient, purpose, givenMs, withdrawnMs }: PlannedConsent): PlannedDraft[] {
  const planned = (timeMs: number, act: 'consent-given' | 'consent-withdrawn'): PlannedDraft => ({
    timeMs,
    sinceMs: timeMs,
    make: () => consentDraft(timeMs, act, partner.view, patientView(patient), purpose),
  });
  const given = planned(givenMs, 'consent-given');
  return withdrawnMs === undefined ? [given] : [given, planned(withdrawnMs, 'consent-withdrawn')];
}

function demandedDrafts(plan: EpisodePlan, consent: PlannedConsent): PlannedDraft[] {
  const { hospital, episode, rate } = plan;
  const { partner, purpose, givenMs } = consent;
  const wanted = DEMANDS[partner.kind]?.find((each) => each.purpose === purpose);
  if (wanted === undefined || (wanted.isAfterDischarge && episode.outcome === 'deceased')) return [];
  const random = episodeRandom(hospital, episode, `demand/${partner.kind}/${purpose}`);
  const drafts: PlannedDraft[] = [];
  let firstReleaseMs = Number.POSITIVE_INFINITY;
  for (let n = random.times(wanted.perEpisode * rate); n > 0; n--) {
    const earliestMs = wanted.isAfterDischarge ? episode.endMs : givenMs + 10 * MINUTE_MS;
    const untilMs = wanted.isAfterDischarge ? episode.endMs + DAY_MS : episode.endMs;
    const wishedMs = random.integer(earliestMs, Math.max(earliestMs, untilMs));
    const asked = askedDrafts(plan, random, partner, wanted, wishedMs, consent);
    drafts.push(...asked.drafts);
    firstReleaseMs = Math.min(firstReleaseMs, asked.releasedMs);
  }
  return [...drafts, ...revokedDrafts(plan, random, consent, firstReleaseMs)];
}

/** Insurers are billed without a consent: the law and the contract of the insured ask for it. */
function billedDrafts(plan: EpisodePlan): PlannedDraft[] {
  const { hospital, episode, rate } = plan;
  const insurers = partnersOf(hospital, 'insurer');
  if (insurers.length === 0) return [];
  const random = episodeRandom(hospital, episode, 'billing');
  const insurer = insurers[episode.stay.patient.index % insurers.length] as Partner;
  const drafts: PlannedDraft[] = [];
  for (let n = random.times(BILLING.perEpisode * rate); n > 0; n--) {
    const wishedMs = random.integer(episode.startMs + HOUR_MS, episode.endMs + 3 * DAY_MS);
    drafts.push(...askedDrafts(plan, random, insurer, BILLING, wishedMs).drafts);
  }
  return drafts;
}

interface Asked {
  readonly drafts: readonly PlannedDraft[];
  /** When data was released; infinite where it was not. */
  readonly releasedMs: number;
}
const NOT_ASKED: Asked = { drafts: [], releasedMs: Number.POSITIVE_INFINITY };

/** A request and what becomes of it; nothing where nobody of the partner is at work in the week after the wish. */
function askedDrafts(
  { hospital, episode }: EpisodePlan,
  random: SeededRandom,
  partner: Partner,
  wanted: Demand,
  wishedMs: number,
  consent?: PlannedConsent,
): Asked {
  const asked = asker(hospital, random, partner, wishedMs);
  if (asked === undefined || (consent !== undefined && !isInForce(consent, asked.timeMs))) return NOT_ASKED;
  const { timeMs, sinceMs, seat } = asked;
  const isMistaken = random.chance(MISTAKEN_SHARE);
  const isUnfinished = random.chance(UNFINISHED_SHARE);
  const request = requestUid(random);
  const { patient } = episode.stay;
  const subject = isMistaken ? hospital.resident(random.integer(0, hospital.residentCount - 1)) : patient;
  const about = { partner: partner.view, agreement: partner.agreement, purpose: wanted.purpose, request };
  const ward = isMistaken ? hospital.wardOfPatient(subject.patientUid, timeMs) : wardIn(episode, timeMs);
  const facts = { ...about, patient: patientView(subject, ward) };
  const requested = { timeMs, sinceMs, make: () => exchangeDraft(timeMs, 'requested', { ...facts, ...seat }) };
  const refused = (refusedMs: number, reason: string): Asked => {
    const make = (): ReturnType<typeof exchangeDraft> =>
      exchangeDraft(refusedMs, 'refused', { ...facts, ...seat, reason });
    return { drafts: [requested, { timeMs: refusedMs, sinceMs, make }], releasedMs: Number.POSITIVE_INFINITY };
  };
  // The portal itself refuses a mistyped number, and at once.
  if (isMistaken) return refused(timeMs + random.integer(200, 2_500), mistakeReason(random));
  if (isUnfinished) return refused(timeMs + random.integer(2_000, 40 * MINUTE_MS), 'document not finished');
  const role = random.pick(wanted.roles);
  const releasedMs = answerMs(random, role, timeMs + random.integer(3 * MINUTE_MS, 5 * HOUR_MS));
  if (consent !== undefined && !isInForce(consent, releasedMs)) return refused(releasedMs, 'consent was withdrawn');
  const [word, bytesOut] = [random.word(), random.integer(...wanted.bytes)];
  const make = (): ReturnType<typeof exchangeDraft> => {
    const by = answerer(
      hospital,
      SeededRandom.ofStream(word, 'answerer'),
      role,
      wardIn(episode, releasedMs),
      releasedMs,
    );
    return exchangeDraft(releasedMs, 'released', { ...facts, ...by, bytesOut });
  };
  return { drafts: [requested, { timeMs: releasedMs, sinceMs, make }], releasedMs };
}

function mistakeReason(random: SeededRandom): string {
  return random.chance(0.5) ? 'unknown patient' : 'no consent of this patient on file';
}

const PROGRAM_SHARE = 0.35;

/** Who asks, and when: the partner's program at any time, people while they are signed in. */
function asker(
  hospital: Hospital,
  random: SeededRandom,
  partner: Partner,
  wishedMs: number,
): { readonly timeMs: number; readonly sinceMs: number; readonly seat: PortalSeat } | undefined {
  const program = programOf(partner);
  if (program !== undefined && random.chance(PROGRAM_SHARE)) {
    const from = officeAddress(hospital, partner, program.uid);
    const seat = { actor: program, from, userAgent: portalUserAgent('program', program.uid) };
    return { timeMs: wishedMs, sinceMs: wishedMs, seat };
  }
  const found = deskSessionFrom(hospital, partner, wishedMs, random);
  if (found === undefined) return undefined;
  const { user, from, userAgent, startMs, mistypedMs } = found.session;
  return { timeMs: found.timeMs, sinceMs: mistypedMs[0] ?? startMs, seat: { actor: user, from, userAgent } };
}

function revokedDrafts(
  { hospital }: EpisodePlan,
  random: SeededRandom,
  { withdrawnMs, partner, patient, purpose }: PlannedConsent,
  firstReleaseMs: number,
): PlannedDraft[] {
  if (withdrawnMs === undefined || firstReleaseMs > withdrawnMs || !random.chance(REVOKED_SHARE)) return [];
  const timeMs = answerMs(random, 'quality-officer', withdrawnMs + random.integer(HOUR_MS, DAY_MS));
  const { view, agreement } = partner;
  const facts = { partner: view, agreement, patient: patientView(patient), purpose, reason: 'consent was withdrawn' };
  const word = random.word();
  const make = (): ReturnType<typeof exchangeDraft> => {
    const by = answerer(hospital, SeededRandom.ofStream(word, 'answerer'), 'quality-officer', undefined, timeMs);
    return exchangeDraft(timeMs, 'revoked', { ...facts, ...by });
  };
  return [{ timeMs, sinceMs: withdrawnMs, make }];
}

/** Results of a reference laboratory. */
function resultDrafts({ hospital, episode, rate }: EpisodePlan): PlannedDraft[] {
  const laboratories = partnersOf(hospital, 'laboratory');
  if (laboratories.length === 0) return [];
  const random = episodeRandom(hospital, episode, 'results');
  const days = (episode.endMs - episode.startMs) / DAY_MS;
  const drafts: PlannedDraft[] = [];
  for (let n = random.times(days * RESULTS_PER_DAY * rate); n > 0; n--) {
    const timeMs = daytime(random, random.integer(episode.startMs + HOUR_MS, episode.endMs));
    if (timeMs > episode.endMs) continue;
    const { view, agreement } = random.pick(laboratories);
    const patient = patientView(episode.stay.patient, wardIn(episode, timeMs));
    const facts = { partner: view, agreement, patient, purpose: 'laboratory-result', request: requestUid(random) };
    drafts.push({ timeMs, sinceMs: timeMs, make: () => exchangeDraft(timeMs, 'received', facts) });
  }
  return drafts;
}

/** Three in four of the hours from eight in the evening to six in the morning are moved into the day. */
function daytime(random: SeededRandom, timeMs: number): number {
  const hour = (timeMs % DAY_MS) / HOUR_MS;
  if ((hour >= 6 && hour < 20) || !random.chance(0.75)) return timeMs;
  return timeMs + Math.round((hour < 6 ? 6 - hour : 30 - hour) * HOUR_MS) + random.integer(0, 10 * HOUR_MS);
}
