import { rmSync } from 'node:fs';
import type { BenchCase, Contest, Say } from '../bench-case';
import { ratePerSecond } from '../rounds';
import { batchesOf, flowRecords } from './flow-records';
import { JetStreamPeer, syncAlwaysMissing, type JetStreamSync } from './jet-stream-peer';
import { ScratchLogs, appendAll, openWriter, requireSound } from './scratch-log';

const BATCH_EVENTS = 512;
const BATCHES = 400;
/** The peer is slower by an order of magnitude: a tenth of the events takes it as long. */
const PEER_EVENTS = (BATCHES * BATCH_EVENTS) / 10;
/** A server that syncs each message is slower by another. */
const SYNCED_PEER_EVENTS = 2_048;

const DESCRIPTION =
  'Durable append (encrypted, Merkle tree with tiles and signed checkpoints, fdatasync) of canonical bodies of about 350 bytes without personal fields, no two equal, in batches of 512, 32 batches on their way; every log is verified afterwards.';

/** Throughput of durable appends. */
export const APPEND_BATCH: BenchCase = {
  bench: 'log',
  metric: 'append-batch',
  unit: 'events/s',
  description: DESCRIPTION,
  peer: 'JetStream, acknowledged publish to an encrypted file stream, pipelined, synced every two minutes',
  prepare: (say) => prepare(say, 'by default'),
};

/** The same beside a peer that promises as much. */
export const APPEND_BATCH_SYNCED: BenchCase = {
  bench: 'log',
  metric: 'append-batch-synced',
  unit: 'events/s',
  description: `${DESCRIPTION} The peer, too, acknowledges only what is on the disk.`,
  peer: 'JetStream, the same with `sync_interval: always`',
  missing: syncAlwaysMissing,
  prepare: (say) => prepare(say, 'always'),
};

async function prepare(say: Say, sync: JetStreamSync): Promise<Contest> {
  const records = flowRecords(BATCHES * BATCH_EVENTS);
  const batches = batchesOf(records, BATCH_EVENTS);
  const logs = new ScratchLogs();
  const bodies = records.slice(0, sync === 'always' ? SYNCED_PEER_EVENTS : PEER_EVENTS).map(({ body }) => body);
  const peer = await JetStreamPeer.start(bodies, say, sync);
  const kept: string[] = [];
  const product = async (): Promise<number> => {
    const directory = logs.nextDirectory();
    const { log, close } = await openWriter(directory);
    const startMs = performance.now();
    await appendAll(log, batches);
    const elapsedMs = performance.now() - startMs;
    await close();
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
