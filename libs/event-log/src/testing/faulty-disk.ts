import {
  closeSync,
  constants,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DiskFile, PAGE_BYTES } from './disk-file';
import { imageOf, putImage, withBypassed } from './disk-image';
import { DiskDirectory, DiskTree, type DiskImage } from './disk-tree';
import { SeededRandom } from './seeded-random';

/** What may go wrong until the next {@link FaultyDisk.plan}. */
export interface DiskFaults {
  /** Number of calls from now on after which the power goes, in the midst of the next one. */
  readonly powerCutAfterCalls?: number;
  /** Number of calls after which the process is killed: the cache stays, nothing more is done. */
  readonly killAfterCalls?: number;
  /** Probability that a write takes only a part of its bytes. */
  readonly shortWrite?: number;
  /** Probability that a write fails (`EIO`), perhaps after a part. */
  readonly writeError?: number;
  /** Probability that a sync of a file or a directory fails (`EIO`); pages of the file may be dropped. */
  readonly syncError?: number;
  /** Bytes that are free; when they are used up, writes fail (`ENOSPC`). */
  readonly freeBytes?: number;
}

/** A file that is open on a faulty disk; positions and sizes are bytes. */
export interface OpenDiskFile {
  writev(buffers: readonly Uint8Array[], position: number): Promise<{ bytesWritten: number }>;
  datasync(): Promise<void>;
  sync(): Promise<void>;
  truncate(bytes?: number): Promise<void>;
  close(): Promise<void>;
}

const SCHEDULE_MAX = 2_000;

/**
 * A disk that does all a disk may do. What is written goes to real files at once, as into a cache that every reader sees;
 * what a disk would hold of it is kept apart. When the power has gone, {@link powerOn} puts that in the place of the real
 * files. Everything that happens follows from the seed, as long as the calls come in the same order.
 */
export class FaultyDisk {
  /** Every call, newest last, with what became of it. */
  readonly schedule: string[] = [];
  /** Paths that were changed by others than this disk's calls. */
  readonly bypassed = new Set<string>();
  /** Draws all that this disk does; whoever else draws from it belongs to the same run. */
  readonly random: SeededRandom;
  #tree: DiskTree;
  #faults: DiskFaults = {};
  #calls = 0;
  #plannedAt = 0;
  #state: 'on' | 'killed' | 'off' = 'on';
  /** Grows when the calling process dies: what it left under way never goes on. */
  #life = 0;
  #boots = 0;
  #image: DiskImage | undefined;

  /** Takes a real directory, whose content counts as durable. */
  constructor(
    readonly root: string,
    seed: number,
  ) {
    this.random = new SeededRandom(seed);
    this.#tree = new DiskTree(imageOf(root));
  }

  /** False once the power is gone or the process is dead. */
  get isOn(): boolean {
    return this.#state === 'on';
  }

  /** Number of times that the power came back. */
  get boots(): number {
    return this.#boots;
  }

  /** Number of calls so far. */
  get calls(): number {
    return this.#calls;
  }

  /** True for what lies on this disk. */
  holds(path: string): boolean {
    return path === this.root || path.startsWith(`${this.root}/`);
  }

  /** What may go wrong from now on. */
  plan(faults: DiskFaults): void {
    this.#faults = faults;
    this.#plannedAt = this.#calls;
    this.#note(`plan ${JSON.stringify(faults)}`);
  }

