import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readKeyFile, writeKeyFile } from '../key-files';
import { type LaunchedEnclave } from '../platform/platform';
import { BLOB_PLAINTEXT_BYTES_MAX, damaged } from './blob-format';
import { commitBlob, openBlob, sealBlob, type OpenOptions, type SealOptions } from './sealed-blob';

/** A sealed blob in a file. */
export interface SealedFile {
  readonly directory: string;
  readonly name: string;
}

const HEADER_BYTES_MAX = 1024;

/**
 * Seals data into a file and makes older states of the file void: after a crash there is the old state or the new
 * one, and it opens. The caller holds the lock of the directory.
 *
 * @throws ProtegoError as `sealBlob`; `LOG_READ_ONLY`, `LOG_DISK_FULL`, `LOG_WRITE_FAILED`
 */
export async function writeSealedFile(
  enclave: LaunchedEnclave,
  { directory, name }: SealedFile,
  plaintext: Buffer,
  options: SealOptions,
): Promise<void> {
  const blob = await sealBlob(enclave, plaintext, options);
  await writeKeyFile(directory, name, blob);
  await commitBlob(enclave, blob);
}

/**
 * Opens a sealed file; undefined when there is none. The caller wipes the plaintext.
 *
 * @throws ProtegoError as `openBlob`; `LOG_KEY_MISSING` when it cannot be read
 */
export async function readSealedFile(
  enclave: LaunchedEnclave,
  { directory, name }: SealedFile,
  options: OpenOptions,
): Promise<Buffer | undefined> {
  const { size } = await stat(join(directory, name)).catch(() => ({ size: 0 }));
  if (size > BLOB_PLAINTEXT_BYTES_MAX + HEADER_BYTES_MAX) throw damaged(`it has ${size} bytes`);
  const blob = await readKeyFile(directory, name);
  return blob && openBlob(enclave, blob, options);
}
