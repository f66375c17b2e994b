import type { BenchCase, Contest } from '../bench-case';
import {
  BUFFER_PEER,
  CACHE_PAGES,
  PAGES,
  PAGE_BYTES,
  byteOfPage,
  filledBuffer,
  filledMemory,
  requireEqual,
} from './memory-under-test';

const CACHED_PASSES = 200;

/** Pages in order, none cached. */
export const SEQUENTIAL_READ: BenchCase = {
  bench: 'enclave',
  metric: 'sequential-read',
  unit: 'MB/s',
  description: 'Read a 64 MiB encrypted memory from beginning to end, 4 KiB at a time; 1 MiB of it is cached.',
  peer: BUFFER_PEER,
  prepare: () => contest('read', PAGES, 1),
};

/** Pages in order, all cached. */
export const SEQUENTIAL_READ_HIT: BenchCase = {
  bench: 'enclave',
  metric: 'sequential-read-hit',
  unit: 'MB/s',
  description: 'Read the cached 1 MiB of an encrypted memory from beginning to end, again and again, 4 KiB at a time.',
  peer: BUFFER_PEER,
  prepare: () => contest('read', CACHE_PAGES, CACHED_PASSES),
};

/** Pages in order, written whole. */
export const SEQUENTIAL_WRITE: BenchCase = {
  bench: 'enclave',
  metric: 'sequential-write',
  unit: 'MB/s',
  description:
    'Write a 64 MiB encrypted memory from beginning to end, 4 KiB at a time, until all of it is encrypted: a page that is written as a whole is not read before, and encrypted when it is evicted.',
  peer: BUFFER_PEER,
  prepare: () => contest('write', PAGES, 1),
};

function contest(access: 'read' | 'write', pages: number, passes: number): Contest {
  const memory = filledMemory(pages);
  const plain = filledBuffer(pages);
  const bytes = Buffer.alloc(PAGE_BYTES);
  const time = (accessAt: (offset: number) => void, finish?: () => void): number => {
    const startMs = performance.now();
    for (let pass = 0; pass < passes; pass++) for (let page = 0; page < pages; page++) accessAt(page * PAGE_BYTES);
    finish?.();
    const elapsedMs = performance.now() - startMs;
    if (access === 'read') requireEqual('last byte', bytes[PAGE_BYTES - 1] as number, byteOfPage(pages - 1));
    return (passes * pages * PAGE_BYTES) / 1e6 / (elapsedMs / 1e3);
  };
  if (access === 'write') {
    const product = (): number =>
      time(
        (at) => memory.write(at, bytes),
        () => memory.flush(),
      );
    return { product, peer: () => time((at) => bytes.copy(plain, at)), close: () => memory.close() };
  }
  return {
    product: () => time((at) => memory.read(at, bytes)),
    peer: () => time((at) => plain.copy(bytes, 0, at, at + PAGE_BYTES)),
    close: () => memory.close(),
  };
}
