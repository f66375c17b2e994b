import { Injectable } from '@nestjs/common';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Prometheus metrics of one engine. */
@Injectable()
export class EngineMetrics {
  readonly registry = new Registry();
  readonly appended = this.#counter('protego_events_appended_total', 'Events appended to the log and durable.');
  readonly duplicates = this.#counter(
    'protego_events_duplicate_total',
    'Events dropped because their id was known with the same content.',
  );
  readonly rejected = this.#counter('protego_events_rejected_total', 'Inputs refused, by code.', ['code']);
  readonly results = this.#counter('protego_pipeline_results_total', 'Results of the pipeline, by kind and severity.', [
    'kind',
    'severity',
  ]);
  readonly muted = this.#counter(
    'protego_detections_muted_total',
    'Detections that were recorded and not published, because they are muted.',
  );
  readonly undecidable = this.#counter(
    'protego_pipeline_undecidable_total',
    'Answers of rules that nobody can give any more, because of erased fields.',
  );
  readonly published = this.#counter('protego_results_published_total', 'Results published on the bus.');
  readonly publishFailures = this.#counter(
    'protego_publish_failures_total',
    'Publications that failed and were taken up again.',
  );
  readonly appendSeconds = new Histogram({
    name: 'protego_append_seconds',
    help: 'Time from append to durable.',
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1],
    registers: [this.registry],
  });
  readonly logRecords = this.#gauge('protego_log_records', 'Records in the log.');
  readonly pipelineLag = this.#gauge(
    'protego_pipeline_lag_events',
    'Durable events that have not been through the pipeline yet.',
  );
  readonly publishLag = this.#gauge(
    'protego_publish_lag_records',
    'Results that wait for publication, and records still to be searched for results.',
  );
  readonly checkpointSize = this.#gauge('protego_checkpoint_records', 'Records that the latest checkpoint covers.');
  readonly checkpointAge = this.#gauge(
    'protego_checkpoint_age_seconds',
    'Time since the latest checkpoint of this run was signed.',
  );
  readonly checkpointsPublished = this.#counter(
    'protego_checkpoints_published_total',
    'Signed checkpoints published on the bus.',
  );
  readonly checkpointsSkipped = this.#counter(
    'protego_checkpoints_skipped_total',
    'Checkpoints that gave way to later ones before they could be published.',
  );
  readonly sealedEvents = this.#counter('protego_events_sealed_total', 'Events with sealed personal fields.');
  readonly dedupeIds = this.#gauge('protego_dedupe_ids', 'Ids of events that are remembered.');
  readonly dedupeEvicted = this.#gauge(
    'protego_dedupe_evicted_ids',
    'Ids dropped since the start, by age or for room.',
  );
  readonly dedupeFilterLoad = this.#gauge('protego_dedupe_filter_load', 'Keys for each byte of the dedupe filters.');
  readonly state = this.#gauge('protego_pipeline_state', 'Sizes and evictions of pipeline state.', ['store']);

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name, help, labelNames, registers: [this.registry] });
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name, help, labelNames, registers: [this.registry] });
  }
}
