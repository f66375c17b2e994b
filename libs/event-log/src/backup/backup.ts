import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProtegoError, formatRfc3339, messageOf, type Clock } from '@protego/contracts';
import type { LogKeys } from '@protego/enclave';
import { BlockCipher } from '../blocks/block-cipher';
import { BlockIndexes, type BlockIndex } from '../blocks/block-index';
import { parseCheckpoint } from '../tree/checkpoint';
import {
  HISTORY_FILE,
  LATEST_FILE,
  formatRecorded,
  readCheckpointHistory,
  type SignedCheckpoint,
} from '../tree/checkpoint-files';
import { erasuresIn } from '../erasure/erasure-events';
import { readIdentity, requireFittingKeys } from '../log-identity';
import { EventLogReader } from '../reader/reader';
import { listSegments } from '../segments/segment-format';
import { parseNote } from '../tree/signed-note';
import { TILE_WIDTH, levelWidth, tilePath } from '../tree/tile-path';
import { levelCount, readTile } from '../tree/tile-store';
import { requireGrownFrom } from './backup-growth';
import { FOREIGN_KEYS, copyKeys, keysHeldIn } from './backup-keys';
import {
  BACKUP_FORMAT,
  digestsOf,
  listBackups,
  writeManifest,
  type BackupFile,
  type BackupTiles,
  type CheckedManifest,
} from './backup-manifest';
import { addErasures, isErasureListLost } from './destroyed-keys';
import { withBackupLock } from './backup-lock';
import { registerBackup, registeredBackups } from './backup-registry';
import { MANIFESTS, OBJECTS, invalidBackup, onePiece, type BackupTarget } from './backup-target';

/** Backups that a target keeps unless something else is asked for. */
export const BACKUPS_KEPT = 14;
/** Tiles that are kept together as one object: a thousand of 8 KiB, as the directories of tiles hold them. */
const TILES_PER_OBJECT = 1_000;
const READ_BYTES = 1 << 20;

/** What is backed up, and where to. */
export interface BackupOptions {
  /** Directory of the log; a writer may have it open. */
  readonly directory: string;
  /** Key directory of the log. Its root secret is left out. */
  readonly keysDirectory: string;
  readonly keys: LogKeys;
  readonly target: BackupTarget;
  readonly clock: Clock;
  /** Backups that the target keeps; the oldest beyond that are removed. Default {@link BACKUPS_KEPT}. */
  readonly keepCount?: number;
}

/** What was backed up. */
export interface BackupSummary {
  /** Name of the backup. */
  readonly name: string;
  readonly location: string;
  /** Records that it covers: up to the latest checkpoint. */
  readonly size: number;
  /** Root of the tree of that size, hex. */
  readonly rootHash: string;
  readonly files: number;
  /** Objects that the target did not have yet. */
  readonly objectsWritten: number;
  readonly bytesWritten: number;
  /** Backups that were removed because they are older than those to keep. */
  readonly removed: readonly string[];
}

interface Source {
  pieces(): AsyncIterable<Buffer>;
}

/**
 * Backs up a log up to its latest checkpoint: segments, tiles, checkpoints, `log.json`, and the key directory without its
 * root secret. What the target has already is not copied again. Before that it proves that the log has grown from the one in
 * the latest backup.
 *
 * @throws ProtegoError `LOG_CHECKPOINT_INVALID` when the log has no checkpoint yet; `LOG_TRUNCATED` or `LOG_FORKED` when it
 *   has not grown from the backup; `LOG_BLOCK_CORRUPT` when a finished segment has changed; `LOG_KEYS_DAMAGED` when the vault has
 *   keys that the target says were destroyed; `BACKUP_INVALID` when the target holds another log, or its keys; errors of reading the log and of the target
 */
