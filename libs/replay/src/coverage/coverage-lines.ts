import { canonicalJson } from '@protego/contracts';
import { DETECTOR_RULES, KNOWLEDGE_ID, type PipelineArtefacts } from '@protego/streams';
import type { CoverageLedger, DocumentGaps, EventGaps } from './coverage-ledger';

/** What a run read of a log. */
export interface CoveredRange {
  /** Records before this one have expired; nobody judged them. */
  readonly firstSeq: number;
  /** Seq after the last record that was judged. */
  readonly toSeq: number;
  /** Seq from which results were wanted, or event time in RFC 3339; null for all. */
  readonly emitFrom: string | number | null;
  readonly emitTo: string | number | null;
}

/**
 * Lines of `coverage.jsonl`: first what holds for the whole run, then one line for each document, with what it did not
 * judge. A document without gaps judged every record of the range in its time.
 *
 * @param losses - what left windows before its time, by id of the document
 */
export function coverageLines(
  range: CoveredRange,
  { rules, detectors }: PipelineArtefacts,
  ledger: CoverageLedger,
  losses: Readonly<Record<string, number>>,
): string[] {
  const lineOf = (kind: string, id: string, ruleHash: string | null): string =>
    canonicalJson({
      kind,
      ruleId: id,
      ...(ruleHash === null ? {} : { ruleHash }),
      ...toldOf(ledger.documents.get(id)),
      ...(losses[id] === undefined ? {} : { lost: losses[id] }),
    });
  const chosen = DETECTOR_RULES.filter(({ id }) => detectors?.includes(id) ?? true);
  return [
    canonicalJson({ kind: 'run', ...range, ...toldOf(ledger.events) }),
    ...rules.rules.map(({ id, contentHash }) => lineOf('rule', id, contentHash)),
    ...rules.correlations.map(({ id, contentHash }) => lineOf('correlation', id, contentHash)),
    ...chosen.map(({ id, contentHash }) => lineOf('detector', id, contentHash)),
    ...(chosen.length === 0 ? [] : [lineOf(KNOWLEDGE_ID, KNOWLEDGE_ID, null)]),
  ];
}

function toldOf(gaps: DocumentGaps | EventGaps = {}): Record<string, unknown> {
  const entries = Object.entries(gaps).filter(([, ranges]) => ranges !== undefined);
  return Object.fromEntries(entries.map(([kind, ranges]) => [kind, ranges.told()]));
}
