import fc from 'fast-check';
import { EventHeap, compareEventOrder, type EventOrder } from './event-heap';

const order = (): fc.Arbitrary<EventOrder> =>
  fc.record({
    timeMs: fc.integer({ min: -3, max: 3 }),
    source: fc.constantFrom('a', 'b', 'ä', 'B'),
    id: fc.constantFrom('1', '10', '2', '\u{1f600}', '\uffff'),
  });

describe('compareEventOrder', () => {
  it('orders by time, then source, then id by UTF-16 code units', () => {
    const at = (timeMs: number, source: string, id: string): EventOrder => ({ timeMs, source, id });
    expect(compareEventOrder(at(1, 'b', 'b'), at(2, 'a', 'a'))).toBeLessThan(0);
    expect(compareEventOrder(at(1, 'B', 'b'), at(1, 'a', 'a'))).toBeLessThan(0);
    expect(compareEventOrder(at(1, 'a', '10'), at(1, 'a', '2'))).toBeLessThan(0);
    // By code points the emoji would stand after U+FFFF.
    expect(compareEventOrder(at(1, 'a', '\u{1f600}'), at(1, 'a', '\uffff'))).toBeLessThan(0);
    expect(compareEventOrder(at(1, 'a', 'x'), at(1, 'a', 'x'))).toBe(0);
  });

  it('is antisymmetric and transitive', () => {
    fc.assert(
      fc.property(order(), order(), order(), (a, b, c) => {
        expect(Math.sign(compareEventOrder(a, b)) + Math.sign(compareEventOrder(b, a))).toBe(0);
        if (compareEventOrder(a, b) <= 0 && compareEventOrder(b, c) <= 0)
          expect(compareEventOrder(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });
});

describe('EventHeap', () => {
  it('gives back what was put in, least first, however pushes and pops are mixed', () => {
    fc.assert(
      fc.property(fc.array(fc.option(order(), { freq: 3 }), { maxLength: 60 }), (steps) => {
        const heap = new EventHeap<EventOrder>();
        const held: EventOrder[] = [];
        for (const step of steps) {
          if (step !== null) {
            heap.push(step);
            held.push(step);
          } else {
            held.sort(compareEventOrder);
            expect(heap.peek()).toEqual(held[0]);
            expect(heap.pop()).toEqual(held.shift());
          }
          expect(heap.size).toBe(held.length);
        }
        held.sort(compareEventOrder);
        expect(held.map(() => heap.pop())).toEqual(held);
        expect(heap.pop()).toBeUndefined();
      }),
    );
  });

  it('is empty after clear', () => {
    const heap = new EventHeap<EventOrder>();
    heap.push({ timeMs: 1, source: 'a', id: '1' });
    heap.clear();
    expect([heap.size, heap.peek(), heap.toArray()]).toEqual([0, undefined, []]);
  });
});
