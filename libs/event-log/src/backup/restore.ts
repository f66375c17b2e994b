import { createHash } from 'node:crypto';
import { mkdir, open, readFile, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ProtegoError, isProtegoError } from '@protego/contracts';
import {
  VAULT_INTENT_FILE,
  VAULT_MARK_FILE,
  isRootSealed,
  type HouseKeys,
  type HouseKeysOptions,
  type HouseOpener,
} from '@protego/enclave';
import { applyErasures } from '../erasure/erasure-events';
import { verifyReceipt } from '../evidence/bundle-check';
import { applyExpiries } from '../erasure/expiry';
import { nodeFileLayer, writeFileAtomically } from '../writer/file-layer';
import { writeFailure } from '../log-errors';
import { IDENTITY_FILE, identityIn, requireFittingKeys, type LogIdentity } from '../log-identity';
import { EventLogReader } from '../reader/reader';
import { SEGMENT_FOLDER } from '../segments/segment-format';
import { TILE_BYTES, TILE_FOLDER, tilePath } from '../tree/tile-path';
import { HISTORY_FILE, LATEST_FILE } from '../tree/checkpoint-files';
import { verifyLog, type VerifyOptions } from '../verify/verify';
import { BACKUPS_FILE, registerRestored } from './backup-registry';
import { readErasures } from './destroyed-keys';
import { KEY_FILES, ROOT_SECRET_FILE } from './backup-keys';
import { listBackups, readManifest, type BackupFile, type BackupTiles, type CheckedManifest } from './backup-manifest';
import { ERASURES_OBJECT, OBJECTS, invalidBackup, readSmall, type BackupTarget } from './backup-target';

const KEY_FILE_BYTES_MAX = 1 << 28;
/** Most bytes of a `log.json`. */
const IDENTITY_BYTES_MAX = 1 << 16;
/** What a restore that was cut off may leave in the directory. */
const LEFT_BEHIND: ReadonlySet<string> = new Set([
  ...[SEGMENT_FOLDER, TILE_FOLDER, HISTORY_FILE, LATEST_FILE, BACKUPS_FILE],
  ...[`${BACKUPS_FILE}.new`, `${IDENTITY_FILE}.new`],
]);
const KEYS_FOLDER = 'keys';

/** What is restored, and where to. */
export interface RestoreOptions {
  readonly target: BackupTarget;
  /** Directory of the new log; it must be empty or missing, but for `keys`. */
  readonly directory: string;
  /** Key directory of the log; when it exists it is used as it is, which is safest. Default `keys` in `directory`. */
  readonly keysDirectory?: string;
  /** File with the root secret, needed when the key directory has to be made again. */
  readonly rootSecretFile?: string;
  /** Opens the keys of the restored log. */
  readonly openHouse: HouseOpener;
  /** Which fields are personal, as for {@link HouseOpener}. */
  readonly fields?: HouseKeysOptions['fields'];
  /** Name of the backup; default the latest. */
  readonly backup?: string;
  /** Key of the log as its owner publishes it; without it the backup's own is compared with the root secret only. */
  readonly verifierKey?: string;
  /** A signed checkpoint that somebody has kept: the restored log must have its root at its size. */
  readonly checkpoint?: string;
  /** Receipts of erasures: the keys that they name are destroyed in the restored vault, whatever the target says. */
  readonly receipts?: readonly string[];
}

/** Proof that the restored log is the log that was backed up. */
export interface RestoreReport {
  /** Name of the backup. */
  readonly backup: string;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly origin: string;
  readonly logId: string;
  readonly verifierKey: string;
  /** Signed checkpoint of the backup; the restored records were re-hashed up to its root. */
  readonly checkpoint: string;
  readonly checkpointSize: number;
  /** Hex. */
  readonly checkpointRoot: string;
  /** First seq that the log holds. */
  readonly firstSeq: number;
  /** Records of the restored log: those of the checkpoint, and what stood with the last of them in one block. */
  readonly size: number;
  /** Root of all of them, hex. */
  readonly rootHash: string;
  readonly files: number;
  readonly bytes: number;
  /** Keys that were destroyed after the backup was made, and are destroyed in the restored vault again. */
  readonly keysDestroyed: number;
}

