import { randomUUID } from 'node:crypto';
import { ASSESSMENT_REASON_MAX, ProtegoError, type ChangeAssessment, type EventSeq } from '@protego/contracts';
import type { LogAuthority } from './log-authority';

/** The event that was written about a change of artefacts. */
export interface AssessmentReceipt {
  readonly seq: EventSeq;
  readonly id: string;
}

/**
 * Appends what a change of artefacts would have done, as an event.
 *
 * @throws ProtegoError `USAGE_INVALID` for a reason that says nothing or is too long
 */
export async function appendAssessment(
  assessment: ChangeAssessment,
  authority: Pick<LogAuthority, 'append'>,
): Promise<AssessmentReceipt> {
  const { reason } = assessment;
  if (reason.trim() === '' || reason.length > ASSESSMENT_REASON_MAX || !reason.isWellFormed())
    throw new ProtegoError('USAGE_INVALID', `a reason of 1 to ${ASSESSMENT_REASON_MAX} characters is needed`);
  const id = `change-assessed-${randomUUID()}`;
  const seq = await authority.append('artefact.change-assessed', id, { ...assessment });
  return { seq, id };
}
