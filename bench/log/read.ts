import type { EventLogReader } from '@protego/event-log';
import type { BenchCase } from '../bench-case';
import { ratePerSecond } from '../rounds';
import { withReader } from './scratch-log';
import { STORED_EVENTS, onStoredLog } from './stored-log';

/** Throughput of reading and decoding. */
export const READ: BenchCase = {
  bench: 'log',
  metric: 'read',
  unit: 'events/s',
  description: 'Read a log: authenticate and decrypt every block, decode every body whole; one core.',
  prepare: () => onStoredLog((directory) => withReader(directory, readAll)),
};

function readAll(reader: EventLogReader): number {
  const startMs = performance.now();
  let count = 0;
  for (const block of reader.blocks()) {
    for (let i = 0; i < block.count; i++) {
      // Asked for, so that no decoding can be left out.
      if ((block.decodedAt(i) as { data?: unknown }).data !== undefined) count++;
    }
  }
  if (count !== STORED_EVENTS) throw new Error(`read ${count} of ${STORED_EVENTS} events`);
  return ratePerSecond(count, performance.now() - startMs);
}
