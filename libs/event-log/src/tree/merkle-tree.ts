import { createHash, hash } from 'node:crypto';
import { ProtegoError } from '@protego/contracts';
import { LANES } from '../sha256/lanes-module';
import { sha256Lanes } from '../sha256/sha256-lanes';

/** Bytes of a SHA-256 hash. */
export const HASH_BYTES = 32;

/** Height of a tile: a hash of one tile level stands for 2^8 of the level below (C2SP tlog-tiles). */
export const TILE_HEIGHT = 8;

const LEAF_PREFIX = Buffer.of(0);
const NODE_PREFIX = 1;
const NODE_PREFIX_BYTES = Buffer.of(NODE_PREFIX);
const NO_NODES = Buffer.alloc(0);
const PAIR_AT = 1;
/** Slot 0 of a level starts here: one byte of prefix and one hash that may be put before it. */
const LEVEL_AT = PAIR_AT + HASH_BYTES;

/** SHA-256 of a leaf's data with the leaf prefix 0x00 (RFC 6962, section 2.1). */
export function leafHash(data: Buffer | string): Buffer {
  return createHash('sha256').update(LEAF_PREFIX).update(data).digest();
}

/**
 * Root of the RFC 6962 tree over the given leaf data, in hex. Text is hashed as UTF-8. No leaves give the SHA-256 of
 * nothing.
 */
export function merkleRootOf(leaves: Iterable<Buffer | string>): string {
  const tree = new MerkleTree();
  for (const leaf of leaves) tree.appendLeaves(leafHash(leaf));
  return tree.root().toString('hex');
}

/** Takes the hashes that tiles are made of, as a tree comes by them. */
export interface TileHashSink {
  /**
   * Takes the next hashes of one tile level, end to end: leaf hashes at level 0, roots of 256^level leaves above. The
   * buffer is used again after the call. One append calls level after level, upwards.
   */
  addTileHashes(level: number, hashes: Buffer): void;
}

/**
 * Append-only Merkle tree of RFC 6962, section 2.1, kept as a compact range: the roots of the complete subtrees only,
 * at most 53 hashes. It takes leaf hashes ({@link leafHash}), not leaf data.
 */
export class MerkleTree {
  private leafCount = 0;
  /** Root of the complete subtree of 2^height leaves, by height. */
  private readonly subtrees: (Buffer | undefined)[] = [];
  private level = Buffer.alloc(0);
  private levelAbove = Buffer.alloc(0);
  private sink: TileHashSink | undefined;

  /**
   * The tree of `size` leaves whose complete subtrees have these roots, greatest first.
   *
   * @throws ProtegoError `LOG_CHAIN_BROKEN` when the number of roots does not fit the size
   */
  static fromPeaks(size: number, peaks: readonly Buffer[]): MerkleTree {
    const tree = new MerkleTree();
    const heights = heightsOf(size);
    if (heights.length !== peaks.length) {
      throw new ProtegoError('LOG_CHAIN_BROKEN', `a tree of ${size} leaves cannot have ${peaks.length} peaks`);
    }
    for (const [i, height] of heights.entries()) tree.subtrees[height] = Buffer.from(peaks[i] ?? LEAF_PREFIX);
    tree.leafCount = size;
    return tree;
  }

  /** Number of leaves. */
  get size(): number {
    return this.leafCount;
  }

  /** Gives all tile hashes that come from now on to a sink, in place of the one before. */
  attach(sink: TileHashSink | undefined): void {
    this.sink = sink;
  }

  /** Adds leaves in order; `hashes` holds their leaf hashes end to end, `count` of them are taken. */
  appendLeaves(hashes: Buffer, count = Math.floor(hashes.length / HASH_BYTES)): void {
    this.takeLeaves(hashes, count);
    for (let height = 0, nodes = count; nodes > 0; height++) nodes = this.foldLevel(height, nodes, NO_NODES);
  }

