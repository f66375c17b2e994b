import type { Json, StateStore } from '../operators/stream-element';
import { isTemporal, type SigmaCorrelation } from './correlation';
import { mergeHit, type CorrelationPlan, type PlannedHit } from './correlation-plan';
import type { ContributingEvent, CorrelationBounds, EventRef } from './correlation-window';
import { Correlator, type CorrelationFiring, type CorrelationTrigger } from './correlator';

/** A correlation that is to be told of. */
export interface RaisedCorrelation {
  readonly correlation: SigmaCorrelation;
  readonly firing: CorrelationFiring;
  /** Contributing events, oldest first; the last completed it. */
  readonly events: readonly ContributingEvent[];
  /** Values by name that the words of the correlation speak of. */
  readonly texts: Readonly<Record<string, string>>;
}

/** Most events behind one firing that a correlation over it remembers, the latest of them. */
export const CHAINED_EVENTS_MAX = 16;

interface Step extends PlannedHit {
  readonly chained?: readonly ContributingEvent[];
}

/**
 * All correlations of a plan over events in event-time order, those over others included. A firing counts as an event at
 * the time of the event that completed it. Temporal correlations take every event on which one below them holds, because
 * they ask what was so within the time span; the others take each time that it becomes true, because they count.
 */
export class CorrelationRun implements StateStore {
  readonly #plan: CorrelationPlan;
  readonly #correlators: readonly Correlator[];

  constructor(plan: CorrelationPlan, trigger: CorrelationTrigger, bounds: CorrelationBounds = {}) {
    this.#plan = plan;
    this.#correlators = plan.correlations.map((correlation) => new Correlator(correlation, trigger, bounds));
  }

  /** Takes in what one event brings and says what is to be told; `hits` in the order of places. */
  step(hits: readonly PlannedHit[], timeMs: number, ref: EventRef): RaisedCorrelation[] {
    const raised: RaisedCorrelation[] = [];
    const steps: Step[] = [...hits];
    for (let at = 0; at < steps.length; at++) {
      const hit = steps[at] as Step;
      const correlator = this.#correlators[hit.correlation] as Correlator;
      const firing = correlator.step(hit, timeMs, ref, hit.chained);
      if (firing === undefined) continue;
      const parents = this.#plan.parentsOf(hit.correlation);
      const isTold = firing.isRaised && this.#plan.raises(correlator.correlation);
      if (!isTold && parents.length === 0) continue;
      if (isTold) {
        const texts = this.#plan.textsByName(hit.correlation, hit.texts);
        raised.push({ correlation: correlator.correlation, firing, events: firing.events(), texts });
      }
      // The event that completed it is named by the entry itself.
      const chained = parents.length === 0 ? [] : firing.events(CHAINED_EVENTS_MAX + 1).slice(0, -1);
      for (const place of parents) {
        const { type } = (this.#correlators[place.correlation] as Correlator).correlation;
        if (!firing.isNew && !isTemporal(type)) continue;
        const above = this.#plan.hitOfFiring(place, hit.correlation, firing.group, hit.texts);
        if (above !== undefined) mergeStep(steps, { ...above, chained }, at + 1);
      }
    }
    return raised;
  }

  /** Groups and events held, what was evicted, and what was held back, over all correlations. */
  counters(): Record<string, number> {
    const sum = (of: (correlator: Correlator) => number): number =>
      this.#correlators.reduce((total, correlator) => total + of(correlator), 0);
    return {
      correlationKeys: sum(({ windows }) => windows.keyCount),
      correlationEntries: sum(({ windows }) => windows.entryCount),
      correlationKeysEvicted: sum(({ windows }) => windows.evictedKeyCount),
      correlationEntriesEvicted: sum(({ windows }) => windows.evictedEntryCount),
      correlationsSuppressed: sum(({ suppressedCount }) => suppressedCount),
    };
  }

  /** Groups and events that left their windows before their time, by id of the correlation; without those that lost none. */
  losses(): Record<string, number> {
    const losses: Record<string, number> = {};
    for (const { correlation, windows } of this.#correlators) {
      const lost = windows.evictedKeyCount + windows.evictedEntryCount;
      if (lost > 0) losses[correlation.id] = (losses[correlation.id] ?? 0) + lost;
    }
    return losses;
  }

  snapshot(): Json {
    return this.#correlators.map((correlator) => correlator.snapshot());
  }

  restore(state: Json): void {
    (state as readonly Json[]).forEach((one, place) => this.#correlators[place]?.restore(one));
  }
}

function mergeStep(steps: Step[], step: Step, from: number): void {
  const before = steps.length;
  const index = steps.findIndex((known, at) => at >= from && isSameHit(known, step));
  mergeHit(steps, step, from);
  if (steps.length > before || index < 0) return;
  const known = steps[index] as Step;
  const chained = [...(known.chained ?? []), ...(step.chained ?? [])];
  steps[index] = { ...known, chained };
}

function isSameHit(a: PlannedHit, b: PlannedHit): boolean {
  return a.correlation === b.correlation && a.key === b.key && a.value === b.value;
}
