import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { keysDirectoryOf, openEnclave } from '@protego/enclave';
import { EventLogReader } from '@protego/event-log';
import { replayLogOf, type RunManifest } from '@protego/replay';
import type { BenchCase } from '../bench-case';
import { ROOT, scratchDirectory } from '../places';
import { ratePerSecond } from '../rounds';
import { PROTEGO, longLog } from './long-log';
import { readingRate } from './reading';

const MIB = 1 << 20;
/** Threads with a part of the artefacts each, beside the one that reads. */
const WORKERS = 2;
/** The part of the log that memory is compared with. */
const TIMES = 10;

/** Throughput of a replay of ten million events. */
export const REPLAY_LONG: BenchCase = {
  bench: 'replay',
  metric: 'long',
  unit: 'events/s',
  description: `\`protego replay --workers ${WORKERS}\` of some ten million events of a simulated hospital of 300 beds, personal fields sealed, from start to exit.`,
  peer: 'reading alone, in one thread: authenticate, decrypt, decode, open sealed fields',
  isOnlyNamed: true,
  isOnce: true,
  prepare: (say) => {
    const log = longLog(say);
    return {
      product: async () => {
        const { records, elapsedMs } = await replayed(log, []);
        return ratePerSecond(records, elapsedMs);
      },
      peer: () => reading(log),
    };
  },
};

/** Whether a longer replay takes more memory. */
export const REPLAY_MEMORY_TEN_TIMES: BenchCase = {
  bench: 'replay',
  metric: 'memory-ten-times',
  unit: 'MiB',
  description: 'Greatest resident memory of that replay.',
  peer: 'the same over the first tenth of the log',
  isOnlyNamed: true,
  isOnce: true,
  prepare: (say) => {
    const log = longLog(say);
    let tenth = 0;
    return {
      product: async () => {
        const { records, memoryBytesMax } = await replayed(log, []);
        tenth = Math.ceil(records / TIMES);
        return memoryBytesMax / MIB;
      },
      peer: async () => (await replayed(log, ['--to', String(tenth)])).memoryBytesMax / MIB,
    };
  },
};

interface Replayed {
  readonly records: number;
  readonly elapsedMs: number;
  readonly memoryBytesMax: number;
}

async function replayed(log: string, args: readonly string[]): Promise<Replayed> {
  const out = scratchDirectory();
  const options = ['--log', log, '--out', out, '--no-snapshots', '--workers', String(WORKERS), '--json', ...args];
  const startMs = performance.now();
  const child = spawn(process.execPath, [PROTEGO, 'replay', ...options], { cwd: ROOT, stdio: ['ignore', 'ignore', 2] });
  let memoryBytesMax = 0;
  const watch = setInterval(() => (memoryBytesMax = Math.max(memoryBytesMax, residentBytesMaxOf(child.pid))), 500);
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    const elapsedMs = performance.now() - startMs;
    if (code !== 0) throw new Error(`the replay ended with ${code}`);
    const manifest = JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')) as RunManifest;
    return { records: manifest.counts.records, elapsedMs, memoryBytesMax };
  } finally {
    clearInterval(watch);
    rmSync(out, { recursive: true, force: true });
  }
}

/** Greatest resident memory of a process so far, as Linux tells it; 0 when it is gone. */
function residentBytesMaxOf(pid: number | undefined): number {
  try {
    const [, kib = '0'] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib) * 1_024;
  } catch {
    return 0;
  }
}

async function reading(directory: string): Promise<number> {
  const house = await openEnclave({ directory: keysDirectoryOf(directory), mode: 'read' });
  try {
    const reader = await EventLogReader.open({ directory, keys: house.keys });
    return await readingRate(replayLogOf(reader, house.vault));
  } finally {
    await house.close();
  }
}
