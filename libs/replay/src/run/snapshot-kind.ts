import { canonicalJson } from '@protego/contracts';
import type { ReplayLog } from '../replay-log';
import type { ReplayRequest } from './replay-request';

/**
 * All that decides, beside the log and the seq, what the state of a pipeline is; states of one kind may stand in for each other.
 *
 * @param erasuresAt - size of the log after its last erasure: what was judged before may have rested on what is erased
 */
export function snapshotKindOf(
  request: Pick<ReplayRequest, 'artefactHashes' | 'engine' | 'knowledge'> & {
    readonly log: Pick<ReplayLog, 'rootHash' | 'firstSeq'>;
  },
  erasuresAt: number,
): string {
  const { artefactHashes, engine, log, knowledge } = request;
  // A snapshot is the same whether mutes are honoured or not; what was known at the end hangs on where the log ended.
  const known = knowledge === undefined ? 'then' : { now: log.rootHash };
  // A state rests on every record since the first that there was, also on those that have expired since.
  return canonicalJson({ artefacts: artefactHashes, engine, erasuresAt, firstSeq: log.firstSeq, known });
}
