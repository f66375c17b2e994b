import { type VaultDisk } from '../vault-disk';

const SECTOR_BYTES = 512;

/** A source of numbers in [0, 1) that a seed always gives (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The disk lost power. */
export class PowerLost extends Error {}

/** A file in memory: what can be read of it, and what is there after a loss of power for certain. */
class FaultFile {
  cached: Buffer = Buffer.alloc(0);
  durable: Buffer = Buffer.alloc(0);

  write(bytes: Buffer, position: number): void {
    const grown = Buffer.alloc(Math.max(this.cached.length, position + bytes.length));
    this.cached.copy(grown);
    bytes.copy(grown, position);
    this.cached = grown;
  }

  /** The file after power was lost: of what was not synced each sector is there or not. */
  revived(random: () => number): FaultFile {
    const bytes = random() < 0.5 ? this.cached.length : Math.min(this.cached.length, this.durable.length);
    const left = Buffer.alloc(Math.max(bytes, this.durable.length));
    this.durable.copy(left);
    for (let at = 0; at < bytes; at += SECTOR_BYTES) {
      if (random() < 0.5) this.cached.copy(left, at, at, Math.min(at + SECTOR_BYTES, bytes));
    }
    const file = new FaultFile();
    file.cached = left;
    file.durable = Buffer.from(left);
    return file;
  }
}

/** Names of the key directory and the files that they lead to. */
interface Entries {
  readonly vault: FaultFile;
  readonly successor?: FaultFile | undefined;
  readonly predecessor?: FaultFile | undefined;
}

/**
 * A disk in memory. After `stepsLeft` changing steps power is lost, or the process killed: the step may be half done.
 * {@link revived} is the disk after a loss of power, where of what was not synced each sector and each name is there or not;
 * {@link restarted} that after the end of the process, where all of it is there.
 */
export class FaultDisk implements VaultDisk {
  #entries: Entries = { vault: new FaultFile() };
  #durableEntries: Entries = this.#entries;
  #opened: FaultFile = this.#entries.vault;
  #intent: Buffer | undefined;
  #mark: Buffer | undefined;
  /** Files that were removed, as they can still be read from the surface of the disk. */
  #removed: FaultFile[] = [];

  constructor(
    private readonly random: () => number,
    private stepsLeft = Infinity,
  ) {}

  size(): number {
    return this.#opened.cached.length;
  }

