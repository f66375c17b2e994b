import { constants, statSync, type Stats } from 'node:fs';
import { link, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { ProtegoError } from '@protego/contracts';
import { isSameFile, overwriteFile, writeAll } from './file-bytes';
import { onDisk, syncDirectory } from './key-files';

const SUCCESSOR_FILE = 'vault.new';
const PREDECESSOR_FILE = 'vault.old';

/**
 * The files by which a vault is replaced: its successor while it is written, and its predecessor until it is overwritten. A
 * person may be forgotten later whose sealed key is in either of them: what is only unlinked could be read from the disk for
 * ever by who has the root secret.
 */
export class VaultReplacement {
  readonly #successorPath: string;
  readonly #predecessorPath: string;
  #successor: FileHandle | undefined;

  /** @param path of the vault */
  constructor(
    private readonly directory: string,
    private readonly path: string,
  ) {
    this.#successorPath = join(directory, SUCCESSOR_FILE);
    this.#predecessorPath = join(directory, PREDECESSOR_FILE);
  }

  /** Writes to the successor; the first write makes it. */
  write(bytes: Buffer, position: number): Promise<void> {
    return onDisk(this.#successorPath, async () => {
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;
      this.#successor ??= await open(this.#successorPath, flags, 0o600);
      await writeAll(this.#successor, bytes, position);
    });
  }

  /** Makes the successor durable. */
  sync(): Promise<void> {
    return onDisk(this.#successorPath, async () => this.#successor?.sync());
  }

  /** Gives the vault a second name, durably. */
  keepPredecessor(): Promise<void> {
    return onDisk(this.#predecessorPath, async () => {
      await link(this.path, this.#predecessorPath);
      await syncDirectory(this.directory);
    });
  }

  /** Puts the successor in the vault's place; returns its handle, which is the caller's. */
  async putInPlace(): Promise<FileHandle> {
    const successor = this.#successor;
    if (successor === undefined) throw new Error('the vault has no successor');
    await onDisk(this.path, () => rename(this.#successorPath, this.path));
    this.#successor = undefined;
    return successor;
  }

  /**
   * Overwrites and removes both files, durably, where they are there.
   *
   * @param vault the file in use; it is never overwritten
   * @throws ProtegoError `LOG_WRITE_FAILED` when that is not the one in place; the errors of the disk
   */
  async removeRests(vault: FileHandle): Promise<void> {
    await this.close();
    const inUse = await vault.stat();
    for (const path of [this.#successorPath, this.#predecessorPath]) {
      const rest = statSync(path, { throwIfNoEntry: false });
      if (rest === undefined) continue;
      this.#requireInPlace(inUse);
      await onDisk(path, async () => {
        if (!isSameFile(rest, inUse)) await overwriteFile(path);
        await rm(path);
        await syncDirectory(this.directory);
      });
    }
  }

  #requireInPlace(inUse: Stats): void {
    const { path } = this;
    const inPlace = statSync(path, { throwIfNoEntry: false });
    if (inPlace !== undefined && isSameFile(inPlace, inUse)) return;
    throw new ProtegoError('LOG_WRITE_FAILED', `\`${path}\` was exchanged while it is in use: start again`, { path });
  }

  /** Closes the successor, which stays where it is. */
  async close(): Promise<void> {
    await this.#successor?.close();
    this.#successor = undefined;
  }
}
