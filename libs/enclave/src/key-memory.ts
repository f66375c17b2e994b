import { KEY_BYTES, KEY_ID_BYTES } from './sealed-part';

const ROOM_BYTES = KEY_ID_BYTES + 2 * KEY_BYTES;
const ROOMS = 1024;

/** Room for what belongs to one key. */
export interface KeyRoom {
  /** 16 bytes. */
  readonly keyId: Buffer;
  /** 32 bytes. */
  readonly key: Buffer;
  /** 32 bytes. */
  readonly contentSecret: Buffer;
}

/**
 * Memory for keys, zeroed, taken from the system for many keys at a time: what is needed of one key to seal lies side by side,
 * and a buffer of its own for each would cost several times as much. No room is given out twice.
 */
export class KeyMemory {
  #rooms = Buffer.alloc(0);
  #next = 0;

  take(): KeyRoom {
    if (this.#next === this.#rooms.length) {
      this.#rooms = Buffer.alloc(ROOMS * ROOM_BYTES);
      this.#next = 0;
    }
    const at = this.#next;
    const keyAt = at + KEY_ID_BYTES;
    const secretAt = keyAt + KEY_BYTES;
    this.#next = at + ROOM_BYTES;
    return {
      keyId: this.#rooms.subarray(at, keyAt),
      key: this.#rooms.subarray(keyAt, secretAt),
      contentSecret: this.#rooms.subarray(secretAt, this.#next),
    };
  }
}
