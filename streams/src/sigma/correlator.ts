import { canonicalJson } from '@protego/contracts';
import {
  SlidingWindows,
  entriesOf,
  entryCountOf,
  type SlidingWindowOptions,
  type WindowState,
} from '../operators/sliding-window';
import type { Json, StateStore } from '../operators/stream-element';
import type { Pseudonymise } from '../pseudonyms';
import type { CorrelationCondition, SigmaCorrelation } from './correlation';
import { fieldValue, type SigmaRecord } from './record';
import type { SigmaRule } from './rule';

/** What a correlation reads of a matching event; plain data, so that it can wait and be written down. */
export interface CorrelationHit {
  /** Canonical JSON of the group's values, in the order of `group-by`. */
  readonly key: string;
  /** Value to count distinct; null for event counts. */
  readonly value: string | null;
}

/** Reference from a window to an event of the log. */
export type EventRef = readonly [seq: number, source: string, id: string];

/** A correlation whose condition holds. */
export interface CorrelationFiring {
  readonly group: Readonly<Record<string, string>>;
  /** The count that met the condition. */
  readonly value: number;
  /** Events in the window, oldest first; the last completed it. */
  readonly events: readonly { readonly timeMs: number; readonly ref: EventRef }[];
}

/**
 * `every`: fire on each event that finds the condition true. `crossing`: fire when the condition becomes true, and again
 * only after it was false in between, so that one attack raises one detection.
 */
export type CorrelationTrigger = 'every' | 'crossing';

/**
 * One Sigma correlation (Sigma correlation rules specification 2.1) over events in event-time order: sliding window,
 * exact counts, bounded state.
 */
export class Correlator implements StateStore {
  readonly windows: SlidingWindows<EventRef>;
  readonly #members: ReadonlySet<string>;

  constructor(
    readonly correlation: SigmaCorrelation,
    readonly trigger: CorrelationTrigger,
    bounds: Omit<SlidingWindowOptions, 'windowMs'> = {},
  ) {
    this.windows = new SlidingWindows({ ...bounds, windowMs: correlation.timespanMs });
    this.#members = new Set(correlation.ruleRefs);
  }

  /** True when matches of the rule count here. */
  refersTo(rule: SigmaRule): boolean {
    return this.#members.has(rule.id) || (rule.name !== undefined && this.#members.has(rule.name));
  }

  /**
   * What an event that matched a member rule brings in; undefined where a group field or the counted value is missing.
   *
   * @param pseudonymise - what every value goes through: state and results must not hold what can be erased
   */
  hitOf(rule: SigmaRule, record: SigmaRecord, pseudonymise: Pseudonymise = asItIs): CorrelationHit | undefined {
    const valueOf = (name: string): string | undefined => {
      const text = scalarText(fieldValue(record, this.#fieldOf(name, rule)));
      return text === undefined ? undefined : pseudonymise(text);
    };
    const group: string[] = [];
    for (const name of this.correlation.groupBy) {
      const text = valueOf(name);
      if (text === undefined) return undefined;
      group.push(text);
    }
    const { type, field } = this.correlation;
    const value = type === 'value_count' && field !== undefined ? valueOf(field) : null;
    return value === undefined ? undefined : { key: canonicalJson(group), value };
  }

  /** Fields of a member rule's events whose values are grouped by or counted. */
  fieldsReadOf(rule: SigmaRule): string[] {
    const { groupBy, type, field } = this.correlation;
    const names = type === 'value_count' && field !== undefined ? [...groupBy, field] : groupBy;
    return names.map((name) => this.#fieldOf(name, rule));
  }

  /** Takes an event in and says whether the correlation fires on it. */
  step(hit: CorrelationHit, timeMs: number, ref: EventRef): CorrelationFiring | undefined {
    // Asked of the instant before: what leaves at the event's own instant is replaced by the event, and a steady stream
    // at just the bound must not fire again and again.
    const window = this.windows.at(hit.key, timeMs - 1);
    if (!this.#holds(window)) window.armed = true;
    this.windows.expire(window, timeMs);
    this.windows.add(window, { timeMs, value: hit.value, ref });
    if (!this.#holds(window)) {
      window.armed = true;
      return undefined;
    }
    if (this.trigger === 'crossing' && !window.armed) return undefined;
    window.armed = false;
    return { group: this.#groupOf(hit.key), value: this.#count(window), events: entriesOf(window) };
  }

  snapshot(): Json {
    return this.windows.snapshot();
  }

  restore(state: Json): void {
    this.windows.restore(state);
  }

  #fieldOf(name: string, rule: SigmaRule): string {
    const alias = this.correlation.aliases[name];
    if (alias === undefined) return name;
    return alias[rule.id] ?? (rule.name === undefined ? undefined : alias[rule.name]) ?? name;
  }

  #groupOf(key: string): Record<string, string> {
    const values = JSON.parse(key) as string[];
    return Object.fromEntries(this.correlation.groupBy.map((name, i) => [name, values[i] as string]));
  }

  #count(window: WindowState<EventRef>): number {
    return this.correlation.type === 'value_count' ? window.values.size : entryCountOf(window);
  }

  #holds(window: WindowState<EventRef>): boolean {
    const count = this.#count(window);
    return count > 0 && conditionHolds(this.correlation.condition, count);
  }
}

const OPERATORS: Readonly<Record<keyof CorrelationCondition, (count: number, bound: number) => boolean>> = {
  gt: (count, bound) => count > bound,
  gte: (count, bound) => count >= bound,
  lt: (count, bound) => count < bound,
  lte: (count, bound) => count <= bound,
  eq: (count, bound) => count === bound,
  neq: (count, bound) => count !== bound,
};

/** True when a count meets every bound of a condition. */
export function conditionHolds(condition: CorrelationCondition, count: number): boolean {
  for (const name of Object.keys(condition) as (keyof CorrelationCondition)[]) {
    const bound = condition[name];
    if (bound !== undefined && !OPERATORS[name](count, bound)) return false;
  }
  return true;
}

function scalarText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

const asItIs: Pseudonymise = (text) => text;
