import { type KeyMemory } from './key-memory';
import { type SlotOwner } from './sealed-part';

/** Letter of a key's class in tokens: staff, patients, and the keys of a source and month. */
export type TokenClass = 's' | 'p' | 'm';

/** What nearly all persons have. */
const NO_ALIASES: ReadonlySet<string> = new Set();
const DESTROYED = -2;

/** A key and whom, or which source and month, it belongs to. The key itself is in guarded memory. */
export class KeyOwner implements SlotOwner {
  /** 16 bytes. */
  readonly keyId: Buffer;
  readonly tokenClass: TokenClass;
  readonly token: string;
  /** Slots of the vault that hold the key and the names. */
  readonly slots: number[] = [];
  /** Whether the key ring gives this owner out for the token; false for ever once the key was destroyed. */
  isCurrent = true;
  #aliasTokens: ReadonlySet<string> = NO_ALIASES;
  readonly #memory: KeyMemory;
  #place: number;

  /** @param place of the key in `memory` */
  constructor(memory: KeyMemory, place: number, keyId: Buffer, tokenClass: TokenClass, token: string) {
    this.keyId = keyId;
    this.tokenClass = tokenClass;
    this.token = token;
    this.#memory = memory;
    this.#place = place;
  }

  /** Tokens of other names of the person. */
  get aliasTokens(): ReadonlySet<string> {
    return this.#aliasTokens;
  }

  /** Whether the key is gone. */
  get isDestroyed(): boolean {
    return this.#place === DESTROYED;
  }

  /** Notes the token of another name. */
  addAliasToken(token: string): void {
    if (this.#aliasTokens === NO_ALIASES) this.#aliasTokens = new Set([token]);
    else (this.#aliasTokens as Set<string>).add(token);
  }

  /**
   * The key, 32 bytes in guarded memory, to be used at once.
   *
   * @throws ProtegoError `ENCLAVE_SLOT_UNKNOWN` after it was destroyed; as {@link KeyMemory}
   */
  lendKey(): Buffer {
    return this.#memory.lendKey(this.#place);
  }

  /**
   * What enters the content hashes of what the key seals, and goes with it: 32 bytes in guarded memory, to be used at once.
   *
   * @throws ProtegoError as {@link lendKey}
   */
  lendContentSecret(): Buffer {
    return this.#memory.lendContentSecret(this.#place);
  }

  /** Destroys the key in memory. */
  destroy(): void {
    const place = this.#place;
    this.isCurrent = false;
    if (place === DESTROYED) return;
    // What can be seen of it later is that it is gone, whatever becomes of the memory.
    this.#place = DESTROYED;
    this.#memory.free(place);
  }
}
