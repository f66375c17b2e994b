import { ProtegoError, canonicalJson, type OpenPersonalFields } from '@protego/contracts';
import type { ReplayRecord } from '../replay-log';
import { parseClaim, seqRangesOf, type DetectionClaim } from './detection-claim';
import { judgeClaim } from './judge-claim';
import type { ProofLog } from './proof-log';

/** What whoever holds the key of a log is asked to sign. */
export interface ClaimToSign {
  readonly claim: unknown;
  /** Records that are to go with it. */
  readonly selection: object;
  readonly log: Pick<ProofLog, 'size' | 'firstSeq' | 'records'> & { readonly open?: OpenPersonalFields };
  /** Most records that are read. */
  readonly recordsMax: number;
}

/**
 * Refuses to have a claim signed that the log contradicts: the detection that it recorded is another, or the rule, run again on the
 * records of the claim, makes another. What those records do not show is left to the verifier, who says so.
 *
 * @throws ProtegoError `PROOF_INVALID` for what is no claim, a selection that is not the claim's, and a claim that does not hold
 */
export async function checkClaim({ claim: value, selection, log, recordsMax }: ClaimToSign): Promise<DetectionClaim> {
  const claim = parseClaim(value);
  const ranges = seqRangesOf(claim);
  if (canonicalJson(selection) !== canonicalJson({ seqRanges: ranges }))
    throw new ProtegoError('PROOF_INVALID', 'the records that are selected are not those that the claim is about');
  const count = ranges.reduce((sum, { fromSeq, toSeq }) => sum + toSeq - fromSeq, 0);
  if (count > recordsMax)
    throw new ProtegoError('PROOF_INVALID', `the claim is about ${count} records, more than ${recordsMax}`);
  if (ranges.some(({ fromSeq, toSeq }) => fromSeq < log.firstSeq || toSeq > log.size))
    throw new ProtegoError('PROOF_INVALID', 'the claim is about records that the log does not hold');
  const records: ReplayRecord[] = ranges.flatMap(({ fromSeq, toSeq }) => [...log.records(fromSeq, toSeq)]);
  const { open } = log;
  const judgement = await judgeClaim({ claim, records, engine: claim.engine, ...(open === undefined ? {} : { open }) });
  if (judgement.verdict !== 'INVALID') return claim;
  throw new ProtegoError('PROOF_INVALID', `the claim does not hold: ${judgement.reason}`, { code: judgement.code });
}
