import fc from 'fast-check';
import { jsonCopy } from '../testing';
import { DeadlineStore, type DeadlineBounds, type DeadlineCell } from './deadline-store';

interface Task {
  deadlineMs: number;
  entryCount: number;
}
const storeOf = (bounds: Partial<DeadlineBounds> = {}): DeadlineStore<Task> =>
  new DeadlineStore<Task>(
    {
      deadlineOf: ({ deadlineMs }) => deadlineMs,
      entryCountOf: ({ entryCount }) => entryCount,
      toJson: ({ deadlineMs, entryCount }) => [deadlineMs, entryCount],
      fromJson: (json) => {
        const [deadlineMs, entryCount] = json as [number, number];
        return { deadlineMs, entryCount };
      },
    },
    { keysMax: 100, entriesMax: 1_000, ...bounds },
  );
const put = (store: DeadlineStore<Task>, key: string, deadlineMs: number, entryCount = 1): void => {
  const cell = store.touch(key, () => ({ deadlineMs: 0, entryCount: 0 }));
  Object.assign(cell.value, { deadlineMs, entryCount });
  store.settle(cell);
};
function takeDue(store: DeadlineStore<Task>, nowMs: number): string[] {
  const keys: string[] = [];
  for (let cell = store.due(nowMs); cell !== undefined; cell = store.due(nowMs)) {
    keys.push(cell.key);
    store.delete(cell);
  }
  return keys;
}

describe('DeadlineStore', () => {
  it('gives what is due by deadline, then key, and nothing before its time', () => {
    const store = storeOf();
    for (const [key, deadlineMs] of [
      ['b', 5],
      ['a', 5],
      ['c', 3],
      ['d', 6],
    ] as const)
      put(store, key, deadlineMs);
    expect(takeDue(store, 2)).toEqual([]);
    expect(takeDue(store, 5)).toEqual(['c', 'a', 'b']);
    expect([store.size, store.entryCount, store.evictedCount]).toEqual([1, 1, 0]);
  });

  it('follows a deadline that moves, either way', () => {
    const store = storeOf();
    put(store, 'a', 10);
    put(store, 'b', 20);
    put(store, 'a', 30);
    put(store, 'b', 5);
    expect(takeDue(store, 9)).toEqual(['b']);
    expect(takeDue(store, 29)).toEqual([]);
    expect(takeDue(store, 30)).toEqual(['a']);
  });

  it('keeps its order when a cell leaves from the middle, whichever cell takes its place', () => {
    // A heap as it stands: where 31 leaves, 4 comes from another branch and must rise above 30 and 10.
    const deadlines = [1, 10, 2, 20, 30, 50, 3, 21, 22, 31, 32, 51, 52, 53, 4];
    for (const gone of deadlines) {
      const store = storeOf();
      for (const deadlineMs of deadlines) put(store, `k${deadlineMs}`, deadlineMs);
      store.delete(store.touchKnown(`k${gone}`) as DeadlineCell<Task>);
      const left = deadlines.filter((deadlineMs) => deadlineMs !== gone).sort((a, b) => a - b);
      expect(takeDue(store, 99)).toEqual(left.map((deadlineMs) => `k${deadlineMs}`));
    }
  });

  it('forgets all that is due where there is nothing to decide', () => {
    const store = storeOf();
    for (const [key, deadlineMs] of Object.entries({ a: 3, b: 2, c: 5, d: 3 })) put(store, key, deadlineMs);
    store.forgetDue(3);
    expect([store.size, store.evictedCount, takeDue(store, 9)]).toEqual([1, 0, ['c']]);
  });

  it('forgets a key that was never settled', () => {
    const store = storeOf();
    put(store, 'a', 1);
    store.delete(store.touch('b', () => ({ deadlineMs: 0, entryCount: 9 })));
    expect([store.size, store.entryCount, takeDue(store, 1)]).toEqual([1, 1, ['a']]);
  });

  it('evicts the key touched longest ago beyond either bound, and says until when it would have lived', () => {
    const store = storeOf({ keysMax: 2, entriesMax: 5 });
    put(store, 'a', 10, 2);
    put(store, 'b', 20, 2);
    store.touchKnown('a');
    put(store, 'c', 5);
    expect([store.size, store.entryCount, store.evictedCount, store.evictedEntryCount]).toEqual([2, 3, 1, 2]);
    expect(store.evictedUntilMs).toBe(20);
    const restored = storeOf();
    restored.restore(jsonCopy(store.snapshot()));
    expect(restored.evictedUntilMs).toBe(20);
    put(store, 'c', 5, 4);
    expect([store.size, store.entryCount, store.evictedCount, store.evictedEntryCount]).toEqual([1, 4, 2, 4]);
    expect(store.counters('x')).toEqual({ xKeys: 1, xEntries: 4, xKeysEvicted: 2, xEntriesEvicted: 4 });
    expect(takeDue(store, 99)).toEqual(['c']);
  });

  it('holds after a restore what the snapshot holds, and nothing that it held before', () => {
    const written = storeOf();
    put(written, 'a', 10, 2);
    const used = storeOf({ entriesMax: 5 });
    put(used, 'x', 1, 2);
    put(used, 'y', 2, 2);
    used.restore(jsonCopy(written.snapshot()));
    expect([used.size, used.entryCount, used.snapshot()]).toEqual([1, 2, written.snapshot()]);
    put(used, 'b', 20, 3);
    expect([used.evictedCount, takeDue(used, 99)]).toEqual([0, ['a', 'b']]);
  });

  it('equals a naive list, also when it is written down and read back at every step', () => {
    const step = fc.record({
      key: fc.constantFrom(...'abcdefghijklmnopqrst'),
      deadlineMs: fc.nat(60),
      entryCount: fc.integer({ min: 1, max: 3 }),
      action: fc.constantFrom('put', 'put', 'put', 'put', 'delete', 'due'),
    });
    const bounds = { keysMax: 14, entriesMax: 24 };
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), (steps) => {
        const kept = storeOf(bounds);
        let copied = storeOf(bounds);
        let naive: [string, Task][] = [];
        const entryCountOf = (): number => naive.reduce((sum, [, { entryCount }]) => sum + entryCount, 0);
        for (const { key, action, ...task } of steps) {
          let due: string[] = [];
          if (action === 'put') {
            naive = [...naive.filter(([known]) => known !== key), [key, task]];
            while (naive.length > bounds.keysMax || (entryCountOf() > bounds.entriesMax && naive.length > 1))
              naive.shift();
          } else if (action === 'delete') naive = naive.filter(([known]) => known !== key);
          else {
            const first = naive.filter(([, { deadlineMs }]) => deadlineMs <= task.deadlineMs);
            due = first
              .sort((a, b) => a[1].deadlineMs - b[1].deadlineMs || (a[0] < b[0] ? -1 : 1))
              .map(([known]) => known);
            naive = naive.filter(([known]) => !due.includes(known));
          }
          for (const store of [kept, copied]) {
            const cell: DeadlineCell<Task> | undefined = action === 'delete' ? store.touchKnown(key) : undefined;
            if (cell !== undefined) store.delete(cell);
            if (action === 'put') put(store, key, task.deadlineMs, task.entryCount);
            if (action === 'due') expect(takeDue(store, task.deadlineMs)).toEqual(due);
            expect([store.size, store.entryCount]).toEqual([naive.length, entryCountOf()]);
          }
          const next = storeOf(bounds);
          next.restore(jsonCopy(copied.snapshot()));
          copied = next;
          expect(copied.snapshot()).toEqual(kept.snapshot());
        }
      }),
    );
  });
});
