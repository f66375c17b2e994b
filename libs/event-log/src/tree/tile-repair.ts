import { basename, dirname, join } from 'node:path';
import { ProtegoError, isProtegoError } from '@protego/contracts';
import { writeAll, type LogFileLayer } from '../writer/file-layer';
import { namesIn, readIfThere } from '../files-if-there';
import { HASH_BYTES, MerkleTree } from './merkle-tree';
import type { TileDisk, TileFile } from './tile-disk';
import { TileLevels, peaksOfPartialTiles, rootOfPartialTiles, type TileContent } from './tile-levels';
import { TILE_LEVELS_MAX, TILE_WIDTH, levelWidth, tileMismatch, tilePath, type TilePlace } from './tile-path';
import { findTile, partialWidths, tileRoot } from './tile-store';

/**
 * Leaf hashes of the records from `begin` up to `end`, end to end, in pieces of any whole number of hashes.
 *
 * @throws ProtegoError `LOG_RANGE_MISSING` when they have expired
 */
export type LeafHashReader = (begin: number, end: number) => Iterable<Buffer>;

/** What has to be known to bring the tiles in line with the records. */
export interface TileRepairOptions {
  /** Directory of the log. */
  readonly directory: string;
  /** The recovered tree: every leaf is durable, and its root is trusted. */
  readonly tree: MerkleTree;
  /** The full tiles of a tree of this size are in their files. */
  readonly intactSize: number;
  /** Writes also those tiles again that look whole: what the cache shows of them may never have reached the disk. */
  readonly rewrites: boolean;
  /** What the log has signed last: tiles are not made again from records of another history. */
  readonly signed?: { readonly size: number; readonly root: Buffer };
  readonly disk: Pick<TileDisk, 'write'>;
  readonly readLeafHashes: LeafHashReader;
  /** Makes the directory that a tile's file stands in. */
  makeDirectoryOf(path: string): Promise<string>;
}

/** Tiles that are written together. */
const WRITE_TILES = 256;

/**
 * Brings the tiles in line with the records and returns the right edge of every level. Stored tiles are believed first, then
 * hashed together and compared with the tree's root; when they do not fit, they are made again from the records.
 *
 * @throws ProtegoError `LOG_FORKED` when the records do not lead to what was signed; `LOG_TILE_MISMATCH` when not even the records give the root, or when they are needed and have expired
 */
export async function repairTiles(options: TileRepairOptions): Promise<TileLevels> {
  const { directory, tree } = options;
  const stored = storedEdge(directory, tree.size);
  const alignedSize = tree.size - (tree.size % TILE_WIDTH);
  const from = Math.min(alignedSize, options.intactSize - (options.intactSize % TILE_WIDTH));
  if (
    stored !== undefined &&
    !options.rewrites &&
    from === alignedSize &&
    rootOfPartialTiles(stored).equals(tree.root())
  ) {
    return new TileLevels(tree.size, stored);
  }
  const believed = (): TileRebuild =>
    new TileRebuild(options, from, storedEdge(directory, from) ?? edgeFromBelow(directory, from), 'tiles');
  const sinceIntact = (): TileRebuild => new TileRebuild(options, from, edgeFromBelow(directory, from), 'records');
  const whole = (): TileRebuild => new TileRebuild(options, 0, [], 'records');
  const levels =
    (await levelsOf(() => believed().write())) ?? (await fromRecords(sinceIntact)) ?? (await fromRecords(whole));
  if (levels !== undefined) return levels;
  throw tileMismatch(directory, 'has tiles that neither fit its records nor can be made from them');
}

/** Nothing is written over before it is known that the records lead to the tree. */
async function fromRecords(rebuild: () => TileRebuild): Promise<TileLevels | undefined> {
  const tried = await levelsOf(() => rebuild().compute());
  return tried === undefined ? undefined : levelsOf(() => rebuild().write());
}

/** Undefined when the tiles do not fit, or what they should be made from is not there. */
async function levelsOf(attempt: () => Promise<TileLevels | undefined>): Promise<TileLevels | undefined> {
  try {
    return await attempt();
  } catch (cause) {
    const isForTheNext = isProtegoError(cause) && ['LOG_TILE_MISMATCH', 'LOG_RANGE_MISSING'].includes(cause.code);
    if (isForTheNext) return undefined;
    throw cause;
  }
}

