import { type Latin1Buffer } from '../latin1-buffer';

/** What a scalar in a message is, as far as it is read without a parser. */
export const LEAF_KINDS = { text: 1, integer: 2, decimal: 3, true: 4, false: 5, null: 6 } as const;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const TILDE = 0x7e;
const MINUS = 0x2d;
const POINT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
/** As many digits are always below 2^53. */
const SAFE_DIGITS_MAX = 15;
const WORDS = [
  { text: 'true', kind: LEAF_KINDS.true },
  { text: 'false', kind: LEAF_KINDS.false },
  { text: 'null', kind: LEAF_KINDS.null },
];
const NO_LEAF = 0;
const KINDS_MAX = 8;

const NO_MEMORY = new ArrayBuffer(0);
const NO_BYTES = new Uint8Array(NO_MEMORY);

/** A message, by its place in the memory in which it lies among others: to look at all of that costs once for many. */
export class MessageBytes {
  /** Views of the whole memory. */
  bytes = Buffer.from(NO_MEMORY) as Latin1Buffer;
  view: DataView = new DataView(NO_MEMORY);
  /** First byte of the message, and one past its last. */
  start = 0;
  end = 0;
  #memory: ArrayBufferLike = NO_MEMORY;

  /** Turns to a message. */
  enter({ buffer, byteOffset, byteLength }: Uint8Array): void {
    if (buffer !== this.#memory) {
      this.#memory = buffer;
      this.bytes = Buffer.from(buffer) as Latin1Buffer;
      this.view = new DataView(buffer);
    }
    this.start = byteOffset;
    this.end = byteOffset + byteLength;
  }

  /** Lets the memory go. */
  leave(): void {
    this.enter(NO_BYTES);
  }
}

/**
 * The places of scalars in the bytes of one message. Read are only those whose bytes are their own canonical form (RFC 8785):
 * text of printable ASCII without escapes, numbers as ECMAScript writes them, `true`, `false` and `null`.
 */
export class MessageLeaves {
  /** First byte of each, the quotation mark of a text included. */
  readonly starts: Int32Array;
  /** One past the last byte of each. */
  readonly ends: Int32Array;
  /** One of {@link LEAF_KINDS} of each. */
  readonly kinds: Uint8Array;

  /** @param leavesMax most scalars of a message */
  constructor(readonly leavesMax: number) {
    this.starts = new Int32Array(leavesMax);
    this.ends = new Int32Array(leavesMax);
    this.kinds = new Uint8Array(leavesMax);
  }

  /** Reads the scalar that begins at a byte and notes it as the leaf of that number; returns where it ends, -1 for none. */
  read({ bytes, end: messageEnd }: MessageBytes, at: number, leaf: number): number {
    const found = bytes[at] === QUOTE ? textAt(bytes, at, messageEnd) : otherAt(bytes, at, messageEnd);
    if (found === NO_LEAF) return -1;
    const end = Math.floor(found / KINDS_MAX);
    this.starts[leaf] = at;
    this.ends[leaf] = end;
    this.kinds[leaf] = found % KINDS_MAX;
    return end;
  }
}

// What these return is the end times KINDS_MAX, and the kind.

function textAt(bytes: Uint8Array, start: number, messageEnd: number): number {
  for (let at = start + 1; at < messageEnd; at++) {
    const byte = bytes[at] as number;
    if (byte === QUOTE) return (at + 1) * KINDS_MAX + LEAF_KINDS.text;
    if (byte < SPACE || byte > TILDE || byte === BACKSLASH) return NO_LEAF;
  }
  return NO_LEAF;
}

function otherAt(bytes: Latin1Buffer, start: number, messageEnd: number): number {
  for (const { text, kind } of WORDS) {
    if (bytes[start] !== text.charCodeAt(0)) continue;
    const end = start + text.length;
    return end <= messageEnd && bytes.latin1Slice(start, end) === text ? end * KINDS_MAX + kind : NO_LEAF;
  }
  const first = bytes[start] === MINUS ? start + 1 : start;
  const end = digitsEnd(bytes, first, messageEnd);
  const isPadded = bytes[first] === ZERO && (end > first + 1 || first > start);
  if (end === first || end - first > SAFE_DIGITS_MAX) return NO_LEAF;
  if (end < messageEnd && bytes[end] === POINT) return decimalAt(bytes, start, digitsEnd(bytes, end + 1, messageEnd));
  return isPadded ? NO_LEAF : end * KINDS_MAX + LEAF_KINDS.integer;
}

function decimalAt(bytes: Latin1Buffer, start: number, end: number): number {
  const text = bytes.latin1Slice(start, end);
  // Only then do the bytes stand as they would be written.
  return String(Number(text)) === text ? end * KINDS_MAX + LEAF_KINDS.decimal : NO_LEAF;
}

function digitsEnd(bytes: Uint8Array, start: number, messageEnd: number): number {
  let at = start;
  while (at < messageEnd && (bytes[at] as number) >= ZERO && (bytes[at] as number) <= NINE) at++;
  return at;
}
