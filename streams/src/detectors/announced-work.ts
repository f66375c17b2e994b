import { KeyedStore } from '../operators/keyed-store';
import type { Json, StateStore } from '../operators/stream-element';
import type { WorkFact } from './upkeep-facts';

const DEVICES_MAX = 100_000;
/** Work for which nobody said how long it takes. */
const PLANNED_MS_USUAL = 4 * 3_600_000;
/** A ticket that is never closed does not hold for ever. */
const PLANNED_MS_MAX = 24 * 3_600_000;
/** Work takes longer than planned, and a device needs a while to be itself again. */
const AFTERMATH_MS = 30 * 60_000;

/** On which devices announced work is done; those heard of longest ago leave. */
export class AnnouncedWork implements StateStore {
  readonly #until = new KeyedStore<{ ms: number }>(DEVICES_MAX, {
    toJson: ({ ms }) => ms,
    fromJson: (json) => ({ ms: json as number }),
  });

  /** Takes news in, at its event time. */
  learn({ device, isBegin, plannedMs }: WorkFact, timeMs: number): void {
    const lastsMs = isBegin ? Math.min(Math.max(plannedMs ?? PLANNED_MS_USUAL, 0), PLANNED_MS_MAX) : 0;
    this.#until.touch(device, () => ({ ms: 0 })).ms = timeMs + lastsMs + AFTERMATH_MS;
  }

  /** True while announced work is done on a device, and shortly after. */
  isOn(device: string, timeMs: number): boolean {
    const until = this.#until.touchKnown(device);
    return until !== undefined && timeMs < until.ms;
  }

  /** Sizes and evictions, each name after the prefix. */
  counters(prefix: string): Record<string, number> {
    return { [`${prefix}Worked`]: this.#until.size, [`${prefix}WorkedEvicted`]: this.#until.evictedCount };
  }

  snapshot(): Json {
    return this.#until.snapshot();
  }

  restore(state: Json): void {
    this.#until.restore(state);
  }
}