/** Makes all tiles from one size to the end of the tree. */
class TileRebuild {
  private isWriting = false;
  private readonly levels: TileLevels;
  private readonly tree: MerkleTree;
  private readonly changed: TileContent[] = [];

  constructor(
    private readonly options: TileRepairOptions,
    private readonly from: number,
    edge: readonly TileContent[],
    private readonly source: 'tiles' | 'records',
  ) {
    this.levels = new TileLevels(from, edge);
    this.tree = MerkleTree.fromPeaks(from, peaksOfPartialTiles(edge));
    this.tree.attach(this.levels);
  }

  /** As {@link compute}, and writes the tiles that are not stored so. */
  write(): Promise<TileLevels | undefined> {
    this.isWriting = true;
    return this.compute();
  }

  /** Undefined when the root is another than the recovered tree's. */
  async compute(): Promise<TileLevels | undefined> {
    const { tree } = this.options;
    for (let at = this.from; at < tree.size;) at = await this.step(at, tree.size);
    if (!this.tree.root().equals(tree.root())) return undefined;
    for (const tile of this.levels.partialTiles(tree.size)) this.note(tile);
    await this.writeChanged();
    return this.levels;
  }

  /** One stored tile, or all missing ones up to the next that is stored; returns where to go on. */
  private async step(at: number, size: number): Promise<number> {
    const stored = this.storedAt(at, size);
    if (stored !== undefined) {
      await this.feed(stored, true);
      return at + stored.length / HASH_BYTES;
    }
    let end = Math.min(size, at + TILE_WIDTH);
    while (end < size && this.storedAt(end, size) === undefined) end = Math.min(size, end + TILE_WIDTH);
    for (const hashes of this.options.readLeafHashes(at, end)) await this.feed(hashes, false);
    if (this.tree.size !== end) throw tileMismatch(this.options.directory, `has no records up to seq ${end}`);
    return end;
  }

  private storedAt(at: number, size: number): Buffer | undefined {
    if (this.source === 'records') return undefined;
    const place = { level: 0, index: at / TILE_WIDTH };
    return findTile(this.options.directory, place, Math.min(TILE_WIDTH, size - at));
  }

  private async feed(hashes: Buffer, isStored: boolean): Promise<void> {
    const toSigned = ((this.options.signed?.size ?? 0) - this.tree.size) * HASH_BYTES;
    if (toSigned > 0 && toSigned < hashes.length) {
      await this.feed(hashes.subarray(0, toSigned), isStored);
      return this.feed(hashes.subarray(toSigned), isStored);
    }
    this.tree.appendLeaves(hashes);
    this.checkSigned();
    for (const tile of this.levels.takeFull(this.tree.size)) {
      if (!isStored || this.options.rewrites || tile.place.level > 0) this.note(tile);
    }
    if (this.changed.length >= WRITE_TILES) await this.writeChanged();
  }

  private checkSigned(): void {
    const { signed, directory } = this.options;
    if (this.source === 'tiles' || this.tree.size !== signed?.size || this.tree.root().equals(signed.root)) return;
    const message = `\`${directory}\` has other records than its checkpoint of ${signed.size}`;
    throw new ProtegoError('LOG_FORKED', message, { directory, size: signed.size });
  }

  private note(tile: TileContent): void {
    if (!this.isWriting) return;
    const width = tile.hashes.length / HASH_BYTES;
    const { directory, rewrites } = this.options;
    if (rewrites || !findTile(directory, tile.place, width)?.equals(tile.hashes)) this.changed.push(tile);
  }

  private async writeChanged(): Promise<void> {
    const files = [];
    for (const { place, hashes } of this.changed.splice(0)) {
      const path = await this.options.makeDirectoryOf(tilePath(place, hashes.length / HASH_BYTES));
      files.push({ path, content: hashes });
    }
    if (files.length > 0) await this.options.disk.write(files);
  }
}

/** What has to be known to bring the partial tiles of earlier sizes in order. */
export interface PartialRepairOptions {
  /** Directory of the log. */
  readonly directory: string;
  /** Size of the recovered tree, whose tiles are repaired. */
  readonly size: number;
  /** The full tiles of a tree of this size are durable, and so are all partial tiles in their places. */
  readonly synced: number;
  readonly disk: Pick<TileDisk, 'write' | 'sync'>;
  readonly layer: Pick<LogFileLayer, 'open' | 'syncDirectory'>;
}

