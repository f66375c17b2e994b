import { GuardedBytes } from './memory/guarded-memory';
import { memoryImageOf, type MemoryImage } from './memory/memory-image';
import { overwriteNativeStack } from './memory/native-stack';
import { SecretStore, type SecretStoreOptions } from './memory/secret-store';
import { fillRandom } from './random-pool';
import { KEY_BYTES } from './sealed-part';
import { blake2b } from './sodium';
import { VAULT_SLOTS_MAX } from './vault-slot';

/** Bytes of a place: a key, and the content secret that is derived from it. */
const PLACE_BYTES = 64;
const PLACE_HALF_WORDS = PLACE_BYTES / 2;
/**
 * Pages of 64 keys that are in guarded memory as plaintext: 102,400 persons in 6.25 MiB, which leaves room below the usual
 * limit on locked memory of 8 MiB.
 */
const CACHE_PAGES = 1_600;
/** Secrets that were lent last, so that one that is asked for twice for an event is fetched once; a power of two. */
const LENT = 16;
const NOTHING_LENT = -1;
const CONTENT = Buffer.from('protego/content/1', 'latin1');

/**
 * The keys of persons and their content secrets, in encrypted memory; as plaintext they are in guarded memory only. A place
 * is a number. Every method throws ProtegoError `ENCLAVE_MEMORY_FAULT` when the memory was found altered, `ENCLAVE_LOCKED`
 * from then on, and `ENCLAVE_CLOSED` after {@link close}.
 */
export class KeyMemory {
  readonly #store: SecretStore;
  readonly #lent = GuardedBytes.allocate(LENT * PLACE_BYTES);
  readonly #lentHalfWords = this.#lent.halfWords;
  readonly #lentPlaces = new Int32Array(LENT).fill(NOTHING_LENT);
  readonly #both: readonly Buffer[];
  readonly #keys: readonly Buffer[];
  readonly #contentSecrets: readonly Buffer[];

  /**
   * @param onFault told once when the memory was found altered, after all keys were wiped
   * @throws ProtegoError `GUARDED_MEMORY_FULL`
   */
  constructor(onFault?: SecretStoreOptions['onFault']) {
    this.#store = SecretStore.create({
      slotBytes: PLACE_BYTES,
      slotsMax: VAULT_SLOTS_MAX,
      cachePages: CACHE_PAGES,
      onFault: (fault) => {
        this.#takeBack();
        onFault?.(fault);
      },
    });
    const { bytes } = this.#lent;
    this.#both = Array.from({ length: LENT }, (_, i) => bytes.subarray(i * PLACE_BYTES, (i + 1) * PLACE_BYTES));
    this.#keys = this.#both.map((both) => both.subarray(0, KEY_BYTES));
    this.#contentSecrets = this.#both.map((both) => both.subarray(KEY_BYTES));
  }

  /** Makes a random key and its content secret; returns their place. */
  make(): number {
    return this.#fill((key) => fillRandom(key));
  }

  /** Takes over a key of 32 bytes; returns its place. */
  put(key: Buffer): number {
    return this.#fill((target) => target.set(key));
  }

  /** The key of a place, 32 bytes in guarded memory, until something else is lent. */
  lendKey(place: number): Buffer {
    const at = place & (LENT - 1);
    if (this.#lentPlaces[at] !== place) this.#fetch(place, at);
    return this.#keys[at] as Buffer;
  }

  /** The content secret of a place, 32 bytes in guarded memory, until something else is lent. */
  lendContentSecret(place: number): Buffer {
    const at = place & (LENT - 1);
    if (this.#lentPlaces[at] !== place) this.#fetch(place, at);
    return this.#contentSecrets[at] as Buffer;
  }

  /** Zeroes a place and gives it back. */
  free(place: number): void {
    this.#forget(place & (LENT - 1));
    this.#store.free(place);
  }

  /** Encrypts all keys: until one is used again, none is in memory as plaintext. */
  evict(): void {
    for (let at = 0; at < LENT; at++) this.#forget(at);
    this.#store.flush();
    overwriteNativeStack();
  }

  /** What can be seen of it without its keys. */
  get image(): MemoryImage {
    return memoryImageOf(this.#store.stats, this.#store.backing);
  }

  /** Wipes all keys. */
  close(): void {
    this.#takeBack();
    this.#store.close();
  }

  /** A new place with its secrets, which are lent at once: whoever makes a key uses it. */
  #fill(fill: (key: Buffer) => void): number {
    const place = this.#store.allocate();
    const at = place & (LENT - 1);
    this.#lentPlaces[at] = NOTHING_LENT;
    fill(this.#keys[at] as Buffer);
    blake2b(this.#contentSecrets[at] as Buffer, CONTENT, this.#keys[at] as Buffer);
    this.#store.write(place, this.#both[at] as Buffer);
    this.#lentPlaces[at] = place;
    return place;
  }

  #fetch(place: number, at: number): void {
    this.#lentPlaces[at] = NOTHING_LENT;
    this.#store.readHalfWords(place, this.#lentHalfWords, at * PLACE_HALF_WORDS);
    this.#lentPlaces[at] = place;
  }

  #takeBack(): void {
    this.#lentPlaces.fill(NOTHING_LENT);
    this.#lent.free();
  }

  #forget(at: number): void {
    this.#both[at]?.fill(0);
    this.#lentPlaces[at] = NOTHING_LENT;
  }
}
