import type { Json, StateStore } from '../operators/stream-element';
import { isTemporal, type SigmaCorrelation } from './correlation';
import { measureOf } from './correlation-measure';
import {
  CORRELATION_ENTRIES_MAX,
  CorrelationWindows,
  type ContributingEvent,
  type CorrelationBounds,
  type CorrelationEntry,
  type CorrelationWindow,
  type EventRef,
} from './correlation-window';

/** What a correlation reads of a matching event; plain data, so that it can wait and be written down. */
export interface CorrelationHit {
  /** Canonical JSON of the group's values, in the order of `group-by`. */
  readonly key: string;
  /** Text whose different values are counted, or a finite number; null where events or rules are counted. */
  readonly value: string | number | null;
  /** Members that the event matched, by their place in `ruleRefs`; empty unless the type is a temporal one. */
  readonly members: readonly number[];
}

/** A correlation whose condition holds. */
export interface CorrelationFiring {
  readonly group: Readonly<Record<string, string>>;
  /** The measure that met the condition; for the temporal types the number of rules. */
  readonly value: number;
  /** True when the condition was false since it was last reported. */
  readonly isNew: boolean;
  /** True when it is to be told: the trigger says so, and no earlier one of the group holds it back. */
  readonly isRaised: boolean;
  /** Events that contribute, at most so many of the latest; oldest first, the last completed it. Ask before the next step. */
  readonly events: (countMax?: number) => readonly ContributingEvent[];
}

/**
 * `every`: tell each event that finds the condition true. `crossing`: tell when the condition becomes true, and again
 * only after it was false in between, so that one attack raises one detection.
 */
export type CorrelationTrigger = 'every' | 'crossing';

/**
 * One Sigma correlation (Sigma correlation rules specification 2.1) over events in event-time order: sliding window,
 * exact measures, bounded state.
 */
export class Correlator implements StateStore {
  readonly windows: CorrelationWindows;
  #suppressedCount = 0;

  constructor(
    readonly correlation: SigmaCorrelation,
    readonly trigger: CorrelationTrigger,
    bounds: CorrelationBounds = {},
  ) {
    const { type, timespanMs } = correlation;
    const keptOf = type === 'value_count' ? valueOf : isTemporal(type) ? membersOf : undefined;
    const { suppressMs } = correlation;
    const options = { ...bounds, windowMs: timespanMs, suppressMs, newMeasure: measureOf(correlation) };
    this.windows = new CorrelationWindows(keptOf === undefined ? options : { ...options, keptOf });
  }

  /** Firings that were to be told and were held back, because one of the group had been told shortly before. */
  get suppressedCount(): number {
    return this.#suppressedCount;
  }

  /**
   * Takes an event in and says whether the condition holds with it. Events come in the order of event time.
   *
   * @param chained - where the event completed a correlation that is counted here: the other events that that rests on
   */
  step(
    hit: CorrelationHit,
    timeMs: number,
    ref: EventRef,
    chained?: readonly ContributingEvent[],
  ): CorrelationFiring | undefined {
    const { key, value, members } = hit;
    const goneMs = timeMs - this.correlation.timespanMs;
    // Asked of the instant before: what leaves at the event's own instant is replaced by the event, and a steady stream
    // at just the bound must not fire again and again. After another event of the instant it has left already.
    const window = this.windows.at(key, timeMs - 1);
    const { measure } = window;
    const isFirstOfInstant = window.entries.at(-1)?.timeMs !== timeMs;
    if (!measure.holds(isFirstOfInstant ? goneMs - 1 : goneMs, value)) measure.setReported(false, value);
    this.windows.expire(window, timeMs);
    const entry = { timeMs, ref, value, members };
    this.windows.add(window, chained === undefined || chained.length === 0 ? entry : { ...entry, chained });
    if (!measure.holds(goneMs, value)) {
      measure.setReported(false, value);
      return undefined;
    }
    const isNew = !measure.isReported(value);
    measure.setReported(true, value);
    return {
      group: this.#groupOf(key),
      value: measure.read(goneMs, value),
      isNew,
      isRaised: (isNew || this.trigger === 'every') && this.#mayRaise(window, timeMs),
      events: (countMax = CORRELATION_ENTRIES_MAX) => this.#contributing(window, value, countMax),
    };
  }

  snapshot(): Json {
    return { suppressedCount: this.#suppressedCount, windows: this.windows.snapshot() };
  }

  restore(state: Json): void {
    const { suppressedCount, windows } = state as { suppressedCount: number; windows: Json };
    this.#suppressedCount = suppressedCount;
    this.windows.restore(windows);
  }

  #mayRaise(window: CorrelationWindow, timeMs: number): boolean {
    if (timeMs - window.raisedMs < this.correlation.suppressMs) {
      this.#suppressedCount++;
      return false;
    }
    window.raisedMs = timeMs;
    return true;
  }

  #groupOf(key: string): Record<string, string> {
    const values = JSON.parse(key) as string[];
    return Object.fromEntries(this.correlation.groupBy.map((name, i) => [name, values[i] as string]));
  }

  /** Events of the window; for the share of a value those that hold it. */
  #contributing(
    { entries, head }: CorrelationWindow,
    value: CorrelationHit['value'],
    countMax: number,
  ): readonly ContributingEvent[] {
    const { type, percentile } = this.correlation;
    const isShare = type === 'value_percentile' && percentile === undefined;
    const from = isShare ? head : Math.max(head, entries.length - countMax);
    const held = entries.slice(from);
    return unitedEvents(isShare ? held.filter((entry) => entry.value === value) : held).slice(-countMax);
  }
}

const valueOf = ({ value }: CorrelationEntry): readonly CorrelationEntry['value'][] => [value];
const membersOf = ({ members }: CorrelationEntry): readonly number[] => members;

/** The events and those behind them, each once, in their order. */
function unitedEvents(entries: readonly CorrelationEntry[]): readonly ContributingEvent[] {
  const events = entries.flatMap((entry) => [...(entry.chained ?? []), { timeMs: entry.timeMs, ref: entry.ref }]);
  const isPlain = entries.every(({ chained }) => chained === undefined) && areDifferent(entries);
  return isPlain ? events : withoutRepeats(events.sort(compareContributing));
}

// One event stands twice in a row where two of its fields are measured.
function areDifferent(entries: readonly CorrelationEntry[]): boolean {
  return entries.every((entry, i) => i === 0 || !isSameEvent(entry, entries[i - 1] as CorrelationEntry));
}

function withoutRepeats(sorted: readonly ContributingEvent[]): ContributingEvent[] {
  return sorted.filter((event, i) => i === 0 || !isSameEvent(event, sorted[i - 1] as ContributingEvent));
}

function isSameEvent({ ref: a }: ContributingEvent, { ref: b }: ContributingEvent): boolean {
  return a[1] === b[1] && a[2] === b[2];
}

// The order of `compareEventOrder`, of which references hold the parts.
function compareContributing(a: ContributingEvent, b: ContributingEvent): number {
  if (a.timeMs !== b.timeMs) return a.timeMs - b.timeMs;
  const [, sourceA, idA] = a.ref;
  const [, sourceB, idB] = b.ref;
  if (sourceA !== sourceB) return sourceA < sourceB ? -1 : 1;
  return idA === idB ? 0 : idA < idB ? -1 : 1;
}