export async function backupLog(options: BackupOptions): Promise<BackupSummary> {
  const { directory, keys, target, clock, keepCount = BACKUPS_KEPT } = options;
  const identity = readIdentity(directory);
  requireFittingKeys(directory, identity, keys);
  const { latest, previous } = await requireGrownFrom(target, directory);
  if (previous === undefined) await mustNotHoldOthersKeys(target, options.keysDirectory);
  const createdAt = formatRfc3339(clock.wallMs());
  // Before the first key leaves: an erasure from now on knows of the copy.
  await registerBackup(directory, { location: target.location, lastBackupAt: createdAt });
  const store = new ObjectStore(target, await target.list(OBJECTS));
  const segments = segmentsUpTo(directory, new BlockCipher(keys, identity.logId), latest.size);
  const files = await storeFiles(store, directory, segments, latest);
  if (previous !== undefined) checkUnchanged(previous, files, segments);
  const tiles = await storeTiles(store, directory, latest.size);
  await withBackupLock(directory, async () => {
    await mendErasureList(options);
    await copyKeys(target, options.keysDirectory);
  });
  const { origin, logId, verifierKey } = identity;
  const head = { format: BACKUP_FORMAT, origin, logId: logId.toString('hex'), verifierKey, createdAt };
  const firstSeq = segments[0]?.index.segment.firstSeq ?? 0;
  // Whoever restores this backup must know where else there are keys.
  const backups = registeredBackups(directory).map(({ location, lastBackupAt }) => ({ location, lastBackupAt }));
  const manifest = { ...head, checkpoint: latest.note, firstSeq, files, tiles, backups };
  const name = await writeManifest(target, manifest, latest.size, keys.signer);
  const removed = await prune(target, keepCount);
  return {
    ...{ name, location: target.location, size: latest.size, rootHash: latest.root.toString('hex') },
    ...{ files: files.length, objectsWritten: store.written, bytesWritten: store.bytesWritten, removed },
  };
}

/** The log names all keys whose destruction a target must know of. */
async function mendErasureList({ directory, keys, target, clock }: BackupOptions): Promise<void> {
  if (!(await isErasureListLost(target))) return;
  const erasures = [...erasuresIn(await EventLogReader.open({ directory, keys }))];
  await addErasures(
    target,
    erasures.flatMap(({ keyIds }) => keyIds),
    clock.wallMs(),
  );
}

/** The first backup of another log that was cut off may have left its vault: it must not be written over. */
async function mustNotHoldOthersKeys(target: BackupTarget, keysDirectory: string): Promise<void> {
  if ((await keysHeldIn(target, keysDirectory)) === 'foreign') throw invalidBackup(target, FOREIGN_KEYS);
}

interface SegmentPart {
  readonly index: BlockIndex;
  /** Bytes that are backed up. */
  readonly bytes: number;
}

/** The segments up to a size, the last of them up to the end of the block that reaches it. */
function segmentsUpTo(directory: string, cipher: BlockCipher, size: number): SegmentPart[] {
  const indexes = new BlockIndexes(cipher);
  const names = listSegments(directory);
  const parts: SegmentPart[] = [];
  for (const [i, segment] of names.entries()) {
    if (segment.firstSeq >= size) break;
    const index = indexes.of(segment, i === names.length - 1);
    const [gap] = index.gaps;
    if (gap !== undefined) throw gap.failure;
    parts.push({ index, bytes: index.isFinished ? index.bytes : bytesUpTo(index, size) });
  }
  if ((parts.at(-1)?.index.endSeq ?? 0) >= size) return parts;
  throw new ProtegoError('LOG_TRUNCATED', `the log is shorter than its checkpoint of ${size} records`, { size });
}

function bytesUpTo({ blocks, endOffset }: BlockIndex, size: number): number {
  const next = blocks.find(({ firstSeq }) => firstSeq >= size);
  return next?.offset ?? endOffset;
}

async function storeFiles(
  store: ObjectStore,
  directory: string,
  segments: readonly SegmentPart[],
  latest: SignedCheckpoint,
): Promise<BackupFile[]> {
  const files: BackupFile[] = [];
  const add = async (path: string, source: Source): Promise<void> => {
    files.push({ path, ...(await store.put(source)) });
  };
  for (const { index, bytes } of segments) {
    await add(`segments/${index.segment.name}`, fileSource(index.segment.path, bytes));
  }
  await add(HISTORY_FILE, { pieces: () => historyUpTo(directory, latest.size) });
  await add(LATEST_FILE, { pieces: () => onePiece(Buffer.from(latest.note)) });
  await add('log.json', fileSource(join(directory, 'log.json'), (await readFile(join(directory, 'log.json'))).length));
  for (let level = 0; level < levelCount(latest.size); level++) {
    const hashes = levelWidth(level, latest.size);
    const place = { level, index: Math.floor(hashes / TILE_WIDTH) };
    const width = hashes % TILE_WIDTH;
    if (width === 0) continue;
    await add(tilePath(place, width), { pieces: () => onePiece(readTile(directory, place, width)) });
  }
  return files;
}

