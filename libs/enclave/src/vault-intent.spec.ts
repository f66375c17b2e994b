import { FaultDisk, randomOf } from './testing/fault-disk';
import { Kept, VAULT_KEY, keyIdOf, slotOf } from './testing/kept-slots';
import { formatVaultIntent } from './vault-intent';
import { anchorAt } from './vault-mark';
import { VaultStore } from './vault-store';
import { VAULT_SLOTS_MAX, VAULT_SLOT_BYTES } from './vault-slot';

const EAGER = { slotsMax: VAULT_SLOTS_MAX, compaction: { deadSlotsMin: 3, deadShareMin: 0.1 } };

async function open(disk: FaultDisk, limits?: typeof EAGER): Promise<{ store: VaultStore; kept: Kept }> {
  const kept = new Kept();
  return { store: await VaultStore.openForWriting(disk, VAULT_KEY, kept, limits), kept };
}

/** A vault of five keys, in slots 1 to 5. */
async function filled(): Promise<FaultDisk> {
  const disk = new FaultDisk(randomOf(11));
  const { store } = await open(disk);
  for (let number = 0; number < 5; number++) store.append(slotOf(number));
  await store.flush();
  await store.mark();
  return disk;
}

async function put(disk: FaultDisk, bytes: Buffer): Promise<void> {
  await disk.truncate(0);
  await disk.write(bytes, 0);
  await disk.sync();
}

const damage = async (disk: FaultDisk, slot: number): Promise<void> =>
  disk.write(Buffer.alloc(20, 0xee), slot * VAULT_SLOT_BYTES + 100);
const intentOf = (disk: FaultDisk, keys: readonly [number, readonly number[]][], key = VAULT_KEY): Buffer =>
  formatVaultIntent(new Map(keys.map(([number, slots]) => [keyIdOf(number), slots])), anchorAt(0, disk), key);
const unsigned = (keys: readonly [number, readonly unknown[]][]): Buffer =>
  Buffer.from(JSON.stringify(keys.map(([number, slots]) => [keyIdOf(number).toString('hex'), slots])));

