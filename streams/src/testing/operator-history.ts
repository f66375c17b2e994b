import type { LoggedEvent } from '@protego/contracts';
import fc from 'fast-check';
import { NEVER, concat, from, map, pipe, type OperatorFunction } from 'rxjs';
import { assignWatermarks } from '../operators/assign-watermarks';
import { branches } from '../operators/branches';
import { elementOperator } from '../operators/element-operator';
import type { EventOrder } from '../operators/event-heap';
import { MistimedCounts, mistimedEvents } from '../operators/mistimed-events';
import { ReorderBuffer, orderByEventTime } from '../operators/order-by-event-time';
import { SourceTable } from '../operators/source-table';
import { stateFromBytes, stateToBytes } from '../operators/state-bytes';
import type { Json, StateStore, StreamElement } from '../operators/stream-element';
import { START_MS, declarationsOf, logOf, loggedEvent, tickEvent } from './event-kit';

/** What operators under test see of an event. */
export interface Reading extends EventOrder {
  readonly key: string;
  readonly kind: string;
  readonly value: string;
}

/** A fresh operator with its state. */
export interface MadeOperator {
  readonly store: StateStore;
  readonly operator: OperatorFunction<StreamElement<Reading>, unknown>;
}

/** Lateness of every source of a history, milliseconds. */
export const LATENESS_MS = 2_000;
/** The key of an event that every operator leaves out. */
export const NO_KEY = '-';

/** One event of a history and when it arrives; `null` as source means a tick. */
export interface Arrival {
  readonly id: string;
  readonly source: string | null;
  /** After the start of the history, as all times here. */
  readonly timeMs: number;
  readonly arrivedMs: number;
  readonly key: string;
  readonly kind: string;
  readonly value: string;
}

/** An arrival with the parts filled in that a test does not speak of. */
export function arrival(id: string, timeMs: number, parts: Partial<Arrival> = {}): Arrival {
  return { id, source: 'a', timeMs, arrivedMs: timeMs, key: 'k', kind: 'x', value: '1', ...parts };
}

/** The log that arrivals make, in order of arrival; those at once in the order given. */
export function logOfArrivals(arrivals: readonly Arrival[]): LoggedEvent[] {
  const inOrder = [...arrivals].sort((a, b) => a.arrivedMs - b.arrivedMs);
  return logOf(
    inOrder.map(({ id, source, timeMs, arrivedMs, key, kind, value }) => {
      if (source === null) return tickEvent(START_MS + arrivedMs);
      const data = { key, kind, value };
      return loggedEvent({ id, source, timeMs: START_MS + timeMs, arrivedAtMs: START_MS + arrivedMs, data });
    }),
  );
}

/** What a stream gave: the operator's results in order, and the ids of the late and skewed events. */
export interface StreamOutput {
  readonly results: unknown[];
  readonly late: string[];
  readonly skewed: string[];
}

const readings: OperatorFunction<StreamElement<LoggedEvent>, StreamElement<Reading>> = map((element) => {
  if (element.kind === 'watermark') return element;
  const { source, id, data } = element.event.event;
  const { key, kind, value } = data as { key: string; kind: string; value: string };
  return { ...element, event: { timeMs: element.timeMs - START_MS, source, id, key, kind, value } };
});
const shifted: OperatorFunction<StreamElement<Reading>, StreamElement<Reading>> = map((element) =>
  element.kind === 'watermark'
    ? { ...element, watermarkMs: element.watermarkMs - START_MS }
    : { ...element, timeMs: element.timeMs - START_MS },
);

