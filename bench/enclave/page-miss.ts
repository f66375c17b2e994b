import type { EncryptedMemory } from '@protego/enclave';
import type { BenchCase } from '../bench-case';
import { median } from '../rounds';
import { BarePages } from './bare-page';
import {
  PAGES,
  PAGE_BYTES,
  byteOfPage,
  filledMemory,
  leapPage,
  nanosecondsEach,
  requireEqual,
} from './memory-under-test';

const ACCESSES = 2 * PAGES;
/** Turns of product and peer within one round of the ratio. */
const TURNS = 7;
const READ_BYTES = 32;

const DESCRIPTION =
  'Read 32 bytes of a page of a 64 MiB encrypted memory that is not cached: evict another, verify the tree up to a node that is known, decrypt; pages far apart, so that their nodes are mostly not known either.';

/** A page that is not cached, and evicts one that did not change. */
export const MISS: BenchCase = {
  bench: 'enclave',
  metric: 'miss',
  unit: 'ns',
  description: DESCRIPTION,
  peer: 'node:crypto, AES-256-GCM of one page: decrypt and verify',
  prepare: () => {
    const [memory, bare] = [filledMemory(), new BarePages()];
    const product = (): number => readMisses(memory);
    return { product, peer: () => bare.open(ACCESSES), close: () => memory.close() };
  },
};

/** The same as a ratio, of turns that alternate. */
export const MISS_RATIO: BenchCase = {
  bench: 'enclave',
  metric: 'miss-ratio',
  unit: 'times',
  description: `${DESCRIPTION} Time over that of a bare AES-256-GCM of one page with node:crypto, in turns; at most 2.`,
  prepare: () => {
    const [memory, bare] = [filledMemory(), new BarePages()];
    const ratioOf = (): number => readMisses(memory) / bare.open(ACCESSES);
    return { product: () => median(Array.from({ length: TURNS }, ratioOf)), close: () => memory.close() };
  },
};

/** A page that is not cached, and evicts one that changed. */
export const MISS_DIRTY: BenchCase = {
  bench: 'enclave',
  metric: 'miss-dirty',
  unit: 'ns',
  description:
    'Write 32 bytes to a page that is not cached, where each evicted page was written to as well: encrypt it, write all nodes above it, then as for a miss.',
  peer: 'node:crypto, AES-256-GCM: encrypt one page, decrypt and verify another',
  prepare: () => {
    const [memory, bare] = [filledMemory(), new BarePages()];
    const product = (): number => writeMisses(memory);
    return { product, peer: () => bare.sealAndOpen(ACCESSES), close: () => memory.close() };
  },
};

function readMisses(memory: EncryptedMemory): number {
  const target = Buffer.alloc(READ_BYTES);
  return timeMisses(memory, (page) => {
    memory.read(page * PAGE_BYTES + 64, target);
    requireEqual('content of a page', target[READ_BYTES - 1] as number, byteOfPage(page));
  });
}

function writeMisses(memory: EncryptedMemory): number {
  const source = Buffer.alloc(READ_BYTES);
  const { reEncryptions } = memory.stats;
  const elapsed = timeMisses(memory, (page) => memory.write(page * PAGE_BYTES + 64, source.fill(byteOfPage(page))));
  memory.flush();
  requireEqual('pages that were encrypted anew', memory.stats.reEncryptions - reEncryptions, ACCESSES);
  return elapsed;
}

/** Every page twice, in leaps; none may be cached when its turn comes. */
function timeMisses(memory: EncryptedMemory, access: (page: number) => void): number {
  const { misses } = memory.stats;
  const startMs = performance.now();
  for (let step = 0; step < ACCESSES; step++) access(leapPage(step));
  const elapsedMs = performance.now() - startMs;
  requireEqual('misses', memory.stats.misses - misses, ACCESSES);
  return nanosecondsEach(ACCESSES, elapsedMs);
}
