import { NEVER, concat, from, type OperatorFunction } from 'rxjs';
import { eventElement } from '../testing';
import { AbsenceStore, absence } from './absence';
import { countAggregate } from './aggregate';
import { BaselineStore, baselineRate } from './baseline-rate';
import { DistinctStore, distinctCount } from './distinct-count';
import { NOfMStore, nOfM } from './n-of-m';
import { SequenceStore, sequence } from './sequence';
import { SessionWindows, sessionWindow } from './session-window';
import { SlidingTimes, slidingCount } from './sliding-count';
import type { StreamElement } from './stream-element';
import { TumblingWindows, hoppingWindow } from './tumbling-window';

const KEY_COUNT = 1_000_000;
const KEYS_MAX = 1_000;
const HOUR_MS = 3_600_000;
const keyOf = (key: number): string => `k${key}`;
const refOf = (key: number): number => key;
const always = (): boolean => true;
const never = (): boolean => false;

/** An operator whose windows all stay open while a million keys come, each once. */
interface Flooded {
  readonly operator: OperatorFunction<StreamElement<number>, unknown>;
  readonly held: { readonly size: number; readonly evictedCount: number };
}
const OPERATORS: Readonly<Record<string, () => Flooded>> = {
  hoppingWindow: () => {
    const windows = new TumblingWindows<number>(KEYS_MAX);
    const times = { windowMs: HOUR_MS, slideMs: HOUR_MS };
    return flooded(hoppingWindow({ ...countAggregate(), ...times, keyOf }, windows), windows.panes);
  },
  sessionWindow: () => {
    const windows = new SessionWindows<number>({ gapMs: HOUR_MS, sessionsMax: KEYS_MAX });
    return flooded(sessionWindow({ ...countAggregate(), gapMs: HOUR_MS, keyOf }, windows), windows.store);
  },
  sequence: () => {
    const store = new SequenceStore<number>({ withinMs: HOUR_MS, stepCount: 2, keysMax: KEYS_MAX });
    return flooded(sequence({ withinMs: HOUR_MS, steps: [always, never], keyOf, refOf }, store), store.store);
  },
  absence: () => {
    const store = new AbsenceStore<number>({ withinMs: HOUR_MS, keysMax: KEYS_MAX });
    return flooded(absence({ withinMs: HOUR_MS, awaits: always, answers: never, keyOf, refOf }, store), store.store);
  },
  nOfM: () => {
    const store = new NOfMStore<number>({ withinMs: HOUR_MS, kindCount: 2, kindsMin: 2, keysMax: KEYS_MAX });
    const options = { withinMs: HOUR_MS, kindsMin: 2, kinds: [always, never] };
    return flooded(nOfM({ ...options, keyOf, refOf }, store), store.store);
  },
  distinctCount: () => {
    const store = new DistinctStore({ windowMs: HOUR_MS, keysMax: KEYS_MAX });
    return flooded(distinctCount({ windowMs: HOUR_MS, keyOf, valueOf: keyOf }, store), store.store);
  },
  baselineRate: () => {
    const store = new BaselineStore({ windowMs: HOUR_MS, baselineWindows: 10, keysMax: KEYS_MAX });
    const options = { windowMs: HOUR_MS, baselineWindows: 10, statistic: 'mean' as const };
    return flooded(baselineRate({ ...options, keyOf }, store), store.store);
  },
  slidingCount: () => {
    const times = new SlidingTimes({ windowMs: HOUR_MS, keysMax: KEYS_MAX });
    return flooded(slidingCount({ windowMs: HOUR_MS, keyOf }, times), times);
  },
};

function flooded(operator: Flooded['operator'], held: Flooded['held']): Flooded {
  return { operator, held };
}

describe.each(Object.entries(OPERATORS))('%s', (_, make) => {
  it('stays within its bound on a million keys, and counts every key that it let go', () => {
    const { operator, held } = make();
    let mostHeld = 0;
    const flood = function* (): Generator<StreamElement<number>> {
      for (let key = 0; key < KEY_COUNT; key++) {
        yield eventElement(key, key);
        mostHeld = Math.max(mostHeld, held.size);
      }
    };
    // Not ended: the end would let all windows go.
    concat(from(flood()), NEVER).pipe(operator).subscribe().unsubscribe();
    expect([mostHeld, held.size, held.evictedCount]).toEqual([KEYS_MAX, KEYS_MAX, KEY_COUNT - KEYS_MAX]);
  });
});
