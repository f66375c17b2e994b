import { randomBytes } from 'node:crypto';
import { constants, fstatSync, readSync, statSync, type Stats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

const BYTES_PER_WRITE = 1024 * 1024;

/** Writes all of the bytes. */
export async function writeAll(handle: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, position + at);
    if (bytesWritten <= 0) throw new Error('the disk took no bytes');
    at += bytesWritten;
  }
}

/**
 * Overwrites a file, durably: with random bytes instead of zeros, which some file systems would not write. What a symbolic link
 * leads to is never overwritten.
 *
 * @param check is shown the file before a byte of it is written, and throws where it must stay
 */
export async function overwriteFile(path: string, check: (file: Stats) => void = () => undefined): Promise<void> {
  const handle = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    const file = await handle.stat();
    check(file);
    for (let at = 0; at < file.size; at += BYTES_PER_WRITE)
      await writeAll(handle, randomBytes(Math.min(BYTES_PER_WRITE, file.size - at)), at);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Reads bytes that are there; fewer than asked for only at the end of the file. */
export function readAll(descriptor: number, position: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let at = 0;
  while (at < bytes) {
    const read = readSync(descriptor, buffer, at, bytes - at, position + at);
    if (read === 0) break;
    at += read;
  }
  return buffer.subarray(0, at);
}

/** Whether a path leads to another file than the one that is open; false where it leads to none. */
export function isOtherFile(path: string, descriptor: number): boolean {
  const inPlace = statSync(path, { throwIfNoEntry: false });
  return inPlace !== undefined && !isSameFile(inPlace, fstatSync(descriptor));
}

/** Whether both are of one file, whatever its names. */
export function isSameFile(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev;
}
