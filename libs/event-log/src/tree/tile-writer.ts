import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { canonicalJson } from '@protego/contracts';
import { writeFileAtomically, type LogFileLayer } from '../writer/file-layer';
import { HASH_BYTES, type MerkleTree } from './merkle-tree';
import { systemSchedule, type Schedule } from '../writer/schedule';
import { errorOf, removeIfThere, tileDiskOf, type TileDisk } from './tile-disk';
import { rootOfPartialTiles, type TileContent, type TileLevels } from './tile-levels';
import {
  TILE_FOLDER,
  TILE_LEVELS_MAX,
  TILE_WIDTH,
  levelWidth,
  tileLeaves,
  tilePath,
  type TilePlace,
} from './tile-path';
import { repairPartialTiles, repairTiles, type LeafHashReader } from './tile-repair';
import { partialWidths } from './tile-store';

/** Durable: every full tile of a tree of the size in it is on the disk. */
const SYNCED_FILE = 'synced';
/** Not durable: every full tile of a tree of this size was written while the named system ran. */
const WRITTEN_FILE = 'written';
/** Full tiles that may wait to be written, 8 KiB each, before the log's writer should wait. */
const QUEUE_TILES_MAX = 2048;
const BATCH_TILES_MAX = 256;
/** Full tiles gather up to this number before they are written: one go of a thread costs little more than one file. */
const BATCH_TILES_MIN = 128;
/** Tiles that are synced in one go: closing waits for one go at most. */
const SYNC_TILES_MAX = 32;
/** By then the kernel has mostly written the tiles itself, so that syncing them is cheap. */
const SYNC_EVERY_MS = 20_000;
/** Tiles that closing makes durable; of more, the next open checks those that an outage may have lost. */
const SYNC_AT_CLOSE_MAX = 64;
/** Places whose partial tiles wait for removal; more stay, which costs bytes and harms nothing. */
const PARTIAL_PLACES_MAX = 4096;

/** How the tiles of a log are written. */
export interface TileWriterOptions {
  /** Directory of the log. */
  readonly directory: string;
  readonly layer: LogFileLayer;
  /** The recovered tree, which the log's writer appends to: every leaf in it is durable when the tiles are opened. */
  readonly tree: MerkleTree;
  /** Reads leaf hashes back from the records; asked only when tiles were lost or are damaged. */
  readonly readLeafHashes: LeafHashReader;
  /** What the log has signed last: damaged tiles are not made again from records of another history. */
  readonly signed?: PublishedTree;
  readonly schedule?: Schedule;
}

/** A tree whose tiles, partial ones included, are all in their files. */
export interface PublishedTree {
  readonly size: number;
  readonly root: Buffer;
}

interface QueuedTile {
  readonly tile?: TileContent;
  /** Called when this tile and all before it are written, or cannot be. */
  readonly settle?: (failure?: Error) => void;
}

/**
 * Writes the tiles of a growing tree (C2SP tlog-tiles) behind the log's writer. It attaches itself to the tree, so that no hash is
 * computed twice, and keeps the right edge of every level in memory. A tile is written when its last leaf is durable
 * ({@link durable}); nothing that is acknowledged waits for that. Tiles are made durable much later: until then what an
 * outage takes can be made again from the records.
 */
