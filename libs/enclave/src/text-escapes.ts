const BACKSLASH = 0x5c;
const BLANK = 0x20;
const LETTER_U = 0x75;
const LETTER_X = 0x78;
/** `b`, `f`, `n`, `r`, `t` after a backslash. */
const BLANKS: ReadonlySet<number> = new Set([0x62, 0x66, 0x6e, 0x72, 0x74]);
/** Characters that a backslash is only written before. */
const THEMSELVES: ReadonlySet<number> = new Set([...'"\'\\/'].map((letter) => letter.charCodeAt(0)));

/** Value of each ASCII character as a hexadecimal digit; -1 for others. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  return /[0-9a-fA-F]/.test(character) ? Number.parseInt(character, 16) : -1;
});

/**
 * Class of a regular expression for zeros, and for characters that are not seen: soft hyphens, joiners, blanks without width,
 * marks of direction (general category Cf). Of those outside the basic plane, it has the first halves of their pairs.
 */
export const MAY_BE_INVISIBLE =
  '\\0\\u00ad\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\ud804\\ud80d\\ud82f\\ud834\\udb40';
const HAS_INVISIBLE = new RegExp(`[${MAY_BE_INVISIBLE}]`);
const INVISIBLE = /^[\0\p{Cf}]/u;
/** Below this there are two only. */
const FORMATS_FROM = 0x600;
/** Code units of the class from there on; found when they are first needed. */
let formats: ReadonlySet<number> | undefined;
const SOFT_HYPHEN = 0xad;

/** Where texts are written without their escapes; memory is used again. */
let units = new Uint16Array(4096);
/** Bytes of one run of percent codes. */
let codes = new Uint8Array(4096);

/**
 * The text without backslashes: `\uXXXX` of JSON and `\xXX` are their characters, `\n` and the like blanks. What is no escape
 * begins a word, as in a path.
 */
export function unescaped(text: string): string {
  if (!text.includes('\\')) return text;
  makeRoom(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== BACKSLASH) {
      units[length++] = code;
      continue;
    }
    const next = text.charCodeAt(at + 1);
    const digits = next === LETTER_U ? 4 : next === LETTER_X ? 2 : 0;
    const value = digits === 0 ? -1 : hexAt(text, at + 2, digits);
    if (value >= 0) {
      units[length++] = value;
      at += 1 + digits;
    } else if (THEMSELVES.has(next)) {
      units[length++] = next;
      at++;
    } else {
      units[length++] = BLANK;
      if (BLANKS.has(next)) at++;
    }
  }
  return taken(length);
}

/** The text without percent codes: `%XX` of UTF-8, else of Latin-1, and `%uXXXX`. */
export function percentDecoded(text: string): string {
  if (!text.includes('%')) return text;
  makeRoom(text.length);
  let length = 0;
  for (let at = 0; at < text.length;) {
    const start = text.indexOf('%', at);
    const end = start < 0 ? text.length : start;
    for (; at < end; at++) units[length++] = text.charCodeAt(at);
    if (at >= text.length) break;
    let count = 0;
    for (let value; (value = percentAt(text, at)) >= 0; at += 3) codes[count++] = value;
    if (count > 0) length = writeCodes(count, length);
    else {
      const value = text.charCodeAt(at + 1) === LETTER_U ? hexAt(text, at + 2, 4) : -1;
      units[length++] = value < 0 ? text.charCodeAt(at) : value;
      at += value < 0 ? 1 : 6;
    }
  }
  return taken(length);
}

/** The text without zeros and characters that are not seen. */
export function withoutInvisible(text: string): string {
  if (!HAS_INVISIBLE.test(text)) return text;
  const known = (formats ??= formatUnits());
  makeRoom(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0 || code === SOFT_HYPHEN) continue;
    if (code >= FORMATS_FROM && known.has(code)) {
      const codePoint = text.codePointAt(at) as number;
      if (INVISIBLE.test(String.fromCodePoint(codePoint))) {
        if (codePoint !== code) at++;
        continue;
      }
    }
    units[length++] = code;
  }
  const kept = taken(length);
  return length === text.length ? text : kept;
}

function formatUnits(): Set<number> {
  const units = new Set<number>();
  for (let code = FORMATS_FROM; code <= 0xffff; code++)
    if (HAS_INVISIBLE.test(String.fromCharCode(code))) units.add(code);
  return units;
}

function percentAt(text: string, at: number): number {
  return text.charCodeAt(at) === 0x25 ? hexAt(text, at + 1, 2) : -1;
}

function hexAt(text: string, from: number, digits: number): number {
  let value = 0;
  for (let at = from; at < from + digits; at++) {
    const digit = DIGITS[text.charCodeAt(at)] ?? -1;
    if (digit < 0) return -1;
    value = (value << 4) | digit;
  }
  return value;
}

function writeCodes(count: number, from: number): number {
  const length = writeUtf8(count, from);
  if (length >= 0) return length;
  for (let i = 0; i < count; i++) units[from + i] = codes[i] as number;
  return from + count;
}

/** Writes `codes` read as UTF-8; -1 where they are none. */
function writeUtf8(count: number, from: number): number {
  let length = from;
  for (let i = 0; i < count;) {
    const first = codes[i++] as number;
    const more = first < 0x80 ? 0 : first < 0xc2 ? -1 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : -1;
    if (more < 0 || i + more > count) return -1;
    let value = more === 0 ? first : first & (0x3f >> more);
    for (let k = 0; k < more; k++) {
      const next = codes[i++] as number;
      if ((next & 0xc0) !== 0x80) return -1;
      value = (value << 6) | (next & 0x3f);
    }
    if (value > 0xffff) {
      units[length++] = 0xd800 + ((value - 0x10000) >> 10);
      value = 0xdc00 + ((value - 0x10000) & 0x3ff);
    }
    units[length++] = value;
  }
  return length;
}

function makeRoom(length: number): void {
  if (units.length < length) units = new Uint16Array(length);
  if (codes.length < length) codes = new Uint8Array(length);
}

/** The text that was written; the memory is wiped, for it may be of a person. */
function taken(length: number): string {
  const text = Buffer.from(units.buffer, 0, 2 * length).toString('utf16le');
  units.fill(0, 0, length);
  codes.fill(0, 0, length);
  return text;
}
