import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ProtegoError, messageOf, type EventSeq } from '@protego/contracts';
import { openCheckpoint } from '../tree/checkpoint';
import { makeEntryBundle } from '../tree/entry-bundle';
import type { EventLogReader } from '../reader/reader';
import { parseVerifierKey } from '../tree/signed-note';
import { TILE_WIDTH, entriesPath, levelWidth, tilePath, tileWidth, type TilePlace } from '../tree/tile-path';
import { levelCount, readTile } from '../tree/tile-store';
import type { LogAuthority } from './log-authority';

/** What is exported as a static log, and where to. */
export interface TlogExportOptions {
  readonly reader: EventLogReader;
  readonly authority: LogAuthority;
  /** Directory to make; it must not exist. */
  readonly target: string;
  /** Why the records leave the log. It stands in the log in clear: it must name no person. */
  readonly purpose: string;
  readonly onProgress?: (done: number, total: number) => void;
}

/** What was exported. */
export interface TlogExportSummary {
  readonly target: string;
  /** Records that the checkpoint covers. */
  readonly size: number;
  readonly tiles: number;
  readonly entryBundles: number;
  /** Seqs whose entry bundle ends before them, because an entry is longer than the format can say. */
  readonly tooLong: readonly number[];
  readonly eventSeq: EventSeq;
}

/**
 * Writes the log as other programs read one (C2SP tlog-tiles): `checkpoint`, hash tiles and entry bundles, as static
 * files. Entries are leaf data with personal fields sealed. Expired records have hashes and no entries.
 *
 * @throws ProtegoError `USAGE_INVALID` when the target exists; `LOG_TILE_MISMATCH`; errors of reading the log
 */
export async function exportTlog(options: TlogExportOptions): Promise<TlogExportSummary> {
  const { reader, authority, target, purpose } = options;
  makeTarget(target);
  const bundle = randomBytes(16).toString('hex');
  const { firstSeq, size: toSeq } = reader.stat();
  const facts = { bundle, fromSeq: firstSeq, toSeq, records: toSeq - firstSeq, purpose };
  const eventSeq = await authority.append('log.exported', `exported-${bundle}`, facts);
  const note = await authority.checkpoint();
  const { size } = openCheckpoint(note, [parseVerifierKey(reader.identity.verifierKey)]);
  const tiles = copyTiles(reader.directory, target, size);
  const { entryBundles, tooLong } = writeEntries(options, firstSeq, size);
  writeFileSync(join(target, 'checkpoint'), note);
  return { target, size, tiles, entryBundles, tooLong, eventSeq };
}

function makeTarget(target: string): void {
  try {
    mkdirSync(dirname(target), { recursive: true });
    mkdirSync(target);
  } catch (cause) {
    throw new ProtegoError('USAGE_INVALID', `cannot make \`${target}\`: ${messageOf(cause)}`, { target }, { cause });
  }
}

function copyTiles(directory: string, target: string, size: number): number {
  let count = 0;
  for (let level = 0; level < levelCount(size); level++) {
    const tiles = Math.ceil(levelWidth(level, size) / TILE_WIDTH);
    for (let index = 0; index < tiles; index++, count++) {
      const place: TilePlace = { level, index };
      const width = tileWidth(place, size);
      put(join(target, tilePath(place, width)), readTile(directory, place, width));
    }
  }
  return count;
}

function writeEntries(
  { reader, target, onProgress }: TlogExportOptions,
  firstSeq: number,
  size: number,
): { entryBundles: number; tooLong: number[] } {
  const tooLong: number[] = [];
  let entries: Buffer[] = [];
  let entryBundles = 0;
  // A bundle whose first entries have expired cannot be made: its readers know entries by their place.
  const fromSeq = Math.ceil(firstSeq / TILE_WIDTH) * TILE_WIDTH;
  for (const { seq, leaf } of reader.records({ fromSeq, toSeq: size })) {
    entries.push(Buffer.from(leaf));
    if (entries.length < TILE_WIDTH && seq + 1 < size) continue;
    const first = seq + 1 - entries.length;
    const made = makeEntryBundle(entries);
    if (made.tooLongAt !== undefined) tooLong.push(first + made.tooLongAt);
    if (made.count > 0) put(join(target, entriesPath(first / TILE_WIDTH, made.count)), made.content);
    entryBundles++;
    entries = [];
    onProgress?.(seq + 1, size);
  }
  return { entryBundles, tooLong };
}

function put(path: string, content: Buffer): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}
