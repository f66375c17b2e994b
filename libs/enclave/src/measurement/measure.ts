import { createHash, hash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { ProtegoError, canonicalJson, messageOf } from '@protego/contracts';

/** Length of a measurement, bytes. */
export const MEASUREMENT_BYTES = 32;

/** One file of an enclave's code. */
export interface MeasuredFile {
  /** Below the root, with `/` between names. */
  readonly path: string;
  /** SHA-256 of the content, hex. */
  readonly sha256: string;
}

/** What a measurement is the hash of; with it, anyone can check a measurement against published code. */
export interface MeasuredManifest {
  readonly format: 1;
  /** Ascending by path, each once. */
  readonly files: readonly MeasuredFile[];
  /** Any JSON value that decides how the enclave behaves. */
  readonly configuration: unknown;
  /** True when the enclave can be looked into; it changes the measurement. */
  readonly debug: boolean;
}

const DOMAIN = 'protego/measurement/1\0';
/** Members of a configuration that say which code runs, beside the files: a preload, a loader and Node itself are code too. */
const CODE_MEMBERS: readonly string[] = ['node', 'nodeFlags', 'packages'];
const FILES_MAX = 4096;
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const CHUNK_BYTES = 64 * 1024;

/**
 * Measurement of an enclave, 32 bytes: SHA-256 of `protego/measurement/1`, NUL and the manifest in canonical JSON
 * (RFC 8785). The emulation of what the hardware computes while it loads an enclave.
 *
 * @throws ProtegoError `ENCLAVE_MEASUREMENT_INVALID` when the files are not in order; that of `canonicalJson` for a
 *   configuration that has no JSON form
 */
export function measurementOf(manifest: MeasuredManifest): Buffer {
  const { files } = manifest;
  for (let i = 1; i < files.length; i++) {
    const [before, path] = [files[i - 1]?.path ?? '', files[i]?.path ?? ''];
    if (path <= before) throw invalid(`\`${path}\` is listed twice or out of order`, path);
  }
  return Buffer.from(hash('sha256', DOMAIN + canonicalJson(manifest), 'hex'), 'hex');
}

/**
 * Measurement of the code alone, 32 bytes: that of the manifest with nothing left of its configuration but the members
 * `node`, `nodeFlags` and `packages`. What the enclave is configured for does not change it (as CONFIGID is part of a key of
 * SGX only where the key policy asks for it); debug mode does.
 *
 * @throws ProtegoError as {@link measurementOf}
 */
export function codeMeasurementOf(manifest: MeasuredManifest): Buffer {
  const members = Object.entries(manifest.configuration ?? {}).filter(([name]) => CODE_MEMBERS.includes(name));
  return measurementOf({ ...manifest, configuration: Object.fromEntries(members) });
}

/**
 * Manifest of an enclave whose code is these files.
 *
 * @param root directory of the code
 * @param paths of files below it, in any order; at most 4,096, of at most 64 MiB each
 * @param configuration JSON value that decides how the enclave behaves
 * @throws ProtegoError `ENCLAVE_MEASUREMENT_INVALID` for a path that leads out of the root, is named twice, or is no
 *   regular file that can be read
 */
export async function measureFiles(
  root: string,
  paths: readonly string[],
  configuration: unknown,
  { isDebug }: { isDebug: boolean },
): Promise<MeasuredManifest> {
  if (paths.length === 0 || paths.length > FILES_MAX) {
    throw invalid(`an enclave has 1 to ${FILES_MAX} files, not ${paths.length}`);
  }
  const files: MeasuredFile[] = [];
  for (const path of paths.map(plainPath).sort()) files.push({ path, sha256: await hashFile(root, path) });
  const manifest = { format: 1, files, configuration, debug: isDebug } as const;
  measurementOf(manifest);
  return manifest;
}

/** One spelling for each file, so that the same code has the same measurement. */
function plainPath(path: string): string {
  const plain = normalize(path).split(sep).join('/');
  if (isAbsolute(path) || path === '' || plain === '.' || plain.split('/').includes('..') || plain.includes('\0')) {
    throw invalid(`\`${path}\` does not lead to a file below the root`, path);
  }
  return plain;
}

async function hashFile(root: string, path: string): Promise<string> {
  let file: FileHandle | undefined;
  try {
    // A link could be turned to another file after it was measured.
    file = await open(join(root, path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { size } = await file.stat().then((stat) => (stat.isFile() ? stat : { size: -1 }));
    if (size < 0) throw invalid(`\`${path}\` is no regular file`, path);
    if (size > FILE_BYTES_MAX) throw invalid(`\`${path}\` has ${size} bytes; the most is ${FILE_BYTES_MAX}`, path);
    return await hashOf(file, path);
  } catch (cause) {
    if (cause instanceof ProtegoError) throw cause;
    throw invalid(`cannot read \`${path}\`: ${messageOf(cause)}`, path, cause);
  } finally {
    await file?.close();
  }
}

async function hashOf(file: FileHandle, path: string): Promise<string> {
  const digest = createHash('sha256');
  const chunk = Buffer.alloc(CHUNK_BYTES);
  let total = 0;
  for (;;) {
    const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
    if (bytesRead === 0) return digest.digest('hex');
    total += bytesRead;
    if (total > FILE_BYTES_MAX) throw invalid(`\`${path}\` grew beyond ${FILE_BYTES_MAX} bytes`, path);
    digest.update(chunk.subarray(0, bytesRead));
  }
}

function invalid(message: string, path?: string, cause?: unknown): ProtegoError {
  return new ProtegoError('ENCLAVE_MEASUREMENT_INVALID', message, path === undefined ? {} : { path }, { cause });
}
