import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ProtegoError, messageOf } from '@protego/contracts';
import { isOtherFile, readAll, writeAll } from './file-bytes';
import { onDisk, syncDirectory, writeKeyFile } from './key-files';
import { VAULT_INTENT_FILE } from './vault-intent';
import { VAULT_MARK_FILE } from './vault-mark';
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
  /** What `vault.mark` holds, if there is one. */
  readMark(): Buffer | undefined;
  /** Puts a `vault.mark` in place, durably. */
  writeMark(mark: Buffer): Promise<void>;
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
  /** Whether the file in the vault's place is another one than is open here; for its writer also whether there is none. */
  isReplaced(): boolean;
  /** Opens the file that is in the vault's place now; a reader's only. */
  reopen(): void;
  close(): Promise<void>;
}

/** File of the key directory with the keys of persons. */
export const VAULT_FILE = 'vault';

/**
 * Opens the vault's file in a key directory for its one writer; a missing one is made by the first write.
 *
 * @throws ProtegoError `LOG_KEYS_DAMAGED` when it is no file; the errors of the disk
 */
export async function openVaultForWriting(directory: string): Promise<VaultDisk> {
  const path = join(directory, VAULT_FILE);
  return new WritableVault(directory, path, await openToWrite(path));
}

/**
 * Opens the vault's file for reading; a missing one is empty.
 *
 * @throws ProtegoError `LOG_KEYS_DAMAGED` when it is no file; `LOG_KEY_MISSING` when it cannot be read
 */
export function openVaultForReading(directory: string): VaultDisk {
  const path = join(directory, VAULT_FILE);
  let descriptor = openToRead(path);
  const refuse = (): Promise<void> => Promise.reject(new Error('the vault was opened for reading'));
  const close = (): void => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };
  return {
    size() {
      descriptor ??= openToRead(path);
      return descriptor === undefined ? 0 : fstatSync(descriptor).size;
    },
    read: (position, bytes) => (descriptor === undefined ? Buffer.alloc(0) : readAll(descriptor, position, bytes)),
    write: refuse,
    sync: refuse,
    truncate: refuse,
    readIntent: () => contentOf(directory, VAULT_INTENT_FILE),
    writeIntent: refuse,
    readMark: () => contentOf(directory, VAULT_MARK_FILE),
    writeMark: refuse,
    syncDirectory: refuse,
    writeSuccessor: refuse,
    syncSuccessor: refuse,
    keepPredecessor: refuse,
    replace: refuse,
    removeRests: refuse,
    isReplaced: () => descriptor !== undefined && isOtherFile(path, descriptor),
    reopen() {
      const other = openToRead(path);
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

  /** @param handle of the file; undefined where there is none yet */
  constructor(
    private readonly directory: string,
    private readonly path: string,
    private handle: FileHandle | undefined,
  ) {
    this.#replacement = new VaultReplacement(directory, path);
  }

  size(): number {
    return this.handle === undefined ? 0 : fstatSync(this.handle.fd).size;
  }

  read(position: number, bytes: number): Buffer {
    return this.handle === undefined ? Buffer.alloc(0) : readAll(this.handle.fd, position, bytes);
  }

  write(bytes: Buffer, position: number): Promise<void> {
    return onDisk(this.path, async () => {
      this.handle ??= await this.#make();
      await writeAll(this.handle, bytes, position);
    });
  }

  sync(): Promise<void> {
    return onDisk(this.path, async () => this.handle?.sync());
  }

  truncate(bytes: number): Promise<void> {
    return onDisk(this.path, async () => this.handle?.truncate(bytes));
  }

  readIntent(): Buffer | undefined {
    return contentOf(this.directory, VAULT_INTENT_FILE);
  }

  async writeIntent(intent: Buffer | undefined): Promise<void> {
    if (intent !== undefined) return writeKeyFile(this.directory, VAULT_INTENT_FILE, intent);
    const path = join(this.directory, VAULT_INTENT_FILE);
    await onDisk(path, () => rm(path, { force: true }));
    await this.syncDirectory();
  }

  readMark(): Buffer | undefined {
    return contentOf(this.directory, VAULT_MARK_FILE);
  }

  writeMark(mark: Buffer): Promise<void> {
    return writeKeyFile(this.directory, VAULT_MARK_FILE, mark);
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
    // Each names keys and slots, and nothing secret: a crash left them while they were written.
    for (const name of [VAULT_INTENT_FILE, VAULT_MARK_FILE]) {
      const path = join(this.directory, `${name}.new`);
      await onDisk(path, () => rm(path, { force: true }));
    }
    // Where the vault itself is missing, its predecessor may be all that is left.
    if (this.handle !== undefined) await this.#replacement.removeRests(this.handle);
  }

  isReplaced(): boolean {
    if (this.handle === undefined) return false;
    return !existsSync(this.path) || isOtherFile(this.path, this.handle.fd);
  }

  reopen(): never {
    throw new Error('nobody replaces the vault of its writer');
  }

  async close(): Promise<void> {
    await this.#closeReplaced();
    await this.#replacement.close();
    await this.handle?.close();
  }

  async #make(): Promise<FileHandle> {
    const handle = await open(this.path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
    await syncDirectory(this.directory);
    return handle;
  }

  async #closeReplaced(): Promise<void> {
    await this.#replaced?.close();
    this.#replaced = undefined;
  }
}

async function openToWrite(path: string): Promise<FileHandle | undefined> {
  if (!isFileAt(path)) return undefined;
  return onDisk(path, () => open(path, constants.O_RDWR));
}

function openToRead(path: string): number | undefined {
  try {
    return isFileAt(path) ? openSync(path, 'r') : undefined;
  } catch (cause) {
    throw cause instanceof ProtegoError ? cause : cannotRead(path, cause);
  }
}

/** Whether there is a file. */
function isFileAt(path: string): boolean {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there === undefined || there.isFile()) return there !== undefined;
  throw new ProtegoError('LOG_KEYS_DAMAGED', `\`${path}\` is no file: restore it`, { path });
}

function contentOf(directory: string, name: string): Buffer | undefined {
  const path = join(directory, name);
  try {
    return readFileSync(path);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw cannotRead(path, cause);
  }
}

function cannotRead(path: string, cause: unknown): ProtegoError {
  return new ProtegoError('LOG_KEY_MISSING', `cannot read \`${path}\`: ${messageOf(cause)}`, { path }, { cause });
}
