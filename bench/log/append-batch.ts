import { rmSync } from 'node:fs';
import type { BenchCase, Contest, Say } from '../bench-case';
import { ratePerSecond } from '../rounds';
import { batchesOf, flowRecords } from './flow-records';
import { JetStreamPeer } from './jet-stream-peer';
import { ScratchLogs, appendAll, openWriter, requireSound } from './scratch-log';

const BATCH_EVENTS = 512;
const BATCHES = 400;
/** The peer is slower by an order of magnitude: a tenth of the events takes it as long. */
const PEER_EVENTS = (BATCHES * BATCH_EVENTS) / 10;

/** Throughput of durable appends. */
export const APPEND_BATCH: BenchCase = {
  bench: 'log',
  metric: 'append-batch',
  unit: 'events/s',
  description:
    'Durable append (fdatasync, Merkle tree; not encrypted yet) of canonical bodies of about 350 bytes in batches of 512, eight batches on their way; every log is verified afterwards.',
  peer: 'JetStream, acknowledged publish to a file stream, pipelined',
  prepare,
};

async function prepare(say: Say): Promise<Contest> {
  const records = flowRecords(BATCHES * BATCH_EVENTS);
  const batches = batchesOf(records, BATCH_EVENTS);
  const logs = new ScratchLogs();
  const bodies = records.slice(0, PEER_EVENTS).map(({ body }) => body);
  const peer = await JetStreamPeer.start(bodies, say);
  const kept: string[] = [];
  const product = async (): Promise<number> => {
    const directory = logs.nextDirectory();
    const log = await openWriter(directory);
    const startMs = performance.now();
    await appendAll(log, batches);
    const elapsedMs = performance.now() - startMs;
    await log.close();
    await requireSound(directory, records.length, false);
    for (const earlier of kept.splice(0)) rmSync(earlier, { recursive: true });
    kept.push(directory);
    return ratePerSecond(records.length, elapsedMs);
  };
  return {
    product,
    ...(peer instanceof JetStreamPeer ? { peer: () => peer.publishAll() } : { peerMissing: peer.missing }),
    close: async () => {
      if (peer instanceof JetStreamPeer) await peer.stop();
      for (const directory of kept) await requireSound(directory, records.length, true);
      logs.remove();
    },
  };
}
