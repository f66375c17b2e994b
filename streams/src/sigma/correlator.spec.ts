import { conditionHolds, type SigmaCorrelation } from './correlation';
import { Correlator, type CorrelationHit } from './correlator';
import { compileSigma } from './rule-set';
import { SIGN_IN_RULES } from './testing';

function correlationOf(body: string): SigmaCorrelation {
  const text = `${SIGN_IN_RULES}---\ntitle: Counted\nid: 00000000-0000-4000-8000-000000000009\ncorrelation:\n${body}`;
  const { correlations, problems } = compileSigma([{ path: 'test.yml', text }]);
  expect(problems).toEqual([]);
  return correlations[0] as SigmaCorrelation;
}
const counting = (condition: string, timespan = '10s', type = 'event_count'): SigmaCorrelation =>
  correlationOf(
    `  type: ${type}\n  rules: [failed]\n  group-by: [user.uid]\n  timespan: ${timespan}\n  condition: ${condition}\n`,
  );

/** Steps a correlator through events of one group at the given times; the times at which it fires. */
function firedAt(correlator: Correlator, timesMs: readonly number[]): number[] {
  return timesMs.filter(
    (timeMs, seq) => correlator.step(hitOf(), timeMs, [seq, 'ehr', String(seq)])?.isRaised === true,
  );
}
function hitOf(value: CorrelationHit['value'] = null, key = '["anna"]'): CorrelationHit {
  return { key, value, members: [] };
}

describe('conditionHolds', () => {
  it.each([
    [{ gt: 3 }, [4, 5]],
    [{ gte: 3 }, [3, 4, 5]],
    [{ lt: 3 }, [1, 2]],
    [{ lte: 3 }, [1, 2, 3]],
    [{ eq: 3 }, [3]],
    [{ neq: 3 }, [1, 2, 4, 5]],
    [{ gt: 1, lt: 4 }, [2, 3]],
  ])('%j holds for %j', (condition, holding) => {
    expect([1, 2, 3, 4, 5].filter((count) => conditionHolds(condition, (bound) => count - bound))).toEqual(holding);
  });
});

describe('Correlator', () => {
  it('counts events less than the time span apart, and no more those exactly as far apart', () => {
    expect(firedAt(new Correlator(counting('{ gte: 2 }'), 'every'), [0, 9_999])).toEqual([9_999]);
    expect(firedAt(new Correlator(counting('{ gte: 2 }'), 'every'), [0, 10_000])).toEqual([]);
  });

  it('fires on each event of a true condition, or only when it becomes true and again after it was false', () => {
    const timesMs = [0, 1, 2, 3, 4, 20_000, 20_001, 20_002];
    expect(firedAt(new Correlator(counting('{ gte: 3 }'), 'every'), timesMs)).toEqual([2, 3, 4, 20_002]);
    expect(firedAt(new Correlator(counting('{ gte: 3 }'), 'crossing'), timesMs)).toEqual([2, 20_002]);
  });

  it('counts a group that had to leave while others of it were held back', () => {
    const correlation = { ...counting('{ gte: 2 }', '1s'), suppressMs: 3_600_000 };
    const correlator = new Correlator(correlation, 'crossing', { keysMax: 2 });
    const hits = [
      ['a', 0],
      ['a', 1],
      ['b', 5_000],
      ['c', 5_001],
      ['a', 9_000],
      ['a', 9_001],
    ] as const;
    const raised = hits.filter(
      ([key, timeMs], seq) => correlator.step(hitOf(null, `["${key}"]`), timeMs, [seq, 'ehr', `${seq}`])?.isRaised,
    );
    expect(raised.map(([, timeMs]) => timeMs)).toEqual([1, 9_001]);
    expect([correlator.windows.evictedKeyCount, correlator.suppressedCount]).toEqual([1, 0]);
  });

  it('arms again when the condition was false for a millisecond before the event that makes it true', () => {
    expect(firedAt(new Correlator(counting('{ gte: 2 }'), 'crossing'), [0, 5_000, 10_001])).toEqual([5_000, 10_001]);
  });

  it('fires once on a steady stream that keeps the count at just the bound', () => {
    const steady = Array.from({ length: 20 }, (_, n) => 5_000 * n);
    expect(firedAt(new Correlator(counting('{ gte: 2 }'), 'crossing'), steady)).toEqual([5_000]);
    expect(firedAt(new Correlator(counting('{ gte: 2 }'), 'every'), steady)).toEqual(steady.slice(1));
  });

  it('fires for a condition that more events make false once each time it becomes true', () => {
    expect(firedAt(new Correlator(counting('{ eq: 2 }'), 'crossing'), [0, 1, 2, 10_002, 10_003])).toEqual([1, 10_003]);
    expect(firedAt(new Correlator(counting('{ lt: 2 }'), 'crossing'), [0, 1, 10_001])).toEqual([0, 10_001]);
  });

  it('counts different values, not events, and names every event in the window', () => {
    const correlator = new Correlator(counting('{ field: address, gte: 2 }', '10s', 'value_count'), 'crossing');
    const step = (seq: number, value: string) => correlator.step(hitOf(value), seq, [seq, 'ehr', `e${seq}`]);
    expect([step(1, 'x'), step(2, 'x')]).toEqual([undefined, undefined]);
    const firing = step(3, 'y');
    expect(firing).toMatchObject({ group: { 'user.uid': 'anna' }, value: 2 });
    expect(firing?.events().map(({ ref }) => ref)).toEqual([
      [1, 'ehr', 'e1'],
      [2, 'ehr', 'e2'],
      [3, 'ehr', 'e3'],
    ]);
  });

  it('names a group field as it is written, also one that objects have of their own', () => {
    const correlator = new Correlator(
      correlationOf(
        '  type: event_count\n  rules: [failed]\n  group-by: [__proto__]\n  timespan: 1m\n  condition: { gte: 1 }\n',
      ),
      'every',
    );
    const firing = correlator.step(hitOf(null, '["x"]'), 1, [1, 'ehr', 'a']);
    expect(Object.entries(firing?.group ?? {})).toEqual([['__proto__', 'x']]);
  });

  it('keeps its bounds, counted', () => {
    const correlator = new Correlator(counting('{ gte: 3 }'), 'every', { keysMax: 1, entriesMax: 2 });
    expect(firedAt(correlator, [0, 1, 2, 3])).toEqual([]);
    correlator.step(hitOf(null, '["bo"]'), 4, [4, 'ehr', '4']);
    expect([correlator.windows.evictedEntryCount, correlator.windows.evictedKeyCount]).toEqual([4, 1]);
    expect([correlator.windows.keyCount, correlator.windows.entryCount]).toEqual([1, 1]);
  });
});
