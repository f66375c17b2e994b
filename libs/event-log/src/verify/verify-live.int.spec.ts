import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { fixedKeys } from '@protego/enclave/testing';
import { inTemporaryDirectory } from '../testing';
import { EventLogWriter } from '../writer/writer';
import { verifyLog } from './verify';

/** Appends small batches into small segments, with a checkpoint every few records, until it is told to end. */
const WRITER = `
require(${JSON.stringify(join(__dirname, '../testing/register-typescript.cjs'))});
const { parentPort, workerData } = require('node:worker_threads');
const { fixedKeys } = require('@protego/enclave/testing');
const { EventLogWriter } = require(${JSON.stringify(join(__dirname, '../writer/writer.ts'))});
const { sampleRecords } = require(${JSON.stringify(join(__dirname, '../testing/index.ts'))});
let isEnding = false;
parentPort.on('message', () => { isEnding = true; });
(async () => {
  const writer = await EventLogWriter.open({
    directory: workerData, origin: 'protego/north', keys: fixedKeys(),
    segmentRecordsMax: 150, checkpoint: { everyRecords: 20, everyMs: 60000 },
  });
  for (let i = 0; !isEnding && i < 40000; i += 7) {
    await writer.append(sampleRecords(7, i));
    if (i === 0) parentPort.postMessage('begun');
    await new Promise((resolve) => setImmediate(resolve));
  }
  await writer.close();
  parentPort.close();
})();
`;

const KEYS = fixedKeys();

jest.setTimeout(120_000);

describe('verifyLog beside a writer', () => {
  it('finds no problem while segments are finished and checkpoints signed', async () => {
    await inTemporaryDirectory(async (directory) => {
      const log = join(directory, 'log');
      const worker = new Worker(WRITER, { eval: true, workerData: log });
      const ended = new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
      await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
      const sizes = new Set<number>();
      for (let i = 0; i < 30; i++) {
        const { problems, size } = verifyLog({ directory: log, keys: KEYS, decodesBodies: false });
        expect(problems).toEqual([]);
        sizes.add(size);
        await turn();
      }
      expect(sizes.size).toBeGreaterThan(5);
      worker.postMessage('end');
      await ended;
      expect(verifyLog({ directory: log, keys: KEYS })).toMatchObject({ ok: true, problems: [] });
    });
  });

  it('takes a log that was never closed for what it is', async () => {
    await inTemporaryDirectory(async (directory) => {
      const writer = await EventLogWriter.open({ directory, origin: 'north', keys: KEYS });
      expect(verifyLog({ directory, keys: KEYS })).toMatchObject({ ok: true, size: 0, unsignedFrom: 0 });
      await writer.close();
    });
  });
});
