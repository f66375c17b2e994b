import type { EventDraft } from './draft';
import type { Hospital, SimulatedDevice } from './hospital';
import type { AttackName, SimulationLabel } from './label';
import type { SeededRandom } from './random';

/** What happens in an activity, and what is true about it. */
export interface ActivityCourse {
  readonly attack: AttackName;
  readonly entities: SimulationLabel['entities'];
  /** In event time, ascending; never empty. */
  readonly drafts: readonly EventDraft[];
  /** Milliseconds since the Unix epoch; null for a benign twin. */
  readonly detectableAtMs: number | null;
}

/** One planted activity. */
export interface Activity extends ActivityCourse {
  readonly name: string;
  readonly kind: SimulationLabel['kind'];
}

/** What an activity is made from. */
export interface Stage {
  readonly hospital: Hospital;
  readonly random: SeededRandom;
  /** When the activity begins, milliseconds since the Unix epoch. */
  readonly startMs: number;
  /** Tablet of the activity; two activities of one hour never share one. */
  readonly tablet: SimulatedDevice;
}

/** Longest activity, milliseconds; what begins this long before the end of a simulation is complete in it. */
export const ACTIVITY_MS_MAX = 11 * 60_000;

/** Times of `count` steps over about `durationMs`, the first at the start, ascending and uneven as people are. */
export function stepTimes(random: SeededRandom, startMs: number, durationMs: number, count: number): number[] {
  const stepMs = durationMs / Math.max(1, count - 1);
  return Array.from({ length: count }, (_, index) => {
    const jitterMs = index === 0 ? 0 : random.integer(-Math.floor(stepMs * 0.4), Math.floor(stepMs * 0.4));
    return startMs + Math.floor(index * stepMs) + jitterMs;
  });
}
