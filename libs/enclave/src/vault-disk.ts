import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { onDisk, syncDirectory, writeKeyFile } from './key-files';

/** All that the vault does to a disk, so that a test can hold back or fail each step. */
export interface VaultDisk {
  /** Bytes of the vault's file; 0 when there is none. */
  size(): number;
  /** Reads bytes that are there; fewer than asked for only at the end of the file. */
  read(position: number, bytes: number): Buffer;
  write(bytes: Buffer, position: number): Promise<void>;
  /** Makes content and size durable. */
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  /** What is being destroyed, if a destruction has begun and was not seen to end. */
  readIntent(): Buffer | undefined;
  /** Puts an intent in place durably, or takes it away. */
  writeIntent(intent: Buffer | undefined): Promise<void>;
  close(): Promise<void>;
}

const VAULT_FILE = 'vault';
const INTENT_FILE = 'vault.destroying';

/** Opens the vault's file in a key directory for its one writer; makes it when it is missing. */
export async function openVaultForWriting(directory: string): Promise<VaultDisk> {
  const path = join(directory, VAULT_FILE);
  const handle = await onDisk(path, async () => {
    const isNew = !existsSync(path);
    const opened = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    if (isNew) await syncDirectory(directory);
    return opened;
  });
  return writable(directory, path, handle);
}

/** Opens the vault's file for reading; a missing one is empty. */
export function openVaultForReading(directory: string): VaultDisk {
  const path = join(directory, VAULT_FILE);
  let descriptor = existsSync(path) ? openSync(path, 'r') : undefined;
  const refuse = (): Promise<void> => Promise.reject(new Error('the vault was opened for reading'));
  return {
    size() {
      if (descriptor === undefined && existsSync(path)) descriptor = openSync(path, 'r');
      return descriptor === undefined ? 0 : fstatSync(descriptor).size;
    },
    read: (position, bytes) => (descriptor === undefined ? Buffer.alloc(0) : readAll(descriptor, position, bytes)),
    write: refuse,
    sync: refuse,
    truncate: refuse,
    readIntent: () => readIntent(directory),
    writeIntent: refuse,
    close() {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
      return Promise.resolve();
    },
  };
}

function writable(directory: string, path: string, handle: FileHandle): VaultDisk {
  return {
    size: () => fstatSync(handle.fd).size,
    read: (position, bytes) => readAll(handle.fd, position, bytes),
    write: (bytes, position) =>
      onDisk(path, async () => {
        for (let at = 0; at < bytes.length;) {
          const { bytesWritten } = await handle.write(bytes, at, bytes.length - at, position + at);
          if (bytesWritten <= 0) throw new Error('the disk took no bytes');
          at += bytesWritten;
        }
      }),
    sync: () => onDisk(path, () => handle.sync()),
    truncate: (bytes) => onDisk(path, () => handle.truncate(bytes)),
    readIntent: () => readIntent(directory),
    async writeIntent(intent) {
      if (intent !== undefined) return writeKeyFile(directory, INTENT_FILE, intent);
      await onDisk(path, async () => {
        await rm(join(directory, INTENT_FILE), { force: true });
        await syncDirectory(directory);
      });
    },
    close: () => handle.close(),
  };
}

function readAll(descriptor: number, position: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let at = 0;
  while (at < bytes) {
    const read = readSync(descriptor, buffer, at, bytes - at, position + at);
    if (read === 0) break;
    at += read;
  }
  return buffer.subarray(0, at);
}

function readIntent(directory: string): Buffer | undefined {
  const path = join(directory, INTENT_FILE);
  return existsSync(path) ? readFileSync(path) : undefined;
}
