import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PAGE_BYTES, SECTOR_BYTES } from './disk-file';
import { FaultyDisk, type DiskFaults } from './faulty-disk';
import { inTemporaryDirectory } from './index';

const SEEDS = Array.from({ length: 150 }, (_, seed) => seed);
const bytesOf = (fill: number, count: number): Buffer => Buffer.alloc(count, fill);

/** Runs the steps on a new disk for each seed, cuts the power, and returns what is there afterwards. */
async function afterPowerCuts<T>(
  steps: (disk: FaultyDisk) => Promise<unknown>,
  look: (root: string, disk: FaultyDisk) => T,
  seeds: readonly number[] = SEEDS,
): Promise<T[]> {
  const found: T[] = [];
  for (const seed of seeds) {
    await inTemporaryDirectory(async (root) => {
      const disk = new FaultyDisk(root, seed);
      await steps(disk);
      disk.cutPower();
      disk.powerOn();
      found.push(look(root, disk));
    });
  }
  return found;
}

const withFile =
  (use: (file: Awaited<ReturnType<FaultyDisk['open']>>, disk: FaultyDisk) => Promise<unknown>) =>
  async (disk: FaultyDisk): Promise<void> => {
    const file = await disk.open(join(disk.root, 'file'), 'wx');
    const directory = await disk.open(disk.root, 'r');
    await directory.sync();
    await use(file, disk);
    await file.close();
  };

const readFileAt = (root: string): Buffer => readFileSync(join(root, 'file'));
const distinct = (values: readonly (string | number | boolean)[]): (string | number | boolean)[] =>
  [...new Set(values)].sort();

