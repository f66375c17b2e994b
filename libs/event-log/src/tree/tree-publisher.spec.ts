import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { fixedKeys } from '@protego/enclave/testing';
import { readCheckpointHistory, type SignedCheckpoint } from './checkpoint-files';
import { nodeFileLayer } from '../writer/file-layer';
import { HASH_BYTES, MerkleTree } from './merkle-tree';
import { checkInclusion, makeInclusionProof } from './proof';
import { inTemporaryDirectory } from '../testing';
import {
  FailingLayer,
  HeldTimers,
  LEAVES,
  OTHERS,
  append,
  asked,
  expectTiles,
  filesUnder,
  leavesOf,
  openPublisher,
  treeOf,
} from '../testing/published-tree';
import { tilePath } from './tile-path';
import { TileStore, partialWidths } from './tile-store';

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until a list has so many members. */
async function grown(list: readonly unknown[], length: number): Promise<void> {
  while (list.length < length) await pause(2);
}

describe('tiles of a growing log', () => {
  it.each([
    ['one thread for many files', nodeFileLayer],
    ['one call after the other', new FailingLayer()],
  ])('equal what is computed from the leaves, through %s', async (_, layer) => {
    await inTemporaryDirectory(async (directory) => {
      const tree = new MerkleTree();
      const publisher = await openPublisher(directory, tree, { layer });
      append(publisher, tree, 66_000, 7_777);
      const checkpoint = await publisher.sign();
      expect(checkpoint).toMatchObject({ size: 66_000, root: treeOf(66_000).root() });
      expectTiles(directory, 66_000);
      append(publisher, tree, 70_000, 1);
      await publisher.close();
      expectTiles(directory, 66_000);
      expectTiles(directory, 70_000);
      expect(new TileStore(directory, 70_000).root()).toEqual(tree.root());
      const proof = makeInclusionProof(new TileStore(directory, 66_000), 12_345);
      const leaf = leavesOf(12_345, 12_346);
      checkInclusion({ index: 12_345, size: 66_000, leafHash: leaf, root: checkpoint!.root }, proof);
    });
  });

  it('never hold a leaf that is not durable', async () => {
    await inTemporaryDirectory(async (directory) => {
      const tree = new MerkleTree();
      const publisher = await openPublisher(directory, tree);
      tree.appendLeaves(leavesOf(0, 2_000));
      publisher.durable(600, treeOf(600).root());
      expect(await publisher.sign()).toMatchObject({ size: 600, root: treeOf(600).root() });
      const widths = filesUnder(join(directory, 'tile', '0')).map((path) => readFileSync(path).length / HASH_BYTES);
      expect(widths.sort((a, b) => a - b)).toEqual([88, 256, 256]);
      expectTiles(directory, 600);
      publisher.durable(2_000, tree.root());
      await publisher.close();
      expectTiles(directory, 2_000);
    });
  });

  it('go on after a clean close without a look at the records', async () => {
    await inTemporaryDirectory(async (directory) => {
      let tree = new MerkleTree();
      for (const size of [1, 255, 256, 257, 700, 65_536, 66_000]) {
        const publisher = await openPublisher(directory, tree);
        expect(asked).toEqual([]);
        append(publisher, tree, size);
        await publisher.close();
        expectTiles(directory, size);
        tree = treeOf(size);
      }
    });
  });

  it('lose their partial tiles when the full ones are on the disk, and only then', async () => {
    await inTemporaryDirectory(async (directory) => {
      const tree = new MerkleTree();
      const publisher = await openPublisher(directory, tree);
      for (const size of [100, 200, 300]) {
        append(publisher, tree, size);
        await publisher.sign();
      }
      expect(partialWidths(directory, { level: 0, index: 0 })).toEqual([100, 200]);
      await publisher.syncTiles();
      expect(publisher.syncedSize).toBe(300);
      expect(existsSync(join(directory, `${tilePath({ level: 0, index: 0 })}.p`))).toBe(false);
      expect(partialWidths(directory, { level: 0, index: 1 })).toEqual([44]);
      expectTiles(directory, 200);
      await publisher.close();
    });
  });

  it('make the log wait when too many are queued, and let it go on', async () => {
    await inTemporaryDirectory(async (directory) => {
      const tree = new MerkleTree();
      const publisher = await openPublisher(directory, tree);
      for (let i = 0; i < 10; i++) {
        tree.appendLeaves(LEAVES);
        publisher.durable(tree.size, tree.root());
      }
      const room = publisher.room();
      expect(room).toBeInstanceOf(Promise);
      await room;
      expect(publisher.room()).toBeUndefined();
      await publisher.close();
    });
  }, 30_000);

  it('that cannot be written end the log', async () => {
    await inTemporaryDirectory(async (directory) => {
      const layer = new FailingLayer();
      const tree = new MerkleTree();
      const publisher = await openPublisher(directory, tree, { layer });
      layer.writeFailure = Object.assign(new Error('no space'), { code: 'ENOSPC' });
      append(publisher, tree, 1_000);
      await expect(publisher.sign()).rejects.toMatchObject({ code: 'ENOSPC' });
      expect(publisher.failure).toMatchObject({ code: 'ENOSPC' });
      await expect(publisher.room()).rejects.toMatchObject({ code: 'ENOSPC' });
      await expect(publisher.close()).rejects.toMatchObject({ code: 'ENOSPC' });
      layer.writeFailure = undefined;
      const again = await openPublisher(directory, treeOf(1_000), { layer });
      await again.close();
      expectTiles(directory, 1_000);
    });
  });
});

