import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm, stat, type FileHandle } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { nodeFileLayer } from '../writer/file-layer';
import { writeFailure } from '../log-errors';
import { invalidBackup, onePiece, type BackupTarget } from './backup-target';

const NAME = /^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/;
const PART_SUFFIX = '.part';

const LOCATION = 'directory:';

/**
 * The directory at a location that {@link DirectoryTarget.location} gave.
 *
 * @throws ProtegoError `USAGE_INVALID` for a location of another kind
 */
export function openDirectoryTarget(location: string): Promise<BackupTarget> {
  if (location.startsWith(LOCATION)) return Promise.resolve(new DirectoryTarget(location.slice(LOCATION.length)));
  return Promise.reject(new ProtegoError('USAGE_INVALID', `\`${location}\` is no directory: it cannot be reached`));
}

/** Keeps backups in a directory, which is made when it is missing; only its owner may enter it. */
export class DirectoryTarget implements BackupTarget {
  readonly location: string;
  private readonly root: string;

  constructor(directory: string) {
    this.root = resolve(directory);
    this.location = LOCATION + this.root;
  }

  async list(prefix: string): Promise<string[]> {
    const from = join(this.root, dirname(`${prefix}.`));
    const entries = await readdir(from, { recursive: true, withFileTypes: true }).catch(ignoreMissing);
    return (entries ?? [])
      .filter((entry) => entry.isFile() && !entry.name.endsWith(PART_SUFFIX))
      .map((entry) => relative(this.root, join(entry.parentPath, entry.name)))
      .filter((name) => name.startsWith(prefix));
  }

  async read(name: string): Promise<AsyncIterable<Buffer> | undefined> {
    const path = this.pathOf(name);
    const found = await stat(path).catch(ignoreMissing);
    return found?.isFile() === true ? createReadStream(path, { highWaterMark: 1 << 20 }) : undefined;
  }

  async write(name: string, content: AsyncIterable<Buffer>): Promise<void> {
    const path = this.pathOf(name);
    const part = `${path}${PART_SUFFIX}`;
    await this.onDisk(path, async () => {
      await nodeFileLayer.makeDirectory(dirname(path));
      // What has this name can only be the leaving of a backup that was cut off.
      await rm(part, { force: true });
      await fill(await open(part, 'wx', 0o600), content);
      await rename(part, path);
      await nodeFileLayer.syncDirectory(dirname(path));
    });
  }

  /** In place: the bytes are written over, as far as the file system does so. */
  async overwrite(name: string, content: Buffer): Promise<void> {
    const path = this.pathOf(name);
    const existing = await stat(path).catch(ignoreMissing);
    if (existing === undefined) {
      await this.write(name, onePiece(content));
      return;
    }
    await this.onDisk(path, async () => {
      const file = await open(path, 'r+');
      // A shorter content must not leave the end of the longer one readable.
      const whole = Buffer.concat([content, Buffer.alloc(Math.max(0, existing.size - content.length))]);
      try {
        await writeWhole(file, whole);
        await file.sync();
        await file.truncate(content.length);
        await file.sync();
      } finally {
        await file.close();
      }
    });
  }

  async remove(name: string): Promise<void> {
    await this.onDisk(name, () => rm(this.pathOf(name), { force: true }));
  }

  async close(): Promise<void> {
    // Nothing is held open between calls.
  }

  private pathOf(name: string): string {
    if (!NAME.test(name)) throw invalidBackup(this, `\`${name}\` is no name of an object`);
    return join(this.root, name);
  }

  private async onDisk<T>(path: string, operation: () => Promise<T>): Promise<T> {
    try {
      return await operation();
    } catch (cause) {
      throw writeFailure(`write \`${path}\``, cause, { path });
    }
  }
}

async function fill(file: FileHandle, content: AsyncIterable<Buffer>): Promise<void> {
  try {
    for await (const piece of content) await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeWhole(file: FileHandle, content: Buffer): Promise<void> {
  for (let at = 0; at < content.length;) at += (await file.write(content, at, content.length - at, at)).bytesWritten;
}

function ignoreMissing(cause: NodeJS.ErrnoException): undefined {
  if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined;
  throw cause;
}
