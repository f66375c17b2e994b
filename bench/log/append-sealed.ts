import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { loadFieldClasses } from '@protego/artefacts';
import type { SourceDeclaration } from '@protego/contracts';
import { openEnclave, type Admission, type GateOptions, type RawEvent } from '@protego/enclave';
import { DedupeIndex, EventLogWriter, SealedRecord, type LogRecordInput } from '@protego/event-log';
import type { BenchCase, Contest, Say } from '../bench-case';
import { STREAMS } from '../places';
import { ratePerSecond } from '../rounds';
import { JetStreamPeer } from './jet-stream-peer';
import { recordReads } from './record-reads';
import { ScratchLogs, requireSound } from './scratch-log';

/** Of a hospital that has just begun: a fifth of them name somebody for the first time. */
const FIRST_EVENTS = 102_400;
/** After those, when all patients and staff have their keys. */
const LATER_EVENTS = 204_800;
const BATCH_EVENTS = 512;
const APPENDS_IN_FLIGHT = 8;
const ENCLAVE_PROCESSES = 2;
const PEER_EVENTS = 20_480;

const SOURCE: SourceDeclaration = {
  name: 'ehr',
  description: 'the hospital system whose reads are sent',
  families: ['access'],
  authoritativeFor: [],
  latenessMs: 0,
  idleAfterMs: 0,
  carriesClock: true,
};
const GATE: GateOptions = {
  site: 'north',
  sources: { skewMaxMs: 0, defaults: { latenessMs: 0, idleAfterMs: 0 }, sources: [SOURCE] },
};

const WHAT =
  "From raw JSON with one patient and one staff field to durable: parse, check, tokenise and seal in the enclave's two processes, know again what was sent twice, append; in batches of 512";
const PEER = 'JetStream, acknowledged publish of the same JSON to an encrypted file stream, pipelined';

/** Throughput of durable appends with personal fields, of persons who have keys. */
export const APPEND_SEALED: BenchCase = {
  bench: 'log',
  metric: 'append-sealed',
  unit: 'events/s',
  description: `${WHAT}. The 20,000 patients and 1,500 staff have been met before.`,
  peer: PEER,
  prepare: (say) => prepare(say, LATER_EVENTS),
};

/** The same while keys are made. */
export const APPEND_SEALED_FIRST: BenchCase = {
  bench: 'log',
  metric: 'append-sealed-first',
  unit: 'events/s',
  description: `${WHAT}. A new log: 21,500 persons get their keys within 102,400 events.`,
  peer: PEER,
  prepare: (say) => prepare(say, 0),
};

async function prepare(say: Say, laterEvents: number): Promise<Contest> {
  const raw = recordReads(FIRST_EVENTS + laterEvents);
  const logs = new ScratchLogs();
  const peer = await JetStreamPeer.start(raw.slice(0, PEER_EVENTS), say);
  return {
    product: async () => {
      const directory = logs.nextDirectory();
      const elapsedMs = await appendSealed(directory, raw);
      await requireSound(directory, raw.length, true);
      rmSync(directory, { recursive: true });
      return ratePerSecond(laterEvents > 0 ? laterEvents : FIRST_EVENTS, elapsedMs);
    },
    ...(peer instanceof JetStreamPeer ? { peer: () => peer.publishAll() } : { peerMissing: peer.missing }),
    close: async () => {
      if (peer instanceof JetStreamPeer) await peer.stop();
      logs.remove();
    },
  };
}

/** Milliseconds for the events after the first, or for those where there are no others. */
async function appendSealed(directory: string, raw: readonly Buffer[]): Promise<number> {
  const fields = loadFieldClasses(STREAMS);
  const house = await openEnclave({
    directory: join(directory, 'keys'),
    mode: 'write',
    fields,
    gate: GATE,
    processes: ENCLAVE_PROCESSES,
  });
  const { keys, vault } = house;
  const log = await EventLogWriter.open({ directory, origin: 'protego/bench', keys });
  const dedupe = await DedupeIndex.open({ directory, keys });
  const recordOf = (admission: Admission): LogRecordInput => {
    if (admission.kind === 'refused') throw admission.error;
    const { source, id, type, timeMs, carriedMs: arrivedAtMs = timeMs, sealed } = admission.event;
    const identity = dedupe.identityOf(source, id, sealed.contentHash);
    if (dedupe.admit(identity, arrivedAtMs) !== 'new') throw new Error(`event \`${id}\` was taken for a known one`);
    return new SealedRecord(sealed, { identity, type, timeMs, arrivedAtMs, recordedAtMs: arrivedAtMs });
  };
  let turn: Promise<unknown> = Promise.resolve();
  const durably = async (inputs: readonly RawEvent[]): Promise<void> => {
    const before = turn;
    const records = vault.admit(inputs).then((admissions) => before.then(() => admissions.map(recordOf)));
    turn = records;
    await records;
    // A record must not outlive the keys that it was sealed under.
    await vault.flush();
    await log.append(await records);
  };
  const appendAll = async (events: readonly Buffer[]): Promise<number> => {
    const startMs = performance.now();
    const inFlight: Promise<void>[] = [];
    for (let at = 0; at < events.length; at += BATCH_EVENTS) {
      const batch = events.slice(at, at + BATCH_EVENTS);
      inFlight.push(durably(batch.map((bytes) => ({ bytes, source: SOURCE.name, family: undefined }))));
      if (inFlight.length >= APPENDS_IN_FLIGHT) await inFlight.shift();
    }
    await Promise.all(inFlight);
    return performance.now() - startMs;
  };
  const firstMs = await appendAll(raw.slice(0, FIRST_EVENTS));
  const elapsedMs = raw.length > FIRST_EVENTS ? await appendAll(raw.slice(FIRST_EVENTS)) : firstMs;
  await log.close();
  await house.close();
  return elapsedMs;
}
