import { createHash } from 'node:crypto';
import { canonicalJson, isProtegoError, messageOf } from '@protego/contracts';
import type { NoteSigner } from '@protego/enclave';
import { openCheckpoint, type Checkpoint } from '../tree/checkpoint';
import { parseVerifierKey, signNote, verifyNote } from '../tree/signed-note';
import { isListOfBackups, type RegisteredBackup } from './backup-registry';
import { MANIFESTS, OBJECTS, invalidBackup, onePiece, readSmall, type BackupTarget } from './backup-target';

/** Version of the backup layout that this code writes and reads. */
export const BACKUP_FORMAT = 1;

const MANIFEST_BYTES_MAX = 1 << 28;
const NOTE_BYTES_MAX = 1 << 16;
const HEAD = 'protego/backup/1';
const NOTE_NAME = /^manifests\/(\d{8}T\d{9}Z-\d{16})\.note$/;
const PATH =
  /^(?:log\.json|checkpoint|checkpoints\.jsonl|segments\/\d{16}\.seg|tile\/\d\/(?:x\d{3}\/)*\d{3}\.p\/\d{1,3})$/;
const SHA256 = /^[0-9a-f]{64}$/;

/** One file of the log. */
export interface BackupFile {
  /** Path below the log's directory, with slashes. */
  readonly path: string;
  readonly bytes: number;
  /** Hex; also the name of the object that holds the content. */
  readonly sha256: string;
}

/** Full tiles of one level end to end, 8,192 bytes each. */
export interface BackupTiles {
  readonly level: number;
  /** Number of the first tile. */
  readonly first: number;
  readonly count: number;
  /** As {@link BackupFile.sha256}. */
  readonly sha256: string;
}

/** What one backup consists of. */
export interface BackupManifest {
  readonly format: number;
  readonly origin: string;
  /** 32 hexadecimal digits. */
  readonly logId: string;
  readonly verifierKey: string;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Signed checkpoint up to which the backup goes. */
  readonly checkpoint: string;
  /** First seq that the log still held. */
  readonly firstSeq: number;
  readonly files: readonly BackupFile[];
  readonly tiles: readonly BackupTiles[];
  /** The targets that held backups of the log, this one included; missing in older manifests. */
  readonly backups?: readonly RegisteredBackup[];
}

/** A manifest whose signature was checked. */
export interface CheckedManifest extends BackupManifest {
  /** Name by which the backup is chosen: its time and its size. */
  readonly name: string;
  readonly tree: Checkpoint;
}

/** Names of the backups in a target, oldest first. */
export async function listBackups(target: BackupTarget): Promise<string[]> {
  const names = await target.list(MANIFESTS);
  return names
    .map((name) => NOTE_NAME.exec(name)?.[1])
    .filter((name) => name !== undefined)
    .sort();
}

/**
 * Reads the manifest of a backup and checks that the key of its log has signed it.
 *
 * @throws ProtegoError `BACKUP_INVALID`
 */
export async function readManifest(target: BackupTarget, name: string): Promise<CheckedManifest> {
  const note = await readSmall(target, `${MANIFESTS}${name}.note`, NOTE_BYTES_MAX);
  if (note === undefined) throw invalidBackup(target, `there is no backup \`${name}\``);
  const [head, digest = ''] = note.toString('utf8').split('\n');
  if (head !== HEAD || !SHA256.test(digest)) throw invalidBackup(target, `the note of \`${name}\` is damaged`);
  const content = await readSmall(target, OBJECTS + digest, MANIFEST_BYTES_MAX);
  if (content === undefined || createHash('sha256').update(content).digest('hex') !== digest) {
    throw invalidBackup(target, `the manifest of \`${name}\` is missing or damaged`);
  }
  try {
    const manifest = JSON.parse(content.toString('utf8')) as BackupManifest;
    const verifiers = [parseVerifierKey(manifest.verifierKey)];
    verifyNote(note, verifiers);
    checkManifest(manifest);
    return { ...manifest, name, tree: openCheckpoint(manifest.checkpoint, verifiers) };
  } catch (cause) {
    if (isProtegoError(cause) && cause.code === 'BACKUP_INVALID') throw cause;
    throw invalidBackup(target, `the manifest of \`${name}\` is not what was signed: ${messageOf(cause)}`);
  }
}

/** Stores a manifest and, when all else is stored, the signed note that makes it one. Returns its name. */
export async function writeManifest(
  target: BackupTarget,
  manifest: BackupManifest,
  size: number,
  signer: NoteSigner,
): Promise<string> {
  const content = Buffer.from(canonicalJson(manifest));
  const digest = createHash('sha256').update(content).digest('hex');
  const name = `${manifest.createdAt.replace(/[-:.]/g, '')}-${String(size).padStart(16, '0')}`;
  await target.write(OBJECTS + digest, onePiece(content));
  const note = await signNote(`${HEAD}\n${digest}\n`, manifest.origin, signer);
  await target.write(`${MANIFESTS}${name}.note`, onePiece(Buffer.from(note)));
  return name;
}

/** Digests of all objects that a backup needs, its manifest included. */
export async function digestsOf(target: BackupTarget, name: string): Promise<string[]> {
  const note = await readSmall(target, `${MANIFESTS}${name}.note`, NOTE_BYTES_MAX);
  const [, own = ''] = (note ?? Buffer.alloc(0)).toString('utf8').split('\n');
  const { files, tiles } = await readManifest(target, name);
  return [own, ...files.map(({ sha256 }) => sha256), ...tiles.map(({ sha256 }) => sha256)];
}

function checkManifest({ format, files, tiles, backups = [] }: BackupManifest): void {
  if (format !== BACKUP_FORMAT) throw new Error(`format ${String(format)} is unknown`);
  for (const { path, sha256, bytes } of files) {
    if (!PATH.test(path) || !SHA256.test(sha256) || !isCount(bytes)) throw new Error(`\`${path}\` is no file of a log`);
  }
  for (const { level, first, count, sha256 } of tiles) {
    const isSound = isCount(level) && level < 8 && isCount(first) && isCount(count) && SHA256.test(sha256);
    if (!isSound) throw new Error(`tiles of level ${level} are malformed`);
  }
  if (!isListOfBackups(backups)) throw new Error('the list of backups is malformed');
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