describe('tiles after a crash', () => {
  it('are made whole again whatever was lost', async () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.constantFrom('remove', 'cut', 'zero', 'flip')), { maxLength: 6 });
    const cases = fc.record({
      size: fc.integer({ min: 1, max: 3_000 }),
      lost: fc.nat(600),
      damage,
      sync: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ size, lost, damage, sync }) => {
        await inTemporaryDirectory(async (directory) => {
          const tree = new MerkleTree();
          const layer = new FailingLayer();
          const publisher = await openPublisher(directory, tree, { layer });
          append(publisher, tree, size, 77);
          await publisher.sign();
          if (sync) await publisher.syncTiles();
          const { syncedSize } = publisher;
          append(publisher, tree, size + lost);
          await publisher.close();
          spoil(directory, sync ? syncedSize : 0, damage);
          const recovered = treeOf(size + lost);
          const again = await openPublisher(directory, recovered, { layer });
          await again.close();
          expectTiles(directory, size + lost);
        });
      }),
      { numRuns: 60, endOnFailure: true },
    );
  }, 60_000);

  it('are trusted when the same system still runs, and not when it was started anew', async () => {
    await inTemporaryDirectory(async (directory) => {
      const tree = new MerkleTree();
      const publisher = await openPublisher(directory, tree);
      append(publisher, tree, 66_000);
      await publisher.sign();
      await publisher.close();
      rmSync(join(directory, 'tile', '0', '003'));
      rmSync(join(directory, 'tile', 'synced'), { force: true });
      await (await openPublisher(directory, treeOf(66_000))).close();
      expect(asked).toEqual([]);
      writeFileSync(join(directory, 'tile', 'written'), '{"boot":"another","size":66000}\n');
      rmSync(join(directory, 'tile', 'synced'), { force: true });
      await (await openPublisher(directory, treeOf(66_000))).close();
      expect(asked).toEqual([{ begin: 768, end: 1024 }]);
      expectTiles(directory, 66_000);
    });
  });

  it('are not made from the records of another history', async () => {
    await inTemporaryDirectory(async (directory) => {
      const tree = new MerkleTree();
      const publisher = await openPublisher(directory, tree);
      append(publisher, tree, 1_500);
      await publisher.close();
      const before = filesUnder(directory).map((path) => [path, readFileSync(path)]);
      const forked = treeOf(1_600, OTHERS);
      await expect(openPublisher(directory, forked, {}, OTHERS)).rejects.toMatchObject({ code: 'LOG_FORKED' });
      rmSync(join(directory, 'tile', 'synced'));
      rmSync(join(directory, 'tile', 'written'));
      await expect(openPublisher(directory, forked, {}, OTHERS)).rejects.toMatchObject({ code: 'LOG_FORKED' });
      for (const [path, content] of before) {
        if (existsSync(path as string)) expect(readFileSync(path as string).equals(content as Buffer)).toBe(true);
      }
    });
  });
});

