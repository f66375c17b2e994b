import { ProtegoError } from '@protego/contracts';
import { FaultDisk, PowerLost, randomOf } from './testing/fault-disk';
import { Kept, VAULT_KEY, slotOf } from './testing/kept-slots';
import { SLOTS_PER_MARK, formatVaultMark, parseVaultMark } from './vault-mark';
import { formatVaultRecord } from './vault-record';
import { VaultStore } from './vault-store';
import { VAULT_SLOTS_MAX, VAULT_SLOT_BYTES } from './vault-slot';

const EAGER = { slotsMax: VAULT_SLOTS_MAX, compaction: { deadSlotsMin: 3, deadShareMin: 0.1 } };
const REFUSED = { code: 'LOG_KEYS_DAMAGED' };

async function open(disk: FaultDisk, limits?: typeof EAGER): Promise<{ store: VaultStore; kept: Kept }> {
  const kept = new Kept();
  return { store: await VaultStore.openForWriting(disk, VAULT_KEY, kept, limits), kept };
}

function read(disk: FaultDisk): Kept {
  const kept = new Kept();
  VaultStore.openForReading(disk.reader(), VAULT_KEY, kept);
  return kept;
}

async function add(store: VaultStore, from: number, to: number): Promise<void> {
  for (let number = from; number < to; number++) store.append(slotOf(number));
  await store.flush();
}

