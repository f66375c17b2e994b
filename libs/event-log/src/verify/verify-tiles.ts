import { join } from 'node:path';
import { namesIn, readIfThere, statIfThere } from '../files-if-there';
import { HASH_BYTES, TILE_HEIGHT, type TileHashSink } from '../tree/merkle-tree';
import {
  TILE_BYTES,
  TILE_FOLDER,
  TILE_LEVELS_MAX,
  TILE_WIDTH,
  levelWidth,
  tileLeaves,
  tilePath,
  type TilePlace,
} from '../tree/tile-path';
import { fillTiles, type FillingTile } from '../tree/tile-levels';
import { findTile, partialWidths, widthsIn } from '../tree/tile-store';

/** A tile that does not hold the hashes of the records. */
export interface TileFinding {
  readonly place: TilePlace;
  /** Path below the log's directory. */
  readonly file: string;
  readonly reason: 'missing' | 'length' | 'hashes';
  /** First leaf under a hash that differs. */
  readonly seq: number;
  /** Leaf after the last under a hash that differs. */
  readonly seqEnd: number;
}

/** How often a partial tile is looked for while a writer puts wider ones in its place. */
const LOOKS_MAX = 5;
/** Findings that wait for the next checkpoint, which tells whether tile or record is the altered one. */
const FINDINGS_MAX = 1000;

interface Level extends FillingTile {
  /** Hashes before the first that is known: a scan may start within a tile. */
  from: number;
  /** Width of the partial tile that was compared last, so that none is reported twice. */
  compared: number;
}

/** Compares the tiles on the disk with the hashes that a tree comes by while the log is scanned. */
export class TileVerifier implements TileHashSink {
  private readonly levels: Level[] = [];
  private findings: TileFinding[] = [];
  private checked = 0;
  private listedFolder = '';
  private listedPartials: ReadonlySet<string> = new Set();

  /**
   * @param requiredSize tiles of a tree of this size must be there; what lies beyond may be lost in a crash, and is written
   *   again when the log is opened
   */
  constructor(
    private readonly directory: string,
    private readonly requiredSize: number,
  ) {
    this.startAt(0);
  }

  /** Number of tile files that were compared. */
  get tileCount(): number {
    return this.checked;
  }

  /** Goes on at a tree of `size` leaves, whatever came before. */
  startAt(size: number): void {
    for (let level = 0; level < TILE_LEVELS_MAX; level++) {
      const width = levelWidth(level, size);
      const from = width % TILE_WIDTH;
      const hashes = this.levels[level]?.hashes ?? Buffer.alloc(TILE_BYTES);
      this.levels[level] = { index: Math.floor(width / TILE_WIDTH), from, filled: from, compared: 0, hashes };
    }
  }

  addTileHashes(level: number, hashes: Buffer): void {
    const state = this.levels[level];
    if (state === undefined) return;
    fillTiles(state, hashes, () => this.finish(level, state));
  }

  /** Compares the partial tiles of the tree as it is now, which a checkpoint of this size promises. */
  checkPartials(): void {
    for (const [level, state] of this.levels.entries()) {
      const place = { level, index: state.index };
      if (state.filled === state.compared || state.filled === state.from) continue;
      state.compared = state.filled;
      const stored = this.find(place, state.filled);
      if (stored === undefined) this.report(place, 'missing', state.from, state.filled, state.filled);
      else this.compare(place, state, stored, state.filled);
    }
  }

  private find(place: TilePlace, width: number): Buffer | undefined {
    let found: Buffer | undefined;
    for (let looks = 0; found === undefined && looks < LOOKS_MAX; looks++) {
      found = findTile(this.directory, place, width);
    }
    return found;
  }

  /** Compares the partial tiles at the right edge that nobody promised and that are there all the same. */
  checkEdge(): void {
    for (const [level, state] of this.levels.entries()) {
      const place = { level, index: state.index };
      for (const width of partialWidths(this.directory, place)) {
        if (width <= state.filled && width !== state.compared) this.comparePartial(place, state, width);
      }
    }
  }

  /** Takes out what was found since the last call. */
  takeFindings(): TileFinding[] {
    const { findings } = this;
    this.findings = [];
    return findings;
  }

  private finish(level: number, state: Level): void {
    const place = { level, index: state.index };
    this.compareFull(place, state);
    for (const width of this.partialsOf(place)) if (width !== state.compared) this.comparePartial(place, state, width);
    state.index++;
    state.from = 0;
    state.compared = 0;
    state.filled = 0;
  }

  private compareFull(place: TilePlace, state: Level): void {
    const stored = readIfThere(join(this.directory, tilePath(place)));
    const isRequired = (place.index + 1) * tileLeaves(place.level) <= this.requiredSize;
    if (stored?.length === TILE_BYTES) this.compare(place, state, stored, TILE_WIDTH);
    else if (isRequired) {
      this.report(place, stored === undefined ? 'missing' : 'length', state.from, TILE_WIDTH, TILE_WIDTH);
    }
  }

