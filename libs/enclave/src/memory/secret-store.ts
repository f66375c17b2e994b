import { ProtegoError } from '@protego/contracts';
import {
  EncryptedMemory,
  MEMORY_CRYPTO,
  type EncryptedMemoryOptions,
  type EncryptedMemoryStats,
  type MemoryCrypto,
} from './encrypted-memory';
import { PAGE_BYTES } from './page-cipher';
import { type UntrustedMemory } from './untrusted-memory';

/** Sizes of slots that there are, bytes. */
export const SECRET_SLOT_BYTES = [32, 64, 96] as const;
/** Most slots of one store. */
export const SECRET_SLOTS_MAX = 16_777_216;

/** How to make a store of secrets. */
export interface SecretStoreOptions extends Pick<EncryptedMemoryOptions, 'cachePages' | 'onFault'> {
  /** Bytes of each slot. */
  readonly slotBytes: (typeof SECRET_SLOT_BYTES)[number];
  /** Most slots in use at a time, 1 to {@link SECRET_SLOTS_MAX}. */
  readonly slotsMax: number;
}

/**
 * Secrets of one size, such as the keys of persons, in encrypted memory. A slot is a number; which slots are in use is no
 * secret and stands in ordinary memory. Every method throws what {@link EncryptedMemory} throws on a fault and after it.
 */
export class SecretStore {
  /** Bytes of each slot. */
  readonly slotBytes: number;
  /** Most slots in use at a time. */
  readonly slotsMax: number;
  readonly #memory: EncryptedMemory;
  readonly #slotsPerPage: number;
  /** One bit a slot. */
  readonly #isUsed: Uint32Array;
  /** No word before it has a free slot. */
  #firstWord = 0;
  #used = 0;