/** Damages tiles that no sync has covered; markers of what was only written go, as after an outage. */
function spoil(directory: string, syncedSize: number, damage: [number, string][]): void {
  const isSynced = (path: string): boolean => {
    const [level = '', name = ''] = path.slice(join(directory, 'tile').length + 1).split('/');
    if (!/^\d+$/.test(level) || name.includes('.p')) return false;
    return (Number(name) + 1) * 256 ** (Number(level) + 1) <= syncedSize;
  };
  const tiles = filesUnder(join(directory, 'tile')).filter((path) => !isSynced(path) && !path.endsWith('synced'));
  writeFileSync(join(directory, 'tile', 'synced'), `{"size":${syncedSize}}\n`);
  for (const [number, kind] of damage) {
    const path = tiles[number % Math.max(1, tiles.length)];
    if (path === undefined || !existsSync(path)) continue;
    const content = readFileSync(path);
    if (kind === 'remove') rmSync(path);
    else if (kind === 'cut') truncateSync(path, content.length >> 1);
    else if (kind === 'zero') writeFileSync(path, content.fill(0, content.length >> 1));
    else if (content.length > 0) {
      content[number % content.length]! ^= 1;
      writeFileSync(path, content);
    }
  }
}

describe('checkpoints of a log', () => {
  it('are signed after so many records, after so long, and at the end', async () => {
    await inTemporaryDirectory(async (directory) => {
      const timers = new HeldTimers();
      const tree = new MerkleTree();
      const policy = { everyRecords: 100, everyMs: 5_000 };
      const publisher = await openPublisher(directory, tree, { policy, schedule: timers.schedule });
      const heard: number[] = [];
      publisher.onCheckpoint(({ size }) => heard.push(size));
      append(publisher, tree, 99);
      await pause(20);
      expect(heard).toEqual([]);
      timers.run(5_000);
      await grown(heard, 1);
      await pause(0);
      append(publisher, tree, 199);
      await grown(heard, 2);
      await pause(0);
      expect(heard).toEqual([99, 199]);
      expect([...timers.waiting.values()]).toEqual([20_000]);
      append(publisher, tree, 210);
      await publisher.close();
      expect(heard).toEqual([99, 199, 210]);
      expect([...readCheckpointHistory(directory)].map(({ note }) => Number(note.split('\n')[1]))).toEqual(heard);
      const again = await openPublisher(directory, treeOf(210));
      expect(again.latest?.size).toBe(210);
      await again.close();
      expect([...readCheckpointHistory(directory)]).toHaveLength(3);
    });
  });

  it('are on the disk, with their tiles, before anybody hears of them', async () => {
    await inTemporaryDirectory(async (directory) => {
      const tree = new MerkleTree();
      const publisher = await openPublisher(directory, tree, { policy: { everyRecords: 64, everyMs: 1e6 } });
      const seen: SignedCheckpoint[] = [];
      publisher.onCheckpoint((checkpoint) => {
        expect(readFileSync(join(directory, 'checkpoint'), 'utf8')).toBe(checkpoint.note);
        expect(new TileStore(directory, checkpoint.size).root()).toEqual(checkpoint.root);
        seen.push(checkpoint);
        throw new Error('a subscriber that fails');
      });
      for (let size = 64; size <= 640; size += 64) {
        append(publisher, tree, size, 13);
        await pause(20);
      }
      await publisher.close();
      expect(seen.map(({ size }) => size)).toContain(640);
      expect(seen.length).toBeGreaterThan(1);
    });
  });

  it('are not signed for a root that the tiles do not have', async () => {
    await inTemporaryDirectory(async (directory) => {
      const tree = new MerkleTree();
      const publisher = await openPublisher(directory, tree);
      tree.appendLeaves(leavesOf(0, 10));
      publisher.durable(10, Buffer.alloc(32));
      await expect(publisher.sign()).rejects.toMatchObject({ code: 'LOG_TILE_MISMATCH' });
      await expect(publisher.close()).rejects.toMatchObject({ code: 'LOG_TILE_MISMATCH' });
      expect(existsSync(join(directory, 'checkpoint'))).toBe(false);
    });
  });

  it('tell when the log is shorter, or was signed with another key', async () => {
    await inTemporaryDirectory(async (directory) => {
      const tree = new MerkleTree();
      const publisher = await openPublisher(directory, tree);
      append(publisher, tree, 500);
      await publisher.close();
      await expect(openPublisher(directory, treeOf(499))).rejects.toMatchObject({ code: 'LOG_TRUNCATED' });
      const other = fixedKeys('other').signer;
      await expect(openPublisher(directory, treeOf(500), { signer: other })).rejects.toMatchObject({
        code: 'LOG_CHECKPOINT_INVALID',
      });
      const flipped = readFileSync(join(directory, 'checkpoint'), 'utf8').replace('\n500\n', '\n400\n');
      writeFileSync(join(directory, 'checkpoint'), flipped);
      await expect(openPublisher(directory, treeOf(500))).rejects.toMatchObject({ code: 'LOG_CHECKPOINT_INVALID' });
    });
  });

  it('tell when the whole log was made anew beside them', async () => {
    await inTemporaryDirectory(async (parent) => {
      const [real, rebuilt] = [join(parent, 'real'), join(parent, 'rebuilt')];
      for (const [directory, leaves, size] of [
        [real, LEAVES, 512],
        [rebuilt, OTHERS, 700],
      ] as const) {
        const tree = new MerkleTree();
        const publisher = await openPublisher(directory, tree, {}, leaves);
        append(publisher, tree, size, 100, leaves);
        await publisher.close();
      }
      for (const name of ['checkpoint', 'checkpoints.jsonl']) cpSync(join(real, name), join(rebuilt, name));
      const opened = openPublisher(rebuilt, treeOf(700, OTHERS), {}, OTHERS);
      await expect(opened).rejects.toMatchObject({ code: 'LOG_FORKED', details: { size: 512 } });
    });
  });

  it('are found in the history when the file of the latest is old or gone, and the other way round', async () => {
    await inTemporaryDirectory(async (parent) => {
      const directory = join(parent, 'log');
      const old = join(parent, 'old');
      const tree = new MerkleTree();
      const first = await openPublisher(directory, tree);
      append(first, tree, 300);
      await first.close();
      cpSync(directory, old, { recursive: true });
      const second = await openPublisher(directory, treeOf(300));
      const latest = second.latest?.note;
      await second.close();
      rmSync(join(directory, 'checkpoint'));
      await expect(openPublisher(directory, treeOf(299))).rejects.toMatchObject({ code: 'LOG_TRUNCATED' });
      const third = await openPublisher(directory, treeOf(300));
      expect(third.latest?.note).toBe(latest);
      await third.close();
      expect(readFileSync(join(directory, 'checkpoint'), 'utf8')).toBe(latest);
      rmSync(join(directory, 'checkpoints.jsonl'));
      await (await openPublisher(directory, treeOf(300))).close();
      expect([...readCheckpointHistory(directory)].map(({ note }) => note)).toEqual([latest]);
    });
  });

  it('go on after a torn line of the history', async () => {
    for (const torn of ['{"note":"log.ex', '\0'.repeat(400), '{"note":1}\n']) {
      await inTemporaryDirectory(async (directory) => {
        const tree = new MerkleTree();
        const first = await openPublisher(directory, tree);
        append(first, tree, 300);
        await first.close();
        writeFileSync(join(directory, 'checkpoints.jsonl'), torn, { flag: 'a' });
        const grown = treeOf(300);
        const second = await openPublisher(directory, grown);
        append(second, grown, 310);
        await second.close();
        const sizes = [...readCheckpointHistory(directory)].map(({ note }) => Number(note.split('\n')[1]));
        expect(sizes).toEqual([300, 310]);
      });
    }
  });

  it('are not signed for a log without records', async () => {
    await inTemporaryDirectory(async (directory) => {
      const publisher = await openPublisher(directory, new MerkleTree());
      expect(await publisher.close()).toBeUndefined();
      expect(existsSync(join(directory, 'checkpoint'))).toBe(false);
    });
  });

  it('do not outrun a failing disk', async () => {
    await inTemporaryDirectory(async (directory) => {
      const layer = new FailingLayer();
      const tree = new MerkleTree();
      const publisher = await openPublisher(directory, tree, { layer });
      const heard: number[] = [];
      publisher.onCheckpoint(({ size }) => heard.push(size));
      append(publisher, tree, 300);
      layer.syncFailure = new Error('the disk is gone');
      await expect(publisher.sign()).rejects.toThrow('the disk is gone');
      expect(heard).toEqual([]);
      expect(publisher.failure).toBeInstanceOf(Error);
      await expect(publisher.close()).rejects.toThrow('the disk is gone');
    });
  });
});
