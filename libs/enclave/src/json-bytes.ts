import { Buffer } from 'node:buffer';
import { canonicalJson } from '@protego/contracts';
import { copyWords, viewOf } from './byte-words';
import { GuardedBytes } from './memory/guarded-memory';

const START_BYTES = 4096;
const U32_BYTES = 4;
/** Longest text that is written letter by letter; beyond, JSON.stringify is faster. */
const PLAIN_LENGTH_MAX = 128;
/** Bytes of UTF-8 that a UTF-16 code unit takes at most. */
const UNIT_BYTES_MAX = 3;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const TILDE = 0x7e;

/** The bytes around the values of an object. */
export interface JsonTemplate {
  /** Places of the values, in the order in which they are written. */
  readonly order: readonly number[];
  /** What stands before each of them and after the last, UTF-8, end to end. */
  readonly fixed: DataView;
  /** Where in `fixed` the part before each of them ends. */
  readonly fixedEnds: Uint32Array;
}

/** Where values stand in some bytes. */
export interface ValuePlaces {
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/**
 * Canonical JSON (RFC 8785) and other bytes, written one after the other into memory that is used again. What was written
 * is wiped by {@link JsonBytes.wipe}.
 */
export class JsonBytes {
  /** The memory, where it is guarded. */
  #guarded: GuardedBytes | undefined;
  #bytes: Buffer;
  #view: DataView;
  #length = 0;
  // Up to here bytes were written by a text that was then given up.
  #dirty = 0;

  /** @param memory `guarded` for what secrets are written into; it has to be closed, and takes a multiple of 16 bytes */
  constructor(memory: 'ordinary' | 'guarded' = 'ordinary') {
    this.#guarded = memory === 'guarded' ? GuardedBytes.allocate(START_BYTES) : undefined;
    // A view looks to the engine as any other buffer does, which the guarded one itself does not.
    this.#bytes = this.#guarded?.bytes.subarray(0) ?? Buffer.alloc(START_BYTES);
    this.#view = viewOf(this.#bytes);
  }

  /** Leaves room for a number that {@link JsonBytes.setUint32} writes later. */
  skipUint32(): void {
    this.#reserve(U32_BYTES);
    this.#length += U32_BYTES;
  }

  /** Writes a number (u32, big-endian) into the room that was left for it. */
  setUint32(at: number, value: number): void {
    this.#bytes.writeUInt32BE(value, at);
  }

  /** Copies bytes from one place of `source` to another. */
  copy(source: DataView, start = 0, end = source.byteLength): void {
    const to = this.#length;
    if (to + end - start > this.#bytes.length) this.#reserve(end - start);
    copyWords(source, start, end, this.#view, to);
    this.#length = to + end - start;
  }

  /** Bytes after their length (u32, big-endian). */
  lengthAndBytes(source: Uint8Array): void {
    this.#reserve(U32_BYTES + source.length);
    const at = this.#bytes.writeUInt32BE(source.length, this.#length);
    this.#bytes.set(source, at);
    this.#length = at + source.length;
  }

  /** One byte. */
  byte(byte: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  /**
   * A value as canonical JSON.
   *
   * @throws ProtegoError what {@link canonicalJson} throws
   */
  value(value: unknown): void {
    if (typeof value === 'string') {
      if (value.length <= PLAIN_LENGTH_MAX && this.#plainText(value)) return;
      this.#text(canonicalJson(value));
    } else if (value === true) this.#text('true');
    else this.#text(value === false ? 'false' : canonicalJson(value));
  }

  /** Values as canonical JSON, with what stands around them. */
  template({ fixed, fixedEnds, order }: JsonTemplate, values: readonly unknown[]): void {
    let from = 0;
    for (let i = 0; i < order.length; i++) {
      const end = fixedEnds[i] as number;
      this.copy(fixed, from, end);
      this.value(values[order[i] as number]);
      from = end;
    }
    this.copy(fixed, from, fixed.byteLength);
  }

  /**
   * As {@link JsonBytes.template}, with the values that are not there copied from bytes in which they stand as canonical JSON:
   * value n from `starts[n]` to `ends[n]`.
   */
  templateOf(template: JsonTemplate, values: readonly unknown[], source: DataView, places: ValuePlaces): void {
    const { fixed, fixedEnds, order } = template;
    const { starts, ends } = places;
    let from = 0;
    for (let i = 0; i < order.length; i++) {
      const end = fixedEnds[i] as number;
      this.copy(fixed, from, end);
      from = end;
      const at = order[i] as number;
      const value = values[at];
      if (value === undefined) this.copy(source, starts[at] as number, ends[at] as number);
      else this.value(value);
    }
    this.copy(fixed, from, fixed.byteLength);
  }

  /** Fills up with spaces to a multiple of `blockBytes`, counted from the start. */
  pad(blockBytes: number): void {
    const bytes = (blockBytes - (this.#length % blockBytes)) % blockBytes;
    for (let left = bytes; left > 0; left--) this.byte(SPACE);
  }

  /** What was written between two places, in the memory here: only until more is written. */
  view(start = 0, end = this.#length): Buffer {
    return this.#bytes.subarray(start, end);
  }

  /** Copy of what was written between two places. */
  take(start = 0, end = this.#length): Buffer {
    const taken = Buffer.allocUnsafe(end - start);
    taken.set(this.#bytes.subarray(start, end));
    return taken;
  }

  /** Overwrites all that was written. */
  wipe(): void {
    this.#bytes.fill(0, 0, Math.max(this.#dirty, this.#length));
    this.#dirty = this.#length = 0;
  }

  /** Wipes all, and gives guarded memory back: nothing can be written to it any more. */
  close(): void {
    this.wipe();
    this.#guarded?.free();
  }

  /** Writes text of which each character stands for itself; false, with nothing written, for any other. */
  #plainText(text: string): boolean {
    const { length } = text;
    if (this.#length + length + 2 > this.#bytes.length) this.#reserve(length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = QUOTE;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) {
        this.#dirty = Math.max(this.#dirty, at);
        return false;
      }
      bytes[at++] = code;
    }
    bytes[at++] = QUOTE;
    this.#length = at;
    return true;
  }

  #text(text: string): void {
    this.#reserve(text.length * UNIT_BYTES_MAX);
    this.#length += this.#bytes.write(text, this.#length, 'utf8');
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const before = this.#guarded;
    // After it was closed, this throws.
    const source = before?.bytes ?? this.#bytes;
    const guarded = before && GuardedBytes.allocate(Math.ceil(needed / 8) * 16);
    const grown = guarded?.bytes.subarray(0) ?? Buffer.alloc(needed * 2);
    source.copy(grown, 0, 0, this.#length);
    source.fill(0);
    this.#bytes = grown;
    this.#view = viewOf(grown);
    this.#guarded = guarded;
    before?.free();
  }
}
