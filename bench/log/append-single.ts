import { setTimeout as pause } from 'node:timers/promises';
import type { EventLogWriter, LogRecordInput } from '@protego/event-log';
import type { BenchCase, Contest } from '../bench-case';
import { flowRecords } from './flow-records';
import { ScratchLogs, openWriter, requireSound } from './scratch-log';

const EVENTS_PER_MS = 5;
const DURATION_MS = 5_000;

/** Latency of single appends under load. */
export const APPEND_SINGLE: BenchCase = {
  bench: 'log',
  metric: 'append-single-p99',
  unit: 'ms',
  description:
    'Time from when an event is due until it is durable, 99th percentile; one event an append, 5,000 a second offered for five seconds, those that are due every millisecond, whether or not the earlier ones are done; as encrypted, proven and synced as in batches.',
  prepare,
};

function prepare(): Contest {
  const records = flowRecords(EVENTS_PER_MS * DURATION_MS);
  const logs = new ScratchLogs();
  return {
    product: async () => {
      const directory = logs.nextDirectory();
      const { log, close } = await openWriter(directory);
      const latenciesMs = await offer(log, records);
      await close();
      await requireSound(directory, records.length, true);
      return percentile(latenciesMs, 0.99);
    },
    close: () => logs.remove(),
  };
}

// The clock starts when an event is due, not when the loop gets to it: a stall counts for every event that it delays.
async function offer(log: EventLogWriter, records: readonly LogRecordInput[]): Promise<Float64Array> {
  const latenciesMs = new Float64Array(records.length);
  const startMs = performance.now();
  const pending = new Set<Promise<void>>();
  for (let offered = 0; offered < records.length;) {
    const dueCount = Math.min(records.length, Math.floor((performance.now() - startMs) * EVENTS_PER_MS) + 1);
    for (; offered < dueCount; offered++) {
      const n = offered;
      const appended = log.append([records[n] as LogRecordInput]).then(() => {
        latenciesMs[n] = performance.now() - startMs - n / EVENTS_PER_MS;
        pending.delete(appended);
      });
      pending.add(appended);
    }
    // Not a loop that spins: it would take the processor from the threads that write.
    await pause(1);
  }
  await Promise.all(pending);
  return latenciesMs;
}

/** Nearest-rank percentile. */
function percentile(values: Float64Array, fraction: number): number {
  return [...values].sort((a, b) => a - b)[Math.ceil(values.length * fraction) - 1] ?? Number.NaN;
}
