import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** How much of a file is read at once, and whether the memory is used again. */
export interface FileWindowOptions {
  readonly windowBytes: number;
  /** True when no view is kept beyond the next call: saves memory, and makes kept views worthless. */
  readonly isReused?: boolean;
}

/** Read-only access to a file that may be growing, a window at a time. Memory is bounded by the window. */
export class FileWindow {
  private readonly descriptor: number;
  private memory = Buffer.alloc(0);
  private start = 0;
  private end = 0;
  private knownBytes = 0;

  constructor(
    path: string,
    private readonly options: FileWindowOptions,
  ) {
    this.descriptor = openSync(path, 'r');
  }

  /** Size of the file now, bytes. */
  fileBytes(): number {
    return fstatSync(this.descriptor).size;
  }

  /** True when the file goes on to this offset at least; asks the file only when it did not when last asked. */
  reaches(offset: number): boolean {
    if (offset > this.knownBytes) this.knownBytes = this.fileBytes();
    return offset <= this.knownBytes;
  }

  /** The bytes [offset, offset + length), or undefined when the file ends before. */
  view(offset: number, length: number): Buffer | undefined {
    if (offset < this.start || offset + length > this.end) {
      const fileBytes = this.fileBytes();
      if (offset + length > fileBytes) return undefined;
      this.fill(offset, Math.max(length, Math.min(this.options.windowBytes, fileBytes - offset)));
      if (offset + length > this.end) return undefined;
    }
    return this.memory.subarray(offset - this.start, offset - this.start + length);
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
    const kept =
      offset >= this.start && offset < this.end
        ? this.memory.subarray(offset - this.start, this.end - this.start)
        : undefined;
    const isRoomy = this.options.isReused === true && this.memory.length >= length;
    const memory = isRoomy ? this.memory : Buffer.allocUnsafeSlow(length);
    let have = kept?.copy(memory) ?? 0;
    while (have < length) {
      const read = readSync(this.descriptor, memory, have, length - have, offset + have);
      if (read === 0) break;
      have += read;
    }
    this.memory = memory;
    this.start = offset;
    this.end = offset + have;
  }
}
