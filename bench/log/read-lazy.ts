import type { EventLogReader } from '@protego/event-log';
import type { BenchCase } from '../bench-case';
import { ratePerSecond } from '../rounds';
import { withReader } from './scratch-log';
import { STORED_EVENTS, onStoredLog } from './stored-log';

/** One body in so many is decoded. */
const DECODED_ONE_IN = 10;

/** Throughput of reading envelopes and few bodies. */
export const READ_LAZY: BenchCase = {
  bench: 'log',
  metric: 'read-lazy',
  unit: 'events/s',
  description:
    'Read a log: authenticate and decrypt every block, take times and type of every event, decode a tenth of the bodies whole; one core.',
  prepare: () => onStoredLog((directory) => withReader(directory, readSome)),
};

function readSome(reader: EventLogReader): number {
  const startMs = performance.now();
  let count = 0;
  let decoded = 0;
  let lastTimeMs = -Infinity;
  for (const block of reader.blocks()) {
    const wantedType = block.types.indexOf('device.network-flow-observed');
    for (let i = 0; i < block.count; i++) {
      lastTimeMs = Math.max(lastTimeMs, block.timeMsAt(i), block.arrivedAtMsAt(i));
      if (block.typeIndexAt(i) !== wantedType || count++ % DECODED_ONE_IN !== 0) continue;
      if ((block.decodedAt(i) as { data?: unknown }).data !== undefined) decoded++;
    }
  }
  const isWhole = count === STORED_EVENTS && decoded === Math.ceil(count / DECODED_ONE_IN);
  if (!isWhole || !Number.isFinite(lastTimeMs)) throw new Error(`read ${count} events and ${decoded} bodies`);
  return ratePerSecond(count, performance.now() - startMs);
}
