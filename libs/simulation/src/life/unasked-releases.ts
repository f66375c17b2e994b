import { HOUR_MS } from '../durations';
import { exchangeDraft, patientView } from '../event-drafts';
import type { Partner, Role } from '../hospital/model';
import { SeededRandom } from '../random';
import { answerMs, answerer } from './answers';
import type { PlannedConsent } from './consent-plan';
import { LETTER_BYTES, episodeRandom, partnersOf, wardIn } from './episode';
import type { EpisodePlan, PlannedDraft } from './planned-draft';

/** Letters that patients want to be sent, and reports that the law asks for, in an episode. */
const PATIENTS_WISH = 0.06;
const REPORTS = 0.015;

/** What no partner asked for: letters on a patient's wish, reports that the law asks for, transfers to another hospital. */
export function unaskedDrafts(plan: EpisodePlan, consents: readonly PlannedConsent[]): PlannedDraft[] {
  const { hospital, episode, rate } = plan;
  const { startMs, endMs, outcome } = episode;
  const random = episodeRandom(hospital, episode, 'unasked');
  const atMs = (): number => random.integer(startMs + HOUR_MS, Math.max(startMs + HOUR_MS, endMs));
  const [letterMs, reportMs] = [atMs(), atMs()];
  const [hasWish, hasReport] = [random.chance(PATIENTS_WISH * rate), random.chance(REPORTS * rate)];
  const drafts: PlannedDraft[] = [];
  const letter = consents.find(
    ({ purpose, withdrawnMs }) => purpose === 'discharge-letter' && withdrawnMs === undefined,
  );
  if (hasWish && letter !== undefined) {
    const fromMs = Math.max(letter.givenMs + HOUR_MS, letterMs);
    drafts.push(
      unasked(plan, random, letter.partner, letter.purpose, 'physician', answerMs(random, 'physician', fromMs)),
    );
  }
  const [laboratory] = partnersOf(hospital, 'laboratory');
  if (hasReport && laboratory !== undefined) {
    const role = 'infection-control-nurse';
    drafts.push(unasked(plan, random, laboratory, 'public-health-reporting', role, answerMs(random, role, reportMs)));
  }
  const [other] = partnersOf(hospital, 'hospital');
  if (outcome === 'other-hospital' && other !== undefined)
    drafts.push(unasked(plan, random, other, 'emergency-transfer', 'physician', endMs - HOUR_MS));
  return drafts;
}

function unasked(
  { hospital, episode }: EpisodePlan,
  random: SeededRandom,
  { view, agreement }: Partner,
  purpose: string,
  role: Role,
  timeMs: number,
): PlannedDraft {
  const [word, bytesOut] = [random.word(), random.integer(...LETTER_BYTES)];
  const ward = wardIn(episode, timeMs);
  const make = (): ReturnType<typeof exchangeDraft> => {
    const by = answerer(hospital, SeededRandom.ofStream(word, 'answerer'), role, ward, timeMs);
    const patient = patientView(episode.stay.patient, ward);
    return exchangeDraft(timeMs, 'released', { partner: view, agreement, patient, purpose, ...by, bytesOut });
  };
  return { timeMs, sinceMs: timeMs, make };
}