  read(position: number, bytes: number): Buffer {
    return Buffer.from(this.#opened.cached.subarray(position, position + bytes));
  }

  write(bytes: Buffer, position: number): Promise<void> {
    return this.#writeTo(() => this.#opened, bytes, position);
  }

  sync(): Promise<void> {
    return this.#syncOf(() => this.#opened);
  }

  truncate(bytes: number): Promise<void> {
    return this.step((isWhole) => {
      if (isWhole) this.#opened.cached = Buffer.from(this.#opened.cached.subarray(0, bytes));
    });
  }

  readIntent(): Buffer | undefined {
    return this.#intent;
  }

  writeIntent(intent: Buffer | undefined): Promise<void> {
    return this.step(() => {
      if (this.random() < 0.5 || this.stepsLeft > 0) this.#intent = intent;
    });
  }

  readMark(): Buffer | undefined {
    return this.#mark;
  }

  writeMark(mark: Buffer): Promise<void> {
    return this.step(() => {
      if (this.random() < 0.5 || this.stepsLeft > 0) this.#mark = mark;
    });
  }

  /** As if somebody had removed it. */
  removeMark(): void {
    this.#mark = undefined;
  }

  syncDirectory(): Promise<void> {
    return this.step((isWhole) => {
      if (isWhole) this.#durableEntries = this.#entries;
    });
  }

  writeSuccessor(bytes: Buffer, position: number): Promise<void> {
    const successorOf = (): FaultFile => {
      if (position === 0 && this.#entries.successor !== undefined) throw new Error('`vault.new` is there');
      this.#entries = { ...this.#entries, successor: this.#entries.successor ?? new FaultFile() };
      return this.#entries.successor as FaultFile;
    };
    return this.#writeTo(successorOf, bytes, position);
  }

  syncSuccessor(): Promise<void> {
    return this.#syncOf(() => this.#entries.successor as FaultFile);
  }

  async keepPredecessor(): Promise<void> {
    await this.step((isWhole) => {
      if (!isWhole) return;
      if (this.#entries.predecessor !== undefined) throw new Error('`vault.old` is there');
      this.#entries = { ...this.#entries, predecessor: this.#entries.vault };
    });
    await this.syncDirectory();
  }

  replace(): Promise<void> {
    return this.step((isWhole) => {
      if (!isWhole) return;
      const { successor, predecessor } = this.#entries;
      this.#opened = successor as FaultFile;
      this.#entries = { vault: this.#opened, predecessor };
    });
  }

  async removeRests(): Promise<void> {
    for (const name of ['successor', 'predecessor'] as const) {
      const file = this.#entries[name];
      if (file === undefined) continue;
      if (file !== this.#opened) {
        await this.#writeTo(() => file, Buffer.alloc(file.cached.length, 0xee), 0);
        await this.#syncOf(() => file);
      }
      await this.step((isWhole) => {
        if (!isWhole) return;
        if (file !== this.#opened) this.#removed.push(file);
        this.#entries = { ...this.#entries, [name]: undefined };
      });
      await this.syncDirectory();
    }
  }

  isReplaced(): boolean {
    return this.#entries.vault !== this.#opened;
  }

  reopen(): void {
    this.#opened = this.#entries.vault;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The same disk, as another process has it that only reads. */
  reader(): VaultDisk {
    let opened = this.#entries.vault;
    const refuse = (): Promise<void> => Promise.reject(new Error('it was opened for reading'));
    const names = ['write', 'sync', 'truncate', 'writeIntent', 'writeMark', 'syncDirectory', 'removeRests'] as const;
    const more = ['writeSuccessor', 'syncSuccessor', 'keepPredecessor', 'replace'] as const;
    const refusals = Object.fromEntries([...names, ...more].map((name) => [name, refuse]));
    return {
      ...(refusals as Record<(typeof names | typeof more)[number], () => Promise<void>>),
      size: () => opened.cached.length,
      read: (position, bytes) => Buffer.from(opened.cached.subarray(position, position + bytes)),
      readIntent: () => this.#intent,
      readMark: () => this.#mark,
      isReplaced: () => opened !== this.#entries.vault,
      reopen: () => void (opened = this.#entries.vault),
      close: () => Promise.resolve(),
    };
  }

  /** Whether there is a successor or a predecessor of the vault. */
  get hasRests(): boolean {
    return this.#entries.successor !== undefined || this.#entries.predecessor !== undefined;
  }

  /** Everything that whoever takes the disk out can read: files that are there, and those that were removed. */
  surface(): Buffer[] {
    const { vault, successor, predecessor } = this.#entries;
    return [vault, successor, predecessor, ...this.#removed].flatMap((file) =>
      file === undefined ? [] : [file.cached, file.durable],
    );
  }

  /** The disk when power is back. */
  revived(stepsLeft = Infinity): FaultDisk {
    const files = new Map<FaultFile, FaultFile>();
    const revivedOf = (file: FaultFile): FaultFile => {
      const revived = files.get(file) ?? file.revived(this.random);
      files.set(file, revived);
      return revived;
    };
    const entryOf = (name: keyof Entries): FaultFile | undefined => {
      const file = (this.random() < 0.5 ? this.#entries : this.#durableEntries)[name];
      return file && revivedOf(file);
    };
    const [vault, successor, predecessor] = [entryOf('vault'), entryOf('successor'), entryOf('predecessor')];
    const disk = this.#after({ vault: vault as FaultFile, successor, predecessor }, stepsLeft);
    disk.#removed = this.#removed.map(revivedOf);
    return disk;
  }

  /** The disk when the process is started again. */
  restarted(stepsLeft = Infinity): FaultDisk {
    const disk = this.#after(this.#entries, stepsLeft);
    disk.#durableEntries = this.#durableEntries;
    disk.#removed = this.#removed;
    return disk;
  }

  #after(entries: Entries, stepsLeft: number): FaultDisk {
    const disk = new FaultDisk(this.random, stepsLeft);
    disk.#entries = disk.#durableEntries = entries;
    disk.#opened = entries.vault;
    disk.#intent = this.#intent;
    disk.#mark = this.#mark;
    return disk;
  }

  #writeTo(fileOf: () => FaultFile, bytes: Buffer, position: number): Promise<void> {
    return this.step((isWhole) => {
      const length = isWhole ? bytes.length : Math.floor(this.random() * bytes.length);
      fileOf().write(bytes.subarray(0, length), position);
    });
  }

  #syncOf(fileOf: () => FaultFile): Promise<void> {
    return this.step((isWhole) => {
      if (isWhole) fileOf().durable = Buffer.from(fileOf().cached);
    });
  }

  private step(change: (isWhole: boolean) => void): Promise<void> {
    if (this.stepsLeft <= 0) return Promise.reject(new PowerLost());
    this.stepsLeft--;
    if (this.stepsLeft > 0 || this.stepsLeft === Infinity) {
      change(true);
      return Promise.resolve();
    }
    change(this.random() < 0.5);
    return Promise.reject(new PowerLost());
  }
}
