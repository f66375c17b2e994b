import { replayLogOf, runReplay } from '@protego/replay';
import type { BenchCase, Contest } from '../bench-case';
import { batchesOf } from '../log/flow-records';
import { ScratchLogs, appendAll, openReader, openWriter } from '../log/scratch-log';
import { hospitalDay, hospitalPack } from '../pipeline/hospital-day';
import { ratePerSecond } from '../rounds';
import { readingRate } from './reading';

/** Throughput of a whole replay. */
export const REPLAY_HOSPITAL_PACK: BenchCase = {
  bench: 'replay',
  metric: 'hospital-pack',
  unit: 'events/s',
  description:
    'Replay of a simulated hospital day from its log, as `protego replay` does it in one thread: read, decode, pipeline, sorted lines and output hash; no fields are sealed.',
  peer: 'reading and decoding alone',
  prepare,
};

async function prepare(): Promise<Contest> {
  const artefacts = hospitalPack();
  const records = hospitalDay();
  const logs = new ScratchLogs();
  const directory = logs.nextDirectory();
  const writer = await openWriter(directory);
  await appendAll(writer.log, batchesOf(records, 512));
  await writer.close();
  const { reader, close } = await openReader(directory);
  const log = replayLogOf(reader);
  let expectedHash: string | undefined;
  return {
    product: async () => {
      const startMs = performance.now();
      const { manifest } = await runReplay({ log, artefacts, artefactHashes: {}, engine: 'bench' });
      const elapsedMs = performance.now() - startMs;
      expectedHash ??= manifest.outputHash;
      if (manifest.outputHash !== expectedHash) throw new Error('two replays of one log differ');
      return ratePerSecond(log.size, elapsedMs);
    },
    peer: () => readingRate(log),
    close: () => close().finally(() => logs.remove()),
  };
}
