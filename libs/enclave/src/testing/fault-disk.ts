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

/**
 * A disk in memory. After `stepsLeft` changing steps power is lost: the step may be half done, and of what was not synced
 * each sector is there or not. {@link revived} is the disk after that.
 */
export class FaultDisk implements VaultDisk {
  #cached: Buffer = Buffer.alloc(0);
  #durable: Buffer = Buffer.alloc(0);
  #intent: Buffer | undefined;

  constructor(
    private readonly random: () => number,
    private stepsLeft = Infinity,
  ) {}

  size(): number {
    return this.#cached.length;
  }

  read(position: number, bytes: number): Buffer {
    return Buffer.from(this.#cached.subarray(position, position + bytes));
  }

  write(bytes: Buffer, position: number): Promise<void> {
    return this.step((isWhole) => {
      const length = isWhole ? bytes.length : Math.floor(this.random() * bytes.length);
      const grown = Buffer.alloc(Math.max(this.#cached.length, position + length));
      this.#cached.copy(grown);
      bytes.copy(grown, position, 0, length);
      this.#cached = grown;
    });
  }

  sync(): Promise<void> {
    return this.step((isWhole) => {
      if (isWhole) this.#durable = Buffer.from(this.#cached);
    });
  }

  truncate(bytes: number): Promise<void> {
    return this.step((isWhole) => {
      if (isWhole) this.#cached = Buffer.from(this.#cached.subarray(0, bytes));
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

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The disk when power is back. */
  revived(stepsLeft = Infinity): FaultDisk {
    const disk = new FaultDisk(this.random, stepsLeft);
    const keepsSize = this.random() < 0.5;
    const bytes = keepsSize ? this.#cached.length : Math.min(this.#cached.length, this.#durable.length);
    const left = Buffer.alloc(Math.max(bytes, this.#durable.length));
    this.#durable.copy(left);
    for (let at = 0; at < bytes; at += SECTOR_BYTES) {
      if (this.random() < 0.5) this.#cached.copy(left, at, at, Math.min(at + SECTOR_BYTES, bytes));
    }
    disk.#cached = left;
    disk.#durable = Buffer.from(left);
    disk.#intent = this.#intent;
    return disk;
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
