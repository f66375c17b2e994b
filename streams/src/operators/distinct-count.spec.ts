import fc from 'fast-check';
import { collect, describeOperatorLifecycle, eventElement, jsonCopy, watermark } from '../testing';
import { DistinctStore, distinctCount, type DistinctBounds, type DistinctCount } from './distinct-count';
import type { StreamElement } from './stream-element';

interface Visit {
  readonly key: string;
  readonly value?: string;
}
type Element = StreamElement<Visit>;
const options = {
  windowMs: 10,
  keyOf: ({ key }: Visit) => (key === '-' ? undefined : key),
  valueOf: ({ value }: Visit) => value,
};
const visit = (timeMs: number, value?: string, key = 'k'): Element => eventElement({ key, value }, timeMs);
const storeOf = (bounds: Partial<DistinctBounds> = {}): DistinctStore => new DistinctStore({ windowMs: 10, ...bounds });
const run = (input: readonly Element[], store = storeOf()): DistinctCount<Visit>[] =>
  collect(distinctCount(options, store), input);
const shown = (counts: readonly DistinctCount<Visit>[]): (number | string)[] =>
  counts.map(({ valueCount, isExact }) => (isExact ? valueCount : `≥${valueCount}`));

describe('distinctCount', () => {
  describeOperatorLifecycle<Element, DistinctCount<Visit>>({
    operator: () => distinctCount(options),
    input: [visit(1, 'a'), watermark(1), visit(2, 'b')],
    output: [
      { event: { key: 'k', value: 'a' }, key: 'k', timeMs: 1, valueCount: 1, isExact: true },
      { event: { key: 'k', value: 'b' }, key: 'k', timeMs: 2, valueCount: 2, isExact: true },
    ],
    endless: (index) => visit(index, 'a'),
  });

  it('counts a value seen less than the window before, and no more one exactly the window before', () => {
    expect(shown(run([visit(0, 'a'), visit(9, 'b')]))).toEqual([1, 2]);
    expect(shown(run([visit(0, 'a'), visit(10, 'b')]))).toEqual([1, 1]);
  });

  it('counts a value once, and from when it was seen last', () => {
    expect(shown(run([visit(0, 'a'), visit(1, 'b'), visit(9, 'a'), visit(12, 'c')]))).toEqual([1, 2, 2, 2]);
  });

  it('leaves out events without a key or a value and mistimed ones', () => {
    const late = eventElement<Visit>({ key: 'k', value: 'z' }, 1, 'late');
    expect(shown(run([late, visit(1), visit(1, 'a', '-'), visit(1, '')]))).toEqual([1]);
  });

  it('equals a look at all events', () => {
    const steps = fc.array(fc.tuple(fc.nat(5), fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('k', 'l')), {
      maxLength: 40,
    });
    fc.assert(
      fc.property(steps, (gaps) => {
        let timeMs = 0;
        const visits = gaps.map(([gapMs, value, key]) => ({ timeMs: (timeMs += gapMs), value, key }));
        const expected = visits.map((last, at) => {
          const inside = visits
            .slice(0, at + 1)
            .filter(({ key, timeMs: seenMs }) => key === last.key && last.timeMs - seenMs < 10);
          return new Set(inside.map(({ value }) => value)).size;
        });
        expect(shown(run(visits.map((each) => visit(each.timeMs, each.value, each.key))))).toEqual(expected);
      }),
    );
  });

  it('never says that a count is exact when it is not, however tight the bounds', () => {
    const steps = fc.array(fc.tuple(fc.nat(4), fc.nat(9), fc.constantFrom('k', 'l', 'm')), { maxLength: 60 });
    const bounds = { keysMax: 2, valuesMax: 5, valuesPerKeyMax: 3 };
    fc.assert(
      fc.property(steps, (gaps) => {
        let timeMs = 0;
        const input = gaps.map(([gapMs, value, key]) => visit((timeMs += gapMs), String(value), key));
        const truth = run(input);
        run(input, storeOf(bounds)).forEach(({ valueCount, isExact }, at) => {
          const { valueCount: trueCount } = truth[at] as DistinctCount<Visit>;
          expect(valueCount).toBeLessThanOrEqual(trueCount);
          if (isExact) expect(valueCount).toBe(trueCount);
        });
      }),
      { numRuns: 300 },
    );
  });

  it('evicts the value seen longest ago of a full key, and is exact again a window later', () => {
    const store = storeOf({ valuesPerKeyMax: 2 });
    const input = [visit(0, 'a'), visit(1, 'b'), visit(2, 'c'), visit(9, 'c'), visit(10, 'c')];
    expect(shown(run(input, store))).toEqual([1, 2, '≥2', '≥2', 2]);
    expect([store.store.entryCount, store.store.evictedEntryCount]).toEqual([2, 1]);
  });

  it('counts what one key lost, where all values are fewer than those that one key may have', () => {
    const store = storeOf({ valuesMax: 2, valuesPerKeyMax: 9 });
    expect(shown(run([visit(0, 'a'), visit(1, 'b'), visit(2, 'c')], store))).toEqual([1, 2, '≥2']);
    expect([store.store.evictedCount, store.store.entryCount, store.store.evictedEntryCount]).toEqual([0, 2, 1]);
  });

  it('cannot be exact about a key that may have been evicted', () => {
    const store = storeOf({ keysMax: 1 });
    expect(
      shown(run([visit(0, 'a', 'x'), visit(1, 'a', 'y'), visit(2, 'b', 'x'), visit(12, 'b', 'x')], store)),
    ).toEqual([1, '≥1', '≥1', 1]);
    expect(store.store.evictedCount).toBe(2);
  });

  it('knows after a snapshot until when it is not exact', () => {
    const first = storeOf({ valuesPerKeyMax: 2 });
    run([visit(0, 'a'), visit(1, 'b'), visit(2, 'c')], first);
    const second = storeOf({ valuesPerKeyMax: 2 });
    second.restore(jsonCopy(first.snapshot()));
    expect(shown(run([visit(9, 'c'), visit(10, 'c')], second))).toEqual(['≥2', 2]);
  });

  it('forgets a key a window after its last value', () => {
    const store = storeOf();
    run([visit(0, 'a'), watermark(9)], store);
    expect(store.store.size).toBe(1);
    run([watermark(10)], store);
    expect([store.store.size, store.store.evictedCount]).toEqual([0, 0]);
  });
});
