import {
  formatRfc3339,
  type EventData,
  type EventSeq,
  type LoggedEvent,
  type SourceDeclaration,
  type SourceDeclarations,
} from '@protego/contracts';
import { from, type OperatorFunction } from 'rxjs';
import type { StreamElement, Timing } from '../operators/stream-element';

/** A round minute at which the histories of the tests begin, milliseconds since the Unix epoch. */
export const START_MS = Date.UTC(2026, 2, 2, 7);

/** The parts of an event that a test speaks of. */
export interface EventSpec {
  readonly id: string;
  readonly timeMs: number;
  readonly arrivedAtMs?: number;
  readonly seq?: number;
  readonly source?: string;
  readonly type?: string;
  readonly data?: EventData;
  readonly pseudonyms?: LoggedEvent['pseudonyms'];
  readonly erased?: LoggedEvent['erased'];
}

/** An event as the log gives it, with everything filled in that the test does not speak of. */
export function loggedEvent(spec: EventSpec): LoggedEvent {
  const { id, timeMs, arrivedAtMs = timeMs, seq = 0, source = 'ehr', type = 'access.signed-in', data = {} } = spec;
  const time = formatRfc3339(timeMs);
  return {
    seq: seq as EventSeq,
    timeMs,
    arrivedAtMs,
    event: { specversion: '1.0', id, source, type, time, site: 'north', data },
    ...(spec.pseudonyms && { pseudonyms: spec.pseudonyms }),
    ...(spec.erased && { erased: spec.erased }),
  };
}

/** Only the passing of pipeline time. */
export function tickEvent(arrivedAtMs: number): LoggedEvent {
  return loggedEvent({ id: `tick-${arrivedAtMs}`, timeMs: arrivedAtMs, source: 'protego', type: 'clock.ticked' });
}

/** The events as one log: numbered in order, pipeline time never falling. */
export function logOf(events: readonly LoggedEvent[]): LoggedEvent[] {
  let arrivedAtMs = Number.NEGATIVE_INFINITY;
  return events.map((event, index) => {
    arrivedAtMs = Math.max(arrivedAtMs, event.arrivedAtMs);
    return { ...event, arrivedAtMs, seq: index as EventSeq };
  });
}

/** The events numbered in order, as one log that holds sessions with pipeline times of their own. */
export function numbered(events: readonly LoggedEvent[]): LoggedEvent[] {
  return events.map((event, index) => ({ ...event, seq: index as EventSeq }));
}

/** Declarations with two seconds of lateness and a minute until a source is idle. */
export function declarationsOf(
  sources: readonly (Pick<SourceDeclaration, 'name'> & Partial<SourceDeclaration>)[] = [],
  skewMaxMs = 60_000,
): SourceDeclarations {
  const defaults = { latenessMs: 2_000, idleAfterMs: 60_000 };
  const filled = { description: 'test', families: [], authoritativeFor: [], carriesClock: false, ...defaults };
  return { skewMaxMs, defaults, sources: sources.map((source) => ({ ...filled, ...source })) };
}

/** An event between operators. */
export function eventElement<T>(event: T, timeMs: number, timing: Timing = 'on-time'): StreamElement<T> {
  return { kind: 'event', event, timeMs, timing };
}

/** A watermark between operators. */
export function watermark<T>(watermarkMs: number): StreamElement<T> {
  return { kind: 'watermark', watermarkMs };
}

/** All that an operator makes of an input that ends. */
export function collect<In, Out>(operator: OperatorFunction<In, Out>, input: Iterable<In>): Out[] {
  const output: Out[] = [];
  let thrown: unknown;
  from(input)
    .pipe(operator)
    .subscribe({ next: (value) => output.push(value), error: (error: unknown) => (thrown = error) });
  if (thrown !== undefined) throw thrown as Error;
  return output;
}

/** What is left of a value that was written to JSON text and read back. */
export function jsonCopy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

/** The items in the order of the given keys; equal keys keep the order of the items. */
export function shuffled<T>(items: readonly T[], keys: readonly number[]): T[] {
  return items
    .map((item, index) => ({ item, key: keys[index % keys.length] as number }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
