import { ProtegoError } from '@protego/contracts';
import { deriveKey } from './key-derivation';
import { type LogKeys, type NoteSigner } from './log-keys';

const KEY_BYTES = 32;

/** Keys that a process holds, however it came by them. */
export interface HeldKeys {
  readonly subjectKey: Buffer;
  readonly dedupeKey: Buffer;
  readonly signer: NoteSigner;
}

/**
 * Keys of a log in the memory of a process. The secrets are private fields, and what the interface gives out are getters of the
 * class: printing or serialising the object shows none of them.
 */
export class HeldLogKeys implements LogKeys {
  readonly #dataKeys = new Map<number, Buffer>();
  readonly #held: HeldKeys;
  #dataKeyId = 0;
  #isClosed = false;

  /** @param held taken over */
  constructor(held: HeldKeys) {
    this.#held = held;
  }

  get dataKeyId(): number {
    return this.#dataKeyId;
  }

  get subjectKey(): Buffer {
    this.mustBeOpen();
    return this.#held.subjectKey;
  }

  get dedupeKey(): Buffer {
    this.mustBeOpen();
    return this.#held.dedupeKey;
  }

  get signer(): NoteSigner {
    this.mustBeOpen();
    return this.#held.signer;
  }

  blockKey(dataKeyId: number, logId: Buffer, sessionSalt: Buffer): Buffer {
    this.mustBeOpen();
    return deriveKey(this.dataKey(dataKeyId), 'block/1', KEY_BYTES, { salt: sessionSalt, context: logId });
  }

  /** Numbers of the data keys that are known, ascending. */
  get dataKeyIds(): number[] {
    return [...this.#dataKeys.keys()].sort((a, b) => a - b);
  }

  /**
   * A data key; it is not copied.
   *
   * @throws ProtegoError `LOG_KEY_MISSING`
   */
  dataKey(dataKeyId: number): Buffer {
    const dataKey = this.#dataKeys.get(dataKeyId);
    if (dataKey !== undefined) return dataKey;
    const message = `there is no data key \`${dataKeyId}\`: open the log again if it was made since, else restore the key directory`;
    throw new ProtegoError('LOG_KEY_MISSING', message, { dataKeyId });
  }

  /** Makes a data key known, which is taken over; blocks written from now on use the one with the greatest number. */
  putDataKey(id: number, key: Buffer): void {
    this.#dataKeys.set(id, key);
    this.#dataKeyId = Math.max(this.#dataKeyId, id);
  }

  /** Wipes the keys in memory; each later use throws `LOG_CLOSED`. */
  close(): void {
    this.#isClosed = true;
    const { subjectKey, dedupeKey } = this.#held;
    for (const key of [subjectKey, dedupeKey, ...this.#dataKeys.values()]) key.fill(0);
  }

  /** @throws ProtegoError `LOG_CLOSED` */
  protected mustBeOpen(): void {
    if (this.#isClosed) throw new ProtegoError('LOG_CLOSED', 'the keys of the log were closed');
  }
}
