import { closeSync, fstatSync } from 'node:fs';
import { ProtegoError } from '@protego/contracts';
import { openIfFile, readFully } from '../files-if-there';

/** Most bytes of one view: the footer of the greatest segment has less. A length that was altered takes no more memory. */
const VIEW_BYTES_MAX = 1 << 30;

/** How much of a file is read at once. */
export interface FileWindowOptions {
  readonly windowBytes: number;
  /** True to take the file for what it was when it was opened: what is appended later is not there. Default false. */
  readonly isFixed?: boolean;
}

/**
 * Read-only access to a file that may be growing, a window at a time. Memory is bounded by the window, or by the longest
 * view; it is used again, so a view is valid until the next call.
 */
export class FileWindow {
  private readonly descriptor: number;
  private memory = Buffer.alloc(0);
  private start = 0;
  private end = 0;
  private knownBytes = 0;
  private readonly fixedBytes: number | undefined;

  /**
   * @throws ProtegoError `LOG_RANGE_MISSING` when the file has gone: its records have expired since it was listed;
   *   `LOG_BLOCK_CORRUPT` when something else than a regular file has its name
   */
  constructor(
    path: string,
    private readonly options: FileWindowOptions,
  ) {
    const { descriptor, bytes } = openForReading(path);
    this.descriptor = descriptor;
    this.fixedBytes = options.isFixed === true ? bytes : undefined;
  }

  /** Size of the file now, bytes; that of its opening when it is fixed. */
  fileBytes(): number {
    return this.fixedBytes ?? fstatSync(this.descriptor).size;
  }

  /** True when the file goes on to this offset at least; asks the file only when it did not when last asked. */
  reaches(offset: number): boolean {
    if (offset > this.knownBytes) this.knownBytes = this.fileBytes();
    return offset <= this.knownBytes;
  }

  /** The bytes [offset, offset + length), valid until the next call; undefined when the file ends before. */
  view(offset: number, length: number): Buffer | undefined {
    if (length > VIEW_BYTES_MAX) return undefined;
    if (offset < this.start || offset + length > this.end) {
      const fileBytes = this.fileBytes();
      if (offset + length > fileBytes) return undefined;
      this.fill(offset, Math.max(length, Math.min(this.options.windowBytes, fileBytes - offset)));
      if (offset + length > this.end) return undefined;
    }
    return this.memory.subarray(offset - this.start, offset - this.start + length);
  }

  /** The bytes [offset, offset + length) in memory of their own; undefined when the file ends before. */
  copyOf(offset: number, length: number): Buffer | undefined {
    if (offset < 0 || length > VIEW_BYTES_MAX || !this.reaches(offset + length)) return undefined;
    const copy = Buffer.allocUnsafeSlow(length);
    return readFully(this.descriptor, copy, offset) === length ? copy : undefined;
  }

  /** Forgets what was read, so that the next view comes from the file. */
  forget(): void {
    this.start = this.end = this.knownBytes = 0;
  }

  /** Closes the file. */
  close(): void {
    closeSync(this.descriptor);
  }

  private fill(offset: number, length: number): void {
    const isOverlapping = offset >= this.start && offset < this.end;
    const kept = isOverlapping ? this.memory.subarray(offset - this.start, this.end - this.start) : undefined;
    const memory = this.memory.length >= length ? this.memory : Buffer.allocUnsafeSlow(length);
    const have = kept?.copy(memory, 0, 0, length) ?? 0;
    this.memory = memory;
    this.start = offset;
    this.end = offset + have + readFully(this.descriptor, memory.subarray(have, length), offset + have);
  }
}

function openForReading(path: string): { descriptor: number; bytes: number } {
  const there = openIfFile(path);
  if (there.kind === 'file') return there;
  if (there.kind === 'odd') throw new ProtegoError('LOG_BLOCK_CORRUPT', `\`${path}\` is not a file`, { path });
  throw new ProtegoError('LOG_RANGE_MISSING', `\`${path}\` is not there any more`, { path });
}
