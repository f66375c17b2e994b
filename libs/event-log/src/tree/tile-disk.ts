import { readFileSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { nodeFileLayer, writeAll, type LogFileLayer } from '../writer/file-layer';

/** A file of tile hashes that is to be put in place. */
export interface TileFile {
  /** Absolute path; its directory exists. */
  readonly path: string;
  readonly content: Buffer;
}

/** What the tile writer does to many small files at a time. */
export interface TileDisk {
  /**
   * Names the running system: what was written under the same name is still in its cache, if not on the disk. Undefined
   * where nobody can tell.
   */
  readonly bootId: string | undefined;
  /** Writes the files, over what stands there; they need not be durable. */
  write(files: readonly TileFile[]): Promise<void>;
  /** Makes the content of the files durable. */
  sync(paths: readonly string[]): Promise<void>;
  /** Removes a directory if it is empty and can be removed. */
  removeDirectory(path: string): Promise<void>;
  /** Ends what runs in the background. */
  close(): Promise<void>;
}

/** The disk under a file layer: in a thread of its own under the operating system's, file by file under any other. */
export function tileDiskOf(layer: LogFileLayer): TileDisk {
  return layer === nodeFileLayer ? new ThreadedTileDisk() : new LayeredTileDisk(layer);
}

/** Goes through the file layer step by step, so that a test sees each. */
export class LayeredTileDisk implements TileDisk {
  readonly bootId = undefined;

  constructor(private readonly layer: LogFileLayer) {}

  async write(files: readonly TileFile[]): Promise<void> {
    for (const { path, content } of files) {
      // In one step, so that whoever reads the tiles meanwhile finds the old file or the new one.
      const temporary = `${path}.new`;
      await removeIfThere(this.layer, temporary);
      const file = await this.layer.open(temporary, 'create');
      try {
        await writeAll(file, [content], 0);
      } finally {
        await file.close();
      }
      await this.layer.rename(temporary, path);
    }
  }

  async sync(paths: readonly string[]): Promise<void> {
    for (const path of paths) {
      const file = await this.layer.open(path, 'change');
      try {
        await file.fdatasync();
      } finally {
        await file.close();
      }
    }
  }

  async removeDirectory(): Promise<void> {}

  async close(): Promise<void> {}
}

/** Below so many files a thread is not worth starting. */
const FILES_FOR_THREAD = 8;
/**
 * The same for writing. Starting a thread takes tens of milliseconds of a processor, which is felt by whoever appends:
 * only a log that is filled so fast that tiles come in such numbers makes up for that.
 */
const WRITES_FOR_THREAD = 96;

/**
 * Creating a file takes three calls. In a thread of their own they cost the event loop nothing but one message for many
 * files, where each call through the thread pool costs it tens of microseconds.
 */
const THREAD_SOURCE = `
const { parentPort } = require('node:worker_threads');
const fs = require('node:fs');
function write({ path, bytes }, content, at) {
  const fd = fs.openSync(path, 'w', 0o600);
  try {
    for (let done = 0; done < bytes; ) done += fs.writeSync(fd, content, at + done, bytes - done, done);
  } finally {
    fs.closeSync(fd);
  }
}
function sync(path) {
  const fd = fs.openSync(path, 'r+');
  try {
    fs.fdatasyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}
parentPort.on('message', ({ files, content, paths }) => {
  let failure;
  try {
    let at = 0;
    for (const file of files ?? []) {
      write(file, content, at);
      at += file.bytes;
    }
    for (const path of paths ?? []) sync(path);
  } catch (error) {
    failure = { message: error.message, code: error.code };
  }
  parentPort.postMessage(failure);
});
`;

interface ThreadTask {
  readonly files?: readonly { path: string; bytes: number }[];
  readonly content?: Uint8Array;
  readonly paths?: readonly string[];
}

/** Writes and syncs in one thread each, which start when there is much to do. */
class ThreadedTileDisk implements TileDisk {
  readonly bootId = bootIdOfSystem();
  private readonly few = new LayeredTileDisk(nodeFileLayer);
  private readonly writing = new TaskThread();
  private readonly syncing = new TaskThread();

  async write(files: readonly TileFile[]): Promise<void> {
    const filesMin = this.writing.isStarted ? FILES_FOR_THREAD : WRITES_FOR_THREAD;
    if (files.length < filesMin) return this.few.write(files);
    const content = Buffer.concat(files.map((file) => file.content));
    const names = files.map((file) => ({ path: file.path, bytes: file.content.length }));
    return this.writing.run({ files: names, content }, content);
  }

  async sync(paths: readonly string[]): Promise<void> {
    if (paths.length < FILES_FOR_THREAD) return this.few.sync(paths);
    return this.syncing.run({ paths });
  }

  async removeDirectory(path: string): Promise<void> {
    await rmdir(path).catch((cause: unknown) => {
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(codeOf(cause))) throw cause;
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.writing.close(), this.syncing.close()]);
  }
}

/** A thread that takes one task at a time and does not keep the process alive between tasks. */
class TaskThread {
  private worker: Worker | undefined;

  get isStarted(): boolean {
    return this.worker !== undefined;
  }

  async run(task: ThreadTask, moved?: Buffer): Promise<void> {
    const worker = (this.worker ??= new Worker(THREAD_SOURCE, { eval: true, name: 'log-tiles' }));
    // A pooled buffer shares its memory with others and cannot be moved.
    const isAlone = moved !== undefined && moved.byteLength === moved.buffer.byteLength;
    worker.ref();
    try {
      await new Promise<void>((resolve, reject) => {
        const settle = (failure?: { message: string; code?: string } | Error): void => {
          // Not all listeners at once: the worker's own would go too, and no message would come any more.
          for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
          if (failure === undefined) resolve();
          else reject(failure instanceof Error ? failure : Object.assign(new Error(failure.message), failure));
        };
        worker.once('message', settle);
        worker.once('error', settle);
        worker.once('exit', () => {
          this.worker = undefined;
          settle(new Error('the thread that writes tiles ended'));
        });
        worker.postMessage(task, isAlone ? [moved.buffer as ArrayBuffer] : []);
      });
    } finally {
      worker.unref();
    }
  }

  async close(): Promise<void> {
    await this.worker?.terminate();
    this.worker = undefined;
  }
}

/** Removes a file that may be missing. */
export async function removeIfThere(layer: LogFileLayer, path: string): Promise<void> {
  await layer.remove(path).catch((cause: unknown) => {
    if (codeOf(cause) !== 'ENOENT') throw cause;
  });
}

/** What was thrown, as an error. */
export function errorOf(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function codeOf(cause: unknown): string {
  return (cause as NodeJS.ErrnoException).code ?? '';
}

function bootIdOfSystem(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return undefined;
  }
}
