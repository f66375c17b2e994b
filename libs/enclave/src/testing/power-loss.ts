import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The machine lost power. */
export class PowerLost extends Error {}

type Call = (...args: unknown[]) => Promise<unknown>;

/** A file, whatever its names; it is kept open, so that no other one gets its number. */
interface WatchedFile {
  readonly descriptor: number;
  /** What is there after a loss of power for certain. */
  durable: Buffer;
}

/**
 * Real directories whose power may go: every change by `node:fs/promises` is counted and, from the `stepsLeft`th on, refused.
 * What is durable is what POSIX grants: of a file its content at its last sync, of a directory its names at its last sync.
 */
export class PoweredDirectories {
  readonly #files = new Map<string, WatchedFile>();
  /** Names that are durable, and the files that they lead to. */
  readonly #names = new Map<string, ReadonlyMap<string, string>>();
  readonly #restore: (() => void)[] = [];
  #stepsLeft: number;
  /** Names of the changes that were made. */
  readonly steps: string[] = [];

  /** @param directories without directories in them; all that they hold is durable */
  constructor(
    private readonly directories: readonly string[],
    stepsLeft: number,
  ) {
    this.#stepsLeft = stepsLeft;
    for (const directory of directories) this.#syncNames(directory);
    for (const file of this.#files.values()) file.durable = contentOf(file.descriptor);
    // The module itself: an import of all of it would be a copy.
    const calls = createRequire(__filename)('node:fs/promises') as Record<string, Call>;
    for (const name of ['rename', 'rm', 'unlink', 'link', 'mkdir']) this.#watch(calls, name);
    const open = calls['open'] as Call;
    calls['open'] = async (path, flags, ...more) => {
      const isChange = typeof flags === 'number' ? (flags & 3) !== 0 : flags !== 'r';
      if (isChange) this.#step('open');
      const handle = (await open(path, flags, ...more)) as Record<string, Call> & { readonly fd: number };
      for (const name of ['writeFile', 'write']) this.#watch(handle, name);
      const sync = (handle['sync'] as Call).bind(handle);
      handle['sync'] = async () => {
        this.#step('sync');
        await sync();
        this.#synced(String(path), handle.fd);
      };
      return handle;
    };
    this.#restore.push(() => void (calls['open'] = open));
  }

  /** Ends the watch; the directories stay as they are. */
  release(): void {
    for (const restore of this.#restore.splice(0)) restore();
  }

  /**
   * Puts the directories into the state of after the loss of power.
   *
   * @param isKept whether a change that was not synced is there nevertheless: asked for each name and each content
   */
  loseUnsynced(isKept: () => boolean): void {
    this.release();
    const states = this.directories.map((directory) => this.#afterLoss(directory, isKept));
    for (const [i, directory] of this.directories.entries()) {
      rmSync(directory, { recursive: true });
      mkdirSync(directory, { mode: 0o700 });
      for (const [name, content] of states[i] ?? []) writeFileSync(join(directory, name), content, { mode: 0o600 });
    }
    for (const { descriptor } of this.#files.values()) closeSync(descriptor);
  }

  /** Durable content of every file that had a name once: also of those that were removed, as the surface of the disk holds it. */
  get surface(): Buffer[] {
    return [...this.#files.values()].map(({ durable }) => durable);
  }

  #afterLoss(directory: string, isKept: () => boolean): Map<string, Buffer> {
    const durable = this.#names.get(directory) ?? new Map<string, string>();
    const present = new Map(readdirSync(directory).map((name) => [name, this.#idOf(join(directory, name))]));
    const contents = new Map<string, Buffer>();
    // What is renamed is under one of its names at least.
    const isPresentKept = isKept();
    for (const [name, id] of isPresentKept ? present : durable) {
      const file = this.#files.get(id);
      if (file !== undefined) contents.set(name, isKept() ? contentOf(file.descriptor) : file.durable);
    }
    return contents;
  }

  #watch(owner: Record<string, Call>, name: string): void {
    const done = owner[name] as Call;
    owner[name] = (...args) => {
      this.#step(name);
      return done.apply(owner, args);
    };
    this.#restore.push(() => void (owner[name] = done));
  }

  #step(name: string): void {
    if (this.#stepsLeft <= 0) throw new PowerLost(name);
    this.#stepsLeft--;
    this.steps.push(name);
  }

  #synced(path: string, descriptor: number): void {
    if (this.directories.includes(path)) return this.#syncNames(path);
    const { dev, ino } = fstatSync(descriptor);
    const id = `${dev}-${ino}`;
    const file = this.#files.get(id) ?? this.#files.get(this.#idOf(path));
    if (file !== undefined) file.durable = contentOf(file.descriptor);
  }

  #syncNames(directory: string): void {
    this.#names.set(
      directory,
      new Map(readdirSync(directory).map((name) => [name, this.#idOf(join(directory, name))])),
    );
  }

  #idOf(path: string): string {
    const { dev, ino } = statSync(path);
    const id = `${dev}-${ino}`;
    if (!this.#files.has(id)) this.#files.set(id, { descriptor: openSync(path, 'r'), durable: Buffer.alloc(0) });
    return id;
  }
}

function contentOf(descriptor: number): Buffer {
  const content = Buffer.alloc(fstatSync(descriptor).size);
  for (let at = 0; at < content.length;) at += readSync(descriptor, content, at, content.length - at, at);
  return content;
}
