import { createHash } from 'node:crypto';
import { ProtegoError, canonicalJson, type ChangeAssessment } from '@protego/contracts';
import { changeCountsOf } from './affected';
import { CHANGES, type Change } from './differences';
import { failedGates } from './gates';
import type { WhatIfCost, WhatIfDiff } from './whatif-shape';

/** First line of the text that is signed. */
const HEAD = 'protego/change-record/1';

/** What a change record says; its text is signed with the key of the log. */
export interface ChangeRecord {
  readonly version: 1;
  readonly log: WhatIfDiff['log'];
  /** Key of the log (C2SP verifier key) that signs the record. */
  readonly verifierKey: string;
  readonly assessment: Omit<ChangeAssessment, 'recordHash' | 'reason' | 'log'>;
  /** SHA-256 (hex) of the files beside the record, by path. */
  readonly files: Readonly<Record<string, string>>;
}

/** The bytes of `diff.json`: canonical JSON (RFC 8785) of the difference, with what the runs took, and a line feed. */
export function diffText(diff: WhatIfDiff, cost: WhatIfCost): string {
  return `${canonicalJson({ ...diff, cost })}\n`;
}

/**
 * SHA-256 (hex) of the canonical JSON of the difference without what the runs took and how the caller named the sets: the
 * same on every machine.
 */
export function diffHashOf({ baseline, candidate, ...diff }: WhatIfDiff): string {
  const { name: _before, ...before } = baseline;
  const { name: _after, ...after } = candidate;
  return sha256Hex(canonicalJson({ ...diff, baseline: before, candidate: after }));
}

/**
 * The difference that {@link diffText} wrote.
 *
 * @throws ProtegoError `CHANGE_RECORD_INVALID`
 */
export function parseDiff(text: string): WhatIfDiff {
  const { cost: _cost, ...diff } = objectOf(text, '`diff.json`');
  if (diff['version'] !== 1) throw invalid('`diff.json` is no difference of this version');
  return diff as unknown as WhatIfDiff;
}

/** Makes the record of a difference. */
export function changeRecordOf(
  diff: WhatIfDiff,
  verifierKey: string,
  files: Readonly<Record<string, string>>,
): ChangeRecord {
  const { log, range, baseline, candidate, documents, kinds, gates } = diff;
  const setOf = ({ artefacts, outputHash }: typeof baseline, findings: number): ChangeAssessment['baseline'] => ({
    ...{ artefacts, outputHash, findings },
  });
  const sumOf = (of: Change | 'baseline' | 'candidate'): number => kinds.reduce((sum, kind) => sum + kind[of], 0);
  const counts = changeCountsOf([]);
  for (const change of CHANGES) counts[change] = sumOf(change);
  return {
    version: 1,
    log,
    verifierKey,
    assessment: {
      diffHash: diffHashOf(diff),
      range: { from: range.emitFrom, to: range.emitTo },
      baseline: setOf(baseline, sumOf('baseline')),
      candidate: setOf(candidate, sumOf('candidate')),
      documents: documents.length,
      differences: counts,
      gates: {
        asked: gates.flatMap(({ gate, isAsked }) => (isAsked ? gate : [])),
        failed: failedGates(gates).map(({ gate }) => gate),
      },
    },
    files,
  };
}

/** The text that is signed: a line that says what it is, the name of the log, and the record as canonical JSON. */
export function changeRecordText(record: ChangeRecord): string {
  return `${HEAD}\n${record.log.origin}\n${canonicalJson(record)}\n`;
}

/**
 * Reads the text of a record, signed or not.
 *
 * @throws ProtegoError `CHANGE_RECORD_INVALID`
 */
export function parseChangeRecord(text: string): ChangeRecord {
  const [head, origin, json = ''] = text.split('\n');
  if (head !== HEAD) throw invalid('it is no change record of this version');
  const record = objectOf(json, 'the change record') as unknown as Partial<ChangeRecord>;
  const isWhole =
    record.version === 1 &&
    record.log?.origin === origin &&
    typeof record.verifierKey === 'string' &&
    typeof record.assessment?.diffHash === 'string' &&
    Object.values(record.files ?? { none: undefined }).every((hash) => typeof hash === 'string');
  if (!isWhole) throw invalid('the change record lacks its log, key, assessment or files');
  return record as ChangeRecord;
}

/** What an event says of a record; `note` is the record as it was signed. */
export function assessmentOf(record: ChangeRecord, note: string, reason: string): ChangeAssessment {
  const { log, assessment } = record;
  return { ...assessment, log: { size: log.size, rootHash: log.root }, recordHash: sha256Hex(note), reason };
}

function objectOf(text: string, what: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null && typeof value === 'object') return value as Record<string, unknown>;
  } catch (cause) {
    throw new ProtegoError('CHANGE_RECORD_INVALID', `${what} is not JSON`, {}, { cause });
  }
  throw invalid(`${what} is no object`);
}

const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex');

function invalid(message: string): ProtegoError {
  return new ProtegoError('CHANGE_RECORD_INVALID', message);
}