/** A finished segment never changes; one that did is damage, or worse, and must not become the backup. */
function checkUnchanged(
  previous: CheckedManifest,
  files: readonly BackupFile[],
  segments: readonly SegmentPart[],
): void {
  const before = new Map(previous.files.map(({ path, sha256, bytes }) => [path, { sha256, bytes }]));
  const now = new Map(files.map((file) => [file.path, file]));
  for (const { index } of segments) {
    const path = `segments/${index.segment.name}`;
    const old = before.get(path);
    const file = now.get(path);
    if (!index.isFinished || old === undefined || file?.bytes !== old.bytes || file.sha256 === old.sha256) continue;
    const message = `\`${path}\` is not what was backed up as \`${previous.name}\`: verify the log`;
    throw new ProtegoError('LOG_BLOCK_CORRUPT', message, { path });
  }
}

async function storeTiles(store: ObjectStore, directory: string, size: number): Promise<BackupTiles[]> {
  const tiles: BackupTiles[] = [];
  for (let level = 0; level < levelCount(size); level++) {
    const full = Math.floor(levelWidth(level, size) / TILE_WIDTH);
    for (let first = 0; first < full; first += TILES_PER_OBJECT) {
      const count = Math.min(TILES_PER_OBJECT, full - first);
      const { sha256 } = await store.put({ pieces: () => tilePieces(directory, level, first, count) });
      tiles.push({ level, first, count, sha256 });
    }
  }
  return tiles;
}

async function* tilePieces(directory: string, level: number, first: number, count: number): AsyncGenerator<Buffer> {
  for (let index = first; index < first + count; index++) yield readTile(directory, { level, index }, TILE_WIDTH);
}

async function* historyUpTo(directory: string, size: number): AsyncGenerator<Buffer> {
  for (const { note, recordedAt } of readCheckpointHistory(directory)) {
    // A later one would make the restored log look as if its end had been cut off.
    if (parseCheckpoint(parseNote(note).text).size > size) return;
    yield Buffer.from(`${formatRecorded({ note, recordedAt })}\n`);
  }
}

function fileSource(path: string, bytes: number): Source {
  return {
    async *pieces() {
      if (bytes === 0) return;
      try {
        yield* createReadStream(path, { end: bytes - 1, highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>;
      } catch (cause) {
        const message = `cannot read \`${path}\`: ${messageOf(cause)}`;
        throw new ProtegoError('SOURCE_FILE_UNREADABLE', message, { path }, { cause });
      }
    },
  };
}

/** Puts contents into a target under the names of their hashes; what it has is not written again. */
class ObjectStore {
  written = 0;
  bytesWritten = 0;
  private readonly known: Set<string>;

  constructor(
    private readonly target: BackupTarget,
    names: readonly string[],
  ) {
    this.known = new Set(names);
  }

  async put(source: Source): Promise<{ sha256: string; bytes: number }> {
    const { sha256, bytes } = await digestOf(source);
    const name = OBJECTS + sha256;
    if (this.known.has(name)) return { sha256, bytes };
    await this.target.write(name, sameContent(source, sha256));
    this.known.add(name);
    this.written++;
    this.bytesWritten += bytes;
    return { sha256, bytes };
  }
}

async function digestOf(source: Source): Promise<{ sha256: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of source.pieces()) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { sha256: hash.digest('hex'), bytes };
}

async function* sameContent(source: Source, sha256: string): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const piece of source.pieces()) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest('hex') !== sha256) {
    throw new ProtegoError('SOURCE_FILE_UNREADABLE', 'a file of the log changed while it was copied: back up again');
  }
}

/** Removes the oldest backups, and then what no backup needs. */
async function prune(target: BackupTarget, keepCount: number): Promise<string[]> {
  const names = await listBackups(target);
  const removed = names.slice(0, Math.max(0, names.length - Math.max(1, keepCount)));
  if (removed.length === 0) return removed;
  for (const name of removed) await target.remove(`${MANIFESTS}${name}.note`);
  const needed = new Set<string>();
  for (const name of names.slice(removed.length)) {
    for (const digest of await digestsOf(target, name)) needed.add(OBJECTS + digest);
  }
  for (const object of await target.list(OBJECTS)) if (!needed.has(object)) await target.remove(object);
  return removed;
}
