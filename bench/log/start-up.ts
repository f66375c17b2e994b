import { join } from 'node:path';
import { openHouseKeys } from '@protego/enclave';
import { DedupeIndex, EventLogWriter } from '@protego/event-log';
import type { BenchCase } from '../bench-case';
import { ScratchLogs } from './scratch-log';
import { writeLongLog } from './ten-times';

/** Times 204,800 events: just over ten million. */
const PASSES = 49;

/** How long a writer takes to be ready. */
export const START_UP: BenchCase = {
  bench: 'log',
  metric: 'start-up',
  unit: 'ms',
  description:
    'From nothing to a log of 10,035,200 events that can be appended to: keys, recovery, tiles, checkpoints, and the index of ids over all of them.',
  prepare: async (say) => {
    const logs = new ScratchLogs();
    const directory = logs.nextDirectory();
    const events = await writeLongLog(directory, PASSES, (text) => say(`log/start-up: ${text}`));
    return { product: () => startUpMs(directory, events), close: () => logs.remove() };
  },
};

async function startUpMs(directory: string, events: number): Promise<number> {
  const startMs = performance.now();
  const house = await openHouseKeys({ directory: join(directory, 'keys'), mode: 'write' });
  const { keys } = house;
  const log = await EventLogWriter.open({ directory, origin: 'protego/bench', keys });
  const dedupe = await DedupeIndex.open({ directory, keys });
  const elapsedMs = performance.now() - startMs;
  const { size } = log;
  await log.close();
  await house.close();
  if (size !== events || dedupe.size !== events)
    throw new Error(`found ${size} records and ${dedupe.size} ids of ${events}`);
  return elapsedMs;
}
