import { open, type FileHandle } from 'node:fs/promises';
import { createGunzip, type Gunzip } from 'node:zlib';
import { ProtegoError, messageOf } from '@protego/contracts';

/** Most bytes of one chunk. */
export const CHUNK_BYTES_MAX = 131_072;
const READ_BYTES_MAX = 65_536;
// DEFLATE can expand a thousandfold and the whole expansion of one write is held, so a write is kept small.
const PACKED_BYTES_MAX = 4096;

/**
 * The bytes of a file in chunks of at most {@link CHUNK_BYTES_MAX}; gzip (RFC 1952, several members too) is told by
 * its magic bytes, not by its name, and is unpacked. All that can be unpacked is yielded before damage is reported.
 *
 * @throws ProtegoError `SOURCE_FILE_UNREADABLE` when the file cannot be opened; `SOURCE_FILE_DAMAGED` when reading
 *   fails half-way, the gzip stream is damaged or cut short, or other bytes follow it.
 */
export async function* readChunks(path: string): AsyncGenerator<Buffer> {
  const file = await openFile(path);
  try {
    const head = await readNext(file, path);
    const isGzip = head[0] === 0x1f && head[1] === 0x8b;
    yield* isGzip ? readGzip(file, path, head) : readPlain(file, path, head);
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    const file = await open(path, 'r');
    if (!(await file.stat()).isDirectory()) return file;
    await file.close();
  } catch (error) {
    throw new ProtegoError('SOURCE_FILE_UNREADABLE', `\`${path}\` cannot be opened: ${messageOf(error)}`, { path });
  }
  throw new ProtegoError('SOURCE_FILE_UNREADABLE', `\`${path}\` is a directory`, { path });
}

// Read without a position, so that a pipe can be read too.
async function readNext(file: FileHandle, path: string): Promise<Buffer> {
  const chunk = Buffer.allocUnsafeSlow(READ_BYTES_MAX);
  try {
    const { bytesRead } = await file.read(chunk, 0, READ_BYTES_MAX, null);
    return chunk.subarray(0, bytesRead);
  } catch (error) {
    throw damaged(path, `cannot be read on: ${messageOf(error)}`);
  }
}

async function* readPlain(file: FileHandle, path: string, head: Buffer): AsyncGenerator<Buffer> {
  for (let chunk = head; chunk.length > 0; chunk = await readNext(file, path)) yield chunk;
}

async function* readGzip(file: FileHandle, path: string, head: Buffer): AsyncGenerator<Buffer> {
  const pump = new GunzipPump();
  const pieces = packedPieces(file, path, head);
  let fedBytes = 0;
  let pieceBytes = 0;
  const unpackNext = async (): Promise<Buffer[]> => {
    const { done, value } = await pieces.next();
    pieceBytes = done ? 0 : value.length;
    fedBytes += pieceBytes;
    return done ? pump.end() : pump.feed(value);
  };
  try {
    // The next piece is unpacked on another thread while the consumer works on this one.
    for (let pending = ahead(unpackNext()), isLast = false; !isLast;) {
      const chunks = await pending;
      isLast = pump.isOver;
      if (!isLast) pending = ahead(unpackNext());
      yield* chunks;
    }
    if (pump.error !== undefined && pieceBytes > 0) yield* salvage(path, fedBytes - pieceBytes);
    if (pump.error !== undefined) throw damaged(path, `is not whole gzip: ${pump.error.message}`);
    if (fedBytes > pump.bytesTaken) throw damaged(path, 'has bytes behind its gzip stream that were not read');
  } finally {
    pump.close();
  }
}

/**
 * What the piece at a position unpacks to before it fails. zlib gives nothing of a write that ends in an error, so the
 * stream is unpacked anew and that piece is written byte by byte. A pipe cannot be read twice and gives nothing.
 */
async function* salvage(path: string, pieceAt: number): AsyncGenerator<Buffer> {
  const file = await openFile(path);
  const pump = new GunzipPump();
  try {
    if (!(await file.stat()).isFile()) return;
    let position = 0;
    for await (const piece of packedPieces(file, path, await readNext(file, path))) {
      const isGood = position + piece.length <= pieceAt;
      if (isGood) await pump.feed(piece);
      for (let at = 0; !isGood && at < piece.length && !pump.isOver; at++) {
        const unpacked = await pump.feed(piece.subarray(at, at + 1));
        if (position + at >= pieceAt) yield* unpacked;
      }
      if (!isGood) return;
      position += piece.length;
    }
  } finally {
    pump.close();
    await file.close();
  }
}

async function* packedPieces(file: FileHandle, path: string, head: Buffer): AsyncGenerator<Buffer, undefined> {
  for await (const chunk of readPlain(file, path, head))
    for (let at = 0; at < chunk.length; at += PACKED_BYTES_MAX) yield chunk.subarray(at, at + PACKED_BYTES_MAX);
  return undefined;
}

/** A promise that may be left behind: a consumer that stops early never learns how reading ahead went. */
function ahead<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/**
 * Unpacks step by step. Neither `pipeline` nor async iteration will do: both discard what was unpacked but not yet
 * consumed when an error comes, and those are the last good lines of a damaged file.
 */
class GunzipPump {
  /** True once the stream has ended or failed; nothing more comes. */
  isOver = false;
  error: Error | undefined;
  readonly #gunzip: Gunzip = createGunzip({ chunkSize: CHUNK_BYTES_MAX });
  #unpacked: Buffer[] = [];
  #settle: () => void = () => undefined;

  constructor() {
    this.#gunzip.on('data', (chunk: Buffer) => this.#unpacked.push(chunk));
    this.#gunzip.on('end', () => this.#finish(undefined));
    this.#gunzip.on('error', (error) => this.#finish(error));
  }

  get bytesTaken(): number {
    return this.#gunzip.bytesWritten;
  }

  /** What the bytes unpack to. */
  feed(bytes: Buffer): Promise<Buffer[]> {
    return this.#settled((done) => this.#gunzip.write(bytes, done));
  }

  /** What is left at the end of the file. */
  end(): Promise<Buffer[]> {
    return this.#settled(() => this.#gunzip.end());
  }

  async #settled(act: (done: () => void) => void): Promise<Buffer[]> {
    await new Promise<void>((resolve) => {
      this.#settle = resolve;
      act(() => resolve());
    });
    const unpacked = this.#unpacked;
    this.#unpacked = [];
    return unpacked;
  }

  close(): void {
    this.#gunzip.destroy();
  }

  #finish(error: Error | undefined): void {
    this.isOver = true;
    this.error ??= error;
    this.#settle();
  }
}

function damaged(path: string, problem: string): ProtegoError {
  return new ProtegoError('SOURCE_FILE_DAMAGED', `\`${path}\` ${problem}`, { path });
}
