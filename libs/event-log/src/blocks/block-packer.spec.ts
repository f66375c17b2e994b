import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { uncompressSync } from 'lz4-napi';
import { CODEC_LZ4, CODEC_NONE, LEAF_HEAD_BYTES } from './block-format';
import { BlockBuilder, type RawBlock } from './block-builder';
import { BlockPacker, type PackedBlock } from './block-packer';
import { LeafThread } from './leaf-thread';
import type { LogRecordInput } from '../log-record';
import { HASH_BYTES, MerkleTree, leafHash, type TileHashSink } from '../tree/merkle-tree';
import { SeededRandom } from '../testing/seeded-random';

const READY_MS = 10_000;
const NOTHING = Buffer.alloc(0);

const sha256Hex = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

class TileHashes implements TileHashSink {
  private readonly pieces: Buffer[][] = [];

  addTileHashes(level: number, hashes: Buffer): void {
    (this.pieces[level] ??= []).push(Buffer.from(hashes));
  }

  /** All hashes of each level, end to end. */
  levels(): Buffer[] {
    return this.pieces.map((pieces) => Buffer.concat(pieces));
  }
}

/** Makes blocks, and beside them the tree over their leaves in the plainest way. */
class Blocks {
  readonly plainTree = new MerkleTree();
  readonly plainTiles = new TileHashes();
  private readonly builder = new BlockBuilder(1 << 20, Buffer.alloc(16, 7));

  constructor() {
    this.plainTree.attach(this.plainTiles);
  }

  next(count: number, bodyBytes: number, fill?: () => number): { raw: RawBlock; payload: Buffer; root: Buffer } {
    const firstSeq = this.plainTree.size;
    for (let i = 0; i < count; i++) this.builder.add(recordOf(firstSeq + i, bodyBytes, fill));
    const raw = this.builder.seal(firstSeq);
    const payload = Buffer.from(raw.payload);
    let at = payload.length - count * (LEAF_HEAD_BYTES + bodyBytes);
    for (let i = 0; i < count; i++, at += LEAF_HEAD_BYTES + bodyBytes) {
      this.plainTree.appendLeaves(leafHash(payload.subarray(at + 1, at + LEAF_HEAD_BYTES + bodyBytes)));
    }
    return { raw, payload, root: this.plainTree.root() };
  }
}

describe('BlockPacker', () => {
  let thread: LeafThread;

  beforeEach(() => {
    thread = new LeafThread();
  });

  afterEach(() => thread.close());

  async function ready(): Promise<void> {
    thread.start();
    const deadlineMs = performance.now() + READY_MS;
    while (!thread.isReady) {
      if (performance.now() > deadlineMs) throw new Error('the thread did not start');
      await delay(5);
    }
  }

  it('stores small payloads as they are, and compresses larger ones', async () => {
    const blocks = new Blocks();
    const packer = new BlockPacker(new MerkleTree(), thread);
    const made = [blocks.next(3, 100), blocks.next(100, 100)];
    for (const { raw } of made) packer.push(raw);
    const packed = await packer.take(8);
    expect(packed.map(({ codec }) => codec)).toEqual([CODEC_NONE, CODEC_LZ4]);
    expect(packed.map((block, n) => payloadOf(block).equals(made[n]?.payload ?? NOTHING))).toEqual([true, true]);
    expect(packed.map(({ root }) => root)).toEqual(made.map(({ root }) => root));
  });

  it('makes the same tree and tiles with and without its thread, wherever blocks begin', async () => {
    await ready();
    const random = new SeededRandom(11);
    const blocks = new Blocks();
    const tree = new MerkleTree();
    const tiles = new TileHashes();
    tree.attach(tiles);
    const packer = new BlockPacker(tree, thread);
    const made = Array.from({ length: 30 }, (_, n) => {
      const isSmall = random.next() < 0.3;
      const peaksBefore = blocks.plainTree.peaks();
      const block = blocks.next(1 + random.below(isSmall ? 9 : 500), isSmall ? 60 : 700 + n);
      packer.push(block.raw);
      return { ...block, peaksBefore };
    });
    expect(thread.pending).toBeGreaterThan(0);
    const packed: PackedBlock[] = [];
    while (packed.length < made.length) packed.push(...(await packer.take(7)));
    expect(packed.map(({ raw }) => raw.firstSeq)).toEqual(made.map(({ raw }) => raw.firstSeq));
    // Buffer by buffer: jest would compare them byte by byte.
    for (const [n, block] of packed.entries()) expect(payloadOf(block).equals(made[n]?.payload ?? NOTHING)).toBe(true);
    expect(packed.map(({ root }) => root)).toEqual(made.map(({ root }) => root));
    expect(packed.map(({ peaksBefore }) => peaksBefore)).toEqual(made.map(({ peaksBefore }) => peaksBefore));
    expect(tiles.levels().map(sha256Hex)).toEqual(blocks.plainTiles.levels().map(sha256Hex));
    expect(tiles.levels()[0]).toHaveLength(tree.size * HASH_BYTES);
  });

  it('leaves a payload in the thread as it is when it cannot be made smaller', async () => {
    await ready();
    const random = new SeededRandom(5);
    const packer = new BlockPacker(new MerkleTree(), thread);
    const { raw, payload } = new Blocks().next(3, 60_000, () => random.next() * 256);
    packer.push(raw);
    expect(thread.pending).toBe(1);
    const [packed] = await packer.take(1);
    expect(packed?.codec).toBe(CODEC_NONE);
    expect(packed?.content.equals(payload)).toBe(true);
  });

  it('starts the thread only once there were large blocks', async () => {
    const blocks = new Blocks();
    const packer = new BlockPacker(new MerkleTree(), thread);
    const start = jest.spyOn(thread, 'start');
    for (let n = 0; n < 20; n++) packer.push(blocks.next(10, 100).raw);
    for (let n = 0; n < 3; n++) packer.push(blocks.next(3, 60_000).raw);
    expect(start).not.toHaveBeenCalled();
    packer.push(blocks.next(3, 60_000).raw);
    expect(start).toHaveBeenCalledTimes(1);
    expect(await packer.take(100)).toHaveLength(24);
  });

  it('fails for good when the thread ends before its work is done', async () => {
    await ready();
    jest.spyOn(thread, 'run').mockRejectedValue(new Error('the thread ended'));
    const packer = new BlockPacker(new MerkleTree(), thread);
    packer.push(new Blocks().next(500, 400).raw);
    await expect(packer.take(1)).rejects.toThrow('the thread ended');
    await expect(packer.take(1)).rejects.toThrow('the thread ended');
  });

  it('goes on without a thread that has ended', async () => {
    await ready();
    await thread.close();
    const packer = new BlockPacker(new MerkleTree(), thread);
    const { raw, root } = new Blocks().next(500, 400);
    packer.push(raw);
    const [packed] = await packer.take(1);
    expect(packed?.root).toEqual(root);
    await expect(thread.run(raw)).rejects.toThrow('no thread hashes leaves');
  });
});

function payloadOf({ raw, codec, content }: PackedBlock): Buffer {
  const payload = codec === CODEC_LZ4 ? uncompressSync(content) : Buffer.from(content);
  raw.release();
  return payload;
}

function recordOf(n: number, bodyBytes: number, fill?: () => number): LogRecordInput {
  const body =
    fill === undefined ? Buffer.alloc(bodyBytes, `${n},`) : Buffer.from(Array.from({ length: bodyBytes }, fill));
  return { body, timeMs: n, arrivedAtMs: n, recordedAtMs: n, type: 'a.b' };
}
