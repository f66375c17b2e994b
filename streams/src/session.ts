import type { LoggedEvent } from '@protego/contracts';
import { Subject, pipe, type Observable, type OperatorFunction } from 'rxjs';
import { CorrelationStage, type CorrelationCandidate } from './correlation-stage';
import { DETECTORS } from './detectors';
import { DetectorStage } from './detectors/detector-stage';
import type { KnowledgeBook } from './detectors/knowledge-book';
import { matchRules, statelessResults, undecidableResults, type MatchedEvent } from './match-stage';
import { assignWatermarks } from './operators/assign-watermarks';
import { branches } from './operators/branches';
import { ReorderBuffer, orderByEventTime } from './operators/order-by-event-time';
import { SourceTable } from './operators/source-table';
import type { Json, StateStore, StreamElement } from './operators/stream-element';
import { pipelineRulesOf, type PipelineArtefacts, type PipelineRules } from './pipeline-rules';
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
  readonly #detectors: DetectorStage | undefined;
  readonly #input = new Subject<LoggedEvent>();

  constructor(artefacts: PipelineArtefacts, book?: KnowledgeBook) {
    this.#rules = pipelineRulesOf(artefacts);
    this.#sources = new SourceTable(artefacts.declarations);
    this.#correlations = new CorrelationStage(this.#rules);
    const { detectors } = artefacts;
    const chosen = DETECTORS.filter(({ rule }) => detectors?.includes(rule.id) ?? true);
    this.#detectors = chosen.length === 0 ? undefined : new DetectorStage(chosen, book);
  }

  /** Results of what {@link next} brings in. Restore first, then subscribe, once. */
  results(): Observable<PipelineResult> {
    const detectors = this.#detectors === undefined ? [] : [this.#detectors.results()];
    return this.#input.pipe(assignWatermarks(this.#sources), branches(this.#ruleResults(), ...detectors));
  }

  #ruleResults(): OperatorFunction<StreamElement<LoggedEvent>, PipelineResult> {
    const { candidates, detections, undecidable, missed } = this.#correlations;
    return pipe(
      matchRules(this.#rules),
      branches<StreamElement<MatchedEvent>, PipelineResult>(
        statelessResults(this.#rules, this.#sources),
        undecidableResults,
        undecidable,
        missed,
        pipe(candidates, orderByEventTime(this.#reorder), detections),
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
      ...this.#detectors?.counters(),
    };
  }

  /** What left windows before its time, by id of the document. */
  losses(): Record<string, number> {
    return { ...this.#correlations.losses(), ...this.#detectors?.losses() };
  }

  snapshot(): Json {
    return {
      sources: this.#sources.snapshot(),
      reorder: this.#reorder.snapshot(),
      correlations: this.#correlations.snapshot(),
      ...(this.#detectors === undefined ? {} : { detectors: this.#detectors.snapshot() }),
    };
  }

  restore(state: Json): void {
    const stores = state as Record<string, Json>;
    this.#sources.restore(stores['sources'] as Json);
    this.#reorder.restore(stores['reorder'] as Json);
    this.#correlations.restore(stores['correlations'] as Json);
    this.#detectors?.restore(stores['detectors'] as Json);
  }
}
