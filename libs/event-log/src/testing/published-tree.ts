import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fixedKeys } from '@protego/enclave/testing';
import { nodeFileLayer, type LogFile } from '../writer/file-layer';
import { HASH_BYTES, MerkleTree, leafHash } from '../tree/merkle-tree';
import type { Schedule } from '../writer/schedule';
import { TILE_WIDTH, levelWidth } from '../tree/tile-path';
import { TileStore, tileRoot } from '../tree/tile-store';
import { TreePublisher, type TreePublisherOptions } from '../tree/tree-publisher';
import { RealDisk } from './real-disk';

const { signer } = fixedKeys();
export const LEAVES = Buffer.concat(Array.from({ length: 70_000 }, (_, i) => leafHash(`leaf ${i}`)));
export const OTHERS = Buffer.concat(Array.from({ length: 2_000 }, (_, i) => leafHash(`other ${i}`)));

export const leavesOf = (begin: number, end: number, from = LEAVES): Buffer =>
  from.subarray(begin * HASH_BYTES, end * HASH_BYTES);

export function treeOf(size: number, from = LEAVES): MerkleTree {
  const tree = new MerkleTree();
  tree.appendLeaves(leavesOf(0, size, from));
  return tree;
}

/** A real disk that fails when a test says so, in whatever file. */
export class FailingLayer extends RealDisk {
  writeFailure: Error | undefined;
  syncFailure: Error | undefined;

  async open(path: string, mode: 'create' | 'change'): Promise<LogFile> {
    const file = await nodeFileLayer.open(path, mode);
    return {
      ...file,
      writev: async (buffers, position) => {
        if (this.writeFailure !== undefined) throw this.writeFailure;
        return file.writev(buffers, position);
      },
      fdatasync: async () => {
        if (this.syncFailure !== undefined) throw this.syncFailure;
        await file.fdatasync();
      },
    };
  }
}

/** Timers that a test runs. */
export class HeldTimers {
  readonly waiting = new Map<() => void, number>();

  readonly schedule: Schedule = (run, delayMs) => {
    this.waiting.set(run, delayMs);
    return () => this.waiting.delete(run);
  };

  run(delayMs: number): void {
    for (const [run, delay] of [...this.waiting]) {
      if (delay !== delayMs) continue;
      this.waiting.delete(run);
      run();
    }
  }
}

export const asked: { begin: number; end: number }[] = [];

export function openPublisher(
  directory: string,
  tree: MerkleTree,
  changes: Partial<TreePublisherOptions> = {},
  leaves = LEAVES,
): Promise<TreePublisher> {
  asked.length = 0;
  return TreePublisher.open({
    directory,
    layer: nodeFileLayer,
    origin: 'log.example/a',
    signer,
    tree,
    readLeafHashes: function* (begin, end) {
      asked.push({ begin, end });
      for (let at = begin; at < end; at += 100) yield leavesOf(at, Math.min(end, at + 100), leaves);
    },
    clock: { wallMs: () => 1_700_000_000_000, monotonicMs: () => 0 },
    schedule: new HeldTimers().schedule,
    policy: { everyRecords: 1e9, everyMs: 10_000 },
    ...changes,
  });
}

/** Appends leaves in pieces, each durable at once. */
export function append(publisher: TreePublisher, tree: MerkleTree, size: number, piece = 1000, leaves = LEAVES): void {
  while (tree.size < size) {
    tree.appendLeaves(leavesOf(tree.size, Math.min(size, tree.size + piece), leaves));
    publisher.durable(tree.size, tree.root());
  }
}

/** Every hash of every tile level by definition: the root over 256^level leaves. */
export function expectTiles(directory: string, size: number, leaves = LEAVES): void {
  const store = new TileStore(directory, size);
  let below = leavesOf(0, size, leaves);
  for (let level = 0; levelWidth(level, size) > 0; level++) {
    for (let index = 0; index * TILE_WIDTH < levelWidth(level, size); index++) {
      const expected = below.subarray(index * TILE_WIDTH * HASH_BYTES, (index + 1) * TILE_WIDTH * HASH_BYTES);
      // Not toEqual: it compares a buffer number by number.
      if (!store.tile({ level, index }).equals(expected)) throw new Error(`tile ${level}/${index} of ${size} is wrong`);
    }
    const full = Math.floor(levelWidth(level, size) / TILE_WIDTH);
    const roots = Array.from({ length: full }, (_, i) =>
      tileRoot(below.subarray(i * TILE_WIDTH * HASH_BYTES, (i + 1) * TILE_WIDTH * HASH_BYTES)),
    );
    below = Buffer.concat(roots);
  }
}

export function filesUnder(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
