import { ProtegoError } from '@protego/contracts';
import { deriveKey } from './key-derivation';
import { type LogKeys, type NoteSigner } from './log-keys';
import { Ed25519KeyPair } from './primitives/ed25519';

const KEY_BYTES = 32;
const SUBJECT_KEY_BYTES = 16;

/** Key of the blocks of one writer session: see {@link LogKeys.blockKey}. */
export function blockKeyOf(dataKey: Buffer, logId: Buffer, sessionSalt: Buffer): Buffer {
  return deriveKey(dataKey, 'block/1', KEY_BYTES, { salt: sessionSalt, context: logId });
}

/**
 * The data key of a number.
 *
 * @throws ProtegoError `LOG_KEY_MISSING`
 */
export function requireDataKey(dataKeys: ReadonlyMap<number, Buffer>, dataKeyId: number): Buffer {
  const dataKey = dataKeys.get(dataKeyId);
  if (dataKey !== undefined) return dataKey;
  const message = `there is no data key \`${dataKeyId}\`: open the log again if it was made since, else restore the key directory`;
  throw new ProtegoError('LOG_KEY_MISSING', message, { dataKeyId });
}

/**
 * Keys of a log, all derived from one root secret. The secrets are private fields, and what the interface gives out are
 * getters of the class: printing or serialising the object shows none of them.
 */
export class DerivedLogKeys implements LogKeys {
  readonly #dataKeys = new Map<number, Buffer>();
  readonly #root: Buffer;
  readonly #subjectKey: Buffer;
  readonly #dedupeKey: Buffer;
  readonly #signer: Ed25519KeyPair;
  #dataKeyId = 0;
  #isClosed = false;

  /**
   * @param root 32 random bytes; copied
   * @param dataKeyIds numbers of the data keys that exist, ascending; new blocks use the last
   * @param readDataKeyIds reads the numbers anew, for whoever is not the one that makes them
   */
  constructor(
    root: Buffer,
    dataKeyIds: readonly number[],
    private readonly readDataKeyIds: () => Promise<readonly number[]> = () => Promise.resolve([]),
  ) {
    this.#root = Buffer.from(root);
    this.#subjectKey = deriveKey(root, 'subject-filter/1', SUBJECT_KEY_BYTES);
    this.#dedupeKey = deriveKey(root, 'dedupe/1', KEY_BYTES);
    this.#signer = new Ed25519KeyPair(deriveKey(root, 'note-signer/1', KEY_BYTES));
    for (const id of dataKeyIds) this.addDataKey(id);
  }

  get dataKeyId(): number {
    return this.#dataKeyId;
  }

  get subjectKey(): Buffer {
    this.#mustBeOpen();
    return this.#subjectKey;
  }

  get dedupeKey(): Buffer {
    this.#mustBeOpen();
    return this.#dedupeKey;
  }

  get signer(): NoteSigner {
    this.#mustBeOpen();
    const pair = this.#signer;
    return { publicKey: pair.publicKey, sign: (message) => Promise.resolve(pair.sign(message)) };
  }

  blockKey(dataKeyId: number, logId: Buffer, sessionSalt: Buffer): Buffer {
    this.#mustBeOpen();
    return blockKeyOf(this.dataKey(dataKeyId), logId, sessionSalt);
  }

  async refresh(): Promise<void> {
    this.#mustBeOpen();
    const ids = await this.readDataKeyIds();
    this.#mustBeOpen();
    for (const id of ids) if (!this.#dataKeys.has(id)) this.addDataKey(id);
  }

  /** Numbers of the data keys that exist, ascending. */
  get dataKeyIds(): number[] {
    return [...this.#dataKeys.keys()].sort((a, b) => a - b);
  }

  /**
   * A data key; it is not copied.
   *
   * @throws ProtegoError `LOG_KEY_MISSING`
   */
  dataKey(dataKeyId: number): Buffer {
    return requireDataKey(this.#dataKeys, dataKeyId);
  }

  /** Makes a data key known; blocks written from now on use the one with the greatest number. */
  addDataKey(id: number): void {
    const context = Buffer.alloc(4);
    context.writeUInt32BE(id);
    this.#dataKeys.set(id, deriveKey(this.#root, 'data-key/1', KEY_BYTES, { context }));
    this.#dataKeyId = Math.max(this.#dataKeyId, id);
  }

  /** Wipes every key in memory; each later use throws `LOG_CLOSED`. */
  close(): void {
    this.#isClosed = true;
    for (const secret of [this.#root, this.#subjectKey, this.#dedupeKey, ...this.#dataKeys.values()]) secret.fill(0);
    this.#signer.wipe();
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new ProtegoError('LOG_CLOSED', 'the keys of the log were closed');
  }
}
