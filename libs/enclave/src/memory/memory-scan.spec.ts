import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { randomBytesInto } from '../sodium';
import { EncryptedMemory } from './encrypted-memory';
import { GuardedBytes } from './guarded-memory';
import { PAGE_BYTES } from './page-cipher';
import { SecretStore } from './secret-store';

const SCAN_BYTES = 1 << 20;
const MARK_BYTES = 64;
const SECRETS = 200;
const scanned = Buffer.alloc(SCAN_BYTES + MARK_BYTES);

/** Whether any memory of this process that can be written, apart from guarded memory, holds the mark. */
function isInOrdinaryMemory(mark: Buffer): boolean {
  const file = openSync('/proc/self/mem', 'r');
  try {
    return ordinaryMappings().some(([start, end]) => isInMapping(file, start, end, mark));
  } finally {
    scanned.fill(0);
    closeSync(file);
  }
}

function ordinaryMappings(): (readonly [start: number, end: number])[] {
  const mappings: (readonly [number, number])[] = [];
  let current: readonly [number, number] | undefined;
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    const header = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line);
    if (/^[0-9a-f]+-[0-9a-f]+ /.test(line))
      current = header ? [parseInt(header[1]!, 16), parseInt(header[2]!, 16)] : undefined;
    // Guarded memory is what must not be dumped.
    else if (current && line.startsWith('VmFlags:') && !/\bdd\b/.test(line)) mappings.push(current);
  }
  return mappings;
}

function isInMapping(file: number, start: number, end: number, mark: Buffer): boolean {
  for (let at = start; at < end; at += SCAN_BYTES) {
    let count: number;
    try {
      count = readSync(file, scanned, 0, Math.min(scanned.length, end - at), at);
    } catch {
      // Given back to the kernel since the mappings were listed
      continue;
    }
    if (scanned.subarray(0, count).includes(mark)) return true;
  }
  return false;
}

/** How many numbers of 2^31 to 2^32 are in the heap as such, doubles, in ordinary memory; each is given without its highest bit. */
function numbersInOrdinaryMemory(numbers: ReadonlySet<number>): number {
  const found = new Set<number>();
  const file = openSync('/proc/self/mem', 'r');
  const words = new Uint32Array(scanned.buffer, scanned.byteOffset, SCAN_BYTES / 4);
  for (const [start, end] of ordinaryMappings()) {
    for (let at = start; at < end; at += SCAN_BYTES) {
      scanned.fill(0);
      try {
        readSync(file, scanned, 0, Math.min(SCAN_BYTES, end - at), at);
      } catch {
        continue;
      }
      for (let i = 0; i < words.length; i += 2) {
        const number = withoutHighestBit(words[i] as number, words[i + 1] as number);
        if (numbers.has(number)) found.add(number);
      }
    }
  }
  closeSync(file);
  scanned.fill(0);
  return found.size;
}

/** Of a double, from its two words; -1 for one that is no such number. It must not come into being as a double itself. */
function withoutHighestBit(low: number, high: number): number {
  if (high >>> 20 !== 0x41e || (low & 0x1fffff) !== 0) return -1;
  return ((high & 0xfffff) << 11) | (low >>> 21);
}

/** Random bytes whose words are no small integers to V8. */
function randomOfHighWords(secret: Buffer): Buffer {
  randomBytesInto(secret);
  for (let at = 3; at < secret.length; at += 4) secret[at] = (secret[at] as number) | 0x80;
  return secret;
}

function wordWithoutHighestBit(secret: Buffer, at: number): number {
  const byte = (i: number): number => secret[at + i] as number;
  return byte(0) | (byte(1) << 8) | (byte(2) << 16) | ((byte(3) & 0x7f) << 24);
}

describe('plaintext', () => {
  const mark = GuardedBytes.allocate(MARK_BYTES);
  beforeEach(() => randomBytesInto(mark.bytes));
  afterAll(() => mark.free());

  it('is in guarded memory only: while it is cached, after it was evicted, and after the memory was closed', () => {
    const memory = EncryptedMemory.create({ bytes: 64 * PAGE_BYTES, cachePages: 2 });
    const target = GuardedBytes.allocate(MARK_BYTES);
    for (let page = 0; page < 8; page++) memory.write(page * PAGE_BYTES + 100, mark.bytes);
    memory.flush();
    for (let page = 0; page < 8; page++) memory.read(page * PAGE_BYTES + 100, target.bytes);
    expect(target.bytes.equals(mark.bytes)).toBe(true);
    expect(isInOrdinaryMemory(mark.bytes)).toBe(false);
    memory.flush();
    expect(isInOrdinaryMemory(mark.bytes)).toBe(false);
    memory.close();
    target.free();
    expect(isInOrdinaryMemory(mark.bytes)).toBe(false);
  });

  it('of a store of secrets, too', () => {
    const store = SecretStore.create({ slotBytes: 64, slotsMax: 100, cachePages: 2 });
    const slot = store.allocate();
    store.change(slot, (secret) => mark.bytes.copy(secret));
    store.flush();
    expect(store.use(slot, (secret) => secret.equals(mark.bytes))).toBe(true);
    expect(isInOrdinaryMemory(mark.bytes)).toBe(false);
    store.close();
    expect(isInOrdinaryMemory(mark.bytes)).toBe(false);
  });

  it('that is read by code which is not compiled yet is not left in the heap as numbers', () => {
    const store = SecretStore.create({ slotBytes: 64, slotsMax: SECRETS, cachePages: 4 });
    const target = GuardedBytes.allocate(MARK_BYTES);
    const numbers = new Set<number>();
    for (let n = 0; n < SECRETS; n++) {
      const secret = randomOfHighWords(mark.bytes);
      for (let at = 0; at < MARK_BYTES; at += 4) numbers.add(wordWithoutHighestBit(secret, at));
      store.write(store.allocate(), secret);
    }
    for (let n = 0; n < SECRETS; n++) {
      store.readHalfWords(n, target.halfWords, 0);
      store.read(n, target.bytes);
      store.use(n, (secret) => secret.copy(target.bytes));
    }
    store.close();
    target.free();
    expect(numbers.size).toBeGreaterThan(15 * SECRETS);
    // By chance, a number of the process may be a word of one.
    expect(numbersInOrdinaryMemory(numbers)).toBeLessThan(4);
  });

  it('would be found as numbers', () => {
    const secret = randomOfHighWords(mark.bytes);
    const places = [0, 4, 8, 12, 16, 20, 24, 28];
    const numbers = new Set(places.map((at) => wordWithoutHighestBit(secret, at)));
    const kept = places.map((at) => ({ word: secret.readUInt32LE(at) }));
    expect(numbersInOrdinaryMemory(numbers)).toBe(kept.length);
  });

  it('would be found elsewhere', () => {
    const copy = Buffer.from(mark.bytes);
    expect(isInOrdinaryMemory(mark.bytes)).toBe(true);
    copy.fill(0);
  });
});