describe('FaultyDisk', () => {
  it('keeps what was synced, whatever comes after', async () => {
    const found = await afterPowerCuts(
      withFile(async (file) => {
        await file.writev([bytesOf(1, 5000), bytesOf(2, 3000)], 0);
        await file.datasync();
        await file.writev([bytesOf(3, 9000)], 8000);
      }),
      (root) => readFileAt(root).subarray(0, 8000),
    );
    const expected = Buffer.concat([bytesOf(1, 5000), bytesOf(2, 3000)]);
    for (const content of found) expect(content.equals(expected)).toBe(true);
  });

  it('loses unsynced pages one by one, keeps sizes without content, and tears pages between sectors', async () => {
    const found = await afterPowerCuts(
      withFile((file) => file.writev([bytesOf(7, 3 * PAGE_BYTES)], 0)),
      (root) => readFileAt(root),
    );
    expect(distinct(found.map((content) => content.length))).toEqual([0, 3 * PAGE_BYTES]);
    const pageStates = new Set<string>();
    for (const content of found.filter(({ length }) => length > 0)) {
      const states: string[] = [];
      for (let at = 0; at < content.length; at += PAGE_BYTES) {
        const sectors: number[] = [];
        for (let sector = at; sector < at + PAGE_BYTES; sector += SECTOR_BYTES) {
          const bytes = distinct([...content.subarray(sector, sector + SECTOR_BYTES)]);
          expect(bytes).toHaveLength(1);
          sectors.push(Number(bytes[0]));
        }
        states.push(distinct(sectors).length > 1 ? 'torn' : sectors[0] === 7 ? 'kept' : 'lost');
      }
      pageStates.add(states.join());
    }
    expect([...pageStates]).toEqual(expect.arrayContaining(['kept,kept,kept', 'lost,lost,lost', 'lost,kept,lost']));
    expect([...pageStates].some((states) => states.includes('torn'))).toBe(true);
  });

  it('never changes a durable byte of a page that is written again', async () => {
    const found = await afterPowerCuts(
      withFile(async (file) => {
        await file.writev([bytesOf(1, 700)], 0);
        await file.sync();
        await file.writev([bytesOf(2, 700)], 700);
      }),
      (root) => readFileAt(root),
    );
    for (const content of found) expect(content.subarray(0, 700).equals(bytesOf(1, 700))).toBe(true);
    // The rest is there, missing, or zeros, in parts that end at sectors.
    for (const content of found) expect(new Set(content.subarray(700))).not.toContain(1);
  });

  it('drops pages when a sync fails, and no later sync brings them back', async () => {
    const found = await afterPowerCuts(
      withFile(async (file, disk) => {
        await file.writev([bytesOf(5, 2 * PAGE_BYTES)], 0);
        disk.plan({ syncError: 1 });
        await expect(file.datasync()).rejects.toMatchObject({ code: 'EIO' });
        // The cache tells nothing of it.
        expect(readFileAt(disk.root).equals(bytesOf(5, 2 * PAGE_BYTES))).toBe(true);
        disk.plan({});
        await file.datasync();
      }),
      (root) => readFileAt(root).includes(0),
    );
    expect(distinct(found)).toEqual([false, true]);
  });

  it('loses names that were not synced, and makes a rename as a whole or not at all', async () => {
    const found = await afterPowerCuts(
      async (disk) => {
        const [old, next] = [join(disk.root, 'old'), join(disk.root, 'new')];
        for (const [path, fill] of [
          [old, 1],
          [next, 2],
        ] as const) {
          const file = await disk.open(path, 'wx');
          await file.writev([bytesOf(fill, 10)], 0);
          await file.sync();
          await file.close();
        }
        await (await disk.open(disk.root, 'r')).sync();
        await disk.rename(next, old);
        await disk.mkdir(join(disk.root, 'a/b'));
      },
      (root) => [
        readFileSync(join(root, 'old'))[0] === 1 && existsSync(join(root, 'new')) ? 'before' : 'after',
        existsSync(join(root, 'a/b')) ? 'deep' : existsSync(join(root, 'a')) ? 'half' : 'none',
      ],
    );
    expect(distinct(found.map(([rename]) => rename ?? ''))).toEqual(['after', 'before']);
    expect(distinct(found.map(([, directories]) => directories ?? ''))).toEqual(['deep', 'half', 'none']);
  });

  it('does or undoes a truncation as a whole', async () => {
    const found = await afterPowerCuts(
      withFile(async (file) => {
        await file.writev([bytesOf(1, 10_000)], 0);
        await file.sync();
        await file.truncate(100);
        await file.writev([bytesOf(2, 6_000)], 100);
      }),
      (root) => readFileAt(root),
    );
    expect(distinct(found.map(({ length }) => length))).toEqual([100, 10_000, 6100]);
    for (const content of found) {
      const isUndone = content.length === 10_000;
      if (isUndone) expect(content.equals(bytesOf(1, 10_000))).toBe(true);
      else expect(content.subarray(100).includes(1)).toBe(false);
    }
  });

  it('takes parts of writes, fails them, and runs out of space', async () => {
    await inTemporaryDirectory(async (root) => {
      const disk = new FaultyDisk(root, 3);
      const file = await disk.open(join(root, 'file'), 'wx');
      disk.plan({ shortWrite: 1 });
      const { bytesWritten } = await file.writev([bytesOf(1, 1000)], 0);
      expect(bytesWritten).toBeGreaterThan(0);
      expect(bytesWritten).toBeLessThan(1000);
      disk.plan({ writeError: 1 });
      await expect(file.writev([bytesOf(1, 1000)], 0)).rejects.toMatchObject({ code: 'EIO' });
      disk.plan({ freeBytes: 2 * PAGE_BYTES });
      expect(await file.writev([bytesOf(1, 4 * PAGE_BYTES)], 0)).toEqual({ bytesWritten: 3 * PAGE_BYTES });
      await expect(file.writev([bytesOf(1, 1)], 3 * PAGE_BYTES)).rejects.toMatchObject({ code: 'ENOSPC' });
      await expect(disk.open(join(root, 'other'), 'wx')).rejects.toMatchObject({ code: 'ENOSPC' });
      // What has its room already can be written again.
      expect(await file.writev([bytesOf(2, 9)], 0)).toEqual({ bytesWritten: 9 });
      await file.close();
    });
  });

  it('ends in the midst of a call, and what the process left under way never goes on', async () => {
    for (const faults of [{ powerCutAfterCalls: 2 }, { killAfterCalls: 2 }] satisfies DiskFaults[]) {
      await inTemporaryDirectory(async (root) => {
        const disk = new FaultyDisk(root, 11);
        disk.plan(faults);
        const file = await disk.open(join(root, 'file'), 'wx');
        await (await disk.open(root, 'r')).close();
        const calls = [file.writev([bytesOf(1, 10)], 0), file.writev([bytesOf(2, 10)], 10), file.datasync()];
        const ends = await Promise.allSettled(calls);
        expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
        expect(disk.isOn).toBe(false);
        disk.powerOn();
        await expect(file.writev([bytesOf(3, 10)], 0)).rejects.toThrow('dead');
        await file.close();
        expect(existsSync(join(root, 'file')) && readFileAt(root).includes(3)).toBe(false);
      });
    }
  });

  it('keeps the cache when only the process dies', async () => {
    await inTemporaryDirectory(async (root) => {
      const disk = new FaultyDisk(root, 5);
      const file = await disk.open(join(root, 'file'), 'wx');
      await file.writev([bytesOf(1, 10)], 0);
      disk.kill();
      await expect(file.datasync()).rejects.toMatchObject({ code: 'EIO' });
      disk.powerOn();
      expect(readFileAt(root).equals(bytesOf(1, 10))).toBe(true);
    });
  });

  it('notices what others change', async () => {
    const found = await afterPowerCuts(
      async ({ root }) => writeFileSync(join(root, 'note'), 'text'),
      (root, disk) => {
        expect([...disk.bypassed]).toEqual(['note']);
        return existsSync(join(root, 'note')) ? readFileSync(join(root, 'note'), 'utf8') : 'none';
      },
    );
    expect(distinct(found)).toEqual(['', 'none', 'text']);
  });

  it('does the same again for the same seed', async () => {
    const steps = withFile(async (file) => {
      for (let n = 0; n < 20; n++) await file.writev([bytesOf(n, 1500)], n * 1400);
    });
    const look = (root: string, disk: FaultyDisk): string =>
      `${readFileAt(root).toString('base64')}${disk.schedule.join()}`;
    const seeds = SEEDS.slice(0, 20);
    const first = await afterPowerCuts(steps, look, seeds);
    expect(await afterPowerCuts(steps, look, seeds)).toEqual(first);
    expect(new Set(first).size).toBeGreaterThan(seeds.length / 2);
  });

  it('takes over what is there as durable', async () => {
    await inTemporaryDirectory(async (root) => {
      mkdirSync(join(root, 'in'));
      writeFileSync(join(root, 'in/file'), 'kept');
      const disk = new FaultyDisk(root, 1);
      disk.cutPower();
      disk.powerOn();
      expect(readFileSync(join(root, 'in/file'), 'utf8')).toBe('kept');
    });
  });
});
