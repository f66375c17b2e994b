import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { isOtherFile, readAll, writeAll } from './file-bytes';
import { onDisk, syncDirectory, writeKeyFile } from './key-files';
import { VaultReplacement } from './vault-replacement';

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
  /** Makes durable which file is the vault. */
  syncDirectory(): Promise<void>;
  /** Writes to the file that is to take the vault's place; the first write makes it. */
  writeSuccessor(bytes: Buffer, position: number): Promise<void>;
  /** Makes content and size of the successor durable. */
  syncSuccessor(): Promise<void>;
  /** Gives the vault a second name, durably, by which {@link removeRests} finds it once its successor is in place. */
  keepPredecessor(): Promise<void>;
  /** Puts the successor in the vault's place, at once or not at all; it stays there after {@link syncDirectory}. */
  replace(): Promise<void>;
  /** Overwrites and removes a successor that was not put in place, and a predecessor. */
  removeRests(): Promise<void>;
  /** Whether the file in the vault's place is another one than is open here. */
  isReplaced(): boolean;
  /** Opens the file that is in the vault's place now; a reader's only. */
  reopen(): void;
  close(): Promise<void>;
}

const VAULT_FILE = 'vault';
const INTENT_FILE = 'vault.destroying';

/** Opens the vault's file in a key directory for its one writer; makes it when it is missing. */
export async function openVaultForWriting(directory: string): Promise<VaultDisk> {
  const path = join(directory, VAULT_FILE);
  const handle = await onDisk(path, () => open(path, constants.O_RDWR | constants.O_CREAT, 0o600));
  return new WritableVault(directory, path, handle);
}

/** Opens the vault's file for reading; a missing one is empty. */
export function openVaultForReading(directory: string): VaultDisk {
  const path = join(directory, VAULT_FILE);
  let descriptor = existsSync(path) ? openSync(path, 'r') : undefined;
  const refuse = (): Promise<void> => Promise.reject(new Error('the vault was opened for reading'));
  const close = (): void => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };
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
    syncDirectory: refuse,
    writeSuccessor: refuse,
    syncSuccessor: refuse,
    keepPredecessor: refuse,
    replace: refuse,
    removeRests: refuse,
    isReplaced: () => descriptor !== undefined && isOtherFile(path, descriptor),
    reopen() {
      const other = openSync(path, 'r');
      close();
      descriptor = other;
    },
    close() {
      close();
      return Promise.resolve();
    },
  };
}

/** The vault's file as its one writer has it. */
class WritableVault implements VaultDisk {
  readonly #replacement: VaultReplacement;
  #replaced: FileHandle | undefined;

  constructor(
    private readonly directory: string,
    private readonly path: string,
    private handle: FileHandle,
  ) {
    this.#replacement = new VaultReplacement(directory, path);
  }

  size(): number {
    return fstatSync(this.handle.fd).size;
  }

  read(position: number, bytes: number): Buffer {
    return readAll(this.handle.fd, position, bytes);
  }

  write(bytes: Buffer, position: number): Promise<void> {
    return onDisk(this.path, () => writeAll(this.handle, bytes, position));
  }

  sync(): Promise<void> {
    return onDisk(this.path, () => this.handle.sync());
  }

  truncate(bytes: number): Promise<void> {
    return onDisk(this.path, () => this.handle.truncate(bytes));
  }

  readIntent(): Buffer | undefined {
    return readIntent(this.directory);
  }

  async writeIntent(intent: Buffer | undefined): Promise<void> {
    if (intent !== undefined) return writeKeyFile(this.directory, INTENT_FILE, intent);
    const path = join(this.directory, INTENT_FILE);
    await onDisk(path, () => rm(path, { force: true }));
    await this.syncDirectory();
  }

  syncDirectory(): Promise<void> {
    return onDisk(this.directory, () => syncDirectory(this.directory));
  }

  writeSuccessor(bytes: Buffer, position: number): Promise<void> {
    return this.#replacement.write(bytes, position);
  }

  syncSuccessor(): Promise<void> {
    return this.#replacement.sync();
  }

  keepPredecessor(): Promise<void> {
    return this.#replacement.keepPredecessor();
  }

  async replace(): Promise<void> {
    const successor = await this.#replacement.putInPlace();
    // To close it may fail: from here on nothing may say that the vault was not replaced.
    this.#replaced = this.handle;
    this.handle = successor;
  }

  async removeRests(): Promise<void> {
    await this.#closeReplaced();
    await this.#replacement.removeRests(this.handle);
  }

  isReplaced(): boolean {
    return isOtherFile(this.path, this.handle.fd);
  }

  reopen(): never {
    throw new Error('nobody replaces the vault of its writer');
  }

  async close(): Promise<void> {
    await this.#closeReplaced();
    await this.#replacement.close();
    await this.handle.close();
  }

  async #closeReplaced(): Promise<void> {
    await this.#replaced?.close();
    this.#replaced = undefined;
  }
}

function readIntent(directory: string): Buffer | undefined {
  const path = join(directory, INTENT_FILE);
  return existsSync(path) ? readFileSync(path) : undefined;
}
