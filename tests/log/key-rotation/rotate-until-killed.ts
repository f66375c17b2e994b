import { readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { canonicalJson, messageOf, parseFieldDeclarations, systemClock, type ProtegoEvent } from '@protego/contracts';
import { openEnclave, type Enclave } from '@protego/enclave';
import { EventLogWriter, rotateDataKey, writerAuthority, type LogRecordInput } from '@protego/event-log';

/** What a writer is started with. */
export interface WriterOptions {
  readonly directory: string;
  readonly keysDirectory: string;
  /** File of the declarations of personal fields. */
  readonly fields: string;
  /** Script of the keeper. */
  readonly entry: string;
  /** Makes the ids of this life others than those of the lives before. */
  readonly life: number;
  /** Built sources of the log, when the writer is to go on under its first data key. */
  readonly stuckWriterIn?: string;
}

/** Exit code of a writer that has lost its enclave. */
export const EXIT_LOST = 70;
const SITE = 'rotation';
const APPENDERS = [1, 5, 16];
/** Events of one person. */
const EVENTS_PER_PERSON = 3;

/** The event of a number; the person in it follows from the number. */
function eventOf(life: number, number: number): ProtegoEvent {
  const uid = `person-${life}-${Math.floor(number / EVENTS_PER_PERSON)}`;
  return {
    ...{ specversion: '1.0', id: `e-${life}-${number}`, source: 'ehr', type: 'access.signed-in', site: SITE },
    ...{ time: '2026-03-02T07:00:00.000Z', data: { user: { uid } } },
  };
}

const say = (line: string): unknown => writeSync(1, `${line}\n`);

/**
 * Appends events with persons to a log, and rotates its data key, until it is killed. Prints `open <size> <data key> <pid of the
 * keeper>`, then a line `append <first seq> <first number> <count>` or `key <data key> <seq>` for all that is acknowledged.
 */
async function main(options: WriterOptions): Promise<void> {
  const { directory, keysDirectory, entry, life, stuckWriterIn } = options;
  if (stuckWriterIn !== undefined) await stickToTheFirstKey(stuckWriterIn);
  const fields = parseFieldDeclarations(readFileSync(options.fields, 'utf8'), options.fields);
  const enclave = await openEnclave({
    ...{ directory: keysDirectory, mode: 'write', fields, processes: 2, entry },
    onLost: () => process.exit(EXIT_LOST),
  });
  const limits = { segmentBytesMax: 24_000, checkpoint: { everyRecords: 300, everyMs: 50 } };
  const writer = await EventLogWriter.open({ directory, origin: 'rotation.example', keys: enclave.keys, ...limits });
  say(`open ${writer.size} ${enclave.keys.dataKeyId} ${enclave.keeperPid}`);
  const numbers = { next: 0 };
  await Promise.all([
    ...APPENDERS.map((count) => appendForEver(enclave, writer, life, numbers, count)),
    rotateForEver(enclave, writer),
  ]);
}

async function appendForEver(
  { vault }: Enclave,
  writer: EventLogWriter,
  life: number,
  numbers: { next: number },
  count: number,
): Promise<never> {
  for (;;) {
    const from = numbers.next;
    numbers.next += count;
    const events = Array.from({ length: count }, (_, i) => eventOf(life, from + i));
    const sealings = await vault.seal(events);
    await vault.flush();
    const records = sealings.map((sealing): LogRecordInput => {
      if (sealing.kind === 'refused') throw sealing.error;
      const { body, sealed, subjects } = sealing.sealed;
      const timeMs = systemClock.wallMs();
      const times = { timeMs, arrivedAtMs: timeMs, recordedAtMs: timeMs };
      return { body, sealed, subjects, type: 'access.signed-in', ...times };
    });
    const { firstSeq } = await writer.append(records);
    say(`append ${firstSeq} ${from} ${count}`);
    await pause(2);
  }
}

async function rotateForEver(house: Enclave, writer: EventLogWriter): Promise<never> {
  const authority = writerAuthority({ writer, clock: systemClock, site: SITE });
  for (;;) {
    const { dataKeyId, eventSeq } = await rotateDataKey({ house, authority });
    say(`key ${dataKeyId} ${eventSeq}`);
    await pause(4);
  }
}

/** Plants a defect: the writer never begins a new session. */
async function stickToTheFirstKey(eventLog: string): Promise<void> {
  const module = (await import(join(eventLog, 'segments/segment-writer.js'))) as {
    SegmentWriter: { prototype: { renewSession(): void } };
  };
  module.SegmentWriter.prototype.renewSession = () => undefined;
}

if (require.main === module)
  main(JSON.parse(process.argv[2] ?? '{}') as WriterOptions).catch((cause: unknown) => {
    writeSync(2, `${canonicalJson({ message: messageOf(cause) })}\n`);
    process.exit(1);
  });
