import { HASH_BYTES, MerkleTree, nodeHash, type TileHashSink } from './merkle-tree';
import { TILE_BYTES, TILE_LEVELS_MAX, TILE_WIDTH, levelWidth, tileLeaves, type TilePlace } from './tile-path';

/** A tile and what it holds. */
export interface TileContent {
  readonly place: TilePlace;
  /** 32 bytes for each hash. */
  readonly hashes: Buffer;
}

/** The tile of a level that is being filled. */
export interface FillingTile {
  /** Number of the tile in its level. */
  index: number;
  /** Number of hashes in it. */
  filled: number;
  /** Room for a full tile. */
  hashes: Buffer;
}

interface Level extends FillingTile {
  /** Full tiles whose leaves are not all durable, in order. */
  readonly waiting: TileContent[];
}

/**
 * The right edge of every tile level of a growing tree, in memory: the tile that is being filled, and full tiles whose
 * last leaf is not durable yet. Attach it to the tree to feed it.
 */
export class TileLevels implements TileHashSink {
  private readonly levels: Level[] = [];

  /** Starts at a tree of `size` leaves with these partial tiles. */
  constructor(size: number, edge: readonly TileContent[]) {
    for (let level = 0; level < TILE_LEVELS_MAX; level++) {
      const hashes = Buffer.allocUnsafeSlow(TILE_BYTES);
      const partial = edge.find(({ place }) => place.level === level);
      const filled = (partial?.hashes.copy(hashes) ?? 0) / HASH_BYTES;
      this.levels.push({ index: Math.floor(levelWidth(level, size) / TILE_WIDTH), filled, hashes, waiting: [] });
    }
  }

  addTileHashes(level: number, hashes: Buffer): void {
    const state = this.levels[level];
    // A tree of 2^56 leaves has no seq for its leaves any more.
    if (state === undefined) return;
    fillTiles(state, hashes, () => {
      state.waiting.push({ place: { level, index: state.index++ }, hashes: state.hashes });
      state.hashes = Buffer.allocUnsafeSlow(TILE_BYTES);
      state.filled = 0;
    });
  }

  /** Takes out the full tiles that hold leaves before `durableSize` only; those of lower levels first. */
  takeFull(durableSize: number): TileContent[] {
    const taken: TileContent[] = [];
    for (const [level, { waiting }] of this.levels.entries()) {
      let count = 0;
      const tilesMax = Math.floor(durableSize / tileLeaves(level));
      while (count < waiting.length && (waiting[count] as TileContent).place.index < tilesMax) count++;
      if (count > 0) taken.push(...waiting.splice(0, count));
    }
    return taken;
  }

  /**
   * Copies the partial tiles of the tree of `size` leaves; those before it must have been taken out up to this size and
   * not further.
   */
  partialTiles(size: number): TileContent[] {
    const tiles: TileContent[] = [];
    for (const [level, state] of this.levels.entries()) {
      const width = levelWidth(level, size) % TILE_WIDTH;
      const index = Math.floor(levelWidth(level, size) / TILE_WIDTH);
      const hashes = index === state.index ? state.hashes : state.waiting[0]?.hashes;
      if (width === 0 || hashes === undefined) continue;
      tiles.push({ place: { level, index }, hashes: Buffer.from(hashes.subarray(0, width * HASH_BYTES)) });
    }
    return tiles;
  }
}

/** Adds hashes to a tile. Each time that it is full, `finish` is called, which has to make it the next tile, empty. */
export function fillTiles(tile: FillingTile, hashes: Buffer, finish: () => void): void {
  for (let at = 0; at < hashes.length;) {
    const taken = hashes.copy(tile.hashes, tile.filled * HASH_BYTES, at);
    at += taken;
    tile.filled += taken / HASH_BYTES;
    if (tile.filled === TILE_WIDTH) finish();
  }
}

/** Roots of the complete subtrees of the tree that has these partial tiles (lower levels first), greatest first. */
export function peaksOfPartialTiles(tiles: readonly TileContent[]): Buffer[] {
  return tiles.toReversed().flatMap(({ hashes }) => {
    const tree = new MerkleTree();
    tree.appendLeaves(hashes);
    return tree.peaks();
  });
}

/** Root of the tree that has these partial tiles, lower levels first. */
export function rootOfPartialTiles(tiles: readonly TileContent[]): Buffer {
  const peaks = peaksOfPartialTiles(tiles);
  const last = peaks.pop();
  return last === undefined ? new MerkleTree().root() : peaks.reduceRight((right, left) => nodeHash(left, right), last);
}
