import { HeldLogKeys } from '../held-log-keys';
import type { LogKeys, NoteSigner } from '../log-keys';
import type { OpenedKeys } from './enclave-start';

/** Keys of a log of which the signing key stays in the enclave. */
export class RemoteLogKeys extends HeldLogKeys implements LogKeys {
  /**
   * @param sign asks the enclave for a signature
   * @param learn asks it for data keys beyond a number
   */
  constructor(
    opened: OpenedKeys,
    sign: NoteSigner['sign'],
    private readonly learn: (dataKeyId: number) => Promise<readonly { dataKeyId: number; key: Buffer }[]>,
  ) {
    super({
      subjectKey: Buffer.from(opened.subjectKey, 'base64'),
      dedupeKey: Buffer.from(opened.dedupeKey, 'base64'),
      signer: { publicKey: Buffer.from(opened.publicKey, 'base64'), sign },
    });
    for (const [id, key] of opened.dataKeys) this.putDataKey(id, Buffer.from(key, 'base64'));
  }

  async refresh(): Promise<void> {
    this.mustBeOpen();
    const learned = await this.learn(this.dataKeyId);
    this.mustBeOpen();
    for (const { dataKeyId, key } of learned) this.putDataKey(dataKeyId, key);
  }
}
