import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '@protego/contracts';
import { nodeFileLayer, type LogFile, type LogFileLayer } from '../file-layer';
import type { LogRecordInput } from '../log-record';

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

/** A real disk on which a test can hold back or fail single steps. */
export class SteeredLayer implements LogFileLayer {
  /** Set to make the next fdatasync wait for it. */
  syncGate: Promise<void> = Promise.resolve();
  /** Set to make every fdatasync fail. */
  syncFailure: Error | undefined;
  /** Set to make every write fail. */
  writeFailure: Error | undefined;
  /** Most bytes that one write takes. */
  writeBytesMax = Infinity;
  writes = 0;
  syncs = 0;

  readonly makeDirectory = nodeFileLayer.makeDirectory.bind(nodeFileLayer);
  readonly syncDirectory = nodeFileLayer.syncDirectory.bind(nodeFileLayer);
  readonly rename = nodeFileLayer.rename.bind(nodeFileLayer);
  readonly remove = nodeFileLayer.remove.bind(nodeFileLayer);

  async open(path: string, mode: 'create' | 'change'): Promise<LogFile> {
    const file = await nodeFileLayer.open(path, mode);
    return {
      writev: (buffers, position) => this.writev(file, buffers, position),
      fdatasync: () => this.fdatasync(file),
      fsync: () => file.fsync(),
      truncate: (bytes) => file.truncate(bytes),
      close: () => file.close(),
    };
  }

  private async writev(file: LogFile, buffers: readonly Buffer[], position: number): Promise<number> {
    if (this.writeFailure !== undefined) throw this.writeFailure;
    this.writes++;
    if (this.writeBytesMax === Infinity) return file.writev(buffers, position);
    return file.writev([(buffers[0] ?? Buffer.alloc(0)).subarray(0, this.writeBytesMax)], position);
  }

  private async fdatasync(file: LogFile): Promise<void> {
    await this.syncGate;
    if (this.syncFailure !== undefined) throw this.syncFailure;
    this.syncs++;
    await file.fdatasync();
  }
}
