import { GuardedBytes } from './memory/guarded-memory';
import { randomBytesInto } from './sodium';

const POOL_BYTES = 8192;

// Guarded, for what will be a key is one already.
const pool = GuardedBytes.allocate(POOL_BYTES).bytes;
let next = POOL_BYTES;

/**
 * Fills a buffer with random bytes of the operating system's generator, which is asked for many at a time: that costs as
 * much as asking for a few. No byte is given out twice; given out, it is wiped here.
 */
export function fillRandom<T extends Buffer>(target: T): T {
  if (target.length > POOL_BYTES / 8) {
    randomBytesInto(target);
    return target;
  }
  if (next + target.length > POOL_BYTES) {
    randomBytesInto(pool);
    next = 0;
  }
  const end = next + target.length;
  pool.copy(target, 0, next, end);
  pool.fill(0, next, end);
  next = end;
  return target;
}
