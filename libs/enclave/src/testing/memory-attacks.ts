import { isProtegoError } from '@protego/contracts';
import fc from 'fast-check';
import { EncryptedMemory, type MemoryCrypto } from '../memory/encrypted-memory';
import { PAGE_BYTES } from '../memory/page-cipher';
import { type UntrustedMemory } from '../memory/untrusted-memory';

/** Cases after which the memory that was freed is given back. */
const CASES_A_TURN = 64;
const SENTINEL = 0xa5;

/** A property of encrypted memory: holds for a sound one, fails for some defect. */
export type MemoryProperty = (crypto: MemoryCrypto) => fc.IAsyncProperty<unknown>;

/** Memories of 64 to 600 pages: one to three levels of nodes outside, and the root. */
const pageCounts = fc.integer({ min: 64, max: 600 });
/** More than two levels, so that there is one in the middle. */
const deepPageCounts = fc.integer({ min: 520, max: 600 });
const cachePages = fc.integer({ min: 2, max: 6 });
const anyNumber = fc.nat({ max: 0x7fffffff });

/** What an attacker does to the backing store, and which page is read then; by what it is called. */
export const MEMORY_ATTACKS: Readonly<Record<string, MemoryProperty>> = {
  'a flipped bit of a page, or of its tag': attack({ pages: pageCounts }, ({ backing, first, pick }) => {
    flipBit(pick % 3 === 0 ? backing.tag(first) : backing.ciphertext(first), Math.trunc(pick / 3));
    return first;
  }),
  'a flipped bit of a page that was never written': attack({ pages: pageCounts }, ({ backing, unwritten, pick }) => {
    flipBit(pick % 3 === 0 ? backing.tag(unwritten) : backing.ciphertext(unwritten), Math.trunc(pick / 3));
    return unwritten;
  }),
  'a flipped bit of a node of the tree': attack({ pages: pageCounts }, ({ backing, first, pick }) => {
    const level = pick % backing.levels.length;
    flipBit(backing.node(level, first >>> (3 * (level + 1))), Math.trunc(pick / backing.levels.length));
    return first;
  }),
  'a flipped bit of a node that was never written': attack({ pages: pageCounts }, ({ backing, unwritten, pick }) => {
    flipBit(backing.node(0, unwritten >>> 3), pick);
    return unwritten;
  }),
  'a page put in the place of another': attack({ pages: pageCounts }, ({ backing, first, second }) => {
    backing.ciphertext(first).copy(backing.ciphertext(second));
    backing.tag(first).copy(backing.tag(second));
    return second;
  }),
  'two halves of pages spliced': attack({ pages: pageCounts }, ({ backing, first, second, pick }) => {
    const cut = 1 + (pick % (PAGE_BYTES - 1));
    backing.ciphertext(first).copy(backing.ciphertext(second), cut, cut);
    if (pick % 2 === 0) backing.tag(first).copy(backing.tag(second));
    return second;
  }),
  'swapped tags': attack({ pages: pageCounts }, ({ backing, first, second, pick }) => {
    swap(backing.tag(first), backing.tag(second));
    return pick % 2 === 0 ? first : second;
  }),
  'an older page': attack({ pages: pageCounts }, ({ backing, first, older }) => {
    older.page(first).ciphertext.copy(backing.ciphertext(first));
    older.page(first).tag.copy(backing.tag(first));
    return first;
  }),
  'an older node of the tree': attack({ pages: deepPageCounts }, ({ backing, first, older, pick }) => {
    const level = pick % backing.levels.length;
    const index = first >>> (3 * (level + 1));
    older.node(level, index).copy(backing.node(level, index));
    return first;
  }),
  'an older page with the nodes above it': attack({ pages: deepPageCounts }, ({ backing, first, older, pick }) => {
    older.page(first).ciphertext.copy(backing.ciphertext(first));
    older.page(first).tag.copy(backing.tag(first));
    for (let level = 0; level <= pick % backing.levels.length; level++) {
      const index = first >>> (3 * (level + 1));
      older.node(level, index).copy(backing.node(level, index));
    }
    return first;
  }),
  'two nodes of a level that changed places': attack({ pages: pageCounts }, ({ backing, first, second, pick }) => {
    swap(backing.node(0, first >>> 3), backing.node(0, second >>> 3));
    return pick % 2 === 0 ? first : second;
  }),
};

