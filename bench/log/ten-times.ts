import { rmSync } from 'node:fs';
import type { LogRecordInput } from '@protego/event-log';
import type { BenchCase, Contest, Say } from '../bench-case';
import { flowRecords, repeatedBatches } from './flow-records';
import { ScratchLogs, appendAll, openWriter, requireSound, withReader } from './scratch-log';

const EVENTS = 204_800;
const TIMES = 10;
const BATCH_EVENTS = 512;
const MIB = 1 << 20;

/** Whether a longer log is slower to append to. */
export const APPEND_TEN_TIMES: BenchCase = {
  bench: 'log',
  metric: 'append-ten-times',
  unit: 'times',
  description:
    'Time per event of appending 2,048,000 events to one log over that of appending 204,800 to another; both logs are verified.',
  prepare: () =>
    onLogs(async (append) => {
      const short = await append(1);
      return (await append(TIMES)).elapsedMs / TIMES / short.elapsedMs;
    }),
};

/** Whether a longer log takes more memory to write. */
export const MEMORY_TEN_TIMES: BenchCase = {
  bench: 'log',
  metric: 'append-ten-times-memory',
  unit: 'MiB',
  description:
    'Greatest resident memory of the process while it appends 2,048,000 events, less that while it appends 204,800 before.',
  prepare: () =>
    onLogs(async (append) => {
      const short = await append(1);
      return ((await append(TIMES)).memoryBytesMax - short.memoryBytesMax) / MIB;
    }),
};

/** Whether a longer log is slower to verify. */
export const VERIFY_TEN_TIMES: BenchCase = {
  bench: 'log',
  metric: 'verify-ten-times',
  unit: 'times',
  description: 'Time per event of verifying a log of 2,048,000 events over that of verifying one of 204,800.',
  prepare: async (say) => {
    const logs = new ScratchLogs();
    const records = flowRecords(EVENTS);
    const [short, long] = [logs.nextDirectory(), logs.nextDirectory()];
    say('log/verify-ten-times: writing two logs');
    await appended(short, records, 1);
    await appended(long, records, TIMES);
    return {
      product: async () => {
        const shortMs = await verifyMs(short);
        return (await verifyMs(long)) / TIMES / shortMs;
      },
      close: () => logs.remove(),
    };
  },
};

interface Appended {
  readonly elapsedMs: number;
  readonly memoryBytesMax: number;
}

function onLogs(use: (append: (passes: number) => Promise<Appended>) => Promise<number>): Contest {
  const logs = new ScratchLogs();
  const records = flowRecords(EVENTS);
  const append = async (passes: number): Promise<Appended> => {
    globalThis.gc?.();
    const directory = logs.nextDirectory();
    const measured = await appended(directory, records, passes);
    await requireSound(directory, records.length * passes, false);
    rmSync(directory, { recursive: true });
    return measured;
  };
  return { product: () => use(append), close: () => logs.remove() };
}

async function appended(directory: string, records: readonly LogRecordInput[], passes: number): Promise<Appended> {
  const { log, close } = await openWriter(directory);
  let memoryBytesMax = 0;
  function* watched(): Generator<LogRecordInput[]> {
    let batches = 0;
    for (const batch of repeatedBatches(records, passes, BATCH_EVENTS)) {
      if (batches++ % 16 === 0) memoryBytesMax = Math.max(memoryBytesMax, process.memoryUsage.rss());
      yield batch;
    }
  }
  const startMs = performance.now();
  await appendAll(log, watched());
  const elapsedMs = performance.now() - startMs;
  await close();
  return { elapsedMs, memoryBytesMax };
}

async function verifyMs(directory: string): Promise<number> {
  const startMs = performance.now();
  const { ok } = await withReader(directory, (reader) => reader.verify({ decodesBodies: false }));
  if (!ok) throw new Error('the log is not sound');
  return performance.now() - startMs;
}

/** Writes a log of `passes` times 204,800 events, for a case that only reads it. */
export async function writeLongLog(directory: string, passes: number, say: Say): Promise<number> {
  say(`writing a log of ${passes * EVENTS} events`);
  await appended(directory, flowRecords(EVENTS), passes);
  return passes * EVENTS;
}