  private constructor({ slotBytes, slotsMax, cachePages, onFault }: SecretStoreOptions, crypto: MemoryCrypto) {
    this.slotBytes = slotBytes;
    this.slotsMax = slotsMax;
    this.#slotsPerPage = Math.floor(PAGE_BYTES / slotBytes);
    const bytes = Math.ceil(slotsMax / this.#slotsPerPage) * PAGE_BYTES;
    this.#memory = EncryptedMemory.create({ bytes, cachePages, onFault }, crypto);
    this.#isUsed = new Uint32Array(Math.ceil(slotsMax / 32));
  }

  /**
   * Makes an empty store.
   *
   * @throws ProtegoError `ENCLAVE_RANGE_INVALID` for a size or number out of range; `GUARDED_MEMORY_FULL` when there is
   *   not enough guarded memory for the cache
   */
  static create(options: SecretStoreOptions, crypto: MemoryCrypto = MEMORY_CRYPTO): SecretStore {
    const { slotBytes, slotsMax } = options;
    const isSize = SECRET_SLOT_BYTES.includes(slotBytes);
    if (!isSize || !Number.isSafeInteger(slotsMax) || slotsMax < 1 || slotsMax > SECRET_SLOTS_MAX) {
      const message = `a store has \`1\` to \`${SECRET_SLOTS_MAX}\` slots of ${SECRET_SLOT_BYTES.join(', ')} bytes, not \`${slotsMax}\` of \`${slotBytes}\``;
      throw new ProtegoError('ENCLAVE_RANGE_INVALID', message, { slotBytes, slotsMax });
    }
    return new SecretStore(options, crypto);
  }

  /** Slots in use. */
  get usedSlots(): number {
    return this.#used;
  }

  /** Whether a fault was found. */
  get isLocked(): boolean {
    return this.#memory.isLocked;
  }

  /** What the memory counted so far. */
  get stats(): EncryptedMemoryStats {
    return this.#memory.stats;
  }

  /** The backing store, to look at or to attack. */
  get backing(): UntrustedMemory {
    return this.#memory.backing;
  }

  /**
   * Takes a slot into use; it holds zeros. The number may be that of a slot that was freed.
   *
   * @throws ProtegoError `ENCLAVE_STORE_FULL` when all are in use
   */
  allocate(): number {
    const words = this.#isUsed;
    while (this.#firstWord < words.length && words[this.#firstWord] === 0xffffffff) this.#firstWord++;
    const word = words[this.#firstWord] ?? 0xffffffff;
    // The lowest bit that is not set
    const bit = 31 - Math.clz32(~word & (word + 1));
    const slot = this.#firstWord * 32 + bit;
    if (word === 0xffffffff || slot >= this.slotsMax) {
      const message = `all \`${this.slotsMax}\` slots of the store are in use`;
      throw new ProtegoError('ENCLAVE_STORE_FULL', message, { slotsMax: this.slotsMax });
    }
    words[this.#firstWord] = word | (1 << bit);
    this.#used++;
    return slot;
  }

  /** Zeroes a slot and gives it back. @throws ProtegoError `ENCLAVE_SLOT_UNKNOWN` when it is not in use */
  free(slot: number): void {
    this.#memory.zero(this.#offsetOf(slot), this.slotBytes);
    const word = slot >>> 5;
    this.#isUsed[word] = (this.#isUsed[word] as number) & ~(1 << (slot & 31));
    this.#firstWord = Math.min(this.#firstWord, word);
    this.#used--;
  }

  /**
   * Copies a secret into a buffer of {@link slotBytes}, which should be guarded memory.
   *
   * @throws ProtegoError `ENCLAVE_SLOT_UNKNOWN` when the slot is not in use, `ENCLAVE_RANGE_INVALID` for another length
   */
  read(slot: number, target: Buffer): void {
    this.#requireLength(target);
    this.#memory.read(this.#offsetOf(slot), target);
  }

  /**
   * As {@link read}, as 16-bit half words of the machine to the place `at` of `target`.
   *
   * @throws ProtegoError `ENCLAVE_SLOT_UNKNOWN` when the slot is not in use; as {@link EncryptedMemory.readHalfWords}
   */
  readHalfWords(slot: number, target: Uint16Array, at: number): void {
    this.#memory.readHalfWords(this.#offsetOf(slot), this.slotBytes >>> 1, target, at);
  }

  /** Puts a secret of {@link slotBytes} into a slot. @throws ProtegoError as {@link read} */
  write(slot: number, source: Buffer): void {
    this.#requireLength(source);
    this.#memory.write(this.#offsetOf(slot), source);
  }

  /**
   * Lends a secret, in guarded memory and not copied, to a function, and returns what it returns. The bytes must be
   * neither changed nor kept.
   *
   * @throws ProtegoError `ENCLAVE_SLOT_UNKNOWN` when the slot is not in use; as {@link EncryptedMemory.withBytes}
   */
  use<T>(slot: number, use: (secret: Buffer) => T): T {
    return this.#memory.withBytes(this.#offsetOf(slot), this.slotBytes, use);
  }

  /** As {@link use}, to a function that may change the secret, such as one that makes a key in place. */
  change<T>(slot: number, change: (secret: Buffer) => T): T {
    return this.#memory.changeBytes(this.#offsetOf(slot), this.slotBytes, change);
  }

  /** Encrypts what has changed, and zeroes all plaintext. @throws ProtegoError as {@link EncryptedMemory.flush} */
  flush(): void {
    this.#memory.flush();
  }

  /** Wipes keys and plaintext; no secret can be read again. Does nothing the second time. */
  close(): void {
    this.#memory.close();
  }

  #offsetOf(slot: number): number {
    const isUsed = ((this.#isUsed[slot >>> 5] ?? 0) >>> (slot & 31)) & 1;
    if (!Number.isSafeInteger(slot) || slot < 0 || slot >= this.slotsMax || isUsed === 0)
      throw new ProtegoError('ENCLAVE_SLOT_UNKNOWN', `slot \`${slot}\` of the store is not in use`, { slot });
    const page = Math.floor(slot / this.#slotsPerPage);
    return page * PAGE_BYTES + (slot - page * this.#slotsPerPage) * this.slotBytes;
  }

  #requireLength({ length }: Buffer): void {
    if (length === this.slotBytes) return;
    const message = `a secret of this store has \`${this.slotBytes}\` bytes, not \`${length}\``;
    throw new ProtegoError('ENCLAVE_RANGE_INVALID', message, { length, slotBytes: this.slotBytes });
  }
}
