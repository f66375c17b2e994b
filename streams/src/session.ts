import type { LoggedEvent, SourceDeclarations } from '@protego/contracts';
import { Subject, pipe, type Observable } from 'rxjs';
import { CorrelationStage, type CorrelationCandidate } from './correlation-stage';
import { DETECTORS } from './detectors';
import { DetectorStage } from './detectors/detector-stage';
import { matchRules, statelessResults, undecidableResults, type MatchedEvent } from './match-stage';
import { assignWatermarks } from './operators/assign-watermarks';
import { branches } from './operators/branches';
import { ReorderBuffer, orderByEventTime } from './operators/order-by-event-time';
import { SourceTable } from './operators/source-table';
import type { Json, StateStore, StreamElement } from './operators/stream-element';
import type { PipelineRules } from './pipeline-rules';
import type { PipelineResult } from './result';

/**
 * State and streams of one session: the live one, or one import. Each has sources, a watermark and windows of its own, so
 * that history that is brought in later cannot disturb what is being watched now.
 */
export class PipelineSession implements StateStore {
  readonly #rules: PipelineRules;
  readonly #sources: SourceTable;
  readonly #reorder = new ReorderBuffer<CorrelationCandidate>({
    toJson: (candidate) => candidate as unknown as Json,
    fromJson: (json) => json as unknown as CorrelationCandidate,
  });
  readonly #correlations: CorrelationStage;
  readonly #detectors = new DetectorStage(DETECTORS);
  readonly #input = new Subject<LoggedEvent>();

  constructor(rules: PipelineRules, declarations: SourceDeclarations) {
    this.#rules = rules;
    this.#sources = new SourceTable(declarations);
    this.#correlations = new CorrelationStage(rules);
  }

  /** Results of what {@link next} brings in. Restore first, then subscribe, once. */
  results(): Observable<PipelineResult> {
    const rules = this.#rules;
    return this.#input.pipe(
      assignWatermarks(this.#sources),
      branches(
        pipe(
          matchRules(rules),
          branches<StreamElement<MatchedEvent>, PipelineResult>(
            statelessResults(rules, this.#sources),
            undecidableResults,
            this.#correlations.undecidable,
            pipe(this.#correlations.candidates, orderByEventTime(this.#reorder), this.#correlations.detections),
          ),
        ),
        this.#detectors.results(),
      ),
    );
  }

  next(event: LoggedEvent): void {
    this.#input.next(event);
  }

  /** Nothing more will come: every window decides on what it has. */
  close(): void {
    this.#input.complete();
  }

  /** State sizes and evictions, for metrics. */
  counters(): Record<string, number> {
    return {
      reorderEvents: this.#reorder.heap.size,
      reorderForced: this.#reorder.forcedCount,
      reorderDropped: this.#reorder.droppedCount,
      sources: this.#sources.size,
      sourcesEvicted: this.#sources.evictedCount,
      ...this.#correlations.counters(),
      ...this.#detectors.counters(),
    };
  }

  snapshot(): Json {
    return {
      sources: this.#sources.snapshot(),
      reorder: this.#reorder.snapshot(),
      correlations: this.#correlations.snapshot(),
      detectors: this.#detectors.snapshot(),
    };
  }

  restore(state: Json): void {
    const stores = state as Record<string, Json>;
    this.#sources.restore(stores['sources'] as Json);
    this.#reorder.restore(stores['reorder'] as Json);
    this.#correlations.restore(stores['correlations'] as Json);
    this.#detectors.restore(stores['detectors'] as Json);
  }
}
