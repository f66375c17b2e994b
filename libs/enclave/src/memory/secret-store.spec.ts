import fc from 'fast-check';
import { turn } from '../testing/memory-attacks';
import { SecretStore, type SecretStoreOptions } from './secret-store';

const opened: SecretStore[] = [];

function newStore(options: Partial<SecretStoreOptions> = {}): SecretStore {
  const store = SecretStore.create({ slotBytes: 64, slotsMax: 1_000, cachePages: 4, ...options });
  opened.push(store);
  return store;
}

afterEach(() => {
  for (const store of opened.splice(0)) store.close();
});

const withCode = (code: string) => expect.objectContaining({ code });

describe('SecretStore', () => {
  it('keeps secrets, however they come and go', async () => {
    const step = fc.tuple(fc.constantFrom('add', 'add', 'free', 'read', 'use', 'change', 'flush'), fc.nat());
    const property = fc.asyncProperty(
      fc.constantFrom(32 as const, 64 as const, 96 as const),
      fc.integer({ min: 1, max: 300 }),
      fc.array(step, { maxLength: 80 }),
      (slotBytes, slotsMax, steps) => {
        const store = SecretStore.create({ slotBytes, slotsMax, cachePages: 2 });
        const held = new Map<number, Buffer>();
        for (const [kind, pick] of steps) {
          const [slot, secret] = [...held][pick % Math.max(1, held.size)] ?? [];
          const next = Buffer.alloc(slotBytes, 1 + (pick % 255));
          if (kind === 'flush') store.flush();
          else if (kind === 'add' && held.size < slotsMax) {
            const added = store.allocate();
            expect(held.has(added)).toBe(false);
            store.use(added, (bytes) => expect(bytes.equals(Buffer.alloc(slotBytes))).toBe(true));
            store.write(added, next);
            held.set(added, next);
          } else if (slot === undefined || secret === undefined) continue;
          else if (kind === 'free') {
            store.free(slot);
            held.delete(slot);
          } else if (kind === 'change') {
            store.change(slot, (bytes) => next.copy(bytes));
            held.set(slot, next);
          } else {
            const target = Buffer.alloc(slotBytes);
            if (kind === 'read') store.read(slot, target);
            else store.use(slot, (bytes) => bytes.copy(target));
            expect(target.equals(secret)).toBe(true);
          }
        }
        expect(store.usedSlots).toBe(held.size);
        store.close();
        return turn();
      },
    );
    await fc.assert(property, { numRuns: 1_000, seed: 20_261_124 });
  }, 30_000);

  it.each([32, 64, 96] as const)('gives each slot of %i bytes bytes of its own, within one page', (slotBytes) => {
    const store = newStore({ slotBytes, slotsMax: 300 });
    for (let slot = 0; slot < 300; slot++) store.write(store.allocate(), Buffer.alloc(slotBytes, slot));
    for (let slot = 0; slot < 300; slot++)
      expect(store.use(slot, (secret) => secret.equals(Buffer.alloc(slotBytes, slot)))).toBe(true);
  });

  it('has as many slots as it says, lowest first, and all can be used again', () => {
    const store = newStore({ slotsMax: 70 });
    expect(Array.from({ length: 70 }, () => store.allocate())).toEqual(Array.from({ length: 70 }, (_, slot) => slot));
    expect(() => store.allocate()).toThrow(withCode('ENCLAVE_STORE_FULL'));
    for (const slot of [69, 31, 32]) store.free(slot);
    expect([store.allocate(), store.allocate(), store.allocate()]).toEqual([31, 32, 69]);
    expect(() => store.allocate()).toThrow(withCode('ENCLAVE_STORE_FULL'));
    expect(store.usedSlots).toBe(70);
  });

  it.each([-1, 0.5, 1, 999, 1_000, 2 ** 32, Number.NaN])('refuses slot %d, which is not in use', (slot) => {
    const store = newStore();
    store.allocate();
    const refused = withCode('ENCLAVE_SLOT_UNKNOWN');
    expect(() => store.read(slot, Buffer.alloc(64))).toThrow(refused);
    expect(() => store.write(slot, Buffer.alloc(64))).toThrow(refused);
    expect(() => store.use(slot, () => 0)).toThrow(refused);
    expect(() => store.change(slot, () => 0)).toThrow(refused);
    expect(() => store.free(slot)).toThrow(refused);
    expect(store.usedSlots).toBe(1);
  });

  it('refuses a slot that was freed, and secrets of another length', () => {
    const store = newStore();
    const slot = store.allocate();
    expect(() => store.write(slot, Buffer.alloc(63))).toThrow(withCode('ENCLAVE_RANGE_INVALID'));
    expect(() => store.read(slot, Buffer.alloc(65))).toThrow(withCode('ENCLAVE_RANGE_INVALID'));
    store.free(slot);
    expect(() => store.free(slot)).toThrow(withCode('ENCLAVE_SLOT_UNKNOWN'));
  });

  it.each([{ slotsMax: 0 }, { slotsMax: 1.5 }, { slotsMax: 2 ** 30 }, { slotBytes: 48 as 64 }])(
    'refuses to be made with %j',
    (options) => expect(() => newStore(options)).toThrow(withCode('ENCLAVE_RANGE_INVALID')),
  );

  it('locks when its memory is altered', () => {
    const faults: unknown[] = [];
    const store = newStore({ onFault: (fault) => faults.push(fault) });
    const slot = store.allocate();
    store.write(slot, Buffer.alloc(64, 1));
    store.flush();
    store.backing.tag(0)[0]! ^= 1;
    expect(() => store.use(slot, () => 0)).toThrow(withCode('ENCLAVE_MEMORY_FAULT'));
    expect(store.isLocked).toBe(true);
    expect(() => store.free(slot)).toThrow(withCode('ENCLAVE_LOCKED'));
    expect(faults).toEqual([{ kind: 'page', page: 0 }]);
    expect(store.stats.faults).toBe(1);
  });

  it('takes memory only for what is used', () => {
    const store = newStore({ slotsMax: 4_000_000 });
    store.write(store.allocate(), Buffer.alloc(64, 1));
    store.flush();
    expect(store.backing.allocatedBytes).toBeLessThan(300_000);
    expect(store.backing.levels).toHaveLength(5);
  });
});
