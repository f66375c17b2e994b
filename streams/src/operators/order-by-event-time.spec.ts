import fc from 'fast-check';
import { from, take } from 'rxjs';
import { collect, describeOperatorLifecycle, eventElement, jsonCopy, shuffled, watermark } from '../testing';
import { compareEventOrder, type EventOrder } from './event-heap';
import { ReorderBuffer, orderByEventTime } from './order-by-event-time';
import type { Json, StreamElement } from './stream-element';

type Element = StreamElement<EventOrder>;
const bufferOf = (eventsMax?: number): ReorderBuffer<EventOrder> =>
  new ReorderBuffer<EventOrder>(
    { toJson: (event) => event as unknown as Json, fromJson: (json) => json as unknown as EventOrder },
    eventsMax,
  );
const at = (timeMs: number, source = 'a', id = 'x'): EventOrder => ({ timeMs, source, id });
const held = (event: EventOrder): Element => eventElement(event, event.timeMs);
const timesOf = (elements: readonly Element[]): (number | string)[] =>
  elements.map((element) => (element.kind === 'event' ? element.timeMs : `w${element.watermarkMs}`));
const run = (input: readonly Element[], buffer = bufferOf()): Element[] => collect(orderByEventTime(buffer), input);

const elements = (): fc.Arbitrary<Element[]> =>
  fc
    .array(
      fc.oneof(
        { weight: 3, arbitrary: fc.record({ rise: fc.constant(0), timeMs: fc.nat(30) }) },
        { weight: 1, arbitrary: fc.record({ rise: fc.integer({ min: 1, max: 9 }), timeMs: fc.constant(0) }) },
      ),
      { maxLength: 40 },
    )
    .map((steps) => {
      let watermarkMs = 0;
      return steps.map(({ rise, timeMs }, index): Element => {
        if (rise > 0) return watermark((watermarkMs += rise));
        return held(at(watermarkMs + timeMs, 'a', String(index)));
      });
    });

describe('orderByEventTime', () => {
  describeOperatorLifecycle({
    isHandedState: true,
    operator: () => orderByEventTime(bufferOf()),
    input: [held(at(2)), held(at(1)), watermark<EventOrder>(3)],
    output: [held(at(1)), held(at(2)), watermark<EventOrder>(3)],
    endless: (index) => watermark<EventOrder>(index),
  });

  it('lets an event go when the watermark has passed it, not while it stands at it', () => {
    expect(timesOf(run([held(at(9)), held(at(10)), watermark(10)]))).toEqual([9, 'w10']);
    expect(timesOf(run([held(at(9)), held(at(10)), watermark(11)]))).toEqual([9, 10, 'w11']);
  });

  it('orders events of one time by source, then id', () => {
    const output = run([held(at(1, 'b', '1')), held(at(1, 'a', '2')), held(at(1, 'a', '10')), watermark(2)]);
    expect(output.slice(0, 3)).toEqual([held(at(1, 'a', '10')), held(at(1, 'a', '2')), held(at(1, 'b', '1'))]);
  });

  it('lets no late or skewed event through', () => {
    const mistimed = [eventElement(at(1), 1, 'late'), eventElement(at(99), 99, 'skewed')];
    expect(timesOf(run([...mistimed, watermark(Number.POSITIVE_INFINITY)]))).toEqual(['wInfinity']);
  });

  it('lets everything go at the watermark of the end, and keeps what waits when the source merely stops', () => {
    expect(timesOf(run([held(at(5)), watermark(Number.POSITIVE_INFINITY)]))).toEqual([5, 'wInfinity']);
    const buffer = bufferOf();
    expect(run([held(at(5))], buffer)).toEqual([]);
    expect(buffer.heap.size).toBe(1);
  });

  it('ends at a time that is no whole number, and holds no such event', () => {
    const invalid = expect.objectContaining({ code: 'STREAM_TIME_INVALID' });
    const buffer = bufferOf();
    for (const timeMs of [Number.NaN, Number.NEGATIVE_INFINITY, 0.5])
      expect(() => run([held(at(timeMs))], buffer)).toThrow(invalid);
    expect(() => run([watermark(Number.NaN)], buffer)).toThrow(invalid);
    expect(timesOf(run([held(at(5)), watermark(6)], buffer))).toEqual([5, 'w6']);
  });

  it('keeps what it would have let go when nobody listens after the first', () => {
    const buffer = bufferOf();
    from([held(at(1)), held(at(2)), watermark<EventOrder>(9)])
      .pipe(orderByEventTime(buffer), take(1))
      .subscribe();
    expect(timesOf(run([watermark(9)], buffer))).toEqual([2, 'w9']);
  });

  it('refuses a bound that is none', () => {
    for (const eventsMax of [0, -1, 1.5, Number.NaN])
      expect(() => bufferOf(eventsMax)).toThrow(expect.objectContaining({ code: 'OPERATOR_OPTION_INVALID' }));
  });

  it('lets the earliest go when it is full, and drops and counts what comes before that', () => {
    const buffer = bufferOf(2);
    expect(timesOf(run([held(at(5)), held(at(7)), held(at(6))], buffer))).toEqual([5]);
    expect(timesOf(run([held(at(4)), held(at(5)), watermark(99)], buffer))).toEqual([5, 6, 7, 'w99']);
    expect([buffer.forcedCount, buffer.droppedCount, buffer.floorMs]).toEqual([2, 1, 5]);
  });

  it('loses nothing that it does not count, stays in order of time, and keeps its bound', () => {
    fc.assert(
      fc.property(elements(), fc.integer({ min: 1, max: 5 }), (input, eventsMax) => {
        const buffer = bufferOf(eventsMax);
        const output = run(input, buffer);
        const outTimes = output.flatMap((element) => (element.kind === 'event' ? [element.timeMs] : []));
        const inCount = input.filter(({ kind }) => kind === 'event').length;
        expect(outTimes).toEqual([...outTimes].sort((a, b) => a - b));
        expect(outTimes.length + buffer.droppedCount + buffer.heap.size).toBe(inCount);
        expect(buffer.heap.size).toBeLessThanOrEqual(eventsMax);
      }),
    );
  });

  it('makes one order of every order of arrival between two watermarks', () => {
    const times = fc.uniqueArray(fc.tuple(fc.nat(5), fc.constantFrom('a', 'b'), fc.nat(9)), {
      maxLength: 20,
      selector: String,
    });
    const keys = fc.array(fc.nat(), { minLength: 20, maxLength: 20 });
    fc.assert(
      fc.property(times, keys, (tuples, order) => {
        const events = tuples.map(([timeMs, source, id]) => at(timeMs, source, String(id)));
        const expected = [...events].sort(compareEventOrder).map(held);
        const output = run([...shuffled(events.map(held), order), watermark(99)]);
        expect(output.slice(0, -1)).toEqual(expected);
      }),
    );
  });

  it('goes on from a snapshot at any place as if it had never stopped', () => {
    fc.assert(
      fc.property(elements(), fc.integer({ min: 1, max: 6 }), (input, eventsMax) => {
        const whole = bufferOf(eventsMax);
        const expected = run(input, whole);
        for (let place = 0; place <= input.length; place++) {
          const first = bufferOf(eventsMax);
          const output = run(input.slice(0, place), first);
          const second = bufferOf(eventsMax);
          second.restore(jsonCopy(first.snapshot()));
          output.push(...run(input.slice(place), second));
          expect(output).toEqual(expected);
          expect([second.forcedCount, second.droppedCount]).toEqual([whole.forcedCount, whole.droppedCount]);
        }
      }),
      { numRuns: 40 },
    );
  });
});
