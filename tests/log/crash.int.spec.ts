import type { FaultyDisk } from '@protego/event-log/testing';
import { CrashFailure, noCounts, runSeed, type CampaignCounts } from './crash-campaign';
import { PLANTED_DEFECTS } from './planted-defects';

/** Seeds from CRASH_FROM on, CRASH_SEEDS of them; `CRASH_FROM=4711 CRASH_SEEDS=1` runs one again. */
const FROM = Number(process.env['CRASH_FROM'] ?? 0);
const SEEDS = Number(process.env['CRASH_SEEDS'] ?? 60);
/** Seeds within which a defect must show. */
const DEFECT_SEEDS = 200;

const mockMount: { disk?: FaultyDisk } = {};
const mount = (disk: FaultyDisk | undefined): void => void (mockMount.disk = disk);

// The shipped code runs as it is, file layer included; only the calls that it ends in are the disk's.
jest.mock('node:fs/promises', () => {
  const real = jest.requireActual<typeof import('node:fs/promises')>('node:fs/promises');
  const diskOf = (path: unknown): FaultyDisk | undefined =>
    typeof path === 'string' && mockMount.disk?.holds(path) === true ? mockMount.disk : undefined;
  return {
    ...real,
    open: (path: string, flags: string, mode?: number) =>
      diskOf(path)?.open(path, flags) ?? real.open(path, flags, mode),
    mkdir: (path: string, options: { recursive: true }) => diskOf(path)?.mkdir(path) ?? real.mkdir(path, options),
    rename: (from: string, to: string) => (diskOf(from) ?? real).rename(from, to),
    unlink: (path: string) => (diskOf(path) ?? real).unlink(path),
    rmdir: (path: string) => (diskOf(path) ?? real).rmdir(path),
  };
});

// A power cut ends the running system, which has another id after it.
jest.mock('node:fs', () => {
  const real = jest.requireActual<typeof import('node:fs')>('node:fs');
  const readFileSync = (...args: Parameters<typeof real.readFileSync>): unknown =>
    args[0] === '/proc/sys/kernel/random/boot_id' && mockMount.disk !== undefined
      ? `boot-${mockMount.disk.boots}`
      : real.readFileSync(...args);
  return { ...real, readFileSync };
});

// A thread would go past the disk.
jest.mock('node:worker_threads', () => {
  const real = jest.requireActual<typeof import('node:worker_threads')>('node:worker_threads');
  const { TileThread } = jest.requireActual<typeof import('./tile-thread')>('./tile-thread');
  const Worker = function (...args: ConstructorParameters<typeof real.Worker>): unknown {
    return mockMount.disk === undefined ? new real.Worker(...args) : new TileThread(mockMount.disk);
  };
  return { ...real, Worker };
});

// Random bytes compress differently each time, and would change the sizes of writes.
jest.mock('node:crypto', () => {
  const real = jest.requireActual<typeof import('node:crypto')>('node:crypto');
  const fill = <T extends NodeJS.ArrayBufferView>(view: T): T => {
    const disk = mockMount.disk;
    if (disk === undefined) return real.randomFillSync(view);
    const key = Buffer.alloc(16);
    key.writeUInt32LE(disk.random.seed());
    const stream = real.createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(view.byteLength));
    new Uint8Array(view.buffer, view.byteOffset, view.byteLength).set(stream);
    return view;
  };
  return { ...real, randomFillSync: fill, randomBytes: (bytes: number) => fill(Buffer.alloc(bytes)) };
});

// In the thread pool the order of things would be the machine's and not the seed's.
jest.mock('lz4-napi', () => {
  const real = jest.requireActual<typeof import('lz4-napi')>('lz4-napi');
  return { ...real, compress: async (data: Buffer) => real.compressSync(data) };
});

jest.setTimeout(3_600_000);

describe('a log on a disk that fails', () => {
  it('keeps what it acknowledged, invents nothing, and opens again', async () => {
    const total = noCounts();
    const failures: string[] = [];
    for (let seed = FROM; seed < FROM + SEEDS; seed++) {
      try {
        const { counts } = await runSeed(seed, { mount });
        for (const key of Object.keys(total) as (keyof CampaignCounts)[]) total[key] += counts[key];
      } catch (cause) {
        failures.push(cause instanceof Error ? cause.message : String(cause));
        if (failures.length >= 5) break;
      }
    }
    if (SEEDS > 60) process.stderr.write(`crash campaign, ${SEEDS} seeds from ${FROM}: ${JSON.stringify(total)}\n`);
    expect(failures).toEqual([]);
    if (SEEDS < 20) return;
    // A campaign in which nothing happens proves nothing.
    for (const [what, count] of Object.entries(total)) expect([what, count > 0]).toEqual([what, true]);
  });

  it('meets the same faults again under the same seed', async () => {
    const [first, again] = [await runSeed(FROM, { mount }), await runSeed(FROM, { mount })];
    expect(again.schedule).toEqual(first.schedule);
    expect(first.schedule.length).toBeGreaterThan(20);
  });

  it.each(Object.entries(PLANTED_DEFECTS))('is found out when %s', async (_, layer) => {
    const caught: unknown[] = [];
    for (let seed = 0; seed < DEFECT_SEEDS && caught.length === 0; seed++) {
      await runSeed(seed, { mount, layer }).catch((cause: unknown) => caught.push(cause));
    }
    expect(caught).toEqual([expect.any(CrashFailure)]);
  });
});
