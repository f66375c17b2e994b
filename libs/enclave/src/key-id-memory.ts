import { KEY_ID_BYTES } from './sealed-part';

const IDS = 1024;

/**
 * Memory for the ids of keys, taken from the system for many at a time. They live as long as their keys: from the pool that
 * short-lived buffers share, each would keep a whole block of it alive.
 */
export class KeyIdMemory {
  #block = Buffer.alloc(0);
  #next = 0;

  /** Room for an id, 16 zeros; none is given out twice. */
  take(): Buffer {
    if (this.#next === this.#block.length) {
      this.#block = Buffer.alloc(IDS * KEY_ID_BYTES);
      this.#next = 0;
    }
    const at = this.#next;
    this.#next = at + KEY_ID_BYTES;
    return this.#block.subarray(at, this.#next);
  }
}