/**
 * Restores a log and proves that it is the same log: signatures, hashes of all files, and every record up to the root of
 * the backup's checkpoint. What was forgotten since the backup is forgotten again. `log.json` is written last of all: a
 * restore that was cut off leaves no log. On failure nothing is left behind but what was there before; of a key directory
 * that was there, what was forgotten since stays destroyed.
 *
 * @throws ProtegoError `RESTORE_TARGET_TAKEN`; `BACKUP_INVALID`; `LOG_KEY_MISSING` when there is no root secret, or that of
 *   another log; `LOG_FORKED`, `LOG_TRUNCATED` for the given checkpoint; `RECEIPT_INVALID`; errors of the disk
 */
export async function restoreLog(options: RestoreOptions): Promise<RestoreReport> {
  const { target, directory, keysDirectory = join(directory, KEYS_FOLDER) } = options;
  await refuseTaken(directory, keysDirectory);
  const manifest = await chosen(options);
  const keyIds = await forgottenKeys(options, manifest);
  const keptRoot = (await hasFile(keysDirectory, ROOT_SECRET_FILE)) || isRootSealed(keysDirectory);
  const made: string[] = [];
  try {
    await registerSource(target, manifest, directory, made);
    if (!keptRoot) await restoreKeys(options, keysDirectory, made);
    const { fields } = options;
    const house = await options.openHouse({ directory: keysDirectory, mode: 'write', ...(fields && { fields }) });
    try {
      return await restoreRecords(options, manifest, house, { keyIds, made });
    } finally {
      await house.close();
    }
  } catch (error) {
    for (const path of made.reverse()) await rm(path, { recursive: true, force: true });
    throw error;
  }
}

async function refuseTaken(directory: string, keysDirectory: string): Promise<void> {
  const names = (await namesIn(directory)).filter((name) => name !== KEYS_FOLDER);
  const keys = await namesIn(keysDirectory);
  const keyFiles = KEY_FILES.map(({ file }) => file).filter((file) => keys.includes(file));
  const isKept = keys.includes(ROOT_SECRET_FILE) || isRootSealed(keysDirectory);
  const keysLeft = isKept ? [] : keyFiles.map((file) => join(keysDirectory, file));
  if (!names.every((name) => LEFT_BEHIND.has(name))) {
    throw new ProtegoError('RESTORE_TARGET_TAKEN', `\`${directory}\` is not empty`, { directory });
  }
  const left = [...names.map((name) => join(directory, name)), ...keysLeft];
  if (left.length === 0) return;
  const list = left.map((path) => `\`${path}\``).join(', ');
  const message = `\`${directory}\` holds no log, but what a restore that was cut off leaves: if it is that, remove ${list}, and restore again with the same options`;
  throw new ProtegoError('RESTORE_TARGET_TAKEN', message, { directory, left });
}

/** Each target holds a copy of the vault: an erasure from the restored log must come to all. */
async function registerSource(
  { location }: BackupTarget,
  { createdAt: lastBackupAt, backups }: CheckedManifest,
  directory: string,
  made: string[],
): Promise<void> {
  await makeDirectory(directory, made);
  const path = join(directory, BACKUPS_FILE);
  made.push(`${path}.new`, path);
  await registerRestored(directory, { location, lastBackupAt }, backups);
}

/** All that makes a log of keys that are there. */
async function restoreRecords(
  options: RestoreOptions,
  manifest: CheckedManifest,
  house: HouseKeys,
  { keyIds, made }: { readonly keyIds: readonly string[]; readonly made: string[] },
): Promise<RestoreReport> {
  const { target, directory } = options;
  const path = join(directory, IDENTITY_FILE);
  const logJson = await identityOf(target, manifest);
  const identity = identityIn(logJson, path);
  requireFittingKeys(directory, identity, house.keys);
  const keysDestroyed = keyIds.length === 0 ? 0 : await house.vault.destroy(keyIds);
  const bytes = logJson.length + (await restoreFiles(target, manifest, directory, made));
  const report = await proven(options, manifest, house, { logJson, identity, keysDestroyed, bytes });
  made.push(`${path}.new`, path);
  await onDisk(path, () => writeFileAtomically(nodeFileLayer, path, logJson));
  return report;
}

