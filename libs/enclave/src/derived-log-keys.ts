import { ProtegoError } from '@protego/contracts';
import { deriveKey, deriveKeyInto } from './key-derivation';
import { type LogKeys, type NoteSigner } from './log-keys';
import { GuardedBytes } from './memory/guarded-memory';
import { Ed25519KeyPair } from './primitives/ed25519';

const KEY_BYTES = 32;
const SUBJECT_KEY_BYTES = 16;

/**
 * Keys of a log, all derived from one root secret. The secrets are private fields, and what the interface gives out are
 * getters of the class: printing or serialising the object shows none of them.
 */
export class DerivedLogKeys implements LogKeys {
  readonly #dataKeys = new Map<number, Buffer>();
  readonly #root = GuardedBytes.allocate(KEY_BYTES);
  readonly #subjectKey: Buffer;
  readonly #dedupeKey: Buffer;
  readonly #signer: Ed25519KeyPair;
  #dataKeyId = 0;
  #isClosed = false;

  /**
   * @param root 32 random bytes; copied
   * @param dataKeyIds numbers of the data keys that exist, ascending; new blocks use the last
   */
  constructor(root: Buffer, dataKeyIds: readonly number[]) {
    this.#root.bytes.set(root);
    this.#subjectKey = deriveKey(root, 'subject-filter/1', SUBJECT_KEY_BYTES);
    this.#dedupeKey = deriveKey(root, 'dedupe/1', KEY_BYTES);
    this.#signer = signerOf(root);
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
    return this.#signer;
  }

  blockKey(dataKeyId: number, logId: Buffer, sessionSalt: Buffer): Buffer {
    this.#mustBeOpen();
    const dataKey = this.#dataKeys.get(dataKeyId);
    if (dataKey === undefined) {
      const message = `there is no data key \`${dataKeyId}\`: restore the key directory of this log from its backup`;
      throw new ProtegoError('LOG_KEY_MISSING', message, { dataKeyId });
    }
    return deriveKey(dataKey, 'block/1', KEY_BYTES, { salt: sessionSalt, context: logId });
  }

  /** Makes a data key known; blocks written from now on use the one with the greatest number. */
  addDataKey(id: number): void {
    const context = Buffer.alloc(4);
    context.writeUInt32BE(id);
    this.#dataKeys.set(id, deriveKey(this.#root.bytes, 'data-key/1', KEY_BYTES, { context }));
    this.#dataKeyId = Math.max(this.#dataKeyId, id);
  }

  /** Wipes every key in memory; each later use throws `LOG_CLOSED`. */
  close(): void {
    this.#isClosed = true;
    for (const secret of [this.#subjectKey, this.#dedupeKey, ...this.#dataKeys.values()]) secret.fill(0);
    this.#root.free();
    this.#signer.wipe();
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new ProtegoError('LOG_CLOSED', 'the keys of the log were closed');
  }
}

function signerOf(root: Buffer): Ed25519KeyPair {
  const seed = GuardedBytes.allocate(KEY_BYTES);
  try {
    deriveKeyInto(seed.bytes, root, 'note-signer/1');
    return new Ed25519KeyPair(seed.bytes);
  } finally {
    seed.free();
  }
}
