import { writeSync } from 'node:fs';
import { messageOf } from '@protego/contracts';
import { fixedKeys } from '@protego/enclave/testing';
import { EventLogWriter } from '../writer/writer';
import { sampleRecord } from './index';

/**
 * Appends records to the log in the directory named by the first argument until it is killed, and prints a line
 * `first end` for every append that was acknowledged. With `hold` as second argument it only holds the lock.
 */
async function main(): Promise<void> {
  const [directory = '', mode = 'append'] = process.argv.slice(2);
  const keys = fixedKeys();
  const writer = await EventLogWriter.open({ directory, origin: 'child.example', keys, segmentBytesMax: 16_384 });
  writeSync(1, `open ${writer.size}\n`);
  if (mode === 'hold') {
    setInterval(() => undefined, 1000);
    return;
  }
  await Promise.all([appendForEver(writer, 1), appendForEver(writer, 7), appendForEver(writer, 64)]);
}

async function appendForEver(writer: EventLogWriter, count: number): Promise<void> {
  for (;;) {
    const from = writer.nextSeq;
    const { firstSeq } = await writer.append(Array.from({ length: count }, (_, i) => sampleRecord(from + i)));
    writeSync(1, `${firstSeq} ${firstSeq + count}\n`);
  }
}

main().catch((cause: unknown) => {
  writeSync(2, `${messageOf(cause)}\n`);
  process.exitCode = 1;
});
