import { ProtegoError } from '@protego/contracts';
import { allocateGuarded, freeGuarded, lockMemory, type SecureBuffer } from '../sodium';

/** Most bytes of guarded memory that a process may hold at a time. */
export const GUARDED_BYTES_MAX = 256 * 1024 * 1024;
/**
 * Most pieces of guarded memory that a process may hold at a time. Each is four mappings to the kernel, which grants
 * 65,530 by default; libsodium ends the process when it gets none.
 */
export const GUARDED_PIECES_MAX = 8_192;

/** What the process holds of guarded memory. */
export interface GuardedMemoryUse {
  /** Pieces that are not freed. */
  readonly pieces: number;
  /** Their bytes, without what is round them. */
  readonly bytes: number;
  /** Those of the bytes that the kernel would not lock. */
  readonly unlockedBytes: number;
}

const use = { pieces: 0, bytes: 0, unlockedBytes: 0 };

/** What the process holds of guarded memory now. */
export function guardedMemoryUse(): GuardedMemoryUse {
  return { ...use };
}

/**
 * Memory for keys and plaintext, outside the JavaScript heap: between two guard pages that no access survives, left out
 * of core dumps and, as far as the limit on locked memory allows, locked so that it is never swapped out
 * (libsodium, `sodium_malloc`). It shows nothing of its content when it is printed. Who allocates it frees it.
 */
export class GuardedBytes {
  /** Number of bytes. */
  readonly length: number;
  /** False when the kernel would not lock it, for the limit on locked memory: then it may be swapped out. */
  readonly isLocked: boolean;
  readonly #memory: SecureBuffer;
  #isFreed = false;

  private constructor(bytes: number) {
    this.length = bytes;
    this.#memory = allocateGuarded(bytes);
    // New memory is filled with a pattern, to show reads of what was never written.
    this.#memory.fill(0);
    this.isLocked = isLockable(this.#memory);
    use.pieces++;
    use.bytes += bytes;
    if (!this.isLocked) use.unlockedBytes += bytes;
  }

  /**
   * Allocates zeroed guarded memory.
   *
   * @param bytes a multiple of 16, so that views of words fit in it
   * @throws ProtegoError `ENCLAVE_RANGE_INVALID` for another number; `GUARDED_MEMORY_FULL` beyond
   *   {@link GUARDED_BYTES_MAX} or {@link GUARDED_PIECES_MAX}
   */
  static allocate(bytes: number): GuardedBytes {
    if (!Number.isSafeInteger(bytes) || bytes <= 0 || bytes % 16 !== 0) {
      const message = `guarded memory comes in multiples of 16 bytes, not \`${bytes}\``;
      throw new ProtegoError('ENCLAVE_RANGE_INVALID', message, { bytes });
    }
    if (use.bytes + bytes > GUARDED_BYTES_MAX || use.pieces >= GUARDED_PIECES_MAX) {
      const message = `no room for \`${bytes}\` bytes of guarded memory: the process holds \`${use.bytes}\` in \`${use.pieces}\` pieces`;
      throw new ProtegoError('GUARDED_MEMORY_FULL', message, { ...use, asked: bytes });
    }
    return new GuardedBytes(bytes);
  }

  /**
   * Moves a secret into guarded memory: it is wiped where it was, also when there is no room.
   *
   * @throws ProtegoError as {@link GuardedBytes.allocate}
   */
  static take(secret: Buffer): GuardedBytes {
    try {
      const taken = GuardedBytes.allocate(secret.length);
      taken.bytes.set(secret);
      return taken;
    } finally {
      secret.fill(0);
    }
  }

  /**
   * The memory itself. A copy of it is no longer guarded: pass it on, or views of it, and only for as long as needed.
   *
   * @throws ProtegoError `ENCLAVE_CLOSED` after it was freed
   */
  get bytes(): Buffer {
    if (this.#isFreed) throw new ProtegoError('ENCLAVE_CLOSED', 'the guarded memory was freed');
    return this.#memory;
  }

  /** The same memory as 16-bit half words of the machine. @throws ProtegoError `ENCLAVE_CLOSED` after it was freed */
  get halfWords(): Uint16Array {
    return new Uint16Array(this.bytes.buffer, this.bytes.byteOffset, this.length >>> 1);
  }

  /**
   * The same memory as 32-bit words of the machine. Not for keys: a word that is read may be left in the heap as a number.
   *
   * @throws ProtegoError `ENCLAVE_CLOSED` after it was freed
   */
  get words(): Uint32Array {
    return new Uint32Array(this.bytes.buffer, this.bytes.byteOffset, this.length >>> 2);
  }

  /** Overwrites the memory with zeros. @throws ProtegoError `ENCLAVE_CLOSED` after it was freed */
  wipe(): void {
    this.bytes.fill(0);
  }

  /** Wipes the memory and gives it back; every view of it is empty from now on. Does nothing the second time. */
  free(): void {
    if (this.#isFreed) return;
    this.wipe();
    this.#isFreed = true;
    freeGuarded(this.#memory);
    // The kernel gets it back on the next turn of the event loop, and until then it counts.
    setImmediate(() => {
      use.pieces--;
      use.bytes -= this.length;
      if (!this.isLocked) use.unlockedBytes -= this.length;
    });
  }
}

// The allocation hides whether it could lock; to lock again what is locked costs nothing of the limit.
function isLockable(memory: Buffer): boolean {
  try {
    lockMemory(memory);
    return true;
  } catch {
    return false;
  }
}
