import type { EventDraft } from '../draft';
import { DAY_MS, HOUR_MS } from '../durations';
import { sessionEndedDraft, signInFailedDraft, signedInDraft } from '../event-drafts';
import type { Hospital } from '../hospital/model';
import { portalDrafts } from './app-accounts';
import { consentsOf, isInForce } from './consent-plan';
import { AFTERCARE_MS, EPISODE_MS_MAX, episodesOfDay, episodesSince } from './episode';
import { consentDrafts, episodeDrafts } from './exchange-episode';
import { HourBuckets, type PlanDay } from './hour-buckets';
import type { Life, Slice } from './life';
import { deskSeat, deskSessions } from './partner-desks';
import type { EpisodePlan, PlannedDraft } from './planned-draft';

/** What is planned for one episode is over so long after its end; what were to come later is left out. */
const AFTER_EPISODE_MS = AFTERCARE_MS + DAY_MS;
/** Nothing but consents on file happens in the first moments of a simulation: whatever came before them is not known. */
const QUIET_MS = 5_000;

const bucketsOf = new WeakMap<Hospital, HourBuckets>();

/**
 * Exchange with partners and patients: consents, requests, releases, refusals, results, revocations, the patient portal and
 * what apps ask for. All that concerns one episode is planned at once, so that nothing is released without the consent that it needs.
 */
export const EXCHANGE_LIFE: Life = {
  name: 'exchange',
  drafts: (slice) => {
    const { startMs, endMs, beginMs } = slice;
    const drafts = plannedIn(slice)
      .filter(({ sinceMs, timeMs }) => sinceMs >= beginMs + QUIET_MS && timeMs >= startMs && timeMs < endMs)
      .map(({ make }) => make());
    return startMs <= beginMs ? [...consentsOnFile(slice), ...drafts] : drafts;
  },
};

/** People of partners sign in to the exchange portal and out of it. */
export const PARTNER_DESK_LIFE: Life = {
  name: 'partner-desks',
  drafts: ({ hospital, startMs, endMs, beginMs }) => {
    const day = Math.floor(startMs / DAY_MS);
    const drafts: EventDraft[] = [];
    for (const partner of hospital.partners) {
      for (const session of deskSessions(hospital, partner, day)) {
        if (session.endMs < startMs || (session.mistypedMs[0] ?? session.startMs) >= endMs) continue;
        const seat = deskSeat(session);
        const all = [
          ...session.mistypedMs.map((timeMs) => signInFailedDraft(timeMs, seat, 'wrong password')),
          signedInDraft(session.startMs, seat, session.hasSecondFactor),
          sessionEndedDraft(session.endMs, seat, 'signed out'),
        ];
        drafts.push(...all.filter(({ timeMs }) => timeMs >= Math.max(startMs, beginMs) && timeMs < endMs));
      }
    }
    return drafts;
  },
};

/** What is planned for the hours that a slice touches. */
function plannedIn({ hospital, startMs, endMs }: Slice): readonly PlannedDraft[] {
  const first = Math.floor(startMs / HOUR_MS);
  const last = Math.floor((endMs - 1) / HOUR_MS);
  const buckets = bucketsFor(hospital);
  const all = [...buckets.of(first)];
  for (let hour = first + 1; hour <= last; hour++) all.push(...buckets.of(hour));
  return all;
}

function bucketsFor(hospital: Hospital): HourBuckets {
  const known = bucketsOf.get(hospital);
  if (known !== undefined) return known;
  const rate = hospital.settings.rates.exchange * hospital.settings.eventRateFactor;
  const planDay: PlanDay = (day, fromMs) =>
    episodesOfDay(hospital, day)
      .filter(({ endMs }) => endMs + AFTER_EPISODE_MS > fromMs)
      .map((episode) => {
        const plan: EpisodePlan = { hospital, rate, episode };
        const untilMs = episode.endMs + AFTER_EPISODE_MS;
        return [...episodeDrafts(plan), ...portalDrafts(plan)].filter(({ timeMs }) => timeMs < untilMs);
      });
  const buckets = new HourBuckets(planDay, Math.ceil((EPISODE_MS_MAX + AFTER_EPISODE_MS) / DAY_MS));
  bucketsOf.set(hospital, buckets);
  return buckets;
}

/** The consents that were in force when the simulation began: the portal sends them when it is connected. */
function consentsOnFile({ hospital, beginMs }: Slice): EventDraft[] {
  const drafts: EventDraft[] = [];
  for (const episode of episodesSince(hospital, beginMs - AFTER_EPISODE_MS, beginMs + QUIET_MS)) {
    for (const consent of consentsOf(hospital, episode)) {
      if (!isInForce(consent, beginMs + QUIET_MS)) continue;
      const [given] = consentDrafts({
        ...consent,
        givenMs: beginMs + (drafts.length % QUIET_MS),
        withdrawnMs: undefined,
      });
      if (given !== undefined) drafts.push(given.make());
    }
  }
  return drafts;
}
