import { constants } from 'node:fs';
import { mkdir, open, rename, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

/** A file that the writer changes. */
export interface LogFile {
  /** Writes the buffers end to end from `position`; returns the bytes written, which may be fewer. */
  writev(buffers: readonly Buffer[], position: number): Promise<number>;
  /** Makes the content and the size durable. */
  fdatasync(): Promise<void>;
  /** Writes all bytes of the buffers end to end from `position`, and makes them durable. */
  writeDurably(buffers: readonly Buffer[], position: number): Promise<void>;
  /** Makes content and all metadata durable. */
  fsync(): Promise<void>;
  /** Cuts the file to `bytes` bytes. */
  truncate(bytes: number): Promise<void>;
  /** Closes the file. */
  close(): Promise<void>;
}

/** All that the log's writer does to a disk, so that a test can hold back or fail each step. */
export interface LogFileLayer {
  /** Opens a file for writing: `create` fails when it exists, `change` when it does not. */
  open(path: string, mode: 'create' | 'change'): Promise<LogFile>;
  /** Creates a directory and those above it; those that exist are left alone. */
  makeDirectory(path: string): Promise<void>;
  /** Makes the entries of a directory durable. */
  syncDirectory(path: string): Promise<void>;
  /** Puts one file in the place of another in one step. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file. */
  remove(path: string): Promise<void>;
}

/** For a file of which every write is durable when it returns. */
const SYNCED_FLAGS = constants.O_WRONLY | constants.O_DSYNC;

/** The operating system's files. */
export const nodeFileLayer: LogFileLayer = {
  async open(path, mode) {
    const handle = await open(path, mode === 'create' ? 'wx' : 'r+', 0o600);
    let synced: FileHandle | undefined;
    return {
      writev: async (buffers, position) => (await handle.writev(buffers, position)).bytesWritten,
      fdatasync: () => handle.datasync(),
      async writeDurably(buffers, position) {
        // One way to the thread pool and back in place of two: on a busy machine each may wait for a processor.
        const target = (synced ??= await open(path, SYNCED_FLAGS));
        await writeAll({ writev: async (rest, at) => (await target.writev(rest, at)).bytesWritten }, buffers, position);
      },
      fsync: () => handle.sync(),
      truncate: (bytes) => handle.truncate(bytes),
      close: () => Promise.all([handle.close(), synced?.close()]).then(() => undefined),
    };
  },
  async makeDirectory(path) {
    // Of a relative path there is nothing above its first part.
    const whole = resolve(path);
    const first = await mkdir(whole, { recursive: true, mode: 0o700 });
    if (first === undefined) return;
    // Every directory that was created has its entry in the one above it.
    for (let at = whole; at.length >= first.length; at = dirname(at)) await nodeFileLayer.syncDirectory(dirname(at));
  },
  async syncDirectory(path) {
    const handle = await open(path, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  rename,
  remove: unlink,
};

/** Writes all bytes of the buffers, however many calls it takes. */
export async function writeAll(
  file: Pick<LogFile, 'writev'>,
  buffers: readonly Buffer[],
  position: number,
): Promise<number> {
  let rest = [...buffers];
  let at = position;
  while (rest.length > 0) {
    const written = await file.writev(rest, at);
    if (written <= 0) throw new Error('the disk took no bytes');
    at += written;
    rest = withoutFirst(rest, written);
  }
  return at - position;
}

/** {@link LogFile.writeDurably} by two of a file's other calls. */
export async function writeThenSync(
  file: Pick<LogFile, 'writev' | 'fdatasync'>,
  buffers: readonly Buffer[],
  position: number,
): Promise<void> {
  await writeAll(file, buffers, position);
  await file.fdatasync();
}

/** Puts a whole file in place: after a crash there is the old file or the new one, never a part. */
export async function writeFileAtomically(layer: LogFileLayer, path: string, content: Buffer): Promise<void> {
  const temporary = `${path}.new`;
  // A temporary file can only be the leaving of a crash: the caller holds the lock.
  await layer.remove(temporary).catch((cause: unknown) => {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
  });
  const file = await layer.open(temporary, 'create');
  try {
    await writeAll(file, [content], 0);
    await file.fsync();
  } finally {
    await file.close();
  }
  await layer.rename(temporary, path);
  await layer.syncDirectory(dirname(path));
}

function withoutFirst(buffers: readonly Buffer[], bytes: number): Buffer[] {
  let toDrop = bytes;
  const rest: Buffer[] = [];
  for (const buffer of buffers) {
    if (toDrop >= buffer.length) toDrop -= buffer.length;
    else {
      rest.push(buffer.subarray(toDrop));
      toDrop = 0;
    }
  }
  return rest;
}
