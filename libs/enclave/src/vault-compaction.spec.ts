import { ProtegoError } from '@protego/contracts';
import { FaultDisk, PowerLost, randomOf } from './testing/fault-disk';
import { Kept, VAULT_KEY, aliasOf, slotOf } from './testing/kept-slots';
import { type VaultDisk } from './vault-disk';
import { VaultStore, type VaultLimits } from './vault-store';
import { VAULT_SLOTS_MAX, VAULT_SLOT_BYTES, decodeVaultSlot, type NewVaultSlot } from './vault-slot';

const EAGER: VaultLimits = { slotsMax: VAULT_SLOTS_MAX, compaction: { deadSlotsMin: 3, deadShareMin: 0.25 } };
const NEVER: VaultLimits = { slotsMax: VAULT_SLOTS_MAX, compaction: { deadSlotsMin: Infinity, deadShareMin: 1 } };

interface Opened {
  readonly store: VaultStore;
  readonly kept: Kept;
}

async function open(disk: VaultDisk, limits = EAGER): Promise<Opened> {
  const kept = new Kept();
  return { store: await VaultStore.openForWriting(disk, VAULT_KEY, kept, limits), kept };
}

function read(disk: VaultDisk): Opened {
  const kept = new Kept();
  return { store: VaultStore.openForReading(disk, VAULT_KEY, kept), kept };
}

function add({ store, kept }: Opened, slot: NewVaultSlot, key?: Buffer): void {
  const { owner: _, ...read } = slot;
  kept.onLive({ ...read, key: key ?? Buffer.alloc(32) }, store.append(slot));
}

function addKey(opened: Opened, number: number): void {
  const slot = slotOf(number);
  add(opened, slot, slot.key);
}

/** Which of these keys can be opened from what is on the surface of a disk. */
function keysOn(disk: FaultDisk, wanted: ReadonlySet<number>): number[] {
  const found = new Set<number>();
  for (const bytes of disk.surface()) {
    for (let at = 0; at + VAULT_SLOT_BYTES <= bytes.length; at += VAULT_SLOT_BYTES) {
      if (bytes.readUInt32BE(at) !== 1 || !wanted.has(bytes.readUInt32BE(at + 16))) continue;
      const slot = bytes.subarray(at, at + VAULT_SLOT_BYTES);
      decodeVaultSlot(slot, at / VAULT_SLOT_BYTES, VAULT_KEY, (decoded) => {
        if (decoded.state === 'live') found.add(decoded.slot.keyId.readUInt32BE(12));
      });
    }
  }
  return [...found];
}

