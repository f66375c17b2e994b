import type { LoggedEvent } from '@protego/contracts';
import type { PipelineArtefacts, PipelineOptions, PipelineResult } from '@protego/streams';
import { CoverageLedger } from '../coverage/coverage-ledger';
import { InForceRun, type ArtefactsInForce, type InForceSnapshot } from '../forces/in-force-run';
import { findingOf, type Finding } from './finding';

/** State of one part of a run as JSON. */
export interface PartState {
  readonly pipeline: InForceSnapshot;
  readonly ledger: ReturnType<CoverageLedger['snapshot']>;
  readonly undecidable: readonly UndecidableNote[];
}

/** A rule of which nobody can say any more what it would find in a record. */
export type UndecidableNote = readonly [seq: number, timeMs: number, ruleId: string, fields: readonly string[]];

/** Most undecidable answers that a part lists; all are counted. */
export const UNDECIDABLE_LINES_MAX = 100_000;

/** Pipelines over the records of a run: of all artefacts, a part of them, or those that were in force. */
export class PartRun {
  readonly ledger: CoverageLedger;
  readonly undecidable: UndecidableNote[];
  readonly #pipeline: InForceRun;
  #findings: Finding[] = [];
  #atSeq = -1;

  /** @param state - of the same artefacts, options and engine */
  constructor(artefacts: PipelineArtefacts | ArtefactsInForce, options: PipelineOptions, state?: PartState) {
    this.ledger = state === undefined ? new CoverageLedger() : CoverageLedger.from(state.ledger);
    this.undecidable = [...(state?.undecidable ?? [])];
    const emit = (result: PipelineResult): void => {
      if (result.kind === 'detection') this.#findings.push(findingOf(result, this.#atSeq));
      else this.ledger.note(result);
      if (result.kind !== 'undecidable' || this.undecidable.length >= UNDECIDABLE_LINES_MAX) return;
      const { event, ruleId, fields } = result;
      this.undecidable.push([event.seq, event.timeMs, ruleId, fields]);
    };
    this.#pipeline = new InForceRun({ artefacts, options, emit }, state?.pipeline);
  }

  /** Judges events, in the order of the log; returns what was found. */
  take(events: readonly LoggedEvent[]): Finding[] {
    for (const event of events) {
      this.#atSeq = event.seq;
      this.ledger.see(event);
      this.#pipeline.take(event);
    }
    const findings = this.#findings;
    this.#findings = [];
    return findings;
  }

  /** What left windows before its time, by id of the document. */
  losses(): Record<string, number> {
    return this.#pipeline.losses();
  }

  /** All that the part knows of the past. */
  state(): PartState {
    const ledger = this.ledger.snapshot();
    return { pipeline: this.#pipeline.snapshot(), ledger, undecidable: [...this.undecidable] };
  }
}
