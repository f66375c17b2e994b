import { ProtegoError } from '@protego/contracts';

const START_BYTES = 4_096;
/** Longest text that is gone through letter by letter. */
const SHORT_TEXT_MAX = 64;
/** In place of a length; no frame has as many bytes. */
const SAME_TEXT = 0xffff_ffff;

/** Writes the fields of a frame one after the other: numbers big-endian, texts in UTF-8 and bytes after their length (u32). */
export class FrameWriter {
  #bytes: Buffer;
  #at = 0;

  constructor(bytesExpected = START_BYTES) {
    this.#bytes = Buffer.allocUnsafeSlow(bytesExpected);
  }

  u8(value: number): void {
    this.#room(1);
    this.#bytes[this.#at++] = value;
  }

  u32(value: number): void {
    this.#room(4);
    this.#at = this.#bytes.writeUInt32BE(value, this.#at);
  }

  f64(value: number): void {
    this.#room(8);
    this.#at = this.#bytes.writeDoubleBE(value, this.#at);
  }

  bytes(value: Uint8Array): void {
    this.u32(value.length);
    this.#room(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  text(value: string): void {
    // No text has more than three bytes a code unit.
    this.#room(4 + 3 * value.length);
    if (value.length <= SHORT_TEXT_MAX && this.#shortText(value)) return;
    const bytes = this.#bytes.write(value, this.#at + 4, 'utf8');
    this.#bytes.writeUInt32BE(bytes, this.#at);
    this.#at += 4 + bytes;
  }

  /** For a short text of ASCII, to go through it here takes a fraction of a call; false, with nothing written, for any other. */
  #shortText(value: string): boolean {
    const { length } = value;
    const bytes = this.#bytes;
    const start = this.#at + 4;
    for (let i = 0; i < length; i++) {
      const code = value.charCodeAt(i);
      if (code > 0x7f) return false;
      bytes[start + i] = code;
    }
    this.#at = bytes.writeUInt32BE(length, this.#at) + length;
    return true;
  }

  /** A text of which the one before is often the same: then only that is said. */
  textAgain(value: string, before: string | undefined): void {
    if (value === before) this.u32(SAME_TEXT);
    else this.text(value);
  }

  json(value: unknown): void {
    this.text(JSON.stringify(value));
  }

  /** What was written; it is the writer's own memory. */
  end(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(2 * this.#bytes.length, this.#at + bytes));
    this.#bytes.copy(grown, 0, 0, this.#at);
    // What crosses the border may be personal: nothing of it stays in memory that is given back.
    this.#bytes.fill(0, 0, this.#at);
    this.#bytes = grown;
  }
}

/** Reads what {@link FrameWriter} wrote. Every length is checked against the bytes that are there. */
export class FrameReader {
  #at: number;

  /** @param at where to begin */
  constructor(
    /** What is read from. */
    readonly frame: Buffer,
    at = 0,
  ) {
    this.#at = at;
  }

  /** Where the next field begins. */
  get at(): number {
    return this.#at;
  }

  /** True when all was read. */
  get isAtEnd(): boolean {
    return this.#at === this.frame.length;
  }

  u8(): number {
    return this.frame[this.#take(1)] as number;
  }

  u32(): number {
    return this.frame.readUInt32BE(this.#take(4));
  }

  f64(): number {
    return this.frame.readDoubleBE(this.#take(8));
  }

  /** Bytes within the frame; copy what is to outlive it. */
  bytes(): Buffer {
    const length = this.u32();
    const at = this.#take(length);
    return this.frame.subarray(at, at + length);
  }

  /** Passes over bytes or a text; where they begin, behind their length. */
  skip(): number {
    return this.#take(this.u32());
  }

  text(): string {
    const length = this.u32();
    const at = this.#take(length);
    return this.frame.toString('utf8', at, at + length);
  }

  /** What {@link FrameWriter.textAgain} wrote. */
  textAgain(before: string | undefined): string {
    if (before === undefined || this.frame.length < this.#at + 4 || this.frame.readUInt32BE(this.#at) !== SAME_TEXT)
      return this.text();
    this.#at += 4;
    return before;
  }

  json(): unknown {
    return JSON.parse(this.text()) as unknown;
  }

  /** A count of things that take at least so many bytes each. */
  count(bytesEach: number): number {
    const count = this.u32();
    if (count * bytesEach > this.frame.length - this.#at) throw cutOff();
    return count;
  }

  #take(bytes: number): number {
    const at = this.#at;
    if (bytes > this.frame.length - at) throw cutOff();
    this.#at = at + bytes;
    return at;
  }
}

function cutOff(): ProtegoError {
  return new ProtegoError('ENCLAVE_CALL_INVALID', 'a frame ends before its fields do');
}
