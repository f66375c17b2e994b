import fc from 'fast-check';
import { KeySlots } from './key-slots';

describe('KeySlots', () => {
  it('gives each key a slot of its own, and that of a removed key to the next', () => {
    const slots = new KeySlots();
    expect([slots.add('a'), slots.add('b'), slots.add('c')]).toEqual([0, 1, 2]);
    slots.remove(1);
    expect([slots.find('b'), slots.add('d'), slots.find('d'), slots.size, slots.slotCount]).toEqual([
      undefined,
      1,
      1,
      3,
      3,
    ]);
    expect([...slots.inUse()].map((slot) => slots.keyOf(slot))).toEqual(['a', 'c', 'd']);
  });

  it('has no oldest where there are no keys', () => {
    const slots = new KeySlots();
    expect(slots.oldest()).toBeUndefined();
    slots.remove(slots.add('a'));
    expect(slots.oldest()).toBeUndefined();
    slots.add('a');
    slots.clear();
    expect([slots.oldest(), slots.find('a'), slots.size]).toEqual([undefined, undefined, 0]);
  });

  it('does not take the slot of a removed key for that key when its place in the order comes', () => {
    const slots = new KeySlots();
    for (const key of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']) slots.add(key);
    expect(slots.oldest()).toBe(0);
    slots.remove(0);
    slots.add('new');
    expect(slots.keyOf(slots.oldest() as number)).toBe('b');
  });

  it('knows the order of touch as a naive list does', () => {
    const action = fc.tuple(fc.constantFrom('touch', 'touch', 'remove', 'oldest', 'evict'), fc.nat(150));
    fc.assert(
      fc.property(fc.array(action, { maxLength: 400, size: 'max' }), (actions) => {
        const slots = new KeySlots();
        let naive: string[] = [];
        for (const [kind, number] of actions) {
          const key = kind === 'touch' || kind === 'remove' ? `k${number}` : (naive[0] ?? '');
          const slot = slots.find(key);
          expect(slot !== undefined).toBe(naive.includes(key));
          if (kind === 'oldest' || kind === 'evict') expect(slots.oldest()).toBe(slot);
          if (kind === 'oldest') continue;
          naive = naive.filter((other) => other !== key);
          if (kind === 'touch') {
            naive.push(key);
            if (slot === undefined) slots.add(key);
            else slots.touch(slot);
          } else if (slot !== undefined) slots.remove(slot);
          expect(slots.size).toBe(naive.length);
        }
        expect(slots.byTouch().map((slot) => slots.keyOf(slot))).toEqual(naive);
      }),
      { numRuns: 300 },
    );
  });
});
