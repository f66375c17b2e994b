import { isUtf8 } from 'node:buffer';

/** Shorter runs are words far more often than base64, and hold hardly a name. */
const RUN_MIN = 12;
/** Base64 is wrapped into lines of this length at least, by whole groups of four. */
const LINE_MIN = 40;
const WRAP_MAX = 4;
const ZERO_SHARE = 4;
const WIDE_BYTES_MIN = 6;
/** Most bytes of a character of UTF-8 after the first. */
const UTF8_TAIL_MAX = 3;
const MARK = 0x40;
const LINE_FEED = 0x0a;

/** Value of each ASCII character in base64 and base64url (RFC 4648); -1 for others. */
const VALUES = Int8Array.from({ length: 128 }, (_, code) => {
  const at = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'.indexOf(String.fromCharCode(code));
  return code === 0x2d ? 62 : code === 0x5f ? 63 : at;
});

/** What one run of base64 is decoded to; memory is used again. */
let sextets = new Uint8Array(4096);
let decoded: Buffer = Buffer.alloc(4096);

/**
 * What runs of base64 in a text say as text, end to end: of UTF-8, Latin-1 and UTF-16 in both orders. A run may begin after
 * a character that could itself be base64 (`/`, `+`, `-`, `_`), may have lost its beginning or its end, and may be wrapped
 * into lines.
 *
 * @param charactersMax after about so many the rest of the text is left alone
 */
export function base64TextsOf(text: string, charactersMax: number): string {
  if (sextets.length < text.length) sextets = new Uint8Array(text.length);
  if (decoded.length < text.length) decoded = Buffer.alloc(text.length);
  const found: Found = { texts: [], characters: 0, charactersMax };
  let wrappedTo = 0;
  for (let at = 0; at < text.length && found.characters < charactersMax;) {
    const end = readRun(text, at, false);
    if (run.length >= RUN_MIN) addTexts(found);
    // A word after base64 looks like its next line: each line is read by itself, and all together.
    if (at >= wrappedTo && wrappedOver(text, end, end - at) > end) {
      wrappedTo = readRun(text, at, true);
      addTexts(found);
    }
    at = end + 1;
  }
  sextets.fill(0, 0, text.length);
  decoded.fill(0, 0, text.length);
  return found.texts.join('\n');
}

interface Found {
  readonly texts: string[];
  characters: number;
  readonly charactersMax: number;
}

/** The run that was read last: its length, and whether there are places after which another may begin, by place modulo 4. */
const run = { length: 0, phases: 0 };

/** Reads the run that begins at a place into `sextets`, be it over lines; returns where it ends. */
function readRun(text: string, from: number, isWrapped: boolean): number {
  run.length = run.phases = 0;
  let at = from;
  let lineFrom = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const value = code < 128 ? (VALUES[code] as number) : -1;
    if (value < 0) {
      const next = isWrapped ? wrappedOver(text, at, at - lineFrom) : at;
      if (next === at) break;
      at = next - 1;
      lineFrom = next;
    } else {
      sextets[run.length++] = value;
      if (value < 62) continue;
      // The mark is on the character before the one that another run may begin with.
      sextets[run.length - 1] = value | MARK;
      run.phases |= 1 << (run.length & 3);
    }
  }
  return at;
}

/** Where the next line of a wrapped run begins; the same place when the run ends here. */
function wrappedOver(text: string, at: number, lineLength: number): number {
  if (lineLength < LINE_MIN || lineLength % 4 !== 0) return at;
  let next = at;
  while (next - at < WRAP_MAX && isBlank(text.charCodeAt(next))) next++;
  return next > at && (VALUES[text.charCodeAt(next)] ?? -1) >= 0 ? next : at;
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

/** Adds the texts that a run may hold; its beginning may have been cut off. */
function addTexts(found: Found): void {
  for (let phase = 0; phase < 4 && found.characters < found.charactersMax; phase++) {
    addDecoded(found, decodeFrom(0, run.length, found, 0, 2 * phase));
    if ((run.phases & (1 << phase)) !== 0) addDecoded(found, decodePieces(phase, found));
  }
}

/** Decodes what may begin after `/`, `+`, `-` or `_` at places of one phase, each up to the next; returns how many bytes were kept. */
function decodePieces(phase: number, found: Found): number {
  let kept = 0;
  let from = -1;
  for (let at = phase === 0 ? 4 : phase; at <= run.length; at += 4) {
    const isStart = ((sextets[at - 1] as number) & MARK) !== 0;
    if (!isStart || at === run.length) continue;
    if (from >= 0) kept = decodeFrom(from, at, found, kept);
    // What is too short has no name in it, and often is a word.
    if (from < 0 && run.length - at < RUN_MIN) return kept;
    from = at;
  }
  return from < 0 ? kept : decodeFrom(from, run.length, found, kept);
}

/**
 * Decodes sextets behind what was kept before; returns how many bytes are kept then: more where it reads as text.
 *
 * @param cutBits bits of the first sextet that belong to a byte that was cut off
 */
function decodeFrom(from: number, to: number, found: Found, kept = 0, cutBits = 0): number {
  let at = kept;
  let bits = -cutBits;
  let held = 0;
  let printable = 0;
  let zeros = 0;
  for (let i = from; i < to; i++) {
    held = (held << 6) | ((sextets[i] as number) & 0x3f);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    const byte = (held >> bits) & 0xff;
    decoded[at++] = byte;
    held &= 0xff;
    if (byte === 0) zeros++;
    else if ((byte >= 0x20 && byte < 0x7f) || (byte >= 0x09 && byte <= 0x0d)) printable++;
  }
  const bytes = at - kept;
  if (bytes >= WIDE_BYTES_MIN && zeros * ZERO_SHARE >= bytes) add(found, wideText(kept, at));
  const isText = (printable + zeros) * 10 >= bytes * 6 || (bytes >= WIDE_BYTES_MIN && isCutUtf8(kept, at));
  if (!isText) return kept;
  decoded[at++] = LINE_FEED;
  return at;
}

/** True for UTF-8 whose first and last character may have been cut through. */
function isCutUtf8(from: number, to: number): boolean {
  let start = from;
  while (start < from + UTF8_TAIL_MAX && isTail(decoded[start] as number)) start++;
  let end = to;
  while (end > to - UTF8_TAIL_MAX && isTail(decoded[end - 1] as number)) end--;
  // What is not followed by all that belongs to it; where nothing is missing, it stays.
  const whole = isUtf8(decoded.subarray(end - 1, to)) ? to : end - 1;
  return isUtf8(decoded.subarray(start, whole));
}

function isTail(byte: number): boolean {
  return (byte & 0xc0) === 0x80;
}

/** The letters of UTF-16 in the languages that have base64 in their commands have a zero in each second byte. */
function wideText(from: number, to: number): string {
  const bytes = decoded.subarray(from, to - ((to - from) % 2));
  let first = 0;
  for (let i = 0; i < bytes.length; i += 2) if (bytes[i] === 0) first++;
  let second = 0;
  for (let i = 1; i < bytes.length; i += 2) if (bytes[i] === 0) second++;
  return first > second ? Buffer.from(bytes).swap16().toString('utf16le') : bytes.toString('utf16le');
}

function addDecoded(found: Found, kept: number): void {
  if (kept === 0) return;
  const bytes = decoded.subarray(0, kept);
  add(found, bytes.toString('utf8'));
  if (!isUtf8(bytes)) add(found, bytes.toString('latin1'));
}

function add(found: Found, text: string): void {
  found.texts.push(text);
  found.characters += text.length;
}
