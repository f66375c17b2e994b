import { slidingCount, type StreamElement } from '@protego/streams';
import { Subject, groupBy, map, mergeMap, scan, type Observable } from 'rxjs';
import type { BenchCase, Contest } from '../bench-case';
import { ratePerSecond } from '../rounds';

const EVENTS = 1_000_000;
const KEYS = 100_000;
/** Events come one a millisecond, so a window of this length holds five of a key on average. */
const WINDOW_MS = 500_000;

interface Visit {
  readonly key: string;
  readonly timeMs: number;
}

/** Throughput of the keyed sliding count. */
export const SLIDING_COUNT: BenchCase = {
  bench: 'operators',
  metric: 'sliding-count',
  unit: 'events/s',
  description:
    'Count per key in a sliding event-time window over 100,000 keys, one result an event, about five events a window; one core.',
  peer: 'stock RxJS: groupBy, then scan over the times of each key',
  prepare,
};

function prepare(): Contest {
  const visits = makeVisits();
  const elements = visits.map((event): StreamElement<Visit> => ({
    kind: 'event',
    event,
    timeMs: event.timeMs,
    timing: 'on-time',
  }));
  return {
    product: () =>
      countedRate(
        elements,
        (input) => input.pipe(slidingCount({ windowMs: WINDOW_MS, keyOf: ({ key }) => key })),
        sumOf,
      ),
    peer: () => countedRate(visits, stockCount, (count) => count),
  };
}

function sumOf({ eventCount }: { readonly eventCount: number }): number {
  return eventCount;
}

// Every text is a string of its own, as events from a log have it: equal keys are not the same object.
function makeVisits(): Visit[] {
  const digits = Buffer.alloc(16);
  return Array.from({ length: EVENTS }, (_, timeMs) => {
    const bytes = digits.write(`device-${(Math.imul(timeMs, 2_654_435_761) >>> 0) % KEYS}`, 'latin1');
    return { key: digits.toString('latin1', 0, bytes), timeMs };
  });
}

/** The sum of all counts of either way must be this; it is set by whichever runs first. */
let expectedSum: number | undefined;

function countedRate<In, Out>(
  inputs: readonly In[],
  count: (input: Observable<In>) => Observable<Out>,
  valueOf: (output: Out) => number,
): number {
  const input = new Subject<In>();
  let sum = 0;
  const subscription = count(input).subscribe((output) => (sum += valueOf(output)));
  const startMs = performance.now();
  for (const element of inputs) input.next(element);
  const elapsedMs = performance.now() - startMs;
  subscription.unsubscribe();
  expectedSum ??= sum;
  if (sum !== expectedSum) throw new Error(`counts add up to ${sum}, not ${expectedSum}`);
  return ratePerSecond(inputs.length, elapsedMs);
}

interface Window {
  times: number[];
  head: number;
}

function stockCount(input: Observable<Visit>): Observable<number> {
  return input.pipe(
    groupBy(({ key }) => key),
    mergeMap((group) =>
      group.pipe(
        scan((window: Window, { timeMs }) => slide(window, timeMs), { times: [], head: 0 }),
        map(({ times, head }) => times.length - head),
      ),
    ),
  );
}

function slide(window: Window, timeMs: number): Window {
  while ((window.times[window.head] ?? Infinity) <= timeMs - WINDOW_MS) window.head++;
  if (window.head > 64) {
    window.times = window.times.slice(window.head);
    window.head = 0;
  }
  window.times.push(timeMs);
  return window;
}
