import type { LoggedEvent } from '@protego/contracts';
import type { Json, PipelineResult } from '@protego/streams';
import { SeqRanges } from './seq-ranges';

/** Why a document did not judge an event. */
export const GAP_KINDS = ['late', 'skewed', 'failed', 'undecidable'] as const;
/** One of {@link GAP_KINDS}. */
export type GapKind = (typeof GAP_KINDS)[number];

/** Where a document did not judge, by why. */
export type DocumentGaps = Partial<Record<GapKind, SeqRanges>>;

/** Events whose fields were erased at least in part, and those out of time. */
export type EventGaps = Partial<Record<'late' | 'skewed' | 'erased', SeqRanges>>;

/**
 * What a run could not judge, per rule, correlation and detector: with it, that nothing was found is a statement that can be
 * relied on. What is not listed was judged.
 */
export class CoverageLedger {
  readonly documents = new Map<string, DocumentGaps>();
  readonly events: EventGaps = {};

  /** Takes note of an event before the pipeline judges it. */
  see({ seq, erased }: LoggedEvent): void {
    if (erased !== undefined && erased.length > 0) (this.events.erased ??= new SeqRanges()).add(seq);
  }

  /** Takes note of a result that says what was not judged. */
  note(result: PipelineResult): void {
    if (result.kind === 'late' || result.kind === 'skewed')
      (this.events[result.kind] ??= new SeqRanges()).add(result.event.seq);
    else if (result.kind === 'missed') this.#add(result.ruleId, result.timing, result.event.seq);
    else if (result.kind === 'rule-failed') this.#add(result.ruleId, 'failed', result.event.seq);
    else if (result.kind === 'undecidable') this.#add(result.ruleId, 'undecidable', result.event.seq);
  }

  /** How often documents did not judge, for one reason. */
  total(kind: GapKind): number {
    let total = 0;
    for (const gaps of this.documents.values()) total += gaps[kind]?.count ?? 0;
    return total;
  }

  /** Takes over what another ledger of the same records says of documents that this one does not know. */
  join(other: CoverageLedger): void {
    for (const [id, gaps] of other.documents) if (!this.documents.has(id)) this.documents.set(id, gaps);
  }

  /** The state as JSON, for {@link CoverageLedger.from}. */
  snapshot(): Json {
    const documents = [...this.documents].map(([id, gaps]) => [id, gapsToJson(gaps)]);
    return { documents, events: gapsToJson(this.events) };
  }

  /** The ledger of a {@link CoverageLedger.snapshot}. */
  static from(state: Json): CoverageLedger {
    const { documents, events } = state as {
      documents: [string, Record<string, Json>][];
      events: Record<string, Json>;
    };
    const ledger = new CoverageLedger();
    for (const [id, gaps] of documents) ledger.documents.set(id, gapsFromJson(gaps));
    Object.assign(ledger.events, gapsFromJson(events));
    return ledger;
  }

  #add(id: string, kind: GapKind, seq: number): void {
    let gaps = this.documents.get(id);
    if (gaps === undefined) this.documents.set(id, (gaps = {}));
    (gaps[kind] ??= new SeqRanges()).add(seq);
  }
}

function gapsToJson(gaps: Readonly<Record<string, SeqRanges | undefined>>): Json {
  return Object.fromEntries(
    Object.entries(gaps).flatMap(([kind, ranges]) => (ranges === undefined ? [] : [[kind, ranges.snapshot()]])),
  );
}

function gapsFromJson(json: Readonly<Record<string, Json>>): Record<string, SeqRanges> {
  return Object.fromEntries(Object.entries(json).map(([kind, ranges]) => [kind, SeqRanges.from(ranges)]));
}
