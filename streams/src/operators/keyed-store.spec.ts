import fc from 'fast-check';
import { jsonCopy } from '../testing';
import { KeyedStore, type ValueCodec } from './keyed-store';

interface Cell {
  count: number;
}
const codec: ValueCodec<Cell> = { toJson: ({ count }) => count, fromJson: (json) => ({ count: json as number }) };
const storeOf = (keysMax: number): KeyedStore<Cell> => new KeyedStore(keysMax, codec);
const touch = (store: KeyedStore<Cell>, key: string): number => ++store.touch(key, () => ({ count: 0 })).count;
const contentOf = (store: KeyedStore<Cell>): unknown => ({
  evictedCount: store.evictedCount,
  entries: [...store.entries()].map(([key, { count }]) => [key, count]),
});

describe('KeyedStore', () => {
  it('evicts the key touched longest ago, only when one beyond the bound comes, and counts it', () => {
    const store = storeOf(2);
    touch(store, 'a');
    touch(store, 'b');
    touch(store, 'a');
    expect(contentOf(store)).toEqual({
      evictedCount: 0,
      entries: [
        ['b', 1],
        ['a', 2],
      ],
    });
    touch(store, 'c');
    expect(contentOf(store)).toEqual({
      evictedCount: 1,
      entries: [
        ['a', 2],
        ['c', 1],
      ],
    });
  });

  it('forgets a deleted key without counting it as evicted', () => {
    const store = storeOf(2);
    touch(store, 'a');
    store.delete('a');
    expect([store.size, store.evictedCount, touch(store, 'a')]).toEqual([0, 0, 1]);
  });

  it('takes keys that objects have of their own', () => {
    const store = storeOf(9);
    for (const key of ['__proto__', 'constructor', '']) touch(store, key);
    const restored = storeOf(9);
    restored.restore(jsonCopy(store.snapshot()));
    expect(['__proto__', 'constructor', ''].map((key) => touch(restored, key))).toEqual([2, 2, 2]);
  });

  it('equals a naive list, also when it is written down and read back at every step', () => {
    const keys = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 40 });
    fc.assert(
      fc.property(keys, fc.integer({ min: 1, max: 4 }), (touches, keysMax) => {
        let store = storeOf(keysMax);
        const naive: [string, number][] = [];
        let evictedCount = 0;
        for (const key of touches) {
          touch(store, key);
          const at = naive.findIndex(([known]) => known === key);
          const [, count] = at < 0 ? [key, 0] : (naive.splice(at, 1)[0] as [string, number]);
          naive.push([key, count + 1]);
          if (naive.length > keysMax) {
            naive.shift();
            evictedCount++;
          }
          expect(contentOf(store)).toEqual({ evictedCount, entries: naive });
          const next = storeOf(keysMax);
          next.restore(jsonCopy(store.snapshot()));
          store = next;
        }
      }),
    );
  });
});
