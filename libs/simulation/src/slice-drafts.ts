import type { ActivityPlan, PlannedActivity, PlayedActivity } from './activity-plan';
import type { EventDraft } from './draft';
import { DAY_MS, HOUR_MS } from './durations';
import type { DraftToStamp } from './event-stamper';
import type { Hospital } from './hospital/model';
import { SLICE_MS, type Life, type Slice } from './life/life';
import { SeededRandom } from './random';
import type { SimulationSettings } from './settings';

const TICK_MS = 30_000;
/** An activity begins at most this long before or after its place in the plan, because it waits for an hour that it wants. */
const MOVED_MS_MAX = DAY_MS + HOUR_MS;

/** What drafts are made from. */
export interface SliceDraftsOptions {
  readonly hospital: Hospital;
  readonly settings: SimulationSettings;
  readonly seed: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly lives: readonly Life[];
  readonly plan: ActivityPlan;
}

/**
 * All that happens in each slice: ordinary life, what is planted in it, and ticks of the clock. Slices are asked for in
 * ascending order, from any of them on.
 */
export class SliceDrafts {
  /** Played activities by key while the plan may still need them; undefined for those that could not be played. */
  readonly #played = new Map<string, PlayedActivity | undefined>();
  readonly #durationMsMax: number;

  constructor(private readonly options: SliceDraftsOptions) {
    this.#durationMsMax = options.plan.durationMsMax();
  }

  /** How many slices the simulation has. */
  get count(): number {
    return Math.ceil((this.options.endMs - this.options.startMs) / SLICE_MS);
  }

  /** Drafts of one slice in event time. */
  of(slice: number): DraftToStamp[] {
    const startMs = this.options.startMs + slice * SLICE_MS;
    const endMs = Math.min(startMs + SLICE_MS, this.options.endMs);
    const activities = this.activitiesIn(startMs, endMs);
    const drafts: DraftToStamp[] = [];
    const isSuppressed = suppressedBy(activities, startMs, endMs);
    this.#addOrdinary(drafts, startMs, endMs, slice, isSuppressed);
    for (const activity of activities)
      for (const draft of activity.drafts)
        if (draft.timeMs >= startMs && draft.timeMs < endMs) drafts.push({ draft, activity: activity.key });
    // The sort is stable, so drafts of the same millisecond keep the order in which they were made.
    return drafts.sort((a, b) => a.draft.timeMs - b.draft.timeMs);
  }

  /** Activities whose last event lies in a time, half-open, by their ends. */
  endedIn(fromMs: number, toMs: number): PlayedActivity[] {
    const ended = [...this.#played.values()].filter(
      (each): each is PlayedActivity => each !== undefined && each.endMs >= fromMs && each.endMs < toMs,
    );
    return ended.sort((a, b) => a.endMs - b.endMs || (a.key < b.key ? -1 : 1));
  }

  #addOrdinary(
    drafts: DraftToStamp[],
    startMs: number,
    endMs: number,
    slice: number,
    isSuppressed: (draft: EventDraft) => boolean,
  ): void {
    const { hospital, settings, seed, lives, startMs: beginMs } = this.options;
    const add = (draft: EventDraft): void => {
      if (!isSuppressed(draft)) drafts.push({ draft, activity: undefined });
    };
    for (const life of lives) {
      const random = SeededRandom.ofStream(seed, `${life.name}/${slice}`);
      const part: Slice = { hospital, settings, seed, startMs, endMs, beginMs, random };
      for (const draft of life.drafts(part)) if (draft.timeMs >= startMs && draft.timeMs < endMs) add(draft);
    }
    for (let timeMs = startMs; timeMs < endMs; timeMs += TICK_MS) add(tickAt(timeMs));
  }

  /** Activities that change what happens in a time, half-open. */
  activitiesIn(startMs: number, endMs: number): PlayedActivity[] {
    const fromMs = startMs - this.#durationMsMax - MOVED_MS_MAX;
    // One that is long for its place in the plan begins earlier, so that it ends before the end of the simulation.
    const toMs = endMs + Math.max(MOVED_MS_MAX, this.#durationMsMax);
    const planned = [...this.options.plan.planned(fromMs, toMs)];
    this.#forgetAllBut(planned);
    const played = planned.map((each) => this.#play(each));
    return played.filter(
      (each) => each !== undefined && each.startMs < endMs && reachesTo(each) >= startMs,
    ) as PlayedActivity[];
  }

  #play(planned: PlannedActivity): PlayedActivity | undefined {
    if (this.#played.has(planned.key)) return this.#played.get(planned.key);
    const played = this.options.plan.play(planned);
    this.#played.set(planned.key, played);
    return played;
  }

  #forgetAllBut(planned: readonly PlannedActivity[]): void {
    if (this.#played.size <= planned.length) return;
    const keys = new Set(planned.map(({ key }) => key));
    for (const key of this.#played.keys()) if (!keys.has(key)) this.#played.delete(key);
  }
}

/** A tick of the simulated clock. */
export function tickAt(timeMs: number): EventDraft {
  return { timeMs, source: 'simulation-clock', type: 'clock.ticked', data: {} };
}

/** Until when an activity changes what happens, milliseconds since the Unix epoch. */
function reachesTo({ endMs, suppressions = [] }: PlayedActivity): number {
  return Math.max(endMs, ...suppressions.map(({ toMs }) => toMs));
}

function suppressedBy(
  activities: readonly PlayedActivity[],
  startMs: number,
  endMs: number,
): (draft: EventDraft) => boolean {
  const inForce = activities
    .flatMap(({ suppressions = [] }) => suppressions)
    .filter(({ fromMs, toMs }) => fromMs < endMs && toMs > startMs);
  if (inForce.length === 0) return () => false;
  return ({ data, type, timeMs }) => {
    const uid = (data['device'] as { readonly uid?: string } | undefined)?.uid;
    return inForce.some(
      ({ deviceUid, types, fromMs, toMs }) =>
        deviceUid === uid && timeMs >= fromMs && timeMs < toMs && types?.includes(type) !== false,
    );
  };
}
