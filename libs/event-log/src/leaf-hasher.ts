import { hash } from 'node:crypto';
import { RANDOM_BYTES } from './block-format';

const RANDOM_AT = 1;
const TIMES_AT = RANDOM_AT + RANDOM_BYTES;
const BODY_AT = TIMES_AT + 24;

/**
 * Leaf hash of one record: SHA-256(0x00 || 16 random bytes || timeMs || arrivedAtMs || recordedAtMs || body), times as
 * big-endian IEEE 754 doubles (RFC 6962, section 2.1, over this log's leaf data). One scratch buffer serves all records,
 * because one call on bytes that lie together costs half of an incremental hash.
 */
export class LeafHasher {
  private scratch = Buffer.alloc(4096);
  private view = viewOf(this.scratch);

  /** Takes the random bytes of record `index` from a column of them. */
  setRandom(column: Buffer, index: number): void {
    const { scratch } = this;
    const from = index * RANDOM_BYTES;
    // Byte by byte: for so few bytes a call of copy() costs more than the loop.
    for (let i = 0; i < RANDOM_BYTES; i++) scratch[RANDOM_AT + i] = column[from + i] as number;
  }

  /** Takes the three times, milliseconds since the Unix epoch. */
  setTimes(timeMs: number, arrivedAtMs: number, recordedAtMs: number): void {
    this.view.setFloat64(TIMES_AT, timeMs);
    this.view.setFloat64(TIMES_AT + 8, arrivedAtMs);
    this.view.setFloat64(TIMES_AT + 16, recordedAtMs);
  }

  /** Leaf hash, as text of 32 Latin-1 characters, of what was set and `source[start, end)` as the body. */
  hashWithBody(source: Buffer, start: number, end: number): string {
    const bytes = BODY_AT + end - start;
    if (bytes > this.scratch.length) this.grow(bytes);
    source.copy(this.scratch, BODY_AT, start, end);
    return hash('sha256', this.scratch.subarray(0, bytes), 'binary');
  }

  private grow(bytes: number): void {
    const grown = Buffer.alloc(bytes * 2);
    this.scratch.copy(grown, 0, 0, BODY_AT);
    this.scratch = grown;
    this.view = viewOf(grown);
  }
}

function viewOf(buffer: Buffer): DataView {
  return new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
}
