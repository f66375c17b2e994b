import { ProtegoError } from '@protego/contracts';
import { blockKeyOf, requireDataKey } from '../derived-log-keys';
import type { LogKeys, NoteSigner } from '../log-keys';
import type { OpenedKeys } from './enclave-start';

/** Keys of a log of which the signing key stays in the enclave. */
export class RemoteLogKeys implements LogKeys {
  readonly #dataKeys: Map<number, Buffer>;
  #dataKeyId: number;
  readonly #subjectKey: Buffer;
  readonly #dedupeKey: Buffer;
  readonly #signer: NoteSigner;
  #isClosed = false;

  /**
   * @param sign asks the enclave for a signature
   * @param learn asks it for data keys beyond a number
   */
  constructor(
    opened: OpenedKeys,
    sign: NoteSigner['sign'],
    private readonly learn: (dataKeyId: number) => Promise<readonly { dataKeyId: number; key: Buffer }[]>,
  ) {
    this.#dataKeys = new Map(opened.dataKeys.map(([id, key]) => [id, Buffer.from(key, 'base64')]));
    this.#dataKeyId = opened.dataKeys.reduce((greatest, [id]) => Math.max(greatest, id), 0);
    this.#subjectKey = Buffer.from(opened.subjectKey, 'base64');
    this.#dedupeKey = Buffer.from(opened.dedupeKey, 'base64');
    this.#signer = { publicKey: Buffer.from(opened.publicKey, 'base64'), sign };
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
    return blockKeyOf(requireDataKey(this.#dataKeys, dataKeyId), logId, sessionSalt);
  }

  async refresh(): Promise<void> {
    this.#mustBeOpen();
    const learned = await this.learn(this.#dataKeyId);
    for (const { dataKeyId, key } of learned) this.addDataKey(dataKeyId, key);
    this.#mustBeOpen();
  }

  /** Makes a data key known; blocks written from now on use the one with the greatest number. */
  addDataKey(id: number, key: Buffer): void {
    this.#dataKeys.set(id, key);
    this.#dataKeyId = Math.max(this.#dataKeyId, id);
  }

  /** Wipes the keys; each later use throws `LOG_CLOSED`. */
  close(): void {
    this.#isClosed = true;
    for (const key of [...this.#dataKeys.values(), this.#subjectKey, this.#dedupeKey]) key.fill(0);
  }

  #mustBeOpen(): void {
    if (this.#isClosed) throw new ProtegoError('LOG_CLOSED', 'the keys of the log were closed');
  }
}
