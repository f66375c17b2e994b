import { ProtegoError } from '@protego/contracts';
import { HASH_BYTES, TILE_HEIGHT } from './merkle-tree';

/** Hashes of a full tile. */
export const TILE_WIDTH = 2 ** TILE_HEIGHT;
/** Bytes of a full tile. */
export const TILE_BYTES = TILE_WIDTH * HASH_BYTES;
/** Tile levels that a tree of 2^53 leaves can have. */
export const TILE_LEVELS_MAX = 7;
/** Folder of the tiles in a log's directory. */
export const TILE_FOLDER = 'tile';

/** Where a tile stands. */
export interface TilePlace {
  /** 0 holds leaf hashes; each hash of a level stands for 256 of the level below. */
  readonly level: number;
  /** Number of the tile in its level, from 0. */
  readonly index: number;
}

/** Path of a tile below the log's directory, with slashes (C2SP tlog-tiles); a width below 256 names a partial tile. */
export function tilePath({ level, index }: TilePlace, width = TILE_WIDTH): string {
  return `${TILE_FOLDER}/${level}/${numberPath(index)}${partialSuffix(width)}`;
}

/** Path of an entry bundle, as {@link tilePath} of level 0. */
export function entriesPath(index: number, width = TILE_WIDTH): string {
  return `${TILE_FOLDER}/entries/${numberPath(index)}${partialSuffix(width)}`;
}

/** Hashes at one level that a tree of `size` leaves has: one for every 256^level leaves. */
export function levelWidth(level: number, size: number): number {
  return Math.floor(size / 2 ** (TILE_HEIGHT * level));
}

/** Hashes that a tile holds in a tree of `size` leaves: 0 to 256. */
export function tileWidth({ level, index }: TilePlace, size: number): number {
  return Math.min(TILE_WIDTH, Math.max(0, levelWidth(level, size) - index * TILE_WIDTH));
}

/** Leaves that a full tile of a level stands over. */
export function tileLeaves(level: number): number {
  return 2 ** (TILE_HEIGHT * (level + 1));
}

/** `LOG_TILE_MISMATCH`: stored hashes that are missing, or are not those of the records. */
export function tileMismatch(path: string, reason: string): ProtegoError {
  return new ProtegoError('LOG_TILE_MISMATCH', `\`${path}\` ${reason}`, { path });
}

/** Groups of three digits; all but the last begin with `x`, so that no path is both a file and a directory. */
function numberPath(index: number): string {
  let path = groupOf(index);
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    path = `x${groupOf(rest)}/${path}`;
  return path;
}

function groupOf(number: number): string {
  return String(number % 1000).padStart(3, '0');
}

function partialSuffix(width: number): string {
  return width === TILE_WIDTH ? '' : `.p/${width}`;
}