describe('a destruction that was interrupted', () => {
  it('is carried through, and a slot that was torn meanwhile counts as overwritten', async () => {
    const disk = await filled();
    await disk.writeIntent(
      intentOf(disk, [
        [1, [2]],
        [3, [4]],
      ]),
    );
    await damage(disk, 4);
    const { kept } = await open(disk);
    expect([[...kept.live.keys()], [...kept.destroyed], disk.readIntent()]).toEqual([[0, 2, 4], [1, 3], undefined]);
    expect([...(await open(disk)).kept.live.keys()]).toEqual([0, 2, 4]);
  });

  it.each([true, false])('explains torn slots to a reader, too (with a mark: %s)', async (isMarked) => {
    const disk = await filled();
    if (!isMarked) disk.removeMark();
    await disk.writeIntent(intentOf(disk, [[1, [2]]]));
    await damage(disk, 2);
    const kept = new Kept();
    VaultStore.openForReading(disk, VAULT_KEY, kept);
    expect([...kept.live.keys()]).toEqual([0, 2, 3, 4]);
  });

  it('destroys the keys that it names and no other, whatever slots it names', async () => {
    const disk = await filled();
    await disk.writeIntent(
      intentOf(disk, [
        [1, [5]],
        [77, [1, 4_000]],
      ]),
    );
    expect([...(await open(disk)).kept.live.keys()]).toEqual([0, 2, 3, 4]);
    expect([...(await open(disk)).kept.live.keys()]).toEqual([0, 2, 3, 4]);
  });

  it('explains no damage but to the slots that it names', async () => {
    const disk = await filled();
    await disk.writeIntent(intentOf(disk, [[1, [2]]]));
    await damage(disk, 3);
    await expect(open(disk)).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED', details: { slot: 3 } });
  });

  it('is of a vault that was compacted since: its keys are destroyed where they are in the older one', async () => {
    const disk = await filled();
    const older = disk.read(0, disk.size());
    const { store, kept } = await open(disk);
    await store.destroy(kept.doomed(0, 1));
    expect((await open(disk, EAGER)).store.compaction).toBe('done');
    // In the compacted vault, key 4 is where key 2 was.
    const intent = formatVaultIntent(new Map([[keyIdOf(4), [3]]]), anchorAt(disk.size() / 256 - 1, disk), VAULT_KEY);
    await put(disk, older);
    disk.removeMark();
    await disk.writeIntent(intent);
    const damaged = disk.revived();
    for (let steps = 1; steps < 30; steps++) {
      const cut = damaged.revived(steps);
      await open(cut).catch(() => undefined);
      expect([...(await open(cut.revived())).kept.live.keys()]).toEqual([0, 1, 2, 3]);
    }
    const again = await open(disk);
    expect([[...again.kept.live.keys()], [...again.kept.destroyed]]).toEqual([[0, 1, 2, 3], [4]]);
    expect([...(await open(disk)).kept.live.keys()]).toEqual([0, 1, 2, 3]);
    await damage(damaged, 3);
    await expect(open(damaged)).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED', details: { slot: 3 } });
  });

  it.each<[string, (disk: FaultDisk) => Buffer]>([
    ['is not whole', (disk: FaultDisk) => intentOf(disk, [[1, [2]]]).subarray(0, 50)],
    ['is empty', () => Buffer.alloc(0)],
    ['is of other keys', (disk: FaultDisk) => intentOf(disk, [[1, [2]]], Buffer.alloc(32, 9))],
    ['has no MAC', () => unsigned([[1, [2]]])],
    ['names a part of a slot', (disk: FaultDisk) => intentOf(disk, [[1, [2.5]]])],
    ['names a slot before the first', (disk: FaultDisk) => intentOf(disk, [[1, [-1]]])],
    ...[0, 30, 80, 120].map(
      (at) =>
        [
          `is altered at ${at}`,
          (disk: FaultDisk) => {
            const text = intentOf(disk, [[1, [2]]]);
            text[at] = (text[at] as number) ^ 1;
            return text;
          },
        ] as [string, (disk: FaultDisk) => Buffer],
    ),
  ])('is refused when what it left %s, and nothing is changed', async (_what, textOf) => {
    const disk = await filled();
    const bytes = disk.read(0, disk.size());
    await disk.writeIntent(textOf(disk));
    await expect(open(disk)).rejects.toMatchObject({
      code: 'LOG_KEYS_DAMAGED',
      message: expect.stringMatching(/vault\.destroying.*remove it, and repeat the erasure/s) as string,
    });
    expect(disk.read(0, disk.size())).toEqual(bytes);
    await disk.writeIntent(undefined);
    expect((await open(disk)).kept.live.size).toBe(5);
  });
});

describe('a destruction that was interrupted before there were marks', () => {
  async function earlier(keys: readonly [number, readonly unknown[]][]): Promise<FaultDisk> {
    const disk = await filled();
    disk.removeMark();
    await disk.writeIntent(unsigned(keys));
    return disk;
  }

  it('is carried through, wherever the start that does it ends', async () => {
    for (let steps = 1; steps < 30; steps++) {
      const base = await earlier([
        [1, [2]],
        [3, [4]],
      ]);
      await damage(base, 4);
      const disk = base.revived(steps);
      await open(disk).catch(() => undefined);
      const { kept } = await open(disk.revived());
      expect([[...kept.live.keys()], kept.destroyed.has(1), kept.destroyed.has(3)]).toEqual([[0, 2, 4], true, true]);
    }
  });

  it.each([
    ['of another key', [3]],
    ['beyond the file', [2, 100_000]],
    ['before the first', [-1]],
    ['in part', [1.5]],
    ['that is none', ['2']],
  ])('is refused where it names a slot %s, and nothing is changed', async (_what, slots) => {
    const disk = await earlier([[1, slots]]);
    const bytes = disk.read(0, disk.size());
    await expect(open(disk)).rejects.toMatchObject({ code: 'LOG_KEYS_DAMAGED' });
    expect(disk.read(0, disk.size())).toEqual(bytes);
  });
});
