import { randomBytes } from 'node:crypto';
import type { EventSeq } from '@protego/contracts';
import type { HouseKeys } from '@protego/enclave';
import type { LogAuthority } from './evidence/log-authority';

/** A data key that was made. */
export interface DataKeyRotation {
  /** Number of the new data key, under which all later blocks are encrypted. */
  readonly dataKeyId: number;
  /** Seq of the `log.key-rotated` event. */
  readonly eventSeq: EventSeq;
}

/**
 * Gives a log a new data key; nothing that is written is touched. The key comes first and is durable before any block names
 * it, the event is the first record that is sure to stand under it. A crash between the two leaves a key without an event;
 * each block names its key in any case.
 *
 * @throws ProtegoError as {@link HouseKeys.rotateDataKey}, and as {@link LogAuthority.append}: the key is made then
 */
export async function rotateDataKey(parts: {
  readonly house: Pick<HouseKeys, 'rotateDataKey'>;
  readonly authority: LogAuthority;
}): Promise<DataKeyRotation> {
  const dataKeyId = await parts.house.rotateDataKey();
  const id = `key-rotated-${randomBytes(16).toString('hex')}`;
  const eventSeq = await parts.authority.append('log.key-rotated', id, { dataKeyId });
  return { dataKeyId, eventSeq };
}
