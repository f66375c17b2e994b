import { canonicalJson, formatRfc3339 } from '@protego/contracts';
import { EventLogReader, type LogRecord, type LogRecordInput, type QueryStats } from '@protego/event-log';
import type { BenchCase, Contest, Say } from '../bench-case';
import { ScratchLogs, appendAll, openWriter, withReader } from './scratch-log';

const EVENTS = 5_000_000;
const BATCH_EVENTS = 1_000;
/** Events that name the subject that is asked for, spread over the log. */
const FOUND_EVENTS = 50;
const SUBJECT = 'person-in-question';
/** What the product asks for about a person: both tokens, the alias, and the text as it was given. */
const ASKED_NAMES = [SUBJECT, 'its-token-as-patient', 'its-alias', 'its-name'];
const START_MS = Date.UTC(2026, 2, 2, 7);
const TYPE = 'access.record-read';

/** How long a question about one person takes. */
export const QUERY: BenchCase = {
  bench: 'log',
  metric: 'query',
  unit: 'ms',
  description:
    'Find the 50 events of one person, asked for by four names at once as the product does, among 5 million of two names each, in a log on the disk; at most one in a hundred of the other blocks, and one in fifty of all, may be read.',
  prepare,
};

async function prepare(say: Say): Promise<Contest> {
  const logs = new ScratchLogs();
  const directory = logs.nextDirectory();
  const holding = await writeLog(directory, say);
  return {
    // Opened anew for each round, so that no index is remembered from the one before.
    product: () =>
      withReader(directory, async ({ keys }) =>
        timeOfQuery(await EventLogReader.open({ directory, keys, subjectsOf }), holding, say),
      ),
    close: () => logs.remove(),
  };
}

function timeOfQuery(reader: EventLogReader, holding: readonly number[], say: Say): number {
  const startMs = performance.now();
  const query = reader.query({ subjects: ASKED_NAMES });
  const found = [...query].map(({ seq }) => Number(seq));
  const elapsedMs = performance.now() - startMs;
  if (found.join() !== holding.join()) throw new Error(`found ${found.length} of ${holding.length} events`);
  requireFewBlocks(query.stats, say);
  return elapsedMs;
}

// No two of the wanted events are in one block, so each has a block of its own.
function requireFewBlocks({ blocks, blocksRead }: QueryStats, say: Say): void {
  const others = blocksRead - FOUND_EVENTS;
  say(`read ${blocksRead} of ${blocks} blocks, ${others} of them in vain`);
  const isLittle = others <= 0.01 * (blocks - FOUND_EVENTS) && blocksRead <= 0.02 * blocks;
  if (!isLittle) throw new Error(`the query read ${blocksRead} of ${blocks} blocks, ${others} of them in vain`);
}

/** Writes the log; returns the seqs of the wanted events. */
async function writeLog(directory: string, say: Say): Promise<number[]> {
  const { log, close } = await openWriter(directory);
  const holding: number[] = [];
  await appendAll(log, batches(holding, say));
  await close();
  return holding;
}

function* batches(holding: number[], say: Say): Generator<LogRecordInput[]> {
  for (let at = 0; at < EVENTS; at += BATCH_EVENTS) {
    const batch = Array.from({ length: BATCH_EVENTS }, (_, i) => accessRecord(at + i));
    for (const [i, { subjects }] of batch.entries()) if (subjects?.includes(SUBJECT) === true) holding.push(at + i);
    if (at % 1_000_000 === 0) say(`${at} of ${EVENTS} events written`);
    yield batch;
  }
}

/** Somebody reads somebody's record; a few readers do most of it, as in a hospital. */
function accessRecord(n: number): LogRecordInput {
  const scattered = Math.imul(n, 2_654_435_761) >>> 0;
  const isWanted = n % (EVENTS / FOUND_EVENTS) === 4_321;
  const names = [isWanted ? SUBJECT : `staff-${scattered % 400}`, `patient-${(scattered >>> 8) % 60_000}`];
  const timeMs = START_MS + n;
  const time = formatRfc3339(timeMs);
  const data = { actor: { user: { uid: names[0] } }, patient: { uid: names[1] }, purpose: 'treatment' };
  const event = { arrivedat: time, data, id: `read-${n}`, site: 'north', source: 'ehr', specversion: '1.0', time };
  const body = Buffer.from(canonicalJson({ ...event, type: TYPE }));
  return { body, timeMs, arrivedAtMs: timeMs + 3, recordedAtMs: timeMs + 5, type: TYPE, subjects: names };
}

function subjectsOf({ body }: LogRecord): readonly string[] {
  const { data } = JSON.parse(body.toString()) as {
    data: { actor: { user: { uid: string } }; patient: { uid: string } };
  };
  return [data.actor.user.uid, data.patient.uid];
}
