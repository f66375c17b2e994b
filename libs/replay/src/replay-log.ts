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
  /** The records from one seq up to, and without, another, in the order of the log. */
  records(fromSeq: number, toSeq: number): Iterable<ReplayRecord>;
  /** Size of the log just after the last erasure that it knows of now; 0 without one. */
  erasuresAt(): number;
  /** Opens sealed fields as far as their keys exist; missing leaves them sealed, so that rules see pseudonyms. */
  readonly open?: OpenPersonalFields;
}

/** A record of the log; `type` is that of its body. */
export interface ReplayRecord extends StoredEvent {
  readonly type: string;
}

/** Event that names the destroyed keys of a person. */
const ERASED = 'log.erased';

/** A log as it stands now; without its vault, personal fields stay sealed. */
export function replayLogOf(
  reader: Pick<EventLogReader, 'stat' | 'records' | 'query'>,
  vault?: Pick<PersonalDataVault, 'openForPipeline'>,
): ReplayLog {
  const { origin, size, firstSeq, rootHash } = reader.stat();
  return {
    origin,
    size,
    firstSeq,
    rootHash,
    records: (fromSeq, toSeq) => reader.records({ fromSeq, toSeq }),
    erasuresAt: () => {
      for (const { seq } of reader.query({ types: [ERASED], direction: 'backwards' })) return seq + 1;
      return 0;
    },
    ...(vault === undefined ? {} : { open: (records) => vault.openForPipeline(records) }),
  };
}
