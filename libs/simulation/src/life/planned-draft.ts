import type { EventDraft } from '../draft';
import type { Hospital } from '../hospital/model';
import type { Episode } from './episode';

/**
 * An event of ordinary life that is planned before its time comes. What it says is made then: who is on duty is known for the days
 * around a time only.
 */
export interface PlannedDraft {
  readonly timeMs: number;
  /** When what it rests on began, such as the request that it answers: it happens only in a simulation that began before. */
  readonly sinceMs: number;
  readonly make: () => EventDraft;
}

/** What the exchange of one episode is planned from. */
export interface EpisodePlan {
  readonly hospital: Hospital;
  /** How often things happen, as a multiple of what is usual. */
  readonly rate: number;
  readonly episode: Episode;
}
