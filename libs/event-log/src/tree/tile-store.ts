import { join } from 'node:path';
import { namesIn, readIfThere } from '../files-if-there';
import { HASH_BYTES, MerkleTree, TILE_HEIGHT, nodeHash } from './merkle-tree';
import { subtreeRoot, type NodeSource } from './proof';
import {
  TILE_LEVELS_MAX,
  TILE_WIDTH,
  levelWidth,
  tileMismatch,
  tilePath,
  tileWidth,
  type TilePlace,
} from './tile-path';

/** Tiles kept in memory, of 16 KiB at most each. */
const CACHED_TILES_MAX = 256;

/** One tile in memory with the nodes inside it. */
class LoadedTile {
  /** Nodes of each height above the tile's own, computed when one is asked for. */
  private readonly heights: Buffer[] = [];

  constructor(readonly hashes: Buffer) {}

  node(height: number, index: number): Buffer {
    const level = this.heightOf(height);
    return level.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES);
  }

  private heightOf(height: number): Buffer {
    if (height === 0) return this.hashes;
    return (this.heights[height] ??= pairsOf(this.heightOf(height - 1)));
  }
}

/**
 * Reads the tiles of a tree of a given size from a log's directory. What it gives is not verified: a proof made from it must
 * be checked against a root that is trusted.
 */
export class TileStore implements NodeSource {
  private readonly cached = new Map<string, LoadedTile>();

  constructor(
    /** Directory of the log. */
    private readonly directory: string,
    /** Number of leaves of the tree, as a checkpoint names it. */
    readonly size: number,
  ) {}

  node(height: number, index: number): Buffer {
    // The root of a full tile is a hash of the level above it.
    const level = Math.min(Math.floor(height / TILE_HEIGHT), TILE_LEVELS_MAX - 1);
    const inside = height - level * TILE_HEIGHT;
    const perTile = 2 ** (TILE_HEIGHT - inside);
    const place = { level, index: Math.floor(index / perTile) };
    const at = index % perTile;
    if ((at + 1) * 2 ** inside > tileWidth(place, this.size)) {
      throw tileMismatch(tilePath(place), `has no node of height ${height} and index ${index} in ${this.size} leaves`);
    }
    return this.load(place).node(inside, at);
  }

  /**
   * Hashes of one tile as a tree of this size has them, 32 bytes each.
   *
   * @throws ProtegoError `LOG_TILE_MISMATCH` when it is missing or too short
   */
  tile(place: TilePlace): Buffer {
    return this.load(place).hashes;
  }

  /**
   * Root that the tiles give. Only the right edge is read: tiles left of it may differ from it unseen.
   *
   * @throws ProtegoError `LOG_TILE_MISMATCH`
   */
  root(): Buffer {
    return subtreeRoot(this, 0, this.size);
  }

  private load(place: TilePlace): LoadedTile {
    const width = tileWidth(place, this.size);
    const key = `${place.level}/${place.index}`;
    let tile = this.cached.get(key);
    // Taken out and put back, so that the first in the map is the one that was not asked for longest.
    if (tile !== undefined) this.cached.delete(key);
    tile ??= new LoadedTile(readTile(this.directory, place, width));
    this.cached.set(key, tile);
    if (this.cached.size > CACHED_TILES_MAX) this.cached.delete(this.cached.keys().next().value as string);
    return tile;
  }
}

/**
 * Reads the first `width` hashes of a tile: from the partial tile of this width, from the full tile, or from a wider partial
 * tile, whichever there is.
 *
 * @throws ProtegoError `LOG_TILE_MISMATCH` when none is there in full length
 */
export function readTile(directory: string, place: TilePlace, width: number): Buffer {
  const found = findTile(directory, place, width);
  if (found === undefined) throw tileMismatch(tilePath(place, width), 'is missing or has not its full length');
  return found;
}

/** As {@link readTile}; undefined when none is there in full length. */
export function findTile(directory: string, place: TilePlace, width: number): Buffer | undefined {
  for (const candidate of [width, TILE_WIDTH]) {
    const found = readWidth(directory, place, candidate);
    if (found !== undefined) return found.subarray(0, width * HASH_BYTES);
  }
  const wider = partialWidths(directory, place).filter((candidate) => candidate > width);
  for (const candidate of wider) {
    const found = readWidth(directory, place, candidate);
    if (found !== undefined) return found.subarray(0, width * HASH_BYTES);
  }
  return undefined;
}

/** Widths of the partial tiles that are stored for a place, ascending. */
export function partialWidths(directory: string, place: TilePlace): number[] {
  return widthsIn(join(directory, `${tilePath(place)}.p`));
}

/** Widths of the partial tiles in a folder, ascending. */
export function widthsIn(folder: string): number[] {
  const names = namesIn(folder).filter((name) => /^[1-9]\d{0,2}$/.test(name));
  return names.map(Number).sort((a, b) => a - b);
}

/** Root of the tree over the hashes of a tile. */
export function tileRoot(hashes: Buffer): Buffer {
  const tree = new MerkleTree();
  tree.appendLeaves(hashes);
  return tree.root();
}

/**
 * The tree of `size` leaves as its stored tiles give it, to be compared with a trusted root before it is built upon.
 *
 * @throws ProtegoError `LOG_TILE_MISMATCH`
 */
export function treeOfTiles(directory: string, size: number): MerkleTree {
  const store = new TileStore(directory, size);
  const peaks: Buffer[] = [];
  for (let at = 0; at < size;) {
    let height = 0;
    while (2 ** (height + 1) <= size - at) height++;
    peaks.push(store.node(height, at / 2 ** height));
    at += 2 ** height;
  }
  return MerkleTree.fromPeaks(size, peaks);
}

/** Levels at which a tree of `size` leaves has hashes. */
export function levelCount(size: number): number {
  let level = 0;
  while (level < TILE_LEVELS_MAX && levelWidth(level, size) > 0) level++;
  return level;
}

function readWidth(directory: string, place: TilePlace, width: number): Buffer | undefined {
  const bytes = readIfThere(join(directory, tilePath(place, width)));
  return bytes?.length === width * HASH_BYTES ? bytes : undefined;
}

function pairsOf(below: Buffer): Buffer {
  const pairs = Math.floor(below.length / (2 * HASH_BYTES));
  const above = Buffer.allocUnsafe(pairs * HASH_BYTES);
  for (let i = 0; i < pairs; i++) {
    const at = i * 2 * HASH_BYTES;
    const parent = nodeHash(below.subarray(at, at + HASH_BYTES), below.subarray(at + HASH_BYTES, at + 2 * HASH_BYTES));
    parent.copy(above, i * HASH_BYTES);
  }
  return above;
}
