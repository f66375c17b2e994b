import { ProtegoError } from '@protego/contracts';
import { FaultDisk, PowerLost, randomOf } from './testing/fault-disk';
import { Kept, VAULT_KEY, slotOf } from './testing/kept-slots';
import { VaultStore } from './vault-store';
import { VAULT_SLOT_BYTES, type LiveVaultSlot } from './vault-slot';

async function open(disk: FaultDisk): Promise<{ store: VaultStore; kept: Kept }> {
  const kept = new Kept();
  return { store: await VaultStore.openForWriting(disk, VAULT_KEY, kept), kept };
}

describe('VaultStore', () => {
  const random = randomOf(7);

  async function filled(count: number): Promise<{ disk: FaultDisk; store: VaultStore }> {
    const disk = new FaultDisk(random);
    const { store } = await open(disk);
    for (let number = 0; number < count; number++) store.append(slotOf(number));
    await store.flush();
    return { disk, store };
  }

  it('finds again what was flushed, and marks it once', async () => {
    const { disk, store } = await filled(5);
    await store.mark();
    const bytes = disk.size();
    for (let time = 0; time < 2; time++) {
      const again = await open(disk);
      expect([...again.kept.live.keys()]).toEqual([0, 1, 2, 3, 4]);
      const { owner: _, ...asRead } = slotOf(3);
      expect(again.kept.live.get(3)?.slot).toEqual(asRead);
      await again.store.mark();
      expect(disk.size()).toBe(bytes);
    }
  });

  it('writes no key that was destroyed before it was written, and tells that it was', async () => {
    const disk = new FaultDisk(random);
    const { store } = await open(disk);
    const key = Buffer.alloc(32);
    store.append({ ...slotOf(4), owner: { isDestroyed: true, lendKey: () => key } });
    await store.flush();
    const { kept } = await open(disk);
    expect([kept.live.size, kept.destroyed.has(4)]).toEqual([0, true]);
  });

  it('wipes the key that it told of', async () => {
    const { disk } = await filled(1);
    let lent: Buffer | undefined;
    const seen: string[] = [];
    const listener = {
      onLive: (slot: LiveVaultSlot) => {
        lent = slot.key;
        seen.push(slot.key.toString('hex'));
      },
      onDestroyed: () => undefined,
      onReplaced: () => undefined,
      onReread: () => undefined,
    };
    VaultStore.openForReading(disk, VAULT_KEY, listener);
    expect(seen).toEqual([Buffer.alloc(32, 1).toString('hex')]);
    expect(lent).toEqual(Buffer.alloc(32));
  });

  it('refuses, and leaves as it is, a vault of another secret', async () => {
    const { disk } = await filled(3);
    const bytes = disk.read(0, disk.size());
    const other = Buffer.alloc(32, 6);
    await expect(VaultStore.openForWriting(disk, other, new Kept())).rejects.toMatchObject({
      code: 'LOG_KEYS_DAMAGED',
    });
    expect(() => VaultStore.openForReading(disk, other, new Kept())).toThrow(
      expect.objectContaining({ code: 'LOG_KEYS_DAMAGED' }),
    );
    expect(disk.read(0, disk.size())).toEqual(bytes);
  });

  it('has a bound', async () => {
    const store = await VaultStore.openForWriting(new FaultDisk(random), VAULT_KEY, new Kept(), { slotsMax: 3 });
    store.append(slotOf(0));
    store.append(slotOf(1));
    expect(() => store.append(slotOf(2))).toThrow(expect.objectContaining({ code: 'VAULT_FULL' }));
  });

  it('refuses a slot that was altered after it was durable', async () => {
    const { disk, store } = await filled(5);
    await store.mark();
    for (let number = 0; number < 5; number++) {
      const altered = disk.revived();
      const at = number * VAULT_SLOT_BYTES + Math.floor(random() * VAULT_SLOT_BYTES);
      const byte = altered.read(at, 1);
      byte[0] = (byte[0] as number) ^ 4;
      await altered.write(byte, at);
      await expect(open(altered)).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED', details: { slot: number } });
    }
  });

  it('refuses slots that changed places', async () => {
    const { disk, store } = await filled(4);
    await store.mark();
    const [first, second] = [disk.read(0, VAULT_SLOT_BYTES), disk.read(VAULT_SLOT_BYTES, VAULT_SLOT_BYTES)];
    await disk.write(second, 0);
    await disk.write(first, VAULT_SLOT_BYTES);
    await expect(open(disk)).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED' });
  });

  it('tries a failed flush again, and a failed destruction', async () => {
    const disk = new FaultDisk(random);
    const { store } = await open(disk);
    store.append(slotOf(0));
    const failure = new ProtegoError('LOG_DISK_FULL', 'full');
    const write = jest.spyOn(disk, 'write').mockRejectedValueOnce(failure);
    await expect(store.flush()).rejects.toBe(failure);
    await store.flush();
    expect((await open(disk)).kept.live.size).toBe(1);
    write.mockRejectedValueOnce(failure);
    await expect(store.destroy(new Map([[slotOf(0).keyId, [1]]]))).rejects.toBe(failure);
    await store.destroy(new Map());
    const { kept } = await open(disk);
    expect([kept.live.size, kept.destroyed.has(0)]).toEqual([0, true]);
    expect(disk.readIntent()).toBeUndefined();
  });

  it('keeps its order when slots are added during a destruction', async () => {
    const { disk, store } = await filled(3);
    const destroyed = store.destroy(new Map([[slotOf(1).keyId, [2]]]));
    store.append(slotOf(10));
    await destroyed;
    store.append(slotOf(11));
    await store.flush();
    const { kept } = await open(disk);
    expect([...kept.live.keys()]).toEqual([0, 2, 10, 11]);
  });

  it('shows a reader what was added and destroyed since', async () => {
    const { disk, store } = await filled(2);
    const kept = new Kept();
    const reader = VaultStore.openForReading(disk, VAULT_KEY, kept);
    store.append(slotOf(2));
    await store.flush();
    await store.destroy(new Map([[slotOf(0).keyId, [1]]]));
    expect([...kept.live.keys()]).toEqual([0, 1]);
    reader.refresh();
    expect([...kept.live.keys()]).toEqual([1, 2]);
  });

  it('loses nothing that was acknowledged, and brings back nothing that was destroyed, wherever power is lost', async () => {
    let losses = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const chance = randomOf(seed);
      const acknowledged = new Set<number>();
      const destroyed = new Set<number>();
      let disk = new FaultDisk(chance, 2 + Math.floor(chance() * 30));
      let next = 0;
      for (let life = 0; life < 3; life++) {
        try {
          const { store, kept } = await open(disk);
          check(seed, kept, acknowledged, destroyed);
          for (let act = 0; act < 12; act++) {
            if (chance() < 0.7) {
              const first = next;
              const places = new Map<number, number>();
              for (let count = 1 + Math.floor(chance() * 9); count > 0; count--) {
                places.set(next, store.append(slotOf(next)));
                next++;
              }
              await store.flush();
              for (let number = first; number < next; number++) {
                acknowledged.add(number);
                kept.onLive(slotOf(number), places.get(number) as number);
              }
            } else {
              const [victim] = [...kept.live.keys()].filter(() => chance() < 0.5);
              if (victim === undefined) continue;
              acknowledged.delete(victim);
              await store.destroy(kept.doomed(victim));
              kept.live.delete(victim);
              destroyed.add(victim);
            }
          }
        } catch (error) {
          if (!(error instanceof PowerLost)) throw new Error(`seed ${seed}`, { cause: error });
          losses++;
        }
        disk = disk.revived(life === 1 ? Infinity : 2 + Math.floor(chance() * 30));
      }
      const { kept } = await open(disk.revived());
      check(seed, kept, acknowledged, destroyed);
    }
    expect(losses).toBeGreaterThan(400);
  }, 60_000);

  function check(seed: number, kept: Kept, acknowledged: ReadonlySet<number>, destroyed: ReadonlySet<number>): void {
    const lost = [...acknowledged].filter((number) => kept.live.get(number)?.slot.name !== `person ${number}`);
    const back = [...destroyed].filter((number) => kept.live.has(number));
    if (lost.length + back.length > 0) throw new Error(`seed ${seed}: lost ${lost.join()}, back ${back.join()}`);
  }
});