async function chosen({ target, backup, verifierKey }: RestoreOptions): Promise<CheckedManifest> {
  const name = backup ?? (await listBackups(target)).at(-1);
  if (name === undefined) throw invalidBackup(target, 'it holds no backup');
  const manifest = await readManifest(target, name);
  if (verifierKey === undefined || verifierKey === manifest.verifierKey) return manifest;
  throw invalidBackup(target, `\`${name}\` is signed with another key than the given one`);
}

/** Keys that were destroyed since, as far as the target and the receipts know; the log itself names those before. */
async function forgottenKeys(
  { target, receipts = [] }: RestoreOptions,
  { verifierKey }: CheckedManifest,
): Promise<string[]> {
  const keyIds = await readErasures(target).catch((cause: unknown) => {
    if (!isProtegoError(cause) || cause.code !== 'BACKUP_INVALID') throw cause;
    const message = `${cause.message}: it says what was forgotten since. Back up again, which mends it; where the log is lost, remove \`${ERASURES_OBJECT}\` from the target and give the receipts of all erasures`;
    throw new ProtegoError('BACKUP_INVALID', message, cause.details, { cause });
  });
  for (const receipt of receipts) {
    for (const keyId of verifyReceipt(receipt, verifierKey)['keyIds'] as string[]) keyIds.add(keyId);
  }
  return [...keyIds];
}

async function restoreKeys(options: RestoreOptions, keysDirectory: string, made: string[]): Promise<void> {
  const { target, rootSecretFile } = options;
  if (rootSecretFile === undefined) {
    const message = `there is no \`${ROOT_SECRET_FILE}\` in \`${keysDirectory}\`, and none was given: no backup holds it`;
    throw new ProtegoError('LOG_KEY_MISSING', message, { keysDirectory });
  }
  const root = await readFile(rootSecretFile).catch((cause: unknown) => {
    const message = `cannot read \`${rootSecretFile}\``;
    throw new ProtegoError('LOG_KEY_MISSING', message, { path: rootSecretFile }, { cause });
  });
  try {
    await makeDirectory(keysDirectory, made);
    // Of the vault that was restored before, by what was cut off: they are none of this one's.
    for (const path of [VAULT_MARK_FILE, VAULT_INTENT_FILE].map((name) => join(keysDirectory, name))) {
      await onDisk(path, () => rm(path, { force: true }));
      made.push(path);
    }
    for (const { file, object } of KEY_FILES) {
      const content = await readSmall(target, object, KEY_FILE_BYTES_MAX);
      if (content !== undefined) await putFile(join(keysDirectory, file), [content], made);
    }
    // Last: with it the directory counts as one of keys.
    await putFile(join(keysDirectory, ROOT_SECRET_FILE), [root], made);
    await nodeFileLayer.syncDirectory(keysDirectory);
  } finally {
    root.fill(0);
  }
}

/** All files but the one that makes the directory a log. */
async function restoreFiles(
  target: BackupTarget,
  { files, tiles }: CheckedManifest,
  directory: string,
  made: string[],
): Promise<number> {
  made.push(...[SEGMENT_FOLDER, TILE_FOLDER].map((name) => join(directory, name)));
  let bytes = 0;
  for (const part of tiles) bytes += await restoreTiles(target, part, directory);
  for (const file of files.filter(({ path }) => path !== IDENTITY_FILE))
    bytes += await restoreFile(target, file, directory, made);
  await syncAll(directory, files);
  await nodeFileLayer.syncDirectory(directory);
  return bytes;
}

