import fc from 'fast-check';
import { DedupeFilter } from './dedupe-filter';
import { DedupeTable } from './dedupe-table';
import type { RecordIdentity } from '../log-record';

const identityFrom = (high: number, low: number, content: number): RecordIdentity => ({
  idHigh: high >>> 0,
  idLow: low >>> 0,
  contentHigh: 7,
  contentLow: content,
});

/** Well spread words from a number. */
const spread = (i: number, salt: number): number => Math.imul(i + salt, 0x9e3779b1) >>> 0;

describe('DedupeTable', () => {
  it('agrees with a map, also where homes collide and where the ring closes', () => {
    const step = fc.record({
      remove: fc.boolean(),
      high: fc.constantFrom(0, 1, 5 << 22, 0xffffffff, 0xffc00000, 0xff800000),
      low: fc.nat(3),
      content: fc.nat(1),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const table = new DedupeTable();
        const model = new Map<string, number>();
        for (const { remove, high, low, content } of steps) {
          const name = `${high >>> 0} ${low}`;
          const known = model.get(name);
          const expected = known === undefined ? 'absent' : known === content ? 'same' : 'other';
          expect(table.find(identityFrom(high, low, content))).toBe(expected);
          if (remove) {
            table.remove(high >>> 0, low);
            model.delete(name);
          } else {
            table.add(identityFrom(high, low, content));
            if (known === undefined) model.set(name, content);
          }
          expect(table.size).toBe(model.size);
        }
        for (const [name, content] of model) {
          const [high = 0, low = 0] = name.split(' ').map(Number);
          expect(table.find(identityFrom(high, low, content))).toBe('same');
        }
      }),
    );
  });

  it('grows, shrinks and keeps what it holds', () => {
    const table = new DedupeTable();
    for (let i = 0; i < 20_000; i++) table.add(identityFrom(spread(i, 1), i, i));
    for (let i = 100; i < 20_000; i++) table.remove(spread(i, 1), i);
    table.shrink();
    expect(table.size).toBe(100);
    for (let i = 0; i < 200; i++) {
      expect(table.find(identityFrom(spread(i, 1), i, i))).toBe(i < 100 ? 'same' : 'absent');
    }
    table.clear();
    expect([table.size, table.find(identityFrom(spread(1, 1), 1, 1))]).toEqual([0, 'absent']);
  });
});

describe('DedupeFilter', () => {
  it('holds every key that was added, and few others', () => {
    const filter = new DedupeFilter(1 << 18);
    const keys = 100_000;
    for (let i = 0; i < keys; i++) filter.add(spread(i, 1), spread(i, 77_777) ^ spread(i >> 3, 5));
    let missing = 0;
    let wrong = 0;
    for (let i = 0; i < keys; i++) {
      if (!filter.mightHold(spread(i, 1), spread(i, 77_777) ^ spread(i >> 3, 5))) missing++;
      if (filter.mightHold(spread(i, 3_000_003), spread(i, 9_000_001) ^ spread(i >> 4, 11))) wrong++;
    }
    expect([filter.size, filter.bytes, missing]).toEqual([keys, 1 << 18, 0]);
    // 21 bits a key; a split block filter of that size errs in less than one of 1,000.
    expect(wrong).toBeLessThan(keys / 500);
  });

  it('refuses sizes it cannot have', () => {
    expect(() => new DedupeFilter(1000)).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }));
    expect(() => new DedupeFilter(3072)).toThrow(/power of two/);
  });
});