describe('compaction of the vault', () => {
  /** A vault of 20 keys with a name each, of which the first 10 are destroyed. */
  async function halfDead(): Promise<FaultDisk> {
    const disk = new FaultDisk(randomOf(3));
    const opened = await open(disk, NEVER);
    for (let number = 0; number < 20; number++) addKey(opened, number);
    for (let number = 0; number < 20; number++) add(opened, aliasOf(number, 100 + number));
    await opened.store.flush();
    await opened.store.destroy(opened.kept.doomed(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
    await opened.store.mark();
    return disk;
  }

  it('leaves live slots only, between two marks, and all that they said', async () => {
    const disk = await halfDead();
    const before = read(disk).kept;
    const { store, kept } = await open(disk);
    expect([store.compaction, store.slotCount, disk.size()]).toEqual(['done', 22, 22 * VAULT_SLOT_BYTES]);
    expect([...kept.live.keys()]).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    for (const [number, { slot, names }] of before.live) expect(kept.live.get(number)).toMatchObject({ slot, names });
    expect([...(kept.live.get(10)?.slots ?? [])]).toEqual([1, 11]);
    expect(disk.hasRests).toBe(false);
    const again = await open(disk);
    expect([again.store.compaction, again.store.slotCount]).toEqual(['not due', 22]);
    expect(again.kept.live).toEqual(kept.live);
    await again.store.mark();
    expect(again.store.slotCount).toBe(22);
  });

  it('comes when so many slots, and such a share of all, are dead', async () => {
    const disk = await halfDead();
    // 20 overwritten, 10 notices, 2 marks less the first: 31 of 52.
    for (const [deadSlotsMin, deadShareMin, expected] of [
      [32, 0, 'not due'],
      [0, 0.6, 'not due'],
      [31, 0.59, 'done'],
    ] as const) {
      const limits = { slotsMax: VAULT_SLOTS_MAX, compaction: { deadSlotsMin, deadShareMin } };
      expect((await open(disk, limits)).store.compaction).toBe(expected);
    }
    const few = await halfDead();
    const unasked = await VaultStore.openForWriting(few, VAULT_KEY, new Kept());
    expect(unasked.compaction).toBe('not due');
  });

  it('is refused where a slot was altered, and tells that of each slot afterwards', async () => {
    const disk = await halfDead();
    await open(disk);
    for (let number = 0; number < 22; number++) {
      const altered = disk.revived();
      const byte = altered.read(number * VAULT_SLOT_BYTES + 40, 1);
      byte[0] = (byte[0] as number) ^ 1;
      await altered.write(byte, number * VAULT_SLOT_BYTES + 40);
      await expect(open(altered)).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED', details: { slot: number } });
    }
  });

  it('tells of an altered slot also where the mark at the end is altered, too', async () => {
    const disk = await halfDead();
    await open(disk);
    disk.removeMark();
    for (const number of [7, 21]) await disk.write(Buffer.alloc(8, 0xee), number * VAULT_SLOT_BYTES + 40);
    await expect(open(disk)).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED', details: { slot: 7 } });
  });

  it('frees names that a later slot holds too, and those whose key is gone', async () => {
    const disk = new FaultDisk(randomOf(3));
    const opened = await open(disk, NEVER);
    addKey(opened, 1);
    for (const slot of [aliasOf(1, 7), aliasOf(1, 7, true), aliasOf(1, 8, true), aliasOf(1, 8), aliasOf(99, 9)])
      add(opened, slot);
    const other = { ...aliasOf(1, 7), name: 'written otherwise' };
    add(opened, other);
    await opened.store.flush();
    const before = read(disk).kept;
    const { store, kept } = await open(disk);
    expect([store.compaction, store.slotCount]).toEqual(['done', 6]);
    expect(kept.live.get(1)?.names).toEqual(before.live.get(1)?.names);
    expect(keysOn(disk, new Set([1, 99]))).toEqual([1]);
  });

  it('leaves two marks where nobody is left, and makes room in a full vault', async () => {
    const disk = new FaultDisk(randomOf(3));
    const limits = { ...EAGER, slotsMax: 5 };
    const opened = await open(disk, limits);
    for (let number = 0; number < 4; number++) addKey(opened, number);
    expect(() => addKey(opened, 4)).toThrow(
      expect.objectContaining({ code: 'VAULT_FULL', message: expect.stringContaining('a restart frees') as string }),
    );
    await opened.store.flush();
    await opened.store.destroy(opened.kept.doomed(0, 1, 2, 3));
    const again = await open(disk, limits);
    expect([again.store.compaction, again.store.slotCount]).toEqual(['done', 2]);
    addKey(again, 5);
  });

  it('carries a destruction through first', async () => {
    const disk = await halfDead();
    const opened = await open(disk, NEVER);
    jest.spyOn(disk, 'write').mockRejectedValueOnce(new ProtegoError('LOG_WRITE_FAILED', 'broken'));
    await expect(opened.store.destroy(opened.kept.doomed(12))).rejects.toThrow('broken');
    const { store, kept } = await open(disk);
    expect([store.compaction, disk.readIntent(), kept.live.has(12), keysOn(disk, new Set([12]))]).toEqual([
      'done',
      undefined,
      false,
      [],
    ]);
  });

  it.each(['writeSuccessor', 'syncSuccessor', 'keepPredecessor', 'replace'] as const)(
    'leaves the vault as it is when `%s` fails, and comes at the next start',
    async (step) => {
      const disk = await halfDead();
      const bytes = disk.read(0, disk.size());
      const full = new ProtegoError('LOG_DISK_FULL', 'full');
      jest.spyOn(disk, step).mockRejectedValueOnce(full);
      const opened = await open(disk);
      expect([opened.store.compaction, opened.store.compactionError]).toEqual(['failed', full]);
      expect([disk.read(0, disk.size()).equals(bytes), disk.hasRests]).toEqual([true, false]);
      addKey(opened, 30);
      await opened.store.flush();
      await opened.store.destroy(opened.kept.doomed(11));
      expect(keysOn(disk, new Set([11, 12]))).toEqual([12]);
      const { store, kept } = await open(disk.revived());
      expect([store.compaction, kept.live.has(11), kept.live.has(30), kept.live.size]).toEqual([
        'done',
        false,
        true,
        10,
      ]);
    },
  );

  it('ends the start where the new file is in place and not durable', async () => {
    const disk = await halfDead();
    const sync = jest.spyOn(disk, 'syncDirectory');
    jest.spyOn(disk, 'replace').mockImplementationOnce(async () => {
      await FaultDisk.prototype.replace.call(disk);
      sync.mockRejectedValueOnce(new ProtegoError('LOG_WRITE_FAILED', 'broken'));
    });
    await expect(open(disk)).rejects.toThrow('broken');
    expect((await open(disk.restarted())).kept.live.size).toBe(10);
    expect((await open(disk.revived())).kept.live.size).toBe(10);
  });

  it('leaves the old file where the new one cannot be read', async () => {
    const disk = await halfDead();
    const bytes = disk.read(0, disk.size());
    jest.spyOn(disk, 'replace').mockImplementationOnce(async () => {
      await FaultDisk.prototype.replace.call(disk);
      await disk.write(Buffer.alloc(8, 0xee), 5 * VAULT_SLOT_BYTES + 40);
    });
    for (let time = 0; time < 2; time++) await expect(open(disk)).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED' });
    expect(disk.surface().some((each) => each.equals(bytes))).toBe(true);
  });

  describe('with a reader that has the old file open', () => {
    it('shows what is there, and drops what was destroyed before the reader looked', async () => {
      const disk = await halfDead();
      const reader = read(disk.reader());
      const writer = await open(disk, NEVER);
      await writer.store.destroy(writer.kept.doomed(15));
      const compacted = await open(disk);
      addKey(compacted, 40);
      await compacted.store.flush();
      expect(reader.kept.live.has(15)).toBe(true);
      reader.store.refresh();
      expect([...reader.kept.live.keys()].sort()).toEqual([10, 11, 12, 13, 14, 16, 17, 18, 19, 40]);
      expect(reader.kept.destroyed.has(15)).toBe(true);
      expect(reader.kept.live).toEqual(compacted.kept.live);
      await compacted.store.destroy(compacted.kept.doomed(16));
      reader.store.refresh();
      expect(reader.kept.live.has(16)).toBe(false);
    });

    it('is read again when it was replaced while it was being read', async () => {
      const disk = await halfDead();
      const view = disk.reader();
      const bytes = disk.read(0, disk.size());
      // The whole of the old file is overwritten between the reader's look at its name and its first byte.
      const overwritten = jest.spyOn(view, 'read').mockImplementationOnce(() => Buffer.alloc(bytes.length, 0xee));
      const isReplaced = view.isReplaced.bind(view);
      jest.spyOn(view, 'isReplaced').mockImplementationOnce(() => false);
      const compacted = await open(disk);
      const reader = read(view);
      expect([overwritten.mock.calls.length > 1, isReplaced(), compacted.store.compaction]).toEqual([
        true,
        false,
        'done',
      ]);
      expect(reader.kept.live).toEqual(compacted.kept.live);
    });
  });

  it('may end at any step of a destruction and a compaction', async () => {
    const base = await halfDead();
    const begun = await open(base, NEVER);
    jest.spyOn(base, 'write').mockRejectedValueOnce(new ProtegoError('LOG_WRITE_FAILED', 'broken'));
    await expect(begun.store.destroy(begun.kept.doomed(12))).rejects.toThrow('broken');
    const doomed = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13]);
    let ends = 0;
    for (let steps = 1; ends === steps - 1; steps++) {
      // After that the next start, too, may end at any step.
      for (let time = 0; time < 60; time++) {
        const disk = base.revived(steps);
        try {
          const opened = await open(disk);
          await opened.store.destroy(opened.kept.doomed(13));
        } catch (error) {
          if (!(error instanceof PowerLost)) throw error;
          ends = steps;
        }
        const started = time % 2 === 0 ? disk.revived(1 + (time >> 1)) : disk.restarted(1 + (time >> 1));
        await open(started).catch((error: unknown) => {
          if (!(error instanceof PowerLost)) throw error;
        });
        const after = started.revived();
        const { store, kept } = await open(after);
        await store.destroy(kept.doomed(13));
        expect([...kept.live.keys()].filter((number) => number !== 13)).toEqual([10, 11, 14, 15, 16, 17, 18, 19]);
        expect(keysOn(after, doomed)).toEqual([]);
        expect((await open(after.revived())).kept.live.size).toBe(8);
      }
    }
    expect(ends).toBeGreaterThan(20);
  });

  it('loses no key and brings none back, also from the surface of the disk, wherever power is lost or the process ends', async () => {
    const seen = { compactions: 0, losses: 0, lossesInCompaction: 0, dropped: 0 };
    for (let seed = 1; seed <= 1_000; seed++) {
      try {
        await live(seed, seen);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    expect(seen.compactions).toBeGreaterThan(1_500);
    expect(seen.losses).toBeGreaterThan(1_500);
    expect(seen.lossesInCompaction).toBeGreaterThan(250);
    expect(seen.dropped).toBeGreaterThan(200);
  }, 120_000);
});

/** What has to be so whatever happens. */
class Promised {
  readonly live = new Set<number>();
  readonly destroyed = new Set<number>();

  check(what: string, { live }: Kept): void {
    const lost = [...this.live].filter((number) => {
      const key = live.get(number);
      const isWhole = key?.slot.name === `person ${number}` && key.slot.key.equals(slotOf(number).key);
      return !isWhole || !key.names.has(`name ${number}`);
    });
    const back = [...this.destroyed].filter((number) => live.has(number));
    if (lost.length + back.length > 0) throw new Error(`${what}: lost ${lost.join()}, back ${back.join()}`);
  }

  checkSurface(disk: FaultDisk): void {
    const back = keysOn(disk, this.destroyed);
    if (back.length > 0) throw new Error(`on the surface: ${back.join()}`);
  }
}

async function live(
  seed: number,
  seen: { compactions: number; losses: number; lossesInCompaction: number; dropped: number },
): Promise<void> {
  const chance = randomOf(seed);
  const upTo = (bound: number): number => Math.floor(chance() * bound);
  const promised = new Promised();
  let disk = new FaultDisk(chance, 2 + upTo(60));
  let next = 0;
  for (let lives = 0; lives < 5; lives++) {
    const reader = read(disk.reader());
    try {
      const opened = await open(disk);
      if (opened.store.compaction === 'failed') throw opened.store.compactionError;
      if (opened.store.compaction === 'done') seen.compactions++;
      promised.check('writer', opened.kept);
      for (let act = 0; act < 6; act++) {
        if (chance() < 0.55) {
          const made = Array.from({ length: 1 + upTo(3) }, () => next++);
          for (const number of made) addKey(opened, number);
          for (const number of made) add(opened, aliasOf(number, number));
          await opened.store.flush();
          for (const number of made) promised.live.add(number);
        } else {
          const victims = [...opened.kept.live.keys()].filter(() => chance() < 0.4).slice(0, 3);
          const doomed = opened.kept.doomed(...victims);
          for (const victim of victims) promised.live.delete(victim);
          await opened.store.destroy(doomed);
          for (const victim of victims) {
            opened.kept.live.delete(victim);
            promised.destroyed.add(victim);
          }
          promised.checkSurface(disk);
        }
        if (chance() < 0.3) reader.store.refresh();
      }
      const known = reader.kept.live.size;
      reader.store.refresh();
      if (reader.kept.live.size < known) seen.dropped++;
      promised.check('reader', reader.kept);
    } catch (error) {
      if (!(error instanceof PowerLost)) throw error;
      seen.losses++;
      if (disk.hasRests) seen.lossesInCompaction++;
    }
    const steps = lives >= 3 ? Infinity : 2 + upTo(60);
    disk = chance() < 0.5 ? disk.revived(steps) : disk.restarted(steps);
    promised.checkSurface(disk);
  }
  promised.check('last', (await open(disk)).kept);
  promised.checkSurface(disk);
}