describe('the mark of a vault', () => {
  it('refuses one that is shorter than it was when it was closed', async () => {
    const disk = new FaultDisk(randomOf(5));
    const { store } = await open(disk);
    await add(store, 0, 5);
    await store.mark();
    for (const slots of [0, 1, 6]) {
      const cut = disk.revived();
      await cut.truncate(slots * VAULT_SLOT_BYTES);
      await expect(open(cut)).rejects.toMatchObject({ ...REFUSED, details: { slots, known: 7 } });
      expect(() => read(cut)).toThrow(expect.objectContaining(REFUSED));
      expect(cut.size()).toBe(slots * VAULT_SLOT_BYTES);
    }
    expect(read(disk).live.size).toBe(5);
  });

  it('is written now and then while keys are added, not with each', async () => {
    const disk = new FaultDisk(randomOf(5));
    const { store } = await open(disk);
    const writes = jest.spyOn(disk, 'writeMark');
    for (let number = 0; number < 2 * SLOTS_PER_MARK; number += 512) await add(store, number, number + 512);
    expect(writes).toHaveBeenCalledTimes(2);
    const cut = disk.revived();
    await cut.truncate(2 * SLOTS_PER_MARK * VAULT_SLOT_BYTES);
    await expect(open(cut)).rejects.toMatchObject(REFUSED);
    expect((await open(disk)).kept.live.size).toBe(2 * SLOTS_PER_MARK);
  });

  it('says nothing of what was added while it was written', async () => {
    const disk = new FaultDisk(randomOf(5));
    const { store } = await open(disk);
    jest.spyOn(disk, 'sync').mockImplementationOnce(async () => {
      store.append(slotOf(SLOTS_PER_MARK));
      await FaultDisk.prototype.sync.call(disk);
    });
    await add(store, 0, SLOTS_PER_MARK);
    expect(parseVaultMark(disk.readMark() as Buffer, VAULT_KEY)).toMatchObject([{ slots: SLOTS_PER_MARK + 1 }]);
    expect((await open(disk.revived())).kept.live.size).toBe(SLOTS_PER_MARK);
  });

  it('stays where nothing was added', async () => {
    const disk = new FaultDisk(randomOf(5));
    await add((await open(disk)).store, 0, 3);
    await (await open(disk)).store.mark();
    const writes = jest.spyOn(disk, 'writeMark');
    await (await open(disk)).store.mark();
    expect(writes).not.toHaveBeenCalled();
  });

  it('refuses the file that was compacted, and takes the new one', async () => {
    const disk = new FaultDisk(randomOf(5));
    const { store, kept } = await open(disk);
    await add(store, 0, 9);
    await store.mark();
    const older = disk.read(0, disk.size());
    for (let number = 0; number < 9; number++) kept.onLive(slotOf(number), number + 1);
    await store.destroy(kept.doomed(0, 1, 2, 3));
    expect((await open(disk, EAGER)).store.compaction).toBe('done');
    expect(read(disk).live.size).toBe(5);
    const newer = disk.read(0, disk.size());
    await disk.truncate(0);
    await disk.write(older, 0);
    await expect(open(disk)).rejects.toMatchObject(REFUSED);
    expect(() => read(disk)).toThrow(expect.objectContaining(REFUSED));
    await disk.truncate(0);
    await disk.write(newer, 0);
    expect((await open(disk)).kept.live.size).toBe(5);
  });

  it('is refused itself when it was altered, torn, or is of other keys', async () => {
    const disk = new FaultDisk(randomOf(5));
    await add((await open(disk)).store, 0, 3);
    const mark = disk.readMark() as Buffer;
    const flipped = Buffer.from(mark);
    flipped[40] = (flipped[40] as number) ^ 1;
    const foreign = formatVaultMark([], Buffer.alloc(32, 1));
    for (const text of [flipped, mark.subarray(0, 20), Buffer.alloc(0), foreign]) {
      await disk.writeMark(text);
      await expect(open(disk)).rejects.toMatchObject(REFUSED);
    }
    await disk.writeMark(formatVaultRecord('vault-intent/1', { format: 1, vaults: [] }, VAULT_KEY));
    await expect(open(disk)).rejects.toMatchObject(REFUSED);
    await disk.writeMark(formatVaultRecord('vault-mark/1', { format: 2, vaults: [] }, VAULT_KEY));
    await expect(open(disk)).rejects.toMatchObject({ code: 'LOG_FORMAT_UNKNOWN' });
    await disk.writeMark(mark);
    expect((await open(disk)).kept.live.size).toBe(3);
  });

  it('tells damage at the end from a torn write', async () => {
    const disk = new FaultDisk(randomOf(5));
    const { store } = await open(disk);
    await add(store, 0, 3);
    await store.mark();
    await disk.write(Buffer.alloc(8, 0xee), disk.size() - 40);
    await expect(open(disk)).rejects.toMatchObject({ ...REFUSED, details: { slot: 4 } });
  });

  it('does not take a single slot of somebody else for a first one that was torn', async () => {
    const other = new FaultDisk(randomOf(5));
    await VaultStore.openForWriting(other, Buffer.alloc(32, 1), new Kept());
    const foreign = other.read(0, other.size());
    const disk = new FaultDisk(randomOf(5));
    await open(disk);
    await disk.write(foreign, 0);
    await expect(open(disk)).rejects.toMatchObject(REFUSED);
    disk.removeMark();
    await expect(open(disk)).rejects.toMatchObject(REFUSED);
    expect(disk.read(0, disk.size())).toEqual(foreign);
  });

  it('fails the flush that could not write it, and is written by the next', async () => {
    const disk = new FaultDisk(randomOf(5));
    const { store } = await open(disk);
    const full = new ProtegoError('LOG_DISK_FULL', 'full');
    jest.spyOn(disk, 'writeMark').mockRejectedValueOnce(full);
    await expect(add(store, 0, SLOTS_PER_MARK)).rejects.toBe(full);
    await add(store, SLOTS_PER_MARK, SLOTS_PER_MARK + 1);
    expect(parseVaultMark(disk.readMark() as Buffer, VAULT_KEY)).toMatchObject([{ slots: SLOTS_PER_MARK + 2 }]);
  });

  it('never speaks of more than is durable, wherever power is lost or the process ends', async () => {
    const seen = { losses: 0, first: 0 };
    for (let seed = 1; seed <= 400; seed++) {
      const chance = randomOf(seed);
      let disk = new FaultDisk(chance, 1 + Math.floor(chance() * 25));
      for (let life = 0, next = 0; life < 4; life++) {
        try {
          const { store, kept } = await open(disk, EAGER);
          if (store.compaction === 'failed') throw store.compactionError;
          for (let act = 0; act < 3; act++) {
            await add(store, next, next + 3);
            for (let each = 0; each < 3; each++) kept.onLive(slotOf(next + each), store.slotCount - 3 + each);
            next += 3;
            await store.destroy(kept.doomed(...[...kept.live.keys()].filter(() => chance() < 0.5)));
          }
          await store.mark();
        } catch (error) {
          // Whatever else it were, it would be a false alarm.
          if (!(error instanceof PowerLost)) throw new Error(`seed ${seed}`, { cause: error });
          seen.losses++;
          if (disk.size() === 0) seen.first++;
        }
        const steps = life === 2 ? Infinity : 1 + Math.floor(chance() * 25);
        disk = chance() < 0.5 ? disk.revived(steps) : disk.restarted(steps);
      }
      read(disk);
    }
    expect(seen.losses).toBeGreaterThan(600);
    expect(seen.first).toBeGreaterThan(20);
  }, 60_000);
});
