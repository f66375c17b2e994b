import type { Json } from '../operators/stream-element';

/** What one event brings to the measure of its window. */
export interface MeasuredEntry {
  readonly timeMs: number;
  /** Text whose values are counted, or a finite number; null where only events or rules are counted. */
  readonly value: string | number | null;
  /** Rules that the event matched, for the temporal types. */
  readonly members: readonly number[];
}

/** What a correlation measures in one window, kept up to date as events come and leave. */
export abstract class Measure {
  #isReported = false;

  /** Takes an event in; events come in the order of time. */
  abstract add(entry: MeasuredEntry): void;
  /** Lets an event go that was taken in before. */
  abstract remove(entry: MeasuredEntry): void;
  /**
   * True when the condition holds; never for a window without events.
   *
   * @param goneMs - events at and before it have left; they were removed
   * @param value - value of the event that asks
   */
  abstract holds(goneMs: number, value: MeasuredEntry['value']): boolean;
  /** What was measured, as it is told; arguments as for {@link holds}. */
  abstract read(goneMs: number, value: MeasuredEntry['value']): number;

  /** True when the condition was reported and was not found false since; arguments as for {@link holds}. */
  isReported(_value: MeasuredEntry['value']): boolean {
    return this.#isReported;
  }

  /** Remembers whether the condition is reported. */
  setReported(isReported: boolean, _value: MeasuredEntry['value']): void {
    this.#isReported = isReported;
  }

  /** State that the events of the window do not tell. */
  snapshot(): Json {
    return this.#isReported;
  }

  /** Takes over a state; the events of the window were added before. */
  restore(state: Json): void {
    this.#isReported = state as boolean;
  }
}

/** How many events hold each value. */
export class Tally<Value> {
  readonly counts = new Map<Value, number>();

  /** Counts one event more. */
  add(value: Value): void {
    this.counts.set(value, (this.counts.get(value) ?? 0) + 1);
  }

  /** Counts one event less. */
  remove(value: Value): void {
    const left = (this.counts.get(value) ?? 1) - 1;
    if (left > 0) this.counts.set(value, left);
    else this.counts.delete(value);
  }
}
