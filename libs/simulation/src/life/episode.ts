import { DAY_MS } from '../durations';
import type { Hospital, Partner, Stay } from '../hospital/model';
import { SeededRandom } from '../random';
import { BoundedMemo } from './bounded-memo';

/** Size of a letter, bytes. */
export const LETTER_BYTES = [18_000, 420_000] as const;

/** A patient's time in the hospital from admission to discharge, through all transfers. */
export interface Episode {
  /** The stay with which it began. */
  readonly stay: Stay;
  /** All stays of it, in time. */
  readonly stays: readonly Stay[];
  readonly startMs: number;
  readonly endMs: number;
  readonly outcome: Stay['outcome'];
}

/** More stays than this in one episode do not happen. */
const STAYS_MAX = 8;

/** The episode that begins with a stay; undefined where the patient came from another ward. */
export function episodeOf(hospital: Hospital, stay: Stay): Episode | undefined {
  const { patientUid } = stay.patient;
  if (hospital.stayOf(patientUid, stay.startMs - 1) !== undefined) return undefined;
  const stays = [stay];
  let last = stay;
  while (last.outcome === 'transferred' && stays.length < STAYS_MAX) {
    const next = hospital.stayOf(patientUid, last.endMs);
    if (next === undefined) break;
    stays.push((last = next));
  }
  return { stay, stays, startMs: stay.startMs, endMs: last.endMs, outcome: last.outcome };
}

/** The ward in which the patient of an episode lies at a time, or lay last. */
export function wardIn({ stay, stays }: Episode, timeMs: number): string {
  return stays.findLast(({ startMs }) => startMs <= timeMs)?.ward ?? stay.ward;
}

const days = new WeakMap<Hospital, BoundedMemo<number, readonly Episode[]>>();
const DAYS_KEPT_MAX = 128;
/** No episode is longer than this. */
export const EPISODE_MS_MAX = 28 * DAY_MS;

/** Episodes that begin on a day, counted from the Unix epoch. */
export function episodesOfDay(hospital: Hospital, day: number): readonly Episode[] {
  let memo = days.get(hospital);
  if (memo === undefined) days.set(hospital, (memo = new BoundedMemo(DAYS_KEPT_MAX)));
  return memo.get(day, () =>
    hospital.staysBeginning(day * DAY_MS, (day + 1) * DAY_MS).flatMap((stay) => episodeOf(hospital, stay) ?? []),
  );
}

/** Episodes that begin before a time and end after another, which is at most so far before it. */
export function* episodesSince(
  hospital: Hospital,
  endedAfterMs: number,
  beganBeforeMs: number,
): Generator<Episode, undefined, undefined> {
  const first = Math.floor((endedAfterMs - EPISODE_MS_MAX) / DAY_MS);
  for (let day = first; day * DAY_MS < beganBeforeMs; day++) {
    for (const episode of episodesOfDay(hospital, day))
      if (episode.endMs > endedAfterMs && episode.startMs < beganBeforeMs) yield episode;
  }
  return undefined;
}

/** After the discharge an episode goes on for so long in letters, bills and the patient's app. */
export const AFTERCARE_MS = 6 * DAY_MS;

/** Random numbers of one episode for one matter. */
export function episodeRandom({ seed }: Hospital, { stay, startMs }: Episode, matter: string): SeededRandom {
  return SeededRandom.ofStream(seed, `${matter}/${stay.patient.patientUid}/${startMs}`);
}

/** Partners of a kind. */
export function partnersOf(hospital: Hospital, kind: Partner['kind']): readonly Partner[] {
  return hospital.partners.filter((partner) => partner.kind === kind);
}
