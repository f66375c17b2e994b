import fs, { type FileHandle } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { DiskStep } from './kill-plan';

/** What the keeper of a vault is started with. */
export interface FireOptions {
  /** Built sources of the enclave. */
  readonly enclave: string;
  readonly keysDirectory: string;
  readonly target: 'group' | 'keeper' | 'replica';
  readonly step?: DiskStep;
  readonly defect?: string;
}

type Write = (directory: string, name: string, content: Buffer) => Promise<void>;

/** Runs the keeper of a vault, which dies on one call to the disk, and may do one thing wrong. */
export function runKeeper(options: FireOptions): void {
  const load = createRequire(join(options.enclave, 'index.js'));
  if (options.step !== undefined) underFire(options, options.step);
  if (options.defect !== undefined) DEFECTS[options.defect]?.(load);
  load(join(options.enclave, 'process/enclave-main.js'));
}

function underFire({ keysDirectory, target }: FireOptions, plan: DiskStep): void {
  let steps = 0;
  const isMeant = (path: string): boolean =>
    path.startsWith(keysDirectory) && (plan.files === 'all' || basename(path) !== 'vault');
  const die = async (): Promise<never> => {
    await pause(plan.holdMs);
    // The starter leads the group.
    process.kill(target === 'group' ? -process.ppid : process.pid, 'SIGKILL');
    return new Promise<never>(() => undefined);
  };
  const step = async <T>(path: string, call: () => Promise<T>, half: () => Promise<unknown> = call): Promise<T> => {
    if (!isMeant(path) || ++steps !== plan.step) return call();
    if (plan.side === 'amid') await half();
    if (plan.side === 'after') await call();
    return die();
  };
  const real = { ...fs };
  Object.assign(fs, {
    open: (path: string, ...rest: unknown[]) =>
      step(path, async () =>
        stepwise(path, await (real.open as (...args: unknown[]) => Promise<FileHandle>)(path, ...rest), step),
      ),
    rename: (from: string, to: string) => step(to, () => real.rename(from, to)),
    rm: (path: string, ...rest: [object?]) => step(path, () => real.rm(path, ...rest)),
  });
}

type Step = <T>(path: string, call: () => Promise<T>, half?: () => Promise<unknown>) => Promise<T>;

function stepwise(path: string, handle: FileHandle, step: Step): FileHandle {
  const [writeFile, sync, close] = [handle.writeFile.bind(handle), handle.sync.bind(handle), handle.close.bind(handle)];
  const write = handle.write.bind(handle) as (
    bytes: Buffer,
    at: number,
    length: number,
    to: number,
  ) => Promise<unknown>;
  return Object.assign(handle, {
    writeFile: (content: Buffer) =>
      step(
        path,
        () => writeFile(content),
        () => writeFile(content.subarray(0, content.length >> 1)),
      ),
    write: (bytes: Buffer, at: number, length: number, to: number) =>
      step(
        path,
        () => write(bytes, at, length, to),
        () => write(bytes, at, length >> 1, to),
      ),
    sync: () => step(path, () => sync()),
    close: () => step(path, () => close()),
  });
}

/** Keepers that each do one thing wrong. */
const DEFECTS: Readonly<Record<string, (load: (path: string) => unknown) => void>> = {
  'house.json is written in place': (load) => {
    const files = load('./key-files.js') as { writeKeyFile: Write };
    files.writeKeyFile = async (directory, name, content) => {
      const handle = await fs.open(join(directory, name), 'w', 0o600);
      await handle.writeFile(content);
      await handle.sync();
      await handle.close();
    };
  },
  'a data key is in use before it is durable': (load) => {
    const files = load('./key-files.js') as { writeKeyFile: Write };
    const write = files.writeKeyFile;
    let last: Promise<void> = Promise.resolve();
    files.writeKeyFile = async (directory, name, content) => {
      const isThere = await fs.stat(join(directory, name)).then(
        () => true,
        () => false,
      );
      if (name !== 'house.json' || !isThere) return write(directory, name, content);
      last = last.then(() => pause(10)).then(() => write(directory, name, content));
    };
  },
  'keys of persons are acknowledged before they are durable': (load) => {
    const { VaultStore } = load('./vault-store.js') as { VaultStore: { prototype: { flush(): Promise<void> } } };
    const { flush } = VaultStore.prototype;
    VaultStore.prototype.flush = async function (): Promise<void> {
      void pause(10).then(() => flush.call(this));
    };
  },
  'a rotation forgets the older data keys': (load) => {
    const records = load('./house-record.js') as {
      formatHouseRecord(record: { dataKeyIds: readonly number[] }, root: Buffer): Buffer;
    };
    const format = records.formatHouseRecord;
    records.formatHouseRecord = (record, root) => format({ ...record, dataKeyIds: record.dataKeyIds.slice(-1) }, root);
  },
};

/** Names of the defects. */
export const KEEPER_DEFECTS = Object.keys(DEFECTS);