/**
 * Writes again what an outage took of the partial tiles of earlier sizes, and makes them all durable, so that none can be
 * torn once the full tile is.
 */
export async function repairPartialTiles(options: PartialRepairOptions): Promise<void> {
  const { directory, size, synced, disk, layer } = options;
  const files: TileFile[] = [];
  const hasPartials = partialsFinder(directory);
  for (const { place, width } of unsyncedPlaces(synced, size)) {
    if (!hasPartials(place)) continue;
    const known = findTile(directory, place, width);
    for (const partWidth of partialWidths(directory, place)) {
      const path = join(directory, tilePath(place, partWidth));
      const content = known?.subarray(0, partWidth * HASH_BYTES);
      if (content?.length !== partWidth * HASH_BYTES) continue;
      files.push({ path, content });
    }
  }
  if (files.length === 0) return;
  const torn: TileFile[] = [];
  for (const file of files) {
    // Also those that look whole: after a failed sync the cache may show what no disk will ever hold.
    if (readIfThere(file.path)?.equals(file.content) === true) await writeInPlace(layer, file);
    else torn.push(file);
  }
  if (torn.length > 0) await disk.write(torn);
  const paths = files.map(({ path }) => path);
  await disk.sync(paths);
  const folders = new Set(paths.map((path) => dirname(path)));
  for (const folder of new Set([...folders, ...[...folders].map((path) => dirname(path))]))
    await layer.syncDirectory(folder);
}

/** Over the same bytes, without emptying the file first: then the disk need not find room for it anew, which takes long. */
async function writeInPlace(layer: Pick<LogFileLayer, 'open'>, { path, content }: TileFile): Promise<void> {
  const file = await layer.open(path, 'change');
  try {
    await writeAll(file, [content], 0);
  } finally {
    await file.close();
  }
}

/**
 * Tells whether a place has a folder of partial tiles. The folder around is listed once for all the places in it: most have
 * none, and there may be tens of thousands.
 */
function partialsFinder(directory: string): (place: TilePlace) => boolean {
  let listed: string | undefined;
  let names = new Set<string>();
  return (place) => {
    const path = join(directory, `${tilePath(place)}.p`);
    const folder = dirname(path);
    if (folder !== listed) {
      listed = folder;
      names = new Set(namesIn(folder));
    }
    return names.has(basename(path));
  };
}

function* unsyncedPlaces(synced: number, size: number): Generator<{ place: TilePlace; width: number }> {
  for (let level = 0; level < TILE_LEVELS_MAX && levelWidth(level, size) > 0; level++) {
    const hashes = levelWidth(level, size);
    for (let index = Math.floor(levelWidth(level, synced) / TILE_WIDTH); index * TILE_WIDTH < hashes; index++) {
      yield { place: { level, index }, width: Math.min(TILE_WIDTH, hashes - index * TILE_WIDTH) };
    }
  }
}

/** The partial tiles of a tree of `size` leaves; undefined when one is not stored. */
function storedEdge(directory: string, size: number): TileContent[] | undefined {
  const edge: TileContent[] = [];
  for (const { place, width } of edgePlaces(size)) {
    const hashes = findTile(directory, place, width);
    if (hashes === undefined) return undefined;
    edge.push({ place, hashes });
  }
  return edge;
}

/** The partial tiles of a tree of a multiple of 256 leaves, made from the full tiles below them. */
function edgeFromBelow(directory: string, size: number): TileContent[] {
  return edgePlaces(size).map(({ place, width }) => {
    const roots = Array.from({ length: width }, (_, i) => {
      const below = { level: place.level - 1, index: place.index * TILE_WIDTH + i };
      const hashes = findTile(directory, below, TILE_WIDTH);
      if (hashes === undefined) throw tileMismatch(tilePath(below), 'is missing or has not its full length');
      return tileRoot(hashes);
    });
    return { place, hashes: Buffer.concat(roots) };
  });
}

function edgePlaces(size: number): { place: TilePlace; width: number }[] {
  const places: { place: TilePlace; width: number }[] = [];
  for (let level = 0; level < TILE_LEVELS_MAX; level++) {
    const hashes = levelWidth(level, size);
    const width = hashes % TILE_WIDTH;
    if (width > 0) places.push({ place: { level, index: Math.floor(hashes / TILE_WIDTH) }, width });
  }
  return places;
}
