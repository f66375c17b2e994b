import type { OpenPersonalFields } from '@protego/contracts';
import type { PersonalDataVault } from '@protego/enclave';
import type { EventLogReader } from '@protego/event-log';
import { SESSION_CLOSED, SESSION_OPENED } from '@protego/streams';
import type { ReplayRecord } from '../replay-log';

/** Read side of a log, as a proof is planned from it. */
export interface ProofLog {
  readonly size: number;
  /** First record that the log still holds. */
  readonly firstSeq: number;
  /** Records of `[fromSeq, toSeq)`. */
  records(fromSeq: number, toSeq: number): Iterable<ReplayRecord>;
  /** Records of `[fromSeq, toSeq)` that open or close an import session, from the first on or from the last. */
  boundaries(
    fromSeq: number,
    toSeq: number,
    direction: 'forwards' | 'backwards',
  ): Iterable<Pick<ReplayRecord, 'seq' | 'type'>>;
  readonly open?: OpenPersonalFields;
}

/** A log as it stands now; without its vault, personal fields stay sealed. */
export function proofLogOf(
  reader: Pick<EventLogReader, 'stat' | 'records' | 'query'>,
  vault?: Pick<PersonalDataVault, 'openForPipeline'>,
): ProofLog {
  const { size, firstSeq } = reader.stat();
  return {
    size,
    firstSeq,
    records: (fromSeq, toSeq) => reader.records({ fromSeq, toSeq }),
    boundaries: (fromSeq, toSeq, direction) =>
      reader.query({ fromSeq, toSeq, direction, types: [SESSION_OPENED, SESSION_CLOSED] }),
    ...(vault === undefined ? {} : { open: (records) => vault.openForPipeline(records) }),
  };
}
