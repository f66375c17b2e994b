import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { eventRegistry, readLoggedEvent } from '@protego/contracts';
import { EventLogReader } from '@protego/event-log';
import type { BenchCase, Contest } from '../bench-case';
import { ratePerSecond } from '../rounds';
import { batchesOf, flowRecords } from './flow-records';
import { ScratchLogs, appendAll, openWriter } from './scratch-log';

const EVENTS = 204_800;
const BATCH_EVENTS = 512;

/** Throughput of reading and decoding. */
export const READ: BenchCase = {
  bench: 'log',
  metric: 'read',
  unit: 'events/s',
  description: 'Read a log, check the CRCs and decode every body to an event; one core. Not encrypted yet.',
  prepare: () => onStoredLog(readAll),
};

/** Throughput of checking all hashes. */
export const VERIFY: BenchCase = {
  bench: 'log',
  metric: 'verify',
  unit: 'events/s',
  description: 'Check every CRC, every leaf and the Merkle root of a log, bodies not decoded; one core.',
  prepare: () => onStoredLog(verifyAll),
};

/** What storing costs in bytes. */
export const BYTES_PER_EVENT: BenchCase = {
  bench: 'log',
  metric: 'bytes-per-event',
  unit: 'bytes',
  description: 'Bytes of the log directory an event, at about 350 bytes of body.',
  peer: 'the same events as JSON lines',
  prepare: async () => {
    const bodyBytes = flowRecords(EVENTS).reduce((sum, { body }) => sum + body.length + 1, 0);
    const contest = await onStoredLog((_, directory) => bytesOf(directory) / EVENTS);
    return { ...contest, peer: () => bodyBytes / EVENTS };
  },
};

async function onStoredLog(use: (reader: EventLogReader, directory: string) => number): Promise<Contest> {
  const logs = new ScratchLogs();
  const directory = logs.nextDirectory();
  const log = await openWriter(directory);
  await appendAll(log, batchesOf(flowRecords(EVENTS), BATCH_EVENTS));
  await log.close();
  const reader = await EventLogReader.open({ directory });
  return { product: () => use(reader, directory), close: () => logs.remove() };
}

function readAll(reader: EventLogReader): number {
  const startMs = performance.now();
  let count = 0;
  for (const record of reader.records()) {
    // Asked for, so that no decoding can be left out.
    if (readLoggedEvent(record, eventRegistry).event.data['device'] !== undefined) count++;
  }
  if (count !== EVENTS) throw new Error(`read ${count} of ${EVENTS} events`);
  return ratePerSecond(count, performance.now() - startMs);
}

function verifyAll(reader: EventLogReader): number {
  const startMs = performance.now();
  const { ok, size } = reader.verify({ decodesBodies: false });
  if (!ok || size !== EVENTS) throw new Error(`verified ${size} of ${EVENTS} events`);
  return ratePerSecond(size, performance.now() - startMs);
}

function bytesOf(directory: string): number {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => statSync(join(directory, name)))
    .reduce((sum, stat) => sum + (stat.isFile() ? stat.size : 0), 0);
}
