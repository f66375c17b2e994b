import { closeSync, constants, fstatSync, openSync, readSync, readdirSync, statSync, type Stats } from 'node:fs';

/** Codes that say that nothing, or nothing that can be a file of a log, has this name. */
const MISSING: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR']);
const ODD: ReadonlySet<string> = new Set(['EISDIR', 'ELOOP', 'ENAMETOOLONG', 'ENXIO', 'ENODEV']);
/** Most bytes that are read of a small file: more than any tile or checkpoint has. */
const SMALL_FILE_BYTES = 1 << 16;

/** What has the name of a file: an open file, nothing, or something else, like a directory or a pipe. */
export type FileThere =
  | { readonly kind: 'file'; readonly descriptor: number; readonly bytes: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'odd' };

/** Opens what is there for reading if it is a regular file. Never waits, as a pipe without a writer would make it. */
export function openIfFile(path: string): FileThere {
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (cause) {
    if (isAmong(MISSING, cause)) return { kind: 'none' };
    if (isAmong(ODD, cause)) return { kind: 'odd' };
    throw cause;
  }
  const stat = fstatSync(descriptor);
  if (stat.isFile()) return { kind: 'file', descriptor, bytes: stat.size };
  closeSync(descriptor);
  return { kind: 'odd' };
}

/**
 * Content of a small file; undefined where there is none, `odd` where something stands that is no regular file. Of a file
 * with more than `bytesMax` bytes the first `bytesMax + 1` are given: it has the wrong length for whoever reads it.
 */
export function readSmallFile(path: string, bytesMax = SMALL_FILE_BYTES): Buffer | 'odd' | undefined {
  const there = openIfFile(path);
  if (there.kind !== 'file') return there.kind === 'odd' ? 'odd' : undefined;
  try {
    const content = Buffer.allocUnsafeSlow(Math.min(there.bytes, bytesMax + 1));
    return content.subarray(0, readFully(there.descriptor, content, 0));
  } finally {
    closeSync(there.descriptor);
  }
}

/** As {@link readSmallFile}; undefined also where something stands that is no regular file. */
export function readIfThere(path: string): Buffer | undefined {
  const content = readSmallFile(path);
  return content === 'odd' ? undefined : content;
}

/** Fills the buffer from this position of a file, as far as the file goes; returns how many bytes were read. */
export function readFully(descriptor: number, target: Buffer, position: number): number {
  let have = 0;
  while (have < target.length) {
    const bytes = readSync(descriptor, target, have, target.length - have, position + have);
    if (bytes === 0) break;
    have += bytes;
  }
  return have;
}

/** What the file system says of a name; undefined when nothing has it. */
export function statIfThere(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch (cause) {
    if (isAmong(MISSING, cause) || isAmong(ODD, cause)) return undefined;
    throw cause;
  }
}

/** Names in a folder; none where there is no folder. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (cause) {
    if (isAmong(MISSING, cause) || isAmong(ODD, cause)) return [];
    throw cause;
  }
}

function isAmong(codes: ReadonlySet<string>, cause: unknown): boolean {
  return codes.has((cause as NodeJS.ErrnoException).code ?? '');
}
