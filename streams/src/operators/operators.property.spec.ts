import { map, pipe, type OperatorFunction } from 'rxjs';
import { NO_KEY, describeOperatorProperties, type MadeOperator, type Reading } from '../testing';
import { AbsenceStore, absence } from './absence';
import { valuesAggregate } from './aggregate';
import { BaselineStore, baselineRate } from './baseline-rate';
import { DistinctStore, distinctCount } from './distinct-count';
import { NOfMStore, nOfM } from './n-of-m';
import { SequenceStore, sequence } from './sequence';
import { SessionWindows, sessionWindow } from './session-window';
import { SlidingTimes, slidingCount } from './sliding-count';
import { TumblingWindows, hoppingWindow, tumblingWindow } from './tumbling-window';

const keyOf = ({ key }: Reading): string | undefined => (key === NO_KEY ? undefined : key);
const refOf = ({ id }: Reading): string => id;
const is = (wanted: string) => (reading: Reading) => reading.kind === wanted;
/** Two readings that differ in their source alone are one to the operators. */
const withoutSource = <C extends { event: Reading }>(): OperatorFunction<C, unknown> =>
  map(({ event, ...count }) => ({ ...count, id: event.id }));
const ids = valuesAggregate<Reading, string>(refOf, 50);

/** Each operator, without bounds that matter, and with bounds so tight that they evict. */
const OPERATORS: Readonly<Record<string, (isTight: boolean) => MadeOperator>> = {
  tumblingWindow: (isTight) => {
    const store = new TumblingWindows<ReturnType<typeof ids.initial>>(isTight ? 1 : undefined);
    return {
      store,
      operator: tumblingWindow({ ...ids, keyOf, windowMs: 1_000, offsetMs: 300, ordered: isTight }, store),
    };
  },
  hoppingWindow: (isTight) => {
    const store = new TumblingWindows<ReturnType<typeof ids.initial>>(isTight ? 4 : undefined);
    const times = { windowMs: 3_000, slideMs: 1_000, ordered: isTight };
    return { store, operator: hoppingWindow({ ...ids, keyOf, ...times }, store) };
  },
  sessionWindow: (isTight) => {
    if (!isTight) {
      const store = new SessionWindows<ReturnType<typeof ids.initial>>({ gapMs: 1_000 });
      return { store, operator: sessionWindow({ ...ids, keyOf, gapMs: 1_000 }, store) };
    }
    const bounds = { gapMs: 1_000, sessionsMax: 1, durationMaxMs: 1_500 };
    const store = new SessionWindows<ReturnType<typeof ids.initial>>(bounds);
    return { store, operator: sessionWindow({ ...ids, keyOf, ...bounds, ordered: true }, store) };
  },
  sequence: (isTight) => {
    const bounds = { withinMs: 3_000, ...(isTight && { keysMax: 1 }) };
    const steps = [is('x'), is('y'), is('z')];
    const store = new SequenceStore<string>({ ...bounds, stepCount: 3 });
    return { store, operator: sequence({ ...bounds, keyOf, refOf, steps }, store) };
  },
  absence: (isTight) => {
    const bounds = { withinMs: 1_500, ...(isTight && { keysMax: 2, pendingMax: 3, pendingPerKeyMax: 2 }) };
    const store = new AbsenceStore<string>(bounds);
    return { store, operator: absence({ ...bounds, keyOf, refOf, awaits: is('x'), answers: is('y') }, store) };
  },
  nOfM: (isTight) => {
    const bounds = { withinMs: 1_500, kindsMin: 2, ...(isTight && { keysMax: 1 }) };
    const store = new NOfMStore<string>({ ...bounds, kindCount: 3 });
    return { store, operator: nOfM({ ...bounds, keyOf, refOf, kinds: [is('x'), is('y'), is('z')] }, store) };
  },
  distinctCount: (isTight) => {
    const bounds = { windowMs: 3_000, ...(isTight && { keysMax: 2, valuesMax: 3, valuesPerKeyMax: 2 }) };
    const store = new DistinctStore(bounds);
    const counts = distinctCount<Reading>({ ...bounds, keyOf, valueOf: ({ value }) => value }, store);
    return { store, operator: pipe(counts, withoutSource()) };
  },
  baselineRate: (isTight) => {
    const bounds = { windowMs: 1_000, baselineWindows: 3, ...(isTight && { keysMax: 1 }) };
    const store = new BaselineStore(bounds);
    return { store, operator: baselineRate({ ...bounds, keyOf, baselineWindowsMin: 1, statistic: 'median' }, store) };
  },
  slidingCount: (isTight) => {
    const bounds = { windowMs: 3_000, ...(isTight && { keysMax: 1, entriesMax: 3 }) };
    const store = new SlidingTimes(bounds);
    const counts = slidingCount<Reading>({ ...bounds, keyOf }, store);
    return { store, operator: pipe(counts, withoutSource()) };
  },
};
/** They take events in any order, as long as nothing is evicted. */
const UNORDERED = ['tumblingWindow', 'hoppingWindow', 'sessionWindow'];

describe.each(Object.entries(OPERATORS))('%s', (name, make) => {
  describeOperatorProperties({ make: () => make(false), isOrdered: !UNORDERED.includes(name) });
});

describe.each(Object.entries(OPERATORS))('%s with tight bounds', (_, make) => {
  describeOperatorProperties({ make: () => make(true), isOrdered: true });
});
