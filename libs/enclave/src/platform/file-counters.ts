import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sodium_malloc, sodium_memzero } from 'sodium-native';
import { ProtegoError } from '@protego/contracts';
import { lockDirectory, type DirectoryLock } from '../directory-lock';
import { writeKeyFile } from '../key-files';
import { formatCounters, mustBeCounterName, parseCounters, withCounter, type CounterTable } from './counter-table';
import { type MonotonicCounters } from './platform';
import { readPlatformFile } from './platform-directory';

/** Name of the file with the counters in the directory of a platform. */
export const COUNTERS_FILE = 'counters.json';

const FILE_BYTES_MAX = 512 * 1024;
const KEY_BYTES = 32;
const LOCK_WAIT_MS = 5_000;
const LOCK_RETRY_MS = 5;

/**
 * Counters in a file that is authenticated with a key of the platform and replaced as a whole. Several processes may
 * use it.
 *
 * A file that was put back to an older state is noticed by a process that has seen a newer one, and by a keeper
 * outside (`expectedAtLeast`). Put back together with all that the counters guard, and with all processes stopped, it
 * is not noticed: that takes hardware.
 */
export class FileCounters implements MonotonicCounters {
  readonly #directory: string;
  readonly #key = sodium_malloc(KEY_BYTES);
  #isClosed = false;
  /** Highest value of each counter that this process saw. */
  readonly #seen = new Map<string, number>();
  #last: Promise<unknown> = Promise.resolve();

  /** @param key 32 bytes; wiped */
  constructor(directory: string, key: Buffer) {
    this.#directory = directory;
    key.copy(this.#key);
    key.fill(0);
  }

  async read(name: string, { expectedAtLeast = 0 }: { expectedAtLeast?: number } = {}): Promise<number> {
    mustBeCounterName(name);
    const value = this.#checked(name, await this.#load());
    if (value < expectedAtLeast) throw rolledBack(name, value, expectedAtLeast);
    return value;
  }

  async increment(name: string): Promise<number> {
    return this.#raise(name, (value) => value + 1);
  }

  async advance(name: string, value: number): Promise<void> {
    await this.#raise(name, (current) => Math.max(current, value));
  }

  /** Writes the empty table of a new platform. The caller holds the lock of the directory. */
  async create(): Promise<void> {
    await writeKeyFile(this.#directory, COUNTERS_FILE, formatCounters(new Map(), this.#openKey()));
  }

  close(): void {
    this.#isClosed = true;
    sodium_memzero(this.#key);
  }

  async #raise(name: string, next: (value: number) => number): Promise<number> {
    mustBeCounterName(name);
    // One after the other within the process; the lock of the directory sets processes apart.
    const turn = this.#last.then(() => this.#raiseLocked(name, next));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #raiseLocked(name: string, next: (value: number) => number): Promise<number> {
    const lock = await lockPlatform(this.#directory);
    try {
      const table = await this.#load();
      const current = this.#checked(name, table);
      const value = next(current);
      if (value === current) return value;
      const content = formatCounters(withCounter(table, name, value), this.#openKey());
      await writeKeyFile(this.#directory, COUNTERS_FILE, content);
      this.#seen.set(name, value);
      return value;
    } finally {
      await lock.release();
    }
  }

  async #load(): Promise<CounterTable> {
    const path = join(this.#directory, COUNTERS_FILE);
    // A missing file is not a fresh start: counters that begin anew would let old blobs in.
    const { size } = await stat(path).catch(() => ({ size: -1 }));
    const text =
      size >= 0 && size <= FILE_BYTES_MAX ? await readPlatformFile(this.#directory, COUNTERS_FILE) : undefined;
    if (text !== undefined) return parseCounters(text, this.#openKey(), path);
    const message = `\`${path}\` is missing or too large: restore the newest one`;
    throw new ProtegoError('ENCLAVE_PLATFORM_DAMAGED', message, { path });
  }

  #openKey(): Buffer {
    if (this.#isClosed) throw new ProtegoError('ENCLAVE_CLOSED', 'the counters were closed');
    return this.#key;
  }

  #checked(name: string, table: CounterTable): number {
    const value = table.get(name) ?? 0;
    const seen = this.#seen.get(name) ?? 0;
    if (value < seen) throw rolledBack(name, value, seen);
    if (value > 0) this.#seen.set(name, value);
    return value;
  }
}

/**
 * Takes the right to change the directory of a platform, waiting for others for a few seconds.
 *
 * @throws ProtegoError `LOG_LOCKED`
 */
export async function lockPlatform(directory: string): Promise<DirectoryLock> {
  const untilMs = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    try {
      return await lockDirectory(directory, 'platform', () => heldByAnother(directory));
    } catch (error) {
      if (!(error instanceof ProtegoError) || error.code !== 'LOG_LOCKED' || performance.now() >= untilMs) throw error;
      await delay(LOCK_RETRY_MS);
    }
  }
}

function heldByAnother(directory: string): ProtegoError {
  const message = `the platform in \`${directory}\` is being changed by another process`;
  return new ProtegoError('LOG_LOCKED', message, { directory });
}

function rolledBack(name: string, value: number, seen: number): ProtegoError {
  const message = `counter \`${name}\` is ${value} and was ${seen}: its file was put back`;
  return new ProtegoError('ENCLAVE_ROLLED_BACK', message, { name, value, seen });
}