export class TileWriter {
  private readonly queue: QueuedTile[] = [];
  private readonly waiters: (() => void)[] = [];
  private readonly directories = new Map<string, string>();
  private readonly partialPlaces: TilePlace[] = [];
  private readonly lastPartials = new Map<number, string>();
  private isDraining = false;
  private failed: Error | undefined;
  private durableSize: number;
  private writtenSize: number;
  private sizeAtLastTick: number;
  private syncing: Promise<void> = Promise.resolve();
  private cancelTick: () => void = () => undefined;
  private isClosing = false;
  /** Also true after a sync that failed. */
  private isSyncing = false;
  private marking: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: TileWriterOptions,
    private readonly disk: TileDisk,
    private readonly levels: TileLevels,
    private synced: number,
  ) {
    this.durableSize = options.tree.size;
    this.writtenSize = this.durableSize;
    this.sizeAtLastTick = this.durableSize;
    this.tickLater();
  }

  /**
   * Brings the tiles in line with the recovered records, and attaches itself to their tree.
   *
   * @throws ProtegoError `LOG_TILE_MISMATCH`, `LOG_FORKED` when that cannot be done; what the layer throws
   */
  static async open(options: TileWriterOptions): Promise<TileWriter> {
    const { directory, layer, tree, readLeafHashes, signed } = options;
    const disk = tileDiskOf(layer);
    const synced = Math.min(readSynced(directory), tree.size);
    const intactSize = Math.max(synced, Math.min(readWritten(directory, disk.bootId), tree.size));
    const makeDirectoryOf = async (path: string): Promise<string> => {
      await layer.makeDirectory(dirname(join(directory, path)));
      return join(directory, path);
    };
    try {
      await layer.makeDirectory(join(directory, TILE_FOLDER));
      const rewrites = disk.bootId === undefined || readMarker(directory, WRITTEN_FILE)['boot'] === undefined;
      const repair = { directory, tree, intactSize, rewrites, signed, disk, readLeafHashes, makeDirectoryOf };
      const levels = await repairTiles(repair);
      await repairPartialTiles({ directory, size: tree.size, synced, disk, layer });
      const writer = new TileWriter(options, disk, levels, synced);
      tree.attach(levels);
      return writer;
    } catch (cause) {
      await disk.close();
      throw cause;
    }
  }

  /** Every full tile of a tree of this size is durable. Records before it may expire: their hashes are kept. */
  get syncedSize(): number {
    return this.synced;
  }

  /** Tiles that wait to be written. */
  get queuedTiles(): number {
    return this.queue.length;
  }

  /** Why tiles can be written no more; undefined while all is well. */
  get failure(): Error | undefined {
    return this.failed;
  }

  /** Tells that all leaves before `size` are durable, so that tiles over them may be written. Never blocks. */
  durable(size: number): void {
    this.durableSize = size;
    for (const tile of this.levels.takeFull(size)) this.queue.push({ tile });
    if (this.queue.length >= BATCH_TILES_MIN) this.drainLater();
  }

  /**
   * Undefined when the log's writer may go on; else resolves when enough tiles are written, and rejects when they cannot be.
   * To be awaited after what is durable was acknowledged.
   */
  room(): Promise<void> | undefined {
    if (this.failed !== undefined) return Promise.reject(this.failure);
    if (this.queue.length <= QUEUE_TILES_MAX) return undefined;
    return new Promise((resolve, reject) => {
      this.waiters.push(() => (this.failed === undefined ? resolve() : reject(this.failed)));
    });
  }

  /** Writes the partial tiles of the durable tree; resolves with it when they and all full tiles before are written. */
  async publish(): Promise<PublishedTree> {
    if (this.failed !== undefined) throw this.failed;
    const size = this.durableSize;
    const partials = this.levels.partialTiles(size);
    const root = rootOfPartialTiles(partials);
    for (const tile of partials) {
      const path = tilePath(tile.place, tile.hashes.length / HASH_BYTES);
      if (this.lastPartials.get(tile.place.level) === path) continue;
      this.lastPartials.set(tile.place.level, path);
      this.notePartial(tile.place);
      this.queue.push({ tile });
    }
    await this.written();
    await this.syncPartials(partials);
    await this.noteWritten(size);
    return { size, root };
  }

  /** Partial tiles are few, and what a checkpoint stands for should not be torn by an outage. */
  private async syncPartials(partials: readonly TileContent[]): Promise<void> {
    const { directory, layer } = this.options;
    const paths = partials.map(({ place, hashes }) => join(directory, tilePath(place, hashes.length / HASH_BYTES)));
    await this.disk.sync(paths);
    for (const path of paths) await layer.syncDirectory(dirname(path));
  }

  /** Makes all full tiles of the durable tree durable, and remembers it. */
  async sync(): Promise<void> {
    if (this.failed !== undefined) throw this.failed;
    const size = this.durableSize;
    await this.written();
    await this.syncLater(size);
  }

  /** Writes what waits, and ends. The tree is no longer followed. */
  async close(): Promise<void> {
    if (this.isClosing) return;
    this.cancelTick();
    this.options.tree.attach(undefined);
    try {
      if (this.failed === undefined) await this.publish();
      this.isClosing = true;
      await this.syncing;
      const waiting = (this.writtenSize - this.synced) / TILE_WIDTH;
      if (waiting <= SYNC_AT_CLOSE_MAX) await this.syncUpTo(this.writtenSize, true);
    } finally {
      this.isClosing = true;
      await this.disk.close();
    }
  }

  /** Resolves when all tiles that wait now are written. */
  private written(): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.queue.push({ settle: (failure) => (failure === undefined ? resolve() : reject(failure)) });
      this.drainLater();
    });
  }

  private syncLater(size: number): Promise<void> {
    this.syncing = this.syncing.then(() => this.syncUpTo(size));
    return this.syncing;
  }

  private drainLater(): void {
    if (this.isDraining || this.queue.length === 0) return;
    this.isDraining = true;
    void this.drain();
  }

  private async drain(): Promise<void> {
    try {
      while (this.queue.length > 0) await this.writeBatch(this.queue.splice(0, BATCH_TILES_MAX));
      this.writtenSize = Math.max(this.writtenSize, this.durableSize);
    } catch (cause) {
      this.failed = errorOf(cause);
      for (const { settle } of this.queue.splice(0)) settle?.(this.failed);
      this.wakeWaiters();
    } finally {
      this.isDraining = false;
    }
  }

  private async writeBatch(batch: readonly QueuedTile[]): Promise<void> {
    try {
      const files = [];
      for (const { tile } of batch) {
        if (tile === undefined) continue;
        const path = await this.pathFor(tile);
        files.push({ path, content: tile.hashes });
      }
      if (files.length > 0) await this.disk.write(files);
    } catch (cause) {
      for (const { settle } of batch) settle?.(errorOf(cause));
      throw cause;
    }
    for (const { settle } of batch) settle?.();
    if (this.queue.length <= QUEUE_TILES_MAX / 2) this.wakeWaiters();
  }

  private wakeWaiters(): void {
    for (const wake of this.waiters.splice(0)) wake();
  }

  private async pathFor({ place, hashes }: TileContent): Promise<string> {
    const width = hashes.length / HASH_BYTES;
    const path = join(this.options.directory, tilePath(place, width));
    const directory = dirname(path);
    // Tiles of one kind come in order, so that the last directory is nearly always the one that is needed.
    const kind = `${place.level}${width === TILE_WIDTH ? '' : '.p'}`;
    if (this.directories.get(kind) !== directory) {
      await this.options.layer.makeDirectory(directory);
      this.directories.set(kind, directory);
    }
    return path;
  }

  private notePartial(place: TilePlace): void {
    const last = this.partialPlaces.findLast(({ level }) => level === place.level);
    if (last?.index === place.index) return;
    if (this.partialPlaces.length >= PARTIAL_PLACES_MAX) this.partialPlaces.shift();
    this.partialPlaces.push(place);
  }

  /** Lets a writer that was killed, but whose system went on, trust these tiles at once. */
  private noteWritten(size: number): Promise<void> {
    return this.mark(async (path) => {
      const { bootId } = this.disk;
      if (bootId === undefined || this.isSyncing || this.failed !== undefined) return;
      await this.disk.write([{ path, content: Buffer.from(`${canonicalJson({ boot: bootId, size })}\n`) }]);
    });
  }

  /** Changes the note of what is written, one change at a time. */
  private mark(change: (path: string) => Promise<void>): Promise<void> {
    const changed = this.marking.then(() => change(join(this.options.directory, TILE_FOLDER, WRITTEN_FILE)));
    this.marking = changed.catch(() => undefined);
    return changed;
  }

  private tickLater(): void {
    const { schedule = systemSchedule } = this.options;
    this.cancelTick = schedule(() => {
      const size = this.sizeAtLastTick;
      this.sizeAtLastTick = this.writtenSize;
      this.drainLater();
      void this.syncLater(size)
        .catch((cause: unknown) => (this.failed ??= errorOf(cause)))
        .finally(() => {
          if (!this.isClosing) this.tickLater();
        });
    }, SYNC_EVERY_MS);
  }

  private async syncUpTo(size: number, isLast = false): Promise<void> {
    const { directory, layer } = this.options;
    if (this.failed !== undefined || Math.floor(size / TILE_WIDTH) <= Math.floor(this.synced / TILE_WIDTH)) return;
    const paths = pathsBetween(this.synced, size).map((path) => join(directory, path));
    // After a sync that fails the cache may show what no disk will ever hold: until it is done, nobody vouches for it.
    this.isSyncing = true;
    await this.mark((path) => removeIfThere(layer, path));
    for (let at = 0; at < paths.length; at += SYNC_TILES_MAX) {
      if (this.isClosing && !isLast) {
        this.isSyncing = false;
        return;
      }
      await this.disk.sync(paths.slice(at, at + SYNC_TILES_MAX));
    }
    for (const folder of new Set(paths.map((path) => dirname(path)))) await layer.syncDirectory(folder);
    const marker = Buffer.from(`${canonicalJson({ size })}\n`);
    await writeFileAtomically(layer, join(directory, TILE_FOLDER, SYNCED_FILE), marker);
    this.synced = size;
    this.isSyncing = false;
    await this.noteWritten(this.writtenSize);
    await this.removePartials();
  }

  /** Partial tiles may go when the full tile is on the disk (C2SP tlog-tiles, "Partial Tiles"). */
  private async removePartials(): Promise<void> {
    const { directory, layer } = this.options;
    const isFull = ({ level, index }: TilePlace): boolean => (index + 1) * tileLeaves(level) <= this.synced;
    for (const place of this.partialPlaces.filter(isFull)) {
      for (const width of partialWidths(directory, place)) {
        await removeIfThere(layer, join(directory, tilePath(place, width)));
      }
      await this.disk.removeDirectory(join(directory, `${tilePath(place)}.p`));
    }
    this.partialPlaces.splice(0, Infinity, ...this.partialPlaces.filter((place) => !isFull(place)));
  }
}

