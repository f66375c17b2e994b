import type { BenchCase, Contest } from '../bench-case';
import { ratePerSecond } from '../rounds';
import {
  BUFFER_PEER,
  CACHE_PAGES,
  PAGES,
  PAGE_BYTES,
  byteOfPage,
  filledBuffer,
  filledMemory,
  nanosecondsEach,
  requireEqual,
} from './memory-under-test';

const ACCESS_BYTES = 32;
const OFFSETS = 65_536;
const PASSES = 40;

/** Small reads of pages that are cached. */
export const HIT_READS: BenchCase = {
  bench: 'enclave',
  metric: 'hit-reads',
  unit: 'reads/s',
  description: 'Read 32 bytes at random offsets within the cached 1 MiB of an encrypted memory.',
  peer: BUFFER_PEER,
  prepare: () => hitContest('read', ratePerSecond),
};

/** The same, by access. */
export const RANDOM_READ_HIT: BenchCase = {
  bench: 'enclave',
  metric: 'random-read-hit',
  unit: 'ns',
  description: 'The same as hit-reads, nanoseconds for each read.',
  peer: BUFFER_PEER,
  prepare: () => hitContest('read', nanosecondsEach),
};

/** Small writes to pages that are cached. */
export const RANDOM_WRITE_HIT: BenchCase = {
  bench: 'enclave',
  metric: 'random-write-hit',
  unit: 'ns',
  description: 'Write 32 bytes at random offsets within the cached 1 MiB of an encrypted memory.',
  peer: BUFFER_PEER,
  prepare: () => hitContest('write', nanosecondsEach),
};

/** Small reads all over a memory that is 64 times as large as its cache. */
export const RANDOM_READ: BenchCase = {
  bench: 'enclave',
  metric: 'random-read',
  unit: 'ns',
  description: 'Read 32 bytes at random offsets of a 64 MiB encrypted memory, of which 1 MiB is cached.',
  peer: BUFFER_PEER,
  prepare: () => contest('read', PAGES, 1, nanosecondsEach),
};

/** Small writes all over it. */
export const RANDOM_WRITE: BenchCase = {
  bench: 'enclave',
  metric: 'random-write',
  unit: 'ns',
  description: 'Write 32 bytes at random offsets of a 64 MiB encrypted memory, of which 1 MiB is cached.',
  peer: BUFFER_PEER,
  prepare: () => contest('write', PAGES, 1, nanosecondsEach),
};

type Access = 'read' | 'write';
type Result = (count: number, elapsedMs: number) => number;

function hitContest(access: Access, result: Result): Contest {
  return contest(access, CACHE_PAGES, PASSES, result);
}

function contest(access: Access, pages: number, passes: number, result: Result): Contest {
  const memory = filledMemory(pages);
  const plain = filledBuffer(pages);
  const offsets = randomOffsets(pages);
  const bytes = Buffer.alloc(ACCESS_BYTES);
  const time = (accessAt: (offset: number) => void): number => {
    const startMs = performance.now();
    for (let pass = 0; pass < passes; pass++) for (const offset of offsets) accessAt(offset);
    const elapsedMs = performance.now() - startMs;
    if (access === 'read')
      requireEqual('last byte', bytes[0] as number, byteOfPage(Math.trunc((offsets.at(-1) as number) / PAGE_BYTES)));
    return result(passes * offsets.length, elapsedMs);
  };
  return {
    product: () => time(access === 'read' ? (at) => memory.read(at, bytes) : (at) => memory.write(at, bytes)),
    peer: () =>
      time(access === 'read' ? (at) => plain.copy(bytes, 0, at, at + ACCESS_BYTES) : (at) => bytes.copy(plain, at)),
    close: () => memory.close(),
  };
}

/** The same every time: 32-byte places in an order without pattern (xorshift, G. Marsaglia 2003). */
function randomOffsets(pages: number): Uint32Array {
  let state = 0x9e3779b9;
  return Uint32Array.from({ length: OFFSETS }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) % ((pages * PAGE_BYTES) / ACCESS_BYTES)) * ACCESS_BYTES;
  });
}