/** One stream from the log to an operator, with watermarks, a late stream and, where the operator asks for it, order. */
export class OperatorStream {
  readonly output: StreamOutput = { results: [], late: [], skewed: [] };
  readonly mistimed = new MistimedCounts();
  readonly #table = new SourceTable(declarationsOf());
  readonly #buffer = new ReorderBuffer<Reading>({
    toJson: (reading) => reading as unknown as Json,
    fromJson: (json) => json as unknown as Reading,
  });
  readonly #made: MadeOperator;
  readonly #isOrdered: boolean;

  constructor(made: MadeOperator, isOrdered: boolean) {
    this.#made = made;
    this.#isOrdered = isOrdered;
  }

  /** Lets events in; `ends` says that none will follow. */
  feed(log: readonly LoggedEvent[], ends: boolean): void {
    const { results, late, skewed } = this.output;
    const mistimed: OperatorFunction<StreamElement<Reading>, () => void> = pipe(
      mistimedEvents(this.mistimed),
      map(
        ({ event, timing }) =>
          () =>
            (timing === 'late' ? late : skewed).push(event.id),
      ),
    );
    const decided: OperatorFunction<StreamElement<Reading>, () => void> = pipe(
      this.#isOrdered ? orderByEventTime(this.#buffer) : elementOperator((out) => ({ next: (each) => out.next(each) })),
      this.#made.operator,
      map((result) => () => results.push(result)),
    );
    const source = ends ? from(log) : concat(from(log), NEVER);
    let thrown: unknown;
    source
      .pipe(assignWatermarks(this.#table), readings, shifted, branches(mistimed, decided))
      .subscribe({ next: (tell) => tell(), error: (error: unknown) => (thrown = error) })
      .unsubscribe();
    if (thrown !== undefined) throw thrown as Error;
  }

  /** All state as bytes. */
  snapshot(): Uint8Array {
    return stateToBytes(this.#stores());
  }

  /** Goes on from what {@link snapshot} gave. */
  restore(bytes: Uint8Array): void {
    stateFromBytes(this.#stores(), bytes);
  }

  #stores(): Record<string, StateStore> {
    return { table: this.#table, buffer: this.#buffer, mistimed: this.mistimed, operator: this.#made.store };
  }
}

const step = fc.record({
  gapMs: fc.oneof(
    { weight: 6, arbitrary: fc.nat(900) },
    { weight: 3, arbitrary: fc.constantFrom(0, 1, 500, 999, 1_000, 1_001, 3_000) },
    { weight: 1, arbitrary: fc.constantFrom(20_000, 61_000, 130_000) },
  ),
  source: fc.constantFrom('a', 'a', 'b', 'c', null),
  key: fc.constantFrom('k', 'k', 'l', 'm', NO_KEY),
  kind: fc.constantFrom('x', 'y', 'z'),
  value: fc.constantFrom('1', '2', '3'),
  // On time in one order and the other, or far behind, or far ahead.
  delays: fc.tuple(fc.nat(LATENESS_MS), fc.nat(LATENESS_MS)),
  wrongByMs: fc.oneof(
    { weight: 9, arbitrary: fc.constant(null) },
    { weight: 1, arbitrary: fc.constantFrom(-200_000, -4_500, 63_000) },
  ),
});

/** Two orders of arrival of one history, in which the same events are on time. */
export type History = readonly [readonly Arrival[], readonly Arrival[]];

/** Histories of events that are late, skewed, delayed and silent, with two orders of arrival each. */
export const histories = fc.array(step, { minLength: 4, maxLength: 30 }).map((steps): History => {
  let nowMs = 0;
  const arrivals = steps.map(({ gapMs, delays, wrongByMs, ...parts }, index) => {
    nowMs += gapMs;
    const timeMs = nowMs + (wrongByMs ?? 0);
    // What is not on time, and what says the time, arrives alike in both orders.
    const delaysMs = wrongByMs !== null || parts.source === null ? [LATENESS_MS, LATENESS_MS] : delays;
    return delaysMs.map((delayMs) => ({ id: `e${index}`, timeMs, arrivedMs: nowMs + delayMs, ...parts }));
  });
  return [0, 1].map((order) => arrivals.map((each) => each[order] as Arrival)) as unknown as History;
});
