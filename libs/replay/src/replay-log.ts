import type { OpenPersonalFields, StoredEvent } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import type { EventLogReader } from '@protego/event-log';

/** Read side of a log, as the app hands it in. */
export interface ReplayLog {
  readonly origin: string;
  /** Records of the log when it was opened, expired ones included. */
  readonly size: number;
  /** First record that the log still holds; those before it have expired. */
  readonly firstSeq: number;
  /** RFC 6962 root (hex) over all of them. */
  readonly rootHash: string;
  /** The records that the log still holds, in its order. */
  records(): Iterable<ReplayRecord>;
  /** Opens sealed fields as far as their keys exist; missing leaves them sealed, so that rules see pseudonyms. */
  readonly open?: OpenPersonalFields;
}

/** A record of the log; `type` is that of its body. */
export interface ReplayRecord extends StoredEvent {
  readonly type: string;
}

/** A log as it stands now; without its vault, personal fields stay sealed. */
export function replayLogOf(
  reader: Pick<EventLogReader, 'stat' | 'records'>,
  vault?: Pick<PersonalDataVault, 'openForPipeline'>,
): ReplayLog {
  const { origin, size, firstSeq, rootHash } = reader.stat();
  return {
    origin,
    size,
    firstSeq,
    rootHash,
    records: () => reader.records({ toSeq: size }),
    ...(vault === undefined ? {} : { open: (records) => vault.openForPipeline(records) }),
  };
}
