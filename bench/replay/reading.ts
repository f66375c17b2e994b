import { eventRegistry, readLoggedEvents } from '@protego/contracts';
import { recordBatches } from '@protego/event-log';
import type { ReplayLog } from '@protego/replay';
import { isPipelineInput } from '@protego/streams';
import { ratePerSecond } from '../rounds';

/**
 * Events per second of what a replay does before any rule is asked: blocks authenticated and decrypted, bodies decoded,
 * sealed fields opened.
 */
export async function readingRate(log: ReplayLog): Promise<number> {
  const startMs = performance.now();
  let count = 0;
  for (const batch of recordBatches(log.records(log.firstSeq, log.size))) {
    const inputs = batch.filter(({ type }) => isPipelineInput(type));
    await readLoggedEvents(inputs, eventRegistry, log.open);
    count += batch.length;
  }
  if (count !== log.size - log.firstSeq) throw new Error(`${count} of ${log.size - log.firstSeq} records were read`);
  return ratePerSecond(count, performance.now() - startMs);
}