/** What a plan finds: pages that were written, each as often as the other, and how they were before the last time. */
interface Scene {
  readonly backing: UntrustedMemory;
  readonly first: number;
  readonly second: number;
  /** Never written, nor another page of its node. */
  readonly unwritten: number;
  readonly older: Snapshot;
  /** A number to choose by. */
  readonly pick: number;
}

/** Changes the backing store and says which page is to be read. */
type Plan = (scene: Scene) => number;

function attack({ pages }: { readonly pages: fc.Arbitrary<number> }, plan: Plan): MemoryProperty {
  return (crypto) =>
    fc.asyncProperty(pages, cachePages, fc.tuple(anyNumber, anyNumber, anyNumber, anyNumber), (count, cache, picks) => {
      const memory = EncryptedMemory.create({ bytes: count * PAGE_BYTES, cachePages: cache }, crypto);
      try {
        const [pickFirst, pickSecond, pickThird, pick] = picks;
        const [first, second, unwritten] = threeNodes(count, pickFirst, pickSecond, pickThird);
        const versions = 1 + (pick % 3);
        for (let version = 0; version < versions; version++) writeBoth(memory, first, second, version);
        const older = snapshotOf(memory.backing, [first, second]);
        writeBoth(memory, first, second, versions);
        const target = plan({ backing: memory.backing, first, second, unwritten, older, pick });
        requireFault(memory, target);
      } finally {
        memory.close();
      }
      return turn();
    });
}

/** Three pages below different nodes of the lowest level, by numbers to choose by. */
function threeNodes(count: number, pickFirst: number, pickSecond: number, pickThird: number): [number, number, number] {
  const first = pickFirst % count;
  const isApart = (page: number, other: number): boolean => page >>> 3 !== other >>> 3;
  let second = pickSecond % count;
  while (!isApart(second, first)) second = (second + 8) % count;
  let third = pickThird % count;
  while (!isApart(third, first) || !isApart(third, second)) third = (third + 8) % count;
  return [first, second, third];
}

const content = Buffer.alloc(PAGE_BYTES);

function writeBoth(memory: EncryptedMemory, first: number, second: number, version: number): void {
  for (const page of [first, second]) {
    content.fill(page & 0xff).writeUInt32LE(page);
    content.writeUInt32LE(version, PAGE_BYTES - 4);
    memory.write(page * PAGE_BYTES, content);
  }
  memory.flush();
}

/** The page must not be read, the memory must lock itself, and nothing of the page may have been given out. */
function requireFault(memory: EncryptedMemory, page: number): void {
  const target = Buffer.alloc(64, SENTINEL);
  const offset = Math.min(page * PAGE_BYTES + 8, memory.bytes - target.length);
  requireCode('ENCLAVE_MEMORY_FAULT', () => memory.read(offset, target));
  if (!target.every((byte) => byte === SENTINEL)) throw new Error('the read that found the fault gave something out');
  if (!memory.isLocked) throw new Error('the memory is not locked');
  requireCode('ENCLAVE_LOCKED', () => memory.read(offset, target));
  requireCode('ENCLAVE_LOCKED', () => memory.write(offset, target));
}

function requireCode(code: string, call: () => void): void {
  try {
    call();
  } catch (error) {
    if (isProtegoError(error) && error.code === code) return;
    throw error;
  }
  throw new Error(`no ${code} was thrown`);
}

/** The backing store as it was. */
interface Snapshot {
  page(page: number): { readonly ciphertext: Buffer; readonly tag: Buffer };
  node(level: number, index: number): Buffer;
}

function snapshotOf(backing: UntrustedMemory, pages: readonly number[]): Snapshot {
  const kept = new Map(
    pages.map((page) => [
      page,
      { ciphertext: Buffer.from(backing.ciphertext(page)), tag: Buffer.from(backing.tag(page)) },
    ]),
  );
  const nodes = backing.levels.map((_, level) =>
    Array.from({ length: backing.nodeCount(level) }, (__, index) => Buffer.from(backing.node(level, index))),
  );
  return { page: (page) => kept.get(page)!, node: (level, index) => nodes[level]![index]! };
}

function flipBit(bytes: Buffer, pick: number): void {
  const bit = pick % (bytes.length * 8);
  bytes[bit >>> 3]! ^= 1 << (bit & 7);
}

function swap(one: Buffer, other: Buffer): void {
  const kept = Buffer.from(one);
  other.copy(one);
  kept.copy(other);
}

let cases = 0;

/** Lets the event loop turn now and then, in which guarded memory is given back. */
export async function turn(): Promise<void> {
  if (++cases % CASES_A_TURN === 0) await new Promise(setImmediate);
}
