import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { FieldClasses } from '@protego/contracts';
import { openHouseKeys, type PersonalDataVault } from '@protego/enclave';
import { EventLogReader, EventLogWriter, type LogRecordInput } from '@protego/event-log';
import { scratchDirectory } from '../places';

/** Batches on their way to the disk at one time, as an import has them. */
const APPENDS_IN_FLIGHT = 32;

/** Logs of one case, each in its own directory, all removed by {@link ScratchLogs.remove}. */
export class ScratchLogs {
  readonly #root = scratchDirectory();
  #count = 0;

  /** Directory for the next log. */
  nextDirectory(): string {
    return join(this.#root, `log-${this.#count++}`);
  }

  remove(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** A log that is open for writing, with its keys in files beside it. */
export interface ScratchWriter {
  readonly log: EventLogWriter;
  readonly vault: PersonalDataVault;
  close(): Promise<void>;
}

/** Opens a new or an existing log for writing, as shipped: keys in files, checkpoints by the shipped policy. */
export async function openWriter(directory: string, fields?: FieldClasses): Promise<ScratchWriter> {
  const house = await openHouseKeys({ directory: keysOf(directory), mode: 'write', ...(fields && { fields }) });
  const { keys, vault } = house;
  try {
    const log = await EventLogWriter.open({ directory, origin: 'protego/bench', keys });
    return { log, vault, close: () => log.close().finally(() => house.close()) };
  } catch (cause) {
    await house.close();
    throw cause;
  }
}

/** A log that is open for reading, with its keys. */
export interface ScratchReader {
  readonly reader: EventLogReader;
  close(): Promise<void>;
}

/** Opens a log for reading. */
export async function openReader(directory: string): Promise<ScratchReader> {
  const house = await openHouseKeys({ directory: keysOf(directory), mode: 'read' });
  try {
    return { reader: await EventLogReader.open({ directory, keys: house.keys }), close: () => house.close() };
  } catch (cause) {
    await house.close();
    throw cause;
  }
}

/** Reads a log, and gives its keys back afterwards. */
export async function withReader<T>(directory: string, use: (reader: EventLogReader) => T | Promise<T>): Promise<T> {
  const { reader, close } = await openReader(directory);
  try {
    return await use(reader);
  } finally {
    await close();
  }
}

/** Appends all batches, several at a time; resolves when every record is durable. */
export async function appendAll(log: EventLogWriter, batches: Iterable<readonly LogRecordInput[]>): Promise<void> {
  const inFlight: Promise<unknown>[] = [];
  for (const batch of batches) {
    inFlight.push(log.append(batch));
    if (inFlight.length >= APPENDS_IN_FLIGHT) await inFlight.shift();
  }
  await Promise.all(inFlight);
}

/**
 * Checks that a log holds `count` sound records, with their tiles and checkpoints; a rate of a log that does not is no rate.
 *
 * @throws Error naming the first problem
 */
export async function requireSound(directory: string, count: number, decodesBodies: boolean): Promise<void> {
  const { ok, size, problems } = await withReader(directory, (reader) => reader.verify({ decodesBodies }));
  if (!ok || size !== count)
    throw new Error(`the log holds ${size} of ${count} records; first problem: ${problems[0]?.message ?? 'none'}`);
}

/** Bytes of all files of a log. */
export function bytesOf(directory: string): number {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(directory, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}

const keysOf = (directory: string): string => join(directory, 'keys');
