import { hash, randomBytes } from 'node:crypto';
import { ProtegoError, systemClock, type Clock } from '@protego/contracts';
import { EmulatedPlatform } from '../platform/emulated-platform';
import { mustBeCounterName, withCounter, type CounterTable } from '../platform/counter-table';
import { type MonotonicCounters, type Platform } from '../platform/platform';

/** Counters in memory; `table` can be put back, as an attacker would put back the file. */
export class MemoryCounters implements MonotonicCounters {
  table: CounterTable = new Map();

  read(name: string, { expectedAtLeast = 0 }: { expectedAtLeast?: number } = {}): Promise<number> {
    mustBeCounterName(name);
    const value = this.table.get(name) ?? 0;
    if (value >= expectedAtLeast) return Promise.resolve(value);
    return Promise.reject(new ProtegoError('ENCLAVE_ROLLED_BACK', `counter \`${name}\` was put back`));
  }

  async increment(name: string): Promise<number> {
    const value = (await this.read(name)) + 1;
    this.table = withCounter(this.table, name, value);
    return value;
  }

  async advance(name: string, value: number): Promise<void> {
    this.table = withCounter(this.table, name, Math.max(await this.read(name), value));
  }

  close(): void {}
}

/** A platform in memory; the same seed gives the same secret, and so the same keys. */
export function memoryPlatform({
  seed,
  counters = new MemoryCounters(),
  clock = systemClock,
}: { seed?: string; counters?: MonotonicCounters; clock?: Clock } = {}): Platform {
  const secret =
    seed === undefined ? randomBytes(32) : Buffer.from(hash('sha256', `protego fixed platform ${seed}`, 'hex'), 'hex');
  return new EmulatedPlatform({ secret, counters, clock });
}
