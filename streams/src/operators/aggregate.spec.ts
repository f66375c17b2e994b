import fc from 'fast-check';
import { jsonCopy, shuffled } from '../testing';
import {
  aggregates,
  countAggregate,
  maxAggregate,
  minAggregate,
  valuesAggregate,
  type Aggregate,
  type WindowValues,
} from './aggregate';
import type { Json } from './stream-element';

type All = {
  count: number;
  least: number | null;
  greatest: number | null;
  values: WindowValues<number>;
};
const valueOf = (event: number): number => event;
const all = aggregates<number, All>({
  count: countAggregate(),
  least: minAggregate(valueOf),
  greatest: maxAggregate(valueOf),
  values: valuesAggregate(valueOf, 4),
});
const valueOfAll = <A extends Json>(aggregate: Aggregate<number, A>, events: readonly number[]): A =>
  events.reduce((value, event) => aggregate.add(value, event), aggregate.initial());

describe('aggregates', () => {
  it('say of a window without events that there are none', () => {
    expect(all.initial()).toEqual({ count: 0, least: null, greatest: null, values: { values: [], unkeptCount: 0 } });
  });

  it('leave out of least and greatest what is no finite number', () => {
    const events = [Number.NaN, 3, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 5];
    expect([valueOfAll(minAggregate(valueOf), events), valueOfAll(maxAggregate(valueOf), events)]).toEqual([3, 5]);
    expect(
      valueOfAll(
        minAggregate<number>(() => undefined),
        events,
      ),
    ).toBeNull();
  });

  it('leave out of the values what is no finite number, in whatever order it comes', () => {
    const kept = { values: [1, 2, 3], unkeptCount: 0 };
    for (const events of [
      [3, Number.NaN, 1, Number.POSITIVE_INFINITY, 2],
      [Number.NaN, 1, 2, 3, Number.NEGATIVE_INFINITY],
    ])
      expect(valueOfAll(valuesAggregate(valueOf, 3), events)).toEqual(kept);
  });

  it('keep the least values, and count the others', () => {
    expect(valueOfAll(valuesAggregate(valueOf, 2), [3, 1, 2, 1])).toEqual({ values: [1, 1], unkeptCount: 2 });
    expect(
      valueOfAll(
        valuesAggregate<number, string>((event) => (event > 1 ? `v${event}` : undefined), 2),
        [1, 2],
      ),
    ).toEqual({ values: ['v2'], unkeptCount: 0 });
    expect(() => valuesAggregate(valueOf, 0)).toThrow(expect.objectContaining({ code: 'OPERATOR_OPTION_INVALID' }));
  });

  it('are the same for every order and every way to part and merge the events', () => {
    const events = fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 12 });
    const keys = fc.array(fc.nat(), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(events, keys, fc.nat(12), (numbers, order, place) => {
        const sorted = [...numbers].sort((a, b) => a - b);
        const expected = {
          count: numbers.length,
          least: sorted[0] ?? null,
          greatest: sorted.at(-1) ?? null,
          values: { values: sorted.slice(0, 4), unkeptCount: Math.max(0, numbers.length - 4) },
        };
        const arrived = shuffled(numbers, order);
        expect(valueOfAll(all, arrived)).toEqual(expected);
        const [first, second] = [arrived.slice(0, place), arrived.slice(place)].map((part) => valueOfAll(all, part));
        expect(all.merge(jsonCopy(first as All), jsonCopy(second as All))).toEqual(expected);
        expect(all.merge(second as All, first as All)).toEqual(expected);
      }),
    );
  });
});