async function identityOf(target: BackupTarget, { files }: CheckedManifest): Promise<Buffer> {
  const file = files.find(({ path }) => path === IDENTITY_FILE);
  if (file === undefined || file.bytes > IDENTITY_BYTES_MAX)
    throw invalidBackup(target, `it has no \`${IDENTITY_FILE}\``);
  const pieces: Buffer[] = [];
  for await (const piece of checked(target, file.sha256, file.path)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function restoreFile(
  target: BackupTarget,
  { path, bytes, sha256 }: BackupFile,
  directory: string,
  made: string[],
): Promise<number> {
  const found = await putFile(join(directory, path), checked(target, sha256, path), made);
  if (found !== bytes) throw invalidBackup(target, `\`${path}\` has ${found} bytes, not ${bytes}`);
  return bytes;
}

async function restoreTiles(target: BackupTarget, tiles: BackupTiles, directory: string): Promise<number> {
  const { level, first, count, sha256 } = tiles;
  const pieces: Buffer[] = [];
  for await (const piece of checked(target, sha256, `tiles of level ${level}`)) pieces.push(piece);
  const content = Buffer.concat(pieces);
  if (content.length !== count * TILE_BYTES) throw invalidBackup(target, `tiles of level ${level} are not whole`);
  for (let i = 0; i < count; i++) {
    const path = join(directory, tilePath({ level, index: first + i }));
    // The next writer makes tiles durable: what an outage takes of them now can be restored again.
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await onDisk(path, async () => {
      const file = await open(path, 'wx', 0o600);
      await file.writeFile(content.subarray(i * TILE_BYTES, (i + 1) * TILE_BYTES)).finally(() => file.close());
    });
  }
  return content.length;
}

/** Content of an object, which must have the hash that names it. */
async function* checked(target: BackupTarget, sha256: string, what: string): AsyncGenerator<Buffer> {
  const content = await target.read(OBJECTS + sha256);
  if (content === undefined) throw invalidBackup(target, `\`${what}\` is missing`);
  const hash = createHash('sha256');
  for await (const piece of content) {
    hash.update(piece);
    yield piece;
  }
  if (hash.digest('hex') !== sha256) throw invalidBackup(target, `\`${what}\` was altered`);
}

async function putFile(
  path: string,
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
  made: string[],
): Promise<number> {
  return onDisk(path, async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, 'wx', 0o600);
    made.push(path);
    let bytes = 0;
    try {
      for await (const piece of content) {
        await file.writeFile(piece);
        bytes += piece.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    return bytes;
  });
}

async function syncAll(directory: string, files: readonly BackupFile[]): Promise<void> {
  const folders = new Set(files.map(({ path }) => dirname(join(directory, path))));
  for (const folder of folders) await nodeFileLayer.syncDirectory(folder);
}

interface RestoredParts {
  /** Content of `log.json`, which is not in its place yet. */
  readonly logJson: Buffer;
  readonly identity: LogIdentity;
  /** Of those that the target and the receipts name. */
  readonly keysDestroyed: number;
  readonly bytes: number;
}

async function proven(
  { directory, checkpoint }: RestoreOptions,
  manifest: CheckedManifest,
  { keys, vault }: HouseKeys,
  { logJson, identity, keysDestroyed, bytes }: RestoredParts,
): Promise<RestoreReport> {
  const against = [manifest.checkpoint, ...(checkpoint === undefined ? [] : [checkpoint])];
  const { size, rootHash } = verifyRestored({ directory, keys, against, logJson }, manifest);
  const reader = await EventLogReader.open({ directory, keys, identity });
  const erased = await applyErasures({ reader, vault });
  await applyExpiries({ directory, reader });
  const { origin, logId, verifierKey, createdAt, tree, name, firstSeq, files } = manifest;
  return {
    ...{ backup: name, createdAt, origin, logId, verifierKey, checkpoint: manifest.checkpoint },
    ...{ checkpointSize: tree.size, checkpointRoot: tree.root.toString('hex'), firstSeq, size, rootHash },
    ...{ files: files.length, bytes, keysDestroyed: keysDestroyed + erased.keysDestroyed },
  };
}

function verifyRestored(
  options: VerifyOptions & { readonly against: readonly string[] },
  { name }: CheckedManifest,
): { size: number; rootHash: string } {
  const report = verifyLog(options);
  const [problem] = report.problems;
  if (problem === undefined) return report;
  const isBrought = problem.code === 'LOG_FORKED' || problem.code === 'LOG_TRUNCATED';
  // Beside that of the backup there is one that was given.
  const code = isBrought && options.against.length > 1 ? problem.code : 'BACKUP_INVALID';
  const message = `the log restored from \`${name}\` is not the one that was backed up: ${problem.message}`;
  throw new ProtegoError(code, message, { ...problem });
}

async function makeDirectory(directory: string, made: string[]): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (first !== undefined) made.push(first);
}

async function hasFile(directory: string, name: string): Promise<boolean> {
  return (await namesIn(directory)).includes(name);
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    throw cause;
  });
}

async function onDisk<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    throw writeFailure(`write \`${path}\``, cause, { path });
  }
}