  private comparePartial(place: TilePlace, state: Level, width: number): void {
    const stored = readIfThere(join(this.directory, tilePath(place, width)));
    if (stored?.length === width * HASH_BYTES) this.compare(place, state, stored, width);
    else if (stored !== undefined && this.isPromised(place, width)) this.report(place, 'length', 0, width, width);
  }

  /** False for a tile beyond the latest checkpoint: a crash may have left it as it is, or a writer is at it. */
  private isPromised({ level, index }: TilePlace, width: number): boolean {
    return (index * TILE_WIDTH + width) * 2 ** (TILE_HEIGHT * level) <= this.requiredSize;
  }

  private compare(place: TilePlace, state: Level, stored: Buffer, width: number): void {
    this.checked++;
    const from = state.from * HASH_BYTES;
    const end = width * HASH_BYTES;
    if (end <= from || stored.compare(state.hashes, from, end, from, end) === 0) return;
    let first = state.from;
    let last = width - 1;
    while (isSameHash(stored, state.hashes, first)) first++;
    while (isSameHash(stored, state.hashes, last)) last--;
    this.report(place, 'hashes', first, last + 1, width);
  }

  private report(place: TilePlace, reason: TileFinding['reason'], first: number, end: number, width: number): void {
    if (this.findings.length >= FINDINGS_MAX) return;
    const leavesPerHash = 2 ** (TILE_HEIGHT * place.level);
    const start = place.index * TILE_WIDTH;
    this.findings.push({
      place,
      file: tilePath(place, width),
      reason,
      seq: (start + first) * leavesPerHash,
      seqEnd: (start + end) * leavesPerHash,
    });
  }

  /** Widths of the partial tiles of a place. The folder around is listed once for all its tiles. */
  private partialsOf(place: TilePlace): number[] {
    const path = tilePath(place);
    const at = path.lastIndexOf('/');
    const folder = path.slice(0, at);
    if (this.listedFolder !== folder) {
      this.listedFolder = folder;
      this.listedPartials = new Set(namesIn(join(this.directory, folder)).filter((name) => name.endsWith('.p')));
    }
    return this.listedPartials.has(`${path.slice(at + 1)}.p`) ? partialWidths(this.directory, place) : [];
  }
}

/** Leaf after the last that a stored tile holds a hash of; 0 without tiles. */
export function leavesInTiles(directory: string): number {
  let leaves = 0;
  for (let level = 0; level < TILE_LEVELS_MAX; level++) {
    const last = lastTileIn(join(directory, TILE_FOLDER, String(level)), 0);
    if (last !== undefined) leaves = Math.max(leaves, last * 2 ** (TILE_HEIGHT * level));
  }
  return leaves;
}

/** Leaf hashes `[from, to)` as the tiles of level 0 have them; undefined when one of them is not there. */
export function leafHashesOfTiles(directory: string, from: number, to: number): Buffer | undefined {
  // An altered header may claim any number: memory is taken for no more than there are tiles for.
  const pieces: Buffer[] = [];
  for (let seq = from; seq < to;) {
    const index = Math.floor(seq / TILE_WIDTH);
    const end = Math.min(to, (index + 1) * TILE_WIDTH);
    const tile = findTile(directory, { level: 0, index }, end - index * TILE_WIDTH);
    if (tile === undefined) return undefined;
    pieces.push(tile.subarray((seq - index * TILE_WIDTH) * HASH_BYTES));
    seq = end;
  }
  return Buffer.concat(pieces);
}

/** Number after the last hash in the tiles under a folder; groups of three digits, as tile paths have them. */
function lastTileIn(folder: string, prefix: number): number | undefined {
  // No tree has so many leaves: names that go on like this are not of tiles.
  if (!Number.isSafeInteger((prefix + 999) * TILE_WIDTH)) return undefined;
  const names = namesIn(folder).sort().reverse();
  for (const name of names.filter((group) => /^x\d{3}$/.test(group))) {
    const found = lastTileIn(join(folder, name), (prefix + Number(name.slice(1))) * 1000);
    if (found !== undefined) return found;
  }
  for (const name of names) {
    const digits = /^(\d{3})(\.p)?$/.exec(name)?.[1];
    if (digits === undefined) continue;
    const width = fullWidthOf(join(folder, digits)) || widestIn(join(folder, `${digits}.p`));
    if (width > 0) return (prefix + Number(digits)) * TILE_WIDTH + width;
  }
  return undefined;
}

/** Only a tile in its full length promises anything: one that a crash left empty does not. */
function fullWidthOf(path: string, width = TILE_WIDTH): number {
  const stat = statIfThere(path);
  return stat?.isFile() === true && stat.size === width * HASH_BYTES ? width : 0;
}

function widestIn(folder: string): number {
  const isStored = (width: number): boolean =>
    width < TILE_WIDTH && fullWidthOf(join(folder, String(width)), width) > 0;
  return widthsIn(folder).findLast(isStored) ?? 0;
}

function isSameHash(a: Buffer, b: Buffer, i: number): boolean {
  const at = i * HASH_BYTES;
  return a.compare(b, at, at + HASH_BYTES, at, at + HASH_BYTES) === 0;
}
