import { setImmediate as nextTurn } from 'node:timers/promises';
import { mkdir } from 'node:fs/promises';
import { nodeFileLayer, writeThenSync, type LogFile, type LogFileLayer } from '@protego/event-log';

/** File layers that each do one thing wrong: a campaign that lets one of them pass tests nothing. */
export const PLANTED_DEFECTS: Readonly<Record<string, LogFileLayer>> = {
  'fdatasync is left out': withFile((file) => inTwoCalls({ ...file, fdatasync: async () => undefined })),
  'appends are acknowledged before the fdatasync is done': withFile((file) =>
    inTwoCalls({
      ...file,
      fdatasync: async () => {
        void laterSync(file).catch(() => undefined);
      },
    }),
  ),
  'durable writes are not waited for': withFile((file) => ({
    ...file,
    writeDurably: async (buffers, position) => {
      const copies = buffers.map((buffer) => Buffer.from(buffer));
      void laterWrite(file, copies, position).catch(() => undefined);
    },
  })),
  'directories are not synced': {
    ...nodeFileLayer,
    syncDirectory: async () => undefined,
    makeDirectory: async (path) => {
      await mkdir(path, { recursive: true, mode: 0o700 });
    },
  },
  'tails are cut too far': withFile((file) => ({
    ...file,
    truncate: (bytes) => file.truncate(Math.max(0, bytes - 60)),
  })),
  'tails are not cut': withFile((file) => ({ ...file, truncate: async () => undefined })),
  'the rest of a short write is forgotten': withFile((file) =>
    inTwoCalls({
      ...file,
      writev: async (buffers, position) => {
        await file.writev(buffers, position);
        return buffers.reduce((sum, { length }) => sum + length, 0);
      },
    }),
  ),
};

function withFile(change: (file: LogFile) => LogFile): LogFileLayer {
  return { ...nodeFileLayer, open: async (path, mode) => change(await nodeFileLayer.open(path, mode)) };
}

/** Lets a defect in one of two calls show where a file would make do with one. */
function inTwoCalls(file: LogFile): LogFile {
  return { ...file, writeDurably: (buffers, position) => writeThenSync(file, buffers, position) };
}

async function laterWrite(file: LogFile, buffers: readonly Buffer[], position: number): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  await file.writeDurably(buffers, position);
}

async function laterSync(file: LogFile): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn();
  await file.fdatasync();
}
