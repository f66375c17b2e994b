import { canonicalJson } from '@protego/contracts';
import type { ReplayRequest } from './replay-request';

/**
 * All that decides, beside the log and the seq, what the state of a pipeline is; states of one kind may stand in for each other.
 *
 * @param erasuresAt - size of the log after its last erasure: what was judged before may have rested on what is erased
 */
export function snapshotKindOf(
  request: Pick<ReplayRequest, 'artefactHashes' | 'engine' | 'log' | 'knowledge'>,
  erasuresAt: number,
): string {
  const { artefactHashes, engine, log, knowledge } = request;
  // A snapshot is the same whether mutes are honoured or not; what was known at the end hangs on where the log ended.
  const known = knowledge === undefined ? 'then' : { now: log.rootHash };
  return canonicalJson({ artefacts: artefactHashes, engine, erasuresAt, known });
}
