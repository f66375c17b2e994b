import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '@protego/contracts';
import { nodeFileLayer, writeThenSync, type LogFile } from '../writer/file-layer';
import type { LogRecordInput } from '../log-record';
import { RealDisk } from './real-disk';

export { FaultyDisk, type DiskFaults, type OpenDiskFile } from './faulty-disk';
export { SeededRandom } from './seeded-random';

/** Memory, where there is such a disk: what is tested is the order of the calls, not how long a disk takes. */
const ROOT = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Runs a test in a directory of its own, which is removed afterwards. */
export async function inTemporaryDirectory<T>(use: (directory: string) => Promise<T> | T): Promise<T> {
  const directory = mkdtempSync(join(ROOT, 'protego-log-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A record whose content follows from its number; times are milliseconds since the Unix epoch. */
export function sampleRecord(number: number, type = 'device.connected', text = ''): LogRecordInput {
  const timeMs = 1_700_000_000_000 + number * 10;
  const event = { data: { number, text }, id: `event-${number}`, source: 'gateway', type };
  return {
    body: Buffer.from(canonicalJson(event)),
    timeMs,
    arrivedAtMs: timeMs + 3,
    recordedAtMs: timeMs + 5,
    type,
  };
}

/** Records `from` to `from + count - 1` of {@link sampleRecord}. */
export function sampleRecords(count: number, from = 0): LogRecordInput[] {
  return Array.from({ length: count }, (_, i) => sampleRecord(from + i));
}

/** Takes what was signed away from a log, as if it had been killed before it signed anything. */
export function removeSigned(directory: string): void {
  for (const name of ['checkpoint', 'checkpoints.jsonl', 'tile']) {
    rmSync(join(directory, name), { recursive: true, force: true });
  }
}

/** Paths of the segments of a log, in order. */
export function segmentPaths(directory: string): string[] {
  const folder = join(directory, 'segments');
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
}

/** Size of the newest segment, bytes. */
export function lastSegmentBytes(directory: string): number {
  return statSync(segmentPaths(directory).at(-1) ?? '').size;
}

/** A real disk on which a test can hold back or fail single steps on the segments; tiles and checkpoints pass. */
export class SteeredLayer extends RealDisk {
  /** Set to make the next fdatasync wait for it. */
  syncGate: Promise<void> = Promise.resolve();
  /** Set to make every fdatasync fail. */
  syncFailure: Error | undefined;
  /** Set to make every write fail. */
  writeFailure: Error | undefined;
  /** Most bytes that one write takes. */
  writeBytesMax = Infinity;
  /** Room on the disk, bytes: a write takes what is left, and the next one fails. */
  roomBytes = Infinity;
  writes = 0;
  syncs = 0;

  async open(path: string, mode: 'create' | 'change'): Promise<LogFile> {
    const file = await nodeFileLayer.open(path, mode);
    if (!path.endsWith('.seg')) return file;
    const steps = {
      writev: (buffers: readonly Buffer[], position: number) => this.writev(file, buffers, position),
      fdatasync: () => this.fdatasync(file),
    };
    return {
      ...steps,
      writeDurably: (buffers, position) => writeThenSync(steps, buffers, position),
      fsync: () => file.fsync(),
      truncate: (bytes) => file.truncate(bytes),
      close: () => file.close(),
    };
  }

  private async writev(file: LogFile, buffers: readonly Buffer[], position: number): Promise<number> {
    if (this.writeFailure !== undefined) throw this.writeFailure;
    this.writes++;
    if (this.roomBytes <= 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const bytesMax = Math.min(this.writeBytesMax, this.roomBytes);
    if (bytesMax === Infinity) return file.writev(buffers, position);
    const written = await file.writev([Buffer.concat(buffers).subarray(0, bytesMax)], position);
    this.roomBytes -= written;
    return written;
  }

  private async fdatasync(file: LogFile): Promise<void> {
    await this.syncGate;
    if (this.syncFailure !== undefined) throw this.syncFailure;
    this.syncs++;
    await file.fdatasync();
  }
}