/** Paths of the full tiles that a tree of `to` leaves has and one of `from` leaves has not. */
function pathsBetween(from: number, to: number): string[] {
  const paths: string[] = [];
  for (let level = 0; level < TILE_LEVELS_MAX; level++) {
    const end = Math.floor(levelWidth(level, to) / TILE_WIDTH);
    for (let index = Math.floor(levelWidth(level, from) / TILE_WIDTH); index < end; index++) {
      paths.push(tilePath({ level, index }));
    }
  }
  return paths;
}

/** Size up to which the tiles are on the disk; 0 when nothing says so. */
function readSynced(directory: string): number {
  return sizeIn(readMarker(directory, SYNCED_FILE));
}

/** Size up to which the tiles were written since the system started; 0 when nothing says so. */
function readWritten(directory: string, bootId: string | undefined): number {
  const marker = readMarker(directory, WRITTEN_FILE);
  return bootId !== undefined && marker['boot'] === bootId ? sizeIn(marker) : 0;
}

function sizeIn({ size }: Record<string, unknown>): number {
  return typeof size === 'number' && Number.isSafeInteger(size) && size >= 0 ? size : 0;
}

function readMarker(directory: string, name: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(readFileSync(join(directory, TILE_FOLDER, name), 'utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    // A marker only saves work: without one every tile is checked.
    return {};
  }
}
