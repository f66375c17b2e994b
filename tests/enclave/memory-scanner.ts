import { closeSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { crypto_generichash } from 'sodium-native';

/** Bytes that are looked for, and what they are called in a report. */
export interface Needle {
  readonly name: string;
  /** At least {@link NEEDLE_BYTES_MIN} bytes. */
  readonly bytes: Buffer;
}

/** Fewest bytes of a needle: shorter ones are found by chance. */
export const NEEDLE_BYTES_MIN = 8;

/** A needle that was found. */
export interface Hit {
  readonly needle: string;
  /** Name of the mapping or file, such as `[heap]`, `[stack]`, `anonymous` or a path. */
  readonly region: string;
  /** Whether it is guarded memory of libsodium: between two guard pages and left out of core dumps. */
  readonly isGuarded: boolean;
  /** Address, or offset in the file. */
  readonly at: number;
}

/** One mapping of a process: see proc(5), `smaps`. */
interface Mapping {
  readonly start: number;
  readonly end: number;
  readonly permissions: string;
  readonly region: string;
  flags: string;
}

const READ_BYTES = 4 << 20;
const PAGE_BYTES = 4096;
const CONTENT = Buffer.from('protego/content/1', 'latin1');
const PREFIX_VALUES = 1 << 16;
/** From here on, a 32-bit word is no small integer to V8: it may become a number in the heap. */
const HEAP_NUMBER_MIN = 2 ** 31;
const HEAP_NUMBER_BYTES = 8;
/** Words of one secret that are found within so many bytes of each other are no chance. */
const NEAR_BYTES = 64 << 10;
const NEAR_WORDS = 4;

/** Looks for many needles at once. */
export class NeedleSearch {
  readonly #byPrefix = new Map<number, Needle[]>();
  /** Whether a needle begins with two bytes, and whether one goes on with two others. */
  readonly #first = new Uint8Array(PREFIX_VALUES);
  readonly #second = new Uint8Array(PREFIX_VALUES);
  readonly #bytesMax: number;

  constructor(needles: readonly Needle[]) {
    this.#bytesMax = needles.reduce((max, { bytes }) => Math.max(max, bytes.length), 0);
    for (const needle of needles) {
      const { bytes, name } = needle;
      if (bytes.length < NEEDLE_BYTES_MIN) throw new Error(`the needle ${name} is too short`);
      this.#first[bytes.readUInt16LE(0)] = 1;
      this.#second[bytes.readUInt16LE(2)] = 1;
      const prefix = bytes.readUInt32LE(0);
      const others = this.#byPrefix.get(prefix);
      if (others === undefined) this.#byPrefix.set(prefix, [needle]);
      else others.push(needle);
    }
  }

  /** Bytes by which pieces of a longer text have to overlap. */
  get overlapBytes(): number {
    return this.#bytesMax - 1;
  }

  /** Tells of every needle in `bytes` that begins before `end`. */
  search(bytes: Buffer, end: number, found: (needle: Needle, at: number) => void): void {
    const last = Math.min(end, bytes.length - NEEDLE_BYTES_MIN + 1);
    let low = bytes[0] as number;
    for (let at = 0; at < last; at++) {
      const next = bytes[at + 1] as number;
      const pair = low | (next << 8);
      low = next;
      if (this.#first[pair] === 0) continue;
      const second = (bytes[at + 2] as number) | ((bytes[at + 3] as number) << 8);
      if (this.#second[second] === 0) continue;
      for (const needle of this.#byPrefix.get((pair | (second << 16)) >>> 0) ?? []) {
        const stop = at + needle.bytes.length;
        if (stop <= bytes.length && needle.bytes.compare(bytes, at, stop) === 0) found(needle, at);
      }
    }
  }
}

/**
 * The forms in which a secret may lie in memory: its bytes and each half of them, and as text, hex and base64, in strings of
 * one and of two bytes a letter.
 */
export function needlesOf(name: string, secret: Buffer): Needle[] {
  const half = secret.length / 2;
  const texts = { hex: secret.toString('hex'), base64: secret.toString('base64').slice(0, -4) };
  return [
    { name: `${name}, first half`, bytes: secret.subarray(0, half) },
    { name: `${name}, second half`, bytes: secret.subarray(half) },
    { name: `${name}, two bytes a letter`, bytes: Buffer.from(secret.toString('latin1'), 'utf16le') },
    ...Object.entries(texts).flatMap(([form, text]) => [
      { name: `${name}, ${form}`, bytes: Buffer.from(text, 'latin1') },
      { name: `${name}, ${form}, two bytes a letter`, bytes: Buffer.from(text, 'utf16le') },
    ]),
  ];
}

/** A person's key and the content secret that is derived from it, as one secret; nothing for no key. */
export function keySecretOf(name: string | undefined, key: Buffer): Needle[] {
  if (key.every((byte) => byte === 0)) return [];
  return [{ name: `key of ${name}`, bytes: Buffer.concat([key, contentSecretOf(key)]) }];
}

/** What tells of a person's key in the vault: the key, and the content secret that is derived from it; nothing for no key. */
export function keyNeedlesOf(name: string | undefined, key: Buffer): Needle[] {
  if (key.every((byte) => byte === 0)) return [];
  return [...needlesOf(`key of ${name}`, key), ...needlesOf(`content secret of ${name}`, contentSecretOf(key))];
}

function contentSecretOf(key: Buffer): Buffer {
  const contentSecret = Buffer.alloc(32);
  crypto_generichash(contentSecret, CONTENT, key);
  return contentSecret;
}

/** Looks through all memory of a process that can be read; the process should be at rest. */
export function processHits(pid: number, search: NeedleSearch): Hit[] {
  const hits: Hit[] = [];
  const mappings = mappingsOf(pid);
  const file = openSync(`/proc/${pid}/mem`, 'r');
  try {
    mappings.forEach((mapping, i) => {
      if (!mapping.permissions.startsWith('r') || mapping.region === '[vvar]') return;
      const isGuarded = isGuardedMapping(mapping, mappings[i - 1], mappings[i + 1]);
      const found = (needle: Needle, at: number): void =>
        void hits.push({ needle: needle.name, region: mapping.region, isGuarded, at });
      searchFile(file, mapping.start, mapping.end, search, found);
    });
  } finally {
    closeSync(file);
  }
  return hits;
}

/**
 * Looks for identifiers of patients in all memory of a process: as text of one and of two bytes a letter. Guarded memory
 * counts as well.
 *
 * @param identifiers of at least {@link NEEDLE_BYTES_MIN} characters, none the beginning of another
 */
export function patientHits(pid: number, identifiers: readonly string[]): Hit[] {
  const needles = identifiers.flatMap((identifier) => [
    { name: identifier, bytes: Buffer.from(identifier, 'utf8') },
    { name: identifier, bytes: Buffer.from(identifier, 'utf16le') },
  ]);
  return processHits(pid, new NeedleSearch(needles));
}

/**
 * Names of secrets whose words are in memory as numbers of JavaScript, at least {@link NEAR_WORDS} of them, or all there are,
 * near each other. Code that reads a secret as 32-bit words leaves those of 2^31 and more in the heap, as doubles.
 *
 * @param secrets of a multiple of 4 bytes; their words are looked for in both orders of bytes
 */
export function wordHits(pid: number, secrets: readonly Needle[]): string[] {
  const search = new WordSearch(secrets);
  const piece = Buffer.alloc(READ_BYTES);
  const numbers = new Float64Array(piece.buffer, piece.byteOffset, READ_BYTES / HEAP_NUMBER_BYTES);
  const file = openSync(`/proc/${pid}/mem`, 'r');
  try {
    for (const { start, end, permissions, region } of mappingsOf(pid)) {
      if (!permissions.startsWith('r') || region === '[vvar]') continue;
      for (let at = start; at < end; at += READ_BYTES) {
        const bytes = readSome(file, piece, Math.min(READ_BYTES, end - at), at);
        search.take(numbers.subarray(0, Math.trunc((bytes ?? 0) / HEAP_NUMBER_BYTES)), at);
      }
    }
  } finally {
    piece.fill(0);
    closeSync(file);
  }
  return search.found;
}

/** Looks for the words of many secrets among numbers. */
class WordSearch {
  readonly #found = new Set<string>();
  /** By word: the secrets that have it. */
  readonly #byWord = new Map<number, WordTrace[]>();

  constructor(secrets: readonly Needle[]) {
    for (const { name, bytes } of secrets) {
      const places = Array.from({ length: bytes.length / 4 }, (_, i) => 4 * i);
      for (const read of [bytes.readUInt32LE.bind(bytes), bytes.readUInt32BE.bind(bytes)]) {
        const words = new Set(places.map((at) => read(at)).filter((word) => word >= HEAP_NUMBER_MIN));
        const trace: WordTrace = { name, needed: Math.min(NEAR_WORDS, words.size), last: new Map() };
        for (const word of words) this.#byWord.set(word, [...(this.#byWord.get(word) ?? []), trace]);
      }
    }
  }

  get found(): string[] {
    return [...this.#found];
  }

  /** @param at address of the first number; later calls have later ones */
  take(numbers: Float64Array, at: number): void {
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i] as number;
      if (!(number >= HEAP_NUMBER_MIN && number < 2 ** 32)) continue;
      for (const { name, needed, last } of this.#byWord.get(number) ?? []) {
        const here = at + i * HEAP_NUMBER_BYTES;
        last.set(number, here);
        const near = [...last.values()].filter((place) => here - place <= NEAR_BYTES);
        if (near.length >= needed) this.#found.add(name);
      }
    }
  }
}

/** Where the words of a secret were last seen. */
interface WordTrace {
  readonly name: string;
  /** So many different words near each other tell of it. */
  readonly needed: number;
  readonly last: Map<number, number>;
}

/** Looks through all files of a directory and those below it. */
export function fileHits(directory: string, search: NeedleSearch): Hit[] {
  const hits: Hit[] = [];
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const file = openSync(path, 'r');
    try {
      const found = (needle: Needle, at: number): void =>
        void hits.push({ needle: needle.name, region: path, isGuarded: false, at });
      searchFile(file, 0, Infinity, search, found);
    } finally {
      closeSync(file);
    }
  }
  return hits;
}

/** How often needles were found, by region. */
export function countByRegion(hits: readonly Hit[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { region, isGuarded } of hits) {
    const name = isGuarded ? 'guarded' : region;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}

function searchFile(
  file: number,
  start: number,
  end: number,
  search: NeedleSearch,
  found: (needle: Needle, at: number) => void,
): void {
  const piece = Buffer.alloc(READ_BYTES + search.overlapBytes);
  for (let at = start; at < end; at += READ_BYTES) {
    const bytes = readSome(file, piece, Math.min(piece.length, end - at), at);
    if (bytes === 0) break;
    search.search(piece.subarray(0, bytes ?? 0), READ_BYTES, (needle, offset) => found(needle, at + offset));
  }
  piece.fill(0);
}

/** Number of bytes that were read, 0 at the end of a file; undefined of what cannot be. */
function readSome(file: number, piece: Buffer, length: number, at: number): number | undefined {
  try {
    return readSync(file, piece, 0, length, at);
  } catch {
    // Given back to the kernel since the mappings were listed, or a guard page
    return undefined;
  }
}

function mappingsOf(pid: number): Mapping[] {
  const mappings: Mapping[] = [];
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    const header = /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$/.exec(line);
    const [, start, end, permissions, region] = header ?? [];
    const last = mappings.at(-1);
    if (start !== undefined && end !== undefined && permissions !== undefined)
      mappings.push({
        start: parseInt(start, 16),
        end: parseInt(end, 16),
        permissions,
        region: region || 'anonymous',
        flags: '',
      });
    else if (last !== undefined && line.startsWith('VmFlags:')) last.flags = line;
  }
  return mappings;
}

/** libsodium, `sodium_malloc`: not dumped, and a page that nobody may touch on either side. */
function isGuardedMapping(mapping: Mapping, before: Mapping | undefined, after: Mapping | undefined): boolean {
  const isUndumped = mapping.region === 'anonymous' && mapping.permissions === 'rw-p' && /\bdd\b/.test(mapping.flags);
  const isGuardBefore = before?.permissions === '---p' && before.end === mapping.start;
  const isGuardAfter = after?.permissions === '---p' && after.start === mapping.end;
  return isUndumped && isGuardBefore && isGuardAfter && before.end - before.start >= PAGE_BYTES;
}
