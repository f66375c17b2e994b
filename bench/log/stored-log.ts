import type { EventLogReader } from '@protego/event-log';
import type { BenchCase, Contest } from '../bench-case';
import { ratePerSecond } from '../rounds';
import { batchesOf, flowRecords } from './flow-records';
import { ScratchLogs, appendAll, bytesOf, openWriter, withReader } from './scratch-log';

/** Events of the log that {@link onStoredLog} makes. */
export const STORED_EVENTS = 204_800;
const BATCH_EVENTS = 512;

/** Throughput of checking all hashes. */
export const VERIFY: BenchCase = {
  bench: 'log',
  metric: 'verify',
  unit: 'events/s',
  description:
    'Check a log: every block authenticated, every leaf, root, tile and checkpoint; bodies not decoded; one core.',
  prepare: () => onStoredLog((directory) => withReader(directory, verifyAll)),
};

/** What storing costs in bytes. */
export const BYTES_PER_EVENT: BenchCase = {
  bench: 'log',
  metric: 'bytes-per-event',
  unit: 'bytes',
  description:
    'Bytes of the log directory an event, with tiles, checkpoints, indexes and keys, at about 350 bytes of body.',
  peer: 'the same events as JSON lines',
  prepare: async () => {
    const bodyBytes = flowRecords(STORED_EVENTS).reduce((sum, { body }) => sum + body.length + 1, 0);
    const contest = await onStoredLog((directory) => bytesOf(directory) / STORED_EVENTS);
    return { ...contest, peer: () => bodyBytes / STORED_EVENTS };
  },
};

/** A contest on a log of {@link STORED_EVENTS} events without personal fields. */
export async function onStoredLog(use: (directory: string) => number | Promise<number>): Promise<Contest> {
  const logs = new ScratchLogs();
  const directory = logs.nextDirectory();
  const { log, close } = await openWriter(directory);
  await appendAll(log, batchesOf(flowRecords(STORED_EVENTS), BATCH_EVENTS));
  await close();
  return { product: () => use(directory), close: () => logs.remove() };
}

function verifyAll(reader: EventLogReader): number {
  const startMs = performance.now();
  const { ok, size, problems } = reader.verify({ decodesBodies: false });
  if (!ok || size !== STORED_EVENTS)
    throw new Error(`verified ${size} of ${STORED_EVENTS} events: ${problems[0]?.message ?? ''}`);
  return ratePerSecond(size, performance.now() - startMs);
}