  /** Turns the power off; from now on every call fails. */
  cutPower(): void {
    if (this.#state === 'off') return;
    this.#state = 'off';
    this.#life++;
    const held = this.#tree.afterPowerCut(this.random);
    const cached = new Map(this.#tree.files().map(({ path, file }) => [path, file.content()]));
    this.#image = withBypassed({ root: this.root, held, cached, random: this.random, bypassed: this.bypassed });
    this.#note('power cut');
  }

  /** Ends the process that makes the calls: from now on every call fails; what is cached stays. */
  kill(): void {
    if (this.#state !== 'on') return;
    this.#state = 'killed';
    this.#life++;
    this.#note('killed');
  }

  /** Ends an outage without faults. After a power cut the real files are what the disk holds. */
  powerOn(): void {
    if (this.#state === 'off') {
      const image = this.#image ?? new Map();
      putImage(this.root, image);
      this.#tree = new DiskTree(image);
      this.#boots++;
    }
    this.#image = undefined;
    this.#state = 'on';
    this.plan({});
  }

  /** As `fs.promises.open` with the flags `wx`, `w`, `r+`, and to write with `O_DSYNC`; a directory is opened with `r`. */
  async open(path: string, flags: string | number): Promise<OpenDiskFile> {
    if (typeof flags === 'number') return this.#openSynced(path, flags);
    return this.#call(`open ${flags} ${this.#name(path)}`, () => {
      const found = this.#tree.find(this.#name(path));
      if (flags === 'r' && found instanceof DiskDirectory) return this.#openDirectory(path, found);
      if (found instanceof DiskDirectory) throw failure('EISDIR', path);
      if (flags === 'r+' && found === undefined) throw failure('ENOENT', path);
      if (flags === 'wx' && found !== undefined) throw failure('EEXIST', path);
      if (!['wx', 'w', 'r+'].includes(flags)) throw new Error(`this disk does not open files with \`${flags}\``);
      if (found === undefined) this.#requireRoom(path);
      const descriptor = openSync(path, flags, 0o600);
      const file = found ?? new DiskFile(Buffer.alloc(0));
      if (found === undefined) this.#tree.change({ path: this.#name(path), node: file });
      else if (flags === 'w') file.truncate(0);
      return this.#openFile(path, file, descriptor);
    });
  }

  /** Every write is followed by a sync of its own, which fails as any other may. */
  async #openSynced(path: string, flags: number): Promise<OpenDiskFile> {
    if (flags !== (constants.O_WRONLY | constants.O_DSYNC))
      throw new Error(`this disk does not open files with ${flags}`);
    const file = await this.open(path, 'r+');
    return {
      ...file,
      writev: async (buffers, position) => {
        const written = await file.writev(buffers, position);
        await file.datasync();
        return written;
      },
    };
  }

