import { createHash, type Hash } from 'node:crypto';
import { LINE_BYTES_MAX, RAW_BYTES_MAX, type RawPart } from './source-item';

/** A line without its line end; `bytes` is valid until the next call on the splitter. */
export interface ByteLine {
  readonly line: number;
  readonly bytes: Buffer;
  /** Set for a line longer than the limit: `bytes` is then empty. */
  readonly tooLong?: RawPart;
}

const NEWLINE = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const NOTHING = Buffer.alloc(0);

/** Cuts chunks of bytes into lines at LF or CRLF and drops a byte order mark; holds at most one line of the limit. */
export class LineSplitter {
  #line = 0;
  #parts: Buffer[] = [];
  #partBytes = 0;
  #overflow: Overflow | undefined;

  /** Number of the line that was given out last, counted from 1. */
  get line(): number {
    return this.#line;
  }

  /** Lines that end in the chunk. The chunk must not be reused before the next call. */
  *push(chunk: Buffer): Generator<ByteLine> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      yield this.#close(chunk.subarray(start, end));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The last line, where the file does not end with a line end. */
  *end(): Generator<ByteLine> {
    if (this.#partBytes > 0 || this.#overflow !== undefined) yield this.#close(NOTHING);
  }

  #keep(part: Buffer): void {
    if (this.#overflow === undefined) {
      this.#parts.push(part);
      this.#partBytes += part.length;
      // One byte more than the limit may be a carriage return, which is not part of the line.
      if (this.#partBytes <= LINE_BYTES_MAX + 1) return;
      this.#overflow = new Overflow();
      for (const kept of this.#parts) this.#overflow.add(kept);
      this.#parts = [];
      this.#partBytes = 0;
    } else this.#overflow.add(part);
  }

  #close(last: Buffer): ByteLine {
    if (this.#partBytes > 0 || this.#overflow !== undefined) this.#keep(last);
    this.#line++;
    if (this.#overflow !== undefined) return this.#closeOverflow(this.#overflow);
    let bytes = this.#partBytes > 0 ? joined(this.#parts, this.#partBytes) : last;
    this.#parts = [];
    this.#partBytes = 0;
    if (bytes[bytes.length - 1] === CARRIAGE_RETURN) bytes = bytes.subarray(0, bytes.length - 1);
    if (this.#line === 1) bytes = withoutByteOrderMark(bytes);
    if (bytes.length <= LINE_BYTES_MAX) return { line: this.#line, bytes };
    const overflow = new Overflow();
    overflow.add(bytes);
    return this.#closeOverflow(overflow);
  }

  #closeOverflow(overflow: Overflow): ByteLine {
    this.#overflow = undefined;
    return { line: this.#line, bytes: NOTHING, tooLong: overflow.rawPart() };
  }
}

/** Keeps the head and the digest of a line that is too long to hold. */
class Overflow {
  readonly #hash: Hash = createHash('sha256');
  readonly #head = Buffer.alloc(RAW_BYTES_MAX);
  #bytes = 0;

  add(part: Buffer): void {
    if (this.#bytes < RAW_BYTES_MAX) part.copy(this.#head, this.#bytes);
    this.#bytes += part.length;
    this.#hash.update(part);
  }

  /** In Base64, because the whole line was never held to tell whether it is UTF-8. */
  rawPart(): RawPart {
    return {
      raw: this.#head.toString('base64'),
      rawEncoding: 'base64',
      rawBytes: this.#bytes,
      rawSha256: this.#hash.digest('hex'),
    };
  }
}

function joined(parts: readonly Buffer[], bytes: number): Buffer {
  return parts.length === 1 ? (parts[0] ?? NOTHING) : Buffer.concat(parts, bytes);
}

function withoutByteOrderMark(bytes: Buffer): Buffer {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  return hasMark ? bytes.subarray(3) : bytes;
}

/** True for a line of nothing but white space. */
export function isBlank(bytes: Buffer): boolean {
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte !== 0x20 && byte !== 0x09 && byte !== CARRIAGE_RETURN) return false;
  }
  return true;
}
