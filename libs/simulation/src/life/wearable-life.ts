import type { EventDraft } from '../draft';
import { DAY_MS, HOUR_MS } from '../durations';
import { deviceDraft } from '../event-drafts';
import type { Hospital, SimulatedDevice } from '../hospital/model';
import { BoundedMemo } from './bounded-memo';
import { consentsOf } from './consent-plan';
import { episodeRandom, episodesOfDay, type Episode } from './episode';
import type { Life } from './life';

const MINUTE_MS = 60_000;
/** A wearable is handed out within this time of the consent. */
const HANDED_OUT_MS = [10 * MINUTE_MS, 2 * HOUR_MS] as const;
/** Whoever stays longer gives it back before. */
const WORN_MS_MAX = 20 * DAY_MS;

const days = new WeakMap<Hospital, BoundedMemo<number, readonly EventDraft[]>>();
const DAYS_KEPT_MAX = 32;

/**
 * Wearables are paired with the app of a patient who agreed to coaching or monitoring, and given back at the discharge. What they
 * report is part of all telemetry.
 */
export const WEARABLE_LIFE: Life = {
  name: 'wearables',
  drafts: ({ hospital, startMs, endMs }) => {
    if (hospital.devicesOf('wearable').length === 0) return [];
    let memo = days.get(hospital);
    if (memo === undefined) days.set(hospital, (memo = new BoundedMemo(DAYS_KEPT_MAX)));
    const last = Math.floor(startMs / DAY_MS);
    const drafts: EventDraft[] = [];
    for (let day = Math.floor((startMs - WORN_MS_MAX) / DAY_MS); day <= last; day++) {
      for (const draft of memo.get(day, () => episodesOfDay(hospital, day).flatMap((each) => pairings(hospital, each))))
        if (draft.timeMs >= startMs && draft.timeMs < endMs) drafts.push(draft);
    }
    return drafts;
  },
};

/** The wearable of an episode is paired, and unpaired at its end. */
function pairings(hospital: Hospital, episode: Episode): EventDraft[] {
  const consent = consentsOf(hospital, episode).find(({ partner }) => partner.kind === 'app-vendor');
  const wearables = hospital.devicesOf('wearable', episode.stay.ward);
  if (consent === undefined || wearables.length === 0) return [];
  const random = episodeRandom(hospital, episode, 'wearable');
  const wearable = random.pick(wearables);
  const pairedMs = consent.givenMs + random.integer(...HANDED_OUT_MS);
  const unpairedMs = Math.min(episode.endMs, episode.startMs + WORN_MS_MAX - HOUR_MS) - random.integer(0, HOUR_MS);
  const drafts = [pairingDraft(pairedMs, wearable, true)];
  return unpairedMs > pairedMs ? [...drafts, pairingDraft(unpairedMs, wearable, false)] : drafts;
}

/** A wearable was paired with somebody's app, or is free again. */
export function pairingDraft(timeMs: number, { view }: SimulatedDevice, isPaired: boolean): EventDraft {
  const [value, previous] = isPaired ? ['paired', 'free'] : ['free', 'paired'];
  const facts = { setting: 'pairing', value, previous_value: previous };
  return deviceDraft(timeMs, 'biomed-gateway', 'device.config-changed', view, facts);
}
