import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fixedKeys } from '@protego/enclave/testing';
import { EventLogReader } from '../reader/reader';
import { inTemporaryDirectory, sampleRecord } from '../testing';
import { EventLogWriter } from './writer';

jest.setTimeout(120_000);

const keys = fixedKeys();

const KIT = join(__dirname, '..', 'testing');

function startChild(directory: string, mode: 'append' | 'hold'): ChildProcess {
  const args = [
    '--require',
    join(KIT, 'register-typescript.cjs'),
    join(KIT, 'append-until-killed.ts'),
    directory,
    mode,
  ];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Collects what the child prints until it has printed `lines` lines, then kills it; returns all whole lines. */
async function killAfter(child: ChildProcess, lines: number): Promise<string[]> {
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (text.split('\n').length > lines) child.kill('SIGKILL');
  });
  await once(child, 'close');
  return text.split('\n').slice(0, -1);
}

describe('death of the writing process', () => {
  it('loses nothing that was acknowledged in ten kills', async () => {
    await inTemporaryDirectory(async (directory) => {
      let acknowledged = 0;
      for (let round = 0; round < 10; round++) {
        const printed = await killAfter(startChild(directory, 'append'), 3 + round * 13);
        expect(Number(printed[0]?.split(' ')[1])).toBeGreaterThanOrEqual(acknowledged);
        for (const line of printed.slice(1)) acknowledged = Math.max(acknowledged, Number(line.split(' ')[1]));
        const reader = await EventLogReader.open({ directory, keys });
        let size = 0;
        for (const { seq, body } of reader.records()) {
          expect(seq).toBe(size++);
          if (!body.equals(sampleRecord(seq).body)) throw new Error(`record ${seq} is another`);
        }
        expect(size).toBeGreaterThanOrEqual(acknowledged);
      }
      expect(acknowledged).toBeGreaterThan(500);
      const writer = await EventLogWriter.open({ directory, origin: 'child.example', keys });
      expect(writer.size).toBeGreaterThanOrEqual(acknowledged);
      await writer.close();
      expect((await EventLogReader.open({ directory, keys })).verify()).toMatchObject({ ok: true, tornBytes: 0 });
    });
  });

  it('frees the lock, which until then keeps every other writer out', async () => {
    await inTemporaryDirectory(async (directory) => {
      const child = startChild(directory, 'hold');
      await once(child.stdout as NodeJS.ReadableStream, 'data');
      await expect(EventLogWriter.open({ directory, origin: 'child.example', keys })).rejects.toMatchObject({
        code: 'LOG_LOCKED',
        details: { pid: child.pid },
      });
      child.kill('SIGKILL');
      await once(child, 'close');
      const writer = await EventLogWriter.open({ directory, origin: 'child.example', keys });
      await expect(EventLogWriter.open({ directory, origin: 'child.example', keys })).rejects.toMatchObject({
        code: 'LOG_LOCKED',
        details: { pid: process.pid },
      });
      await writer.close();
      await (await EventLogWriter.open({ directory, origin: 'child.example', keys })).close();
    });
  });
});
