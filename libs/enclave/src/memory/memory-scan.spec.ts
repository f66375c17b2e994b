import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { randomBytesInto } from '../sodium';
import { EncryptedMemory } from './encrypted-memory';
import { GuardedBytes } from './guarded-memory';
import { PAGE_BYTES } from './page-cipher';
import { SecretStore } from './secret-store';

const SCAN_BYTES = 1 << 20;
const MARK_BYTES = 64;
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

  it('would be found elsewhere', () => {
    const copy = Buffer.from(mark.bytes);
    expect(isInOrdinaryMemory(mark.bytes)).toBe(true);
    copy.fill(0);
  });
});
