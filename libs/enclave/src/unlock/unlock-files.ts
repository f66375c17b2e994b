import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ProtegoError, messageOf } from '@protego/contracts';
import { GuardedBytes } from '../memory/guarded-memory';
import {
  KEY_FILE_BYTES_MAX,
  KEY_FILE_BYTES_MIN,
  PASSPHRASE_BYTES_MAX,
  secretBytes,
  type UnlockSecret,
} from './unlock-secret';

/** Where a secret lies that unlocks a site. */
export interface UnlockFile {
  readonly kind: UnlockSecret['kind'];
  /** For its owner only; a FIFO is read once, as far as its writer goes. */
  readonly path: string;
}

const OTHERS_MAY = 0o077;
const LINE_FEED = 0x0a;
const FIFO_POLL_MS = 20;
/** Guarded memory comes in multiples of so many bytes. */
const GUARDED_STEP = 16;
const BYTES_MAX = { 'key-file': KEY_FILE_BYTES_MAX, passphrase: PASSPHRASE_BYTES_MAX };

/** Unlock secrets in guarded memory. Who has read them frees them. */
export class HeldSecrets {
  readonly #memory: GuardedBytes[] = [];
  readonly #secrets: UnlockSecret[] = [];
  readonly #origins: { readonly file: UnlockFile; readonly isFifo: boolean }[] = [];

  /** In the order of their files. */
  get secrets(): readonly UnlockSecret[] {
    return this.#secrets;
  }

  /**
   * Reads the secrets of a site, each from its file. One line feed at the end of a passphrase is left out.
   *
   * @throws ProtegoError `ENCLAVE_UNLOCK_INVALID` for a file that cannot be read, is no file, or has too many or too few bytes;
   *   `LOG_KEYS_DAMAGED` when others can read it
   */
  static async read(files: readonly UnlockFile[]): Promise<HeldSecrets> {
    const held = new HeldSecrets();
    try {
      for (const file of files) await held.#read(file);
      return held;
    } catch (error) {
      held.free();
      throw error;
    }
  }

  /**
   * The secrets as they lie in their files by now; one from a FIFO, which gives it but once, is copied.
   *
   * @throws ProtegoError as {@link read}
   */
  async readAgain(): Promise<HeldSecrets> {
    const held = new HeldSecrets();
    try {
      for (const [i, { file, isFifo }] of this.#origins.entries()) {
        const before = isFifo ? this.#secrets[i] : undefined;
        await held.#read(file, before === undefined ? undefined : secretBytes(before));
      }
      return held;
    } catch (error) {
      held.free();
      throw error;
    }
  }

  /** Wipes the secrets. */
  free(): void {
    for (const memory of this.#memory.splice(0)) memory.free();
    this.#secrets.length = 0;
    this.#origins.length = 0;
  }

  async #read(file: UnlockFile, copied?: Buffer): Promise<void> {
    const { kind, path } = file;
    const bytesMax = BYTES_MAX[kind];
    // Room for one byte too many and for a line feed.
    const memory = GuardedBytes.allocate(bytesMax + GUARDED_STEP);
    this.#memory.push(memory);
    const { bytes, isFifo } =
      copied === undefined ? await readInto(memory.bytes, path) : { bytes: copied.copy(memory.bytes), isFifo: true };
    this.#origins.push({ file, isFifo });
    const read = memory.bytes.subarray(0, bytes);
    if (kind === 'key-file') {
      if (read.length < KEY_FILE_BYTES_MIN || read.length > bytesMax) throw invalid(`\`${path}\` is no key file`);
      this.#secrets.push({ kind, content: read });
      return;
    }
    // One that was copied has lost its line feed before.
    const passphrase = copied === undefined && read.at(-1) === LINE_FEED ? read.subarray(0, -1) : read;
    if (passphrase.length === 0 || passphrase.length > bytesMax)
      throw invalid(`\`${path}\` holds no passphrase of 1 to ${bytesMax} bytes`);
    this.#secrets.push({ kind, passphrase });
  }
}

/** Fills memory with what a file or FIFO holds, as far as there is room. */
async function readInto(target: Buffer, path: string): Promise<{ bytes: number; isFifo: boolean }> {
  let handle: FileHandle | undefined;
  try {
    // Waiting for the writer of a FIFO within `open` or `read` would keep the process from ending.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const isFifo = await isFifoOrFile(handle, path);
    let total = 0;
    while (total < target.length) {
      const bytesRead = await readSome(handle, target, total);
      // The end of a FIFO is where its writer closes it; before there is one it looks the same.
      if (bytesRead === 0 && (!isFifo || total > 0)) break;
      if (bytesRead === undefined || bytesRead === 0) await delay(FIFO_POLL_MS);
      total += bytesRead ?? 0;
    }
    return { bytes: total, isFifo };
  } catch (cause) {
    if (cause instanceof ProtegoError) throw cause;
    throw invalid(`the unlock secret \`${path}\` cannot be read: ${messageOf(cause)}`, cause);
  } finally {
    await handle?.close();
  }
}

/** Number of bytes; undefined when the writer of a FIFO has not written yet. */
async function readSome(handle: FileHandle, target: Buffer, at: number): Promise<number | undefined> {
  try {
    return (await handle.read(target, at, target.length - at, null)).bytesRead;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined;
    throw error;
  }
}

/** Whether it is a FIFO; else it is a file. */
async function isFifoOrFile(handle: FileHandle, path: string): Promise<boolean> {
  const stat = await handle.stat();
  if (!stat.isFile() && !stat.isFIFO()) throw invalid(`\`${path}\` is neither a file nor a FIFO`);
  if ((stat.mode & OTHERS_MAY) === 0) return stat.isFIFO();
  const message = `\`${path}\` can be read or changed by other users: run \`chmod 600 ${path}\`, and change the secret`;
  throw new ProtegoError('LOG_KEYS_DAMAGED', message, { path, mode: (stat.mode & 0o777).toString(8) });
}

function invalid(problem: string, cause?: unknown): ProtegoError {
  return new ProtegoError('ENCLAVE_UNLOCK_INVALID', problem, {}, { cause });
}