  /** As `fs.promises.mkdir` with `recursive`: the first directory that was made, if any. */
  async mkdir(path: string): Promise<string | undefined> {
    return this.#call(`mkdir ${this.#name(path)}`, () => {
      let first: string | undefined;
      let at = '';
      for (const part of this.#name(path).split('/')) {
        at = at === '' ? part : `${at}/${part}`;
        if (this.#tree.find(at) !== undefined) continue;
        this.#requireRoom(at);
        this.#tree.change({ path: at, node: new DiskDirectory() });
        first ??= join(this.root, at);
      }
      mkdirSync(path, { recursive: true, mode: 0o700 });
      return first;
    });
  }

  /** As `fs.promises.rename`, for files. */
  async rename(from: string, to: string): Promise<void> {
    return this.#call(`rename ${this.#name(from)} ${this.#name(to)}`, () => {
      const node = this.#tree.find(this.#name(from));
      if (!(node instanceof DiskFile)) throw failure('ENOENT', from);
      renameSync(from, to);
      this.#tree.change({ path: this.#name(from) }, { path: this.#name(to), node });
    });
  }

  /** As `fs.promises.unlink`. */
  async unlink(path: string): Promise<void> {
    return this.#call(`unlink ${this.#name(path)}`, () => {
      const node = this.#tree.find(this.#name(path));
      if (!(node instanceof DiskFile)) throw failure('ENOENT', path);
      unlinkSync(path);
      this.#tree.change({ path: this.#name(path) });
    });
  }

  /** As `fs.promises.rmdir`. */
  async rmdir(path: string): Promise<void> {
    return this.#call(`rmdir ${this.#name(path)}`, () => {
      const node = this.#tree.find(this.#name(path));
      if (!(node instanceof DiskDirectory)) throw failure('ENOENT', path);
      if (node.entries.size > 0) throw failure('ENOTEMPTY', path);
      rmdirSync(path);
      this.#tree.change({ path: this.#name(path) });
    });
  }

  #openFile(path: string, file: DiskFile, descriptor: number): OpenDiskFile {
    const name = this.#name(path);
    const life = this.#life;
    let isOpen = true;
    const call = <T>(what: string, effect: () => T): Promise<T> => {
      const checked = (): T => {
        if (!isOpen) throw failure('EBADF', path);
        return effect();
      };
      return this.#call(`${what} ${name}`, checked, life);
    };
    const sync = (): void => this.#sync(file, path);
    return {
      writev: async (buffers, position) => {
        const bytes = Buffer.concat(buffers);
        return call(`write ${position}+${bytes.length}`, () => this.#write(file, descriptor, bytes, position, path));
      },
      datasync: () => call('fdatasync', sync),
      sync: () => call('fsync', sync),
      truncate: (bytes = 0) =>
        call(`truncate ${bytes}`, () => {
          file.truncate(bytes);
          ftruncateSync(descriptor, bytes);
        }),
      close: async () => {
        // A descriptor is freed whatever became of the disk.
        if (isOpen) closeSync(descriptor);
        isOpen = false;
      },
    };
  }

  #openDirectory(path: string, directory: DiskDirectory): OpenDiskFile {
    const refuse = (): Promise<never> => Promise.reject(failure('EISDIR', path));
    const sync = (): Promise<void> =>
      this.#call(`fsync-directory ${this.#name(path)}`, () => {
        if (this.#state !== 'on') return;
        if (this.#happens(this.#faults.syncError)) throw failure('EIO', path);
        this.#tree.sync(directory);
      });
    return { writev: refuse, truncate: refuse, datasync: sync, sync, close: async () => undefined };
  }

  #write(file: DiskFile, descriptor: number, bytes: Buffer, position: number, path: string): { bytesWritten: number } {
    const { shortWrite, writeError, freeBytes = Infinity } = this.#faults;
    const isCut = this.#state !== 'on';
    const fails = !isCut && this.#happens(writeError);
    const isShort = isCut || fails || this.#happens(shortWrite);
    const taken = isShort ? this.random.integer(fails || isCut ? 0 : 1, bytes.length) : bytes.length;
    const before = file.roomBytes;
    const room = before + Math.floor(freeBytes / PAGE_BYTES) * PAGE_BYTES - position;
    const part = bytes.subarray(0, Math.max(0, Math.min(taken, room)));
    file.write(part, position);
    for (let at = 0; at < part.length;) at += writeSync(descriptor, part, at, part.length - at, position + at);
    this.#faults = { ...this.#faults, freeBytes: Math.max(0, freeBytes - (file.roomBytes - before)) };
    if (fails) throw failure('EIO', path);
    if (part.length === 0 && bytes.length > 0) throw failure('ENOSPC', path);
    return { bytesWritten: part.length };
  }

  #requireRoom(path: string): void {
    if ((this.#faults.freeBytes ?? Infinity) < PAGE_BYTES) throw failure('ENOSPC', path);
  }

  #sync(file: DiskFile, path: string): void {
    if (this.#state !== 'on') return;
    if (this.#happens(this.#faults.syncError)) {
      file.failSync(this.random);
      throw failure('EIO', path);
    }
    file.sync();
  }

  /** Runs a call after a while, and tells of its end after another. */
  async #call<T>(what: string, effect: () => T, life = this.#life): Promise<T> {
    const number = this.#calls++;
    await this.#wait();
    if (this.#state !== 'on' || life !== this.#life) throw failure('EIO', 'the process is dead');
    const { powerCutAfterCalls = Infinity, killAfterCalls = Infinity } = this.#faults;
    const planned = number - this.#plannedAt;
    if (planned >= Math.min(powerCutAfterCalls, killAfterCalls)) return this.#interrupted(number, what, effect);
    try {
      const result = effect();
      this.#note(`${number} ${what}`);
      await this.#wait();
      return result;
    } catch (cause) {
      this.#note(`${number} ${what}: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`);
      await this.#wait();
      throw cause;
    }
  }

  /** The last call: something of it may be in the cache, nothing of it is told. */
  #interrupted<T>(number: number, what: string, effect: () => T): never {
    const isPowerCut = this.#faults.powerCutAfterCalls !== undefined;
    this.#state = 'killed';
    this.#life++;
    if (this.random.chance(0.7)) {
      try {
        effect();
      } catch {
        // Whatever this call would have said, nobody hears it.
      }
    }
    this.#note(`${number} ${what}: interrupted`);
    if (isPowerCut) this.cutPower();
    throw failure('EIO', 'the process is dead');
  }

  async #wait(): Promise<void> {
    for (let turns = this.random.below(3); turns > 0; turns--) await nextTurn();
  }

  #happens(probability = 0): boolean {
    return probability > 0 && this.random.chance(probability);
  }

  #name(path: string): string {
    return relative(this.root, path);
  }

  #note(text: string): void {
    if (this.schedule.length >= SCHEDULE_MAX) this.schedule.shift();
    this.schedule.push(text);
  }
}

function failure(code: string, what: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}