  /**
   * Adds leaves whose inner nodes are known: `nodes` holds the `count` leaf hashes, then, height after height, the nodes
   * over these leaves alone.
   */
  appendFolded(nodes: Buffer, count: number): void {
    const first = this.leafCount;
    this.takeLeaves(nodes, count);
    let at = count * HASH_BYTES;
    let width = 2;
    for (let height = 0, added = count; added > 0; height++, width *= 2) {
      const knownCount = Math.max(0, Math.floor(this.leafCount / width) - Math.ceil(first / width));
      const known = nodes.subarray(at, at + knownCount * HASH_BYTES);
      added = this.foldLevel(height, added, known);
      at += known.length;
    }
  }

  /** Roots of the complete subtrees, greatest first; with the size they are all that appending needs. */
  peaks(): Buffer[] {
    return this.subtrees.filter((root) => root !== undefined).reverse();
  }

  /** Root hash of all leaves so far; of none, the SHA-256 of nothing. */
  root(): Buffer {
    let root: Buffer | undefined;
    for (const subtree of this.subtrees) {
      if (subtree === undefined) continue;
      root = root === undefined ? subtree : nodeHash(subtree, root);
    }
    return Buffer.from(root ?? hash('sha256', '', 'buffer'));
  }

  private takeLeaves(hashes: Buffer, count: number): void {
    this.makeRoom(count);
    hashes.copy(this.level, LEVEL_AT, 0, count * HASH_BYTES);
    this.leafCount += count;
  }

  private makeRoom(count: number): void {
    const bytes = LEVEL_AT + (count + 1) * HASH_BYTES;
    if (this.level.length >= bytes) return;
    this.level = Buffer.allocUnsafeSlow(bytes);
    this.levelAbove = Buffer.allocUnsafeSlow(bytes);
  }

  /**
   * Joins the new nodes of one level, with the waiting subtree before them, in pairs; returns how many go up. Of these the
   * last ones may be known.
   */
  private foldLevel(height: number, newNodes: number, known: Buffer): number {
    const { level, levelAbove } = this;
    if (this.sink !== undefined && height % TILE_HEIGHT === 0) {
      const hashes = level.subarray(LEVEL_AT, LEVEL_AT + newNodes * HASH_BYTES);
      this.sink.addTileHashes(height / TILE_HEIGHT, hashes);
    }
    const waiting = this.subtrees[height];
    let at = LEVEL_AT;
    let nodes = newNodes;
    if (waiting !== undefined) {
      waiting.copy(level, PAIR_AT);
      at = PAIR_AT;
      nodes++;
    }
    const pairs = nodes >> 1;
    const unknown = pairs - known.length / HASH_BYTES;
    hashPairs(level, at, unknown, levelAbove);
    at += unknown * 2 * HASH_BYTES;
    at += known.copy(levelAbove, LEVEL_AT + unknown * HASH_BYTES) * 2;
    this.subtrees[height] = nodes % 2 === 1 ? Buffer.from(level.subarray(at, at + HASH_BYTES)) : undefined;
    this.level = levelAbove;
    this.levelAbove = level;
    return pairs;
  }
}

/** Hashes pairs of nodes to where the level above starts. */
function hashPairs(level: Buffer, from: number, pairs: number, levelAbove: Buffer): void {
  if (pairs >= LANES) {
    sha256Lanes().hashPairs(level, from, pairs, levelAbove, LEVEL_AT);
    return;
  }
  for (let i = 0, at = from; i < pairs; i++, at += 2 * HASH_BYTES) {
    // The prefix goes where the last byte of the pair before stood: that pair has been hashed already.
    level[at - 1] = NODE_PREFIX;
    const parent = hash('sha256', level.subarray(at - 1, at + 2 * HASH_BYTES), 'binary');
    levelAbove.write(parent, LEVEL_AT + i * HASH_BYTES, HASH_BYTES, 'latin1');
  }
}

/** Number of complete subtrees of a tree of `size` leaves: the ones in the size's binary form. */
export function peakCountOf(size: number): number {
  return heightsOf(size).length;
}

function heightsOf(size: number): number[] {
  const heights: number[] = [];
  for (let height = 0, rest = size; rest > 0; height++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) heights.unshift(height);
  }
  return heights;
}

/** SHA-256(01 || left || right): hash of an inner node (RFC 6962, section 2.1). */
export function nodeHash(left: Buffer, right: Buffer): Buffer {
  return hash('sha256', Buffer.concat([NODE_PREFIX_BYTES, left, right]), 'buffer');
}
