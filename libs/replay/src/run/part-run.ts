import type { LoggedEvent } from '@protego/contracts';
import {
  buildPipeline,
  type Pipeline,
  type PipelineArtefacts,
  type PipelineOptions,
  type PipelineSnapshot,
} from '@protego/streams';
import { Subject } from 'rxjs';
import { CoverageLedger } from '../coverage/coverage-ledger';
import { findingOf, type Finding } from './finding';

/** State of one part of a run as JSON. */
export interface PartState {
  readonly pipeline: PipelineSnapshot;
  readonly ledger: ReturnType<CoverageLedger['snapshot']>;
  readonly undecidable: readonly UndecidableNote[];
}

/** A rule of which nobody can say any more what it would find in a record. */
export type UndecidableNote = readonly [seq: number, timeMs: number, ruleId: string, fields: readonly string[]];

/** Most undecidable answers that a part lists; all are counted. */
export const UNDECIDABLE_LINES_MAX = 100_000;

/** One pipeline over the records of a run: all artefacts, or a part of them. */
export class PartRun {
  readonly ledger: CoverageLedger;
  readonly undecidable: UndecidableNote[];
  readonly #input = new Subject<LoggedEvent>();
  readonly #pipeline: Pipeline;
  #findings: Finding[] = [];
  #atSeq = -1;

  /** @param state - of the same artefacts, options and engine */
  constructor(artefacts: PipelineArtefacts, options: PipelineOptions, state?: PartState) {
    this.ledger = state === undefined ? new CoverageLedger() : CoverageLedger.from(state.ledger);
    this.undecidable = [...(state?.undecidable ?? [])];
    this.#pipeline = buildPipeline(artefacts, state?.pipeline, options);
    this.#input.pipe(this.#pipeline.results).subscribe((result) => {
      if (result.kind === 'detection') this.#findings.push(findingOf(result, this.#atSeq));
      else this.ledger.note(result);
      if (result.kind !== 'undecidable' || this.undecidable.length >= UNDECIDABLE_LINES_MAX) return;
      const { event, ruleId, fields } = result;
      this.undecidable.push([event.seq, event.timeMs, ruleId, fields]);
    });
  }

  /** Judges events, in the order of the log; returns what was found. */
  take(events: readonly LoggedEvent[]): Finding[] {
    for (const event of events) {
      this.#atSeq = event.seq;
      this.ledger.see(event);
      this.#input.next(event);
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
