import fc from 'fast-check';
import {
  NO_KEY,
  OperatorStream,
  arrival,
  histories,
  logOfArrivals,
  type Arrival,
  type MadeOperator,
  type StreamOutput,
} from './operator-history';

/** An operator that must keep what all operators promise. */
export interface PropertyCase {
  /** A fresh operator with its state. Results must not hold what depends on arrival. */
  readonly make: () => MadeOperator;
  /** Whether it needs events in event-time order. */
  readonly isOrdered: boolean;
}

/** Shows that an operator's results follow from its on-time events alone, however they arrive and wherever it stops. */
export function describeOperatorProperties({ make, isOrdered }: PropertyCase): void {
  const streamOf = (): OperatorStream => new OperatorStream(make(), isOrdered);
  const outputOf = (arrivals: readonly Arrival[], ends = true): StreamOutput => {
    const stream = streamOf();
    stream.feed(logOfArrivals(arrivals), ends);
    return stream.output;
  };
  const sorted = (texts: readonly string[]): string[] => [...texts].sort();

  describe('properties', () => {
    it('gives the same results for every order of arrival within the lateness', () => {
      fc.assert(
        fc.property(histories, ([one, other]) => {
          const [first, second] = [outputOf(one), outputOf(other)];
          fc.pre(sorted(first.late).join() === sorted(second.late).join());
          expect(second.results).toEqual(first.results);
          expect(sorted(second.skewed)).toEqual(sorted(first.skewed));
        }),
        { numRuns: 300 },
      );
    });

    // A stop before every event: what one snapshot loses, the results of this stream lack too.
    it('goes on from the bytes of a snapshot at any place as if it had never stopped', () => {
      fc.assert(
        fc.property(histories, ([arrivals]) => {
          const log = logOfArrivals(arrivals);
          const whole = streamOf();
          whole.feed(log, false);
          const output: StreamOutput = { results: [], late: [], skewed: [] };
          let bytes = streamOf().snapshot();
          for (const event of log) {
            const stream = streamOf();
            stream.restore(bytes);
            stream.feed([event], false);
            bytes = stream.snapshot();
            for (const name of ['results', 'late', 'skewed'] as const)
              (output[name] as unknown[]).push(...stream.output[name]);
          }
          expect(output).toEqual(whole.output);
          expect(bytes).toEqual(whole.snapshot());
        }),
        { numRuns: 150 },
      );
    });

    it('gives every late event to the late stream once, counts it, and is moved by none', () => {
      fc.assert(
        fc.property(histories, ([arrivals]) => {
          const stream = streamOf();
          stream.feed(logOfArrivals(arrivals), true);
          const { late, skewed, results } = stream.output;
          const mistimed = new Set([...late, ...skewed]);
          expect(mistimed.size).toBe(late.length + skewed.length);
          expect([stream.mistimed.lateCount, stream.mistimed.skewedCount]).toEqual([late.length, skewed.length]);
          const without = arrivals.map((each) => (mistimed.has(each.id) ? { ...each, source: null } : each));
          expect(outputOf(without)).toEqual({ results, late: [], skewed: [] });
        }),
        { numRuns: 100 },
      );
    });

    describeSources(outputOf);
  });
}

// Events that lie in no window tell operators nothing but that their source is awake.
function describeSources(outputOf: (arrivals: readonly Arrival[], ends?: boolean) => StreamOutput): void {
  const busy = [0, 400, 900, 1_000, 1_700, 2_400, 4_000, 4_100].map((timeMs, index) =>
    arrival(`e${index}`, timeMs, {
      kind: ['x', 'y', 'z', 'x'][index % 4] as string,
      value: String(index % 3),
    }),
  );
  const heartbeat = (source: string, fromMs: number, toMs: number): Arrival[] =>
    Array.from({ length: Math.floor((toMs - fromMs) / 1_000) + 1 }, (_, index) =>
      arrival(`${source}${fromMs + index * 1_000}`, fromMs + index * 1_000, { source, key: NO_KEY }),
    );
  const ticks = (fromMs: number, toMs: number): Arrival[] =>
    heartbeat('t', fromMs, toMs).map((each) => ({ ...each, source: null }));
  const reference = outputOf([...busy, ...heartbeat('a', 10_000, 200_000)], false).results;

  it('makes results of the events that the scenarios of sources are about', () => {
    expect(reference.length).toBeGreaterThan(0);
  });

  it('waits for a source that fell silent until it is idle, and no longer', () => {
    const silent = arrival('b0', 0, { source: 'b', key: NO_KEY });
    const untilIdle = outputOf([silent, ...busy, ...heartbeat('a', 10_000, 60_000)], false);
    expect(untilIdle.results.length).toBeLessThan(reference.length);
    expect(outputOf([silent, ...busy, ...heartbeat('a', 10_000, 200_000)], false).results).toEqual(reference);
  });

  it('decides by pipeline time when all sources are silent', () => {
    expect(outputOf(busy, false).results.length).toBeLessThan(reference.length);
    expect(outputOf([...busy, ...ticks(10_000, 200_000)], false).results).toEqual(reference);
  });

  it('counts a source that joins late from its first event on', () => {
    const joined = busy.map((each, index) =>
      index < 4 ? each : { ...each, source: 'c', arrivedMs: each.timeMs + 1_500 },
    );
    expect(outputOf([...joined, ...heartbeat('a', 10_000, 200_000)], false)).toEqual({
      results: reference,
      late: [],
      skewed: [],
    });
  });

  it('leaves out a source that comes back with an old clock, and goes on without it', () => {
    const old = [1, 2, 3].map((index) =>
      arrival(`old${index}`, 100_000 + index, { source: 'b', arrivedMs: 150_000 + index * 1_000 }),
    );
    const awake = arrival('b0', 0, { source: 'b', key: NO_KEY });
    expect(outputOf([awake, ...busy, ...old, ...heartbeat('a', 10_000, 200_000)], false)).toEqual({
      results: reference,
      late: ['old1', 'old2', 'old3'],
      skewed: [],
    });
  });
}
