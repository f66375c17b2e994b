import { canonicalJson } from '@protego/contracts';
import type { OperatorFunction } from 'rxjs';
import { buildDetection } from './detection-builder';
import type { MatchedEvent } from './match-stage';
import { elementOperator } from './operators/element-operator';
import type { EventOrder } from './operators/event-heap';
import type { Json, StateStore, StreamElement } from './operators/stream-element';
import type { PipelineRules } from './pipeline-rules';
import type { DetectionResult, PipelineResult } from './result';
import { textAt } from './sigma-record';
import { Correlator, type CorrelationFiring, type CorrelationHit } from './sigma/correlator';
import type { SigmaCorrelation } from './sigma/correlation';
import { erasedFieldsOf } from './sigma/erased-fields';
import { fieldAccess, fieldValue, type FieldAccess } from './sigma/record';
import type { SigmaRule } from './sigma/rule';

interface CandidateHit extends CorrelationHit {
  readonly correlation: number;
  /** Values that the rule's words speak of. */
  readonly texts: Readonly<Record<string, string>>;
}

/** Begins what stands for an erased text. */
const TEXT_PLACEHOLDER = '~t.';
const NO_HITS: readonly CandidateHit[] = [];

/** What correlations need of an event while it waits for its watermark; plain data, so that it can be written down. */
export interface CorrelationCandidate extends EventOrder {
  readonly seq: number;
  readonly hits: readonly CandidateHit[];
}

/** All correlations of a session. */
export class CorrelationStage implements StateStore {
  readonly #correlators: readonly Correlator[];
  readonly #rules: PipelineRules;
  /** Per correlation, the fields that its words speak of. */
  readonly #wordingFields: readonly (readonly FieldAccess[])[];

  constructor(rules: PipelineRules) {
    this.#rules = rules;
    this.#correlators = rules.correlations.map((correlation) => new Correlator(correlation, 'crossing'));
    this.#wordingFields = rules.wordingFields.map((fields) => fields.map(fieldAccess));
  }

  /** Keeps the events that some correlation counts, reduced to what it counts. */
  readonly candidates: OperatorFunction<StreamElement<MatchedEvent>, StreamElement<CorrelationCandidate>> =
    elementOperator((out) => ({
      next: (element) => {
        if (element.kind === 'watermark') {
          out.next(element);
          return;
        }
        const hits = element.timing === 'on-time' ? this.#hitsOf(element.event) : NO_HITS;
        if (hits.length === 0) return;
        const { logged, timeMs, source, id } = element.event;
        out.next({ ...element, event: { timeMs, source, id, seq: logged.seq, hits } });
      },
    }));

  /** Correlations that cannot count an event any more, because what they group by or count in it was erased. */
  readonly undecidable: OperatorFunction<StreamElement<MatchedEvent>, PipelineResult> = elementOperator((out) => ({
    next: (element) => {
      if (element.kind === 'watermark' || element.timing !== 'on-time') return;
      const { logged, matches } = element.event;
      if (logged.erased === undefined || logged.erased.length === 0) return;
      const seen = new Set<number>();
      for (const { rule, failure } of matches) {
        if (failure !== undefined) continue;
        for (const index of this.#rules.correlationsOf(rule)) {
          const fields = this.#lostFieldsOf(index, rule, element.event);
          const { correlation } = this.#correlators[index] as Correlator;
          if (fields.length === 0 || seen.has(index)) continue;
          seen.add(index);
          out.next({ kind: 'undecidable', ruleId: correlation.id, fields, event: logged });
        }
      }
    },
  }));

  /** Counts ordered candidates and raises what meets its condition. */
  readonly detections: OperatorFunction<StreamElement<CorrelationCandidate>, DetectionResult> = elementOperator(
    (out) => ({
      next: (element) => {
        if (element.kind === 'watermark') return;
        const { timeMs, seq, source, id, hits } = element.event;
        for (const hit of hits) {
          const correlator = this.#correlators[hit.correlation] as Correlator;
          const firing = correlator.step(hit, timeMs, [seq, source, id]);
          if (firing !== undefined) out.next(detectionOf(correlator.correlation, hit, firing));
        }
      },
    }),
  );

  /** Keys held and evicted over all correlations. */
  counters(): Record<string, number> {
    const sum = (of: (correlator: Correlator) => number): number =>
      this.#correlators.reduce((total, correlator) => total + of(correlator), 0);
    return {
      correlationKeys: sum(({ windows }) => windows.windows.size),
      correlationKeysEvicted: sum(({ windows }) => windows.windows.evictedCount),
      correlationEntriesEvicted: sum(({ windows }) => windows.evictedEntryCount),
    };
  }

  snapshot(): Json {
    return this.#correlators.map((correlator) => correlator.snapshot());
  }

  restore(state: Json): void {
    (state as readonly Json[]).forEach((windows, index) => this.#correlators[index]?.restore(windows));
  }

  #hitsOf(event: MatchedEvent): readonly CandidateHit[] {
    if (event.matches.length === 0) return NO_HITS;
    const hits: CandidateHit[] = [];
    for (const { rule, failure } of event.matches) {
      if (failure !== undefined) continue;
      for (const index of this.#rules.correlationsOf(rule)) this.#addHit(hits, index, rule, event);
    }
    return hits;
  }

  // A pseudonym groups and counts as well as the value did; the placeholder of an erased text says nothing.
  #lostFieldsOf(index: number, rule: SigmaRule, { logged, record }: MatchedEvent): string[] {
    if (logged.erased === undefined) return [];
    const isErased = erasedFieldsOf(logged.erased);
    const isPlaceholder = (field: string): boolean => {
      const value = fieldValue(record, field);
      return typeof value === 'string' && value.startsWith(TEXT_PLACEHOLDER);
    };
    const fields = (this.#correlators[index] as Correlator).fieldsReadOf(rule);
    return fields.filter((field) => isErased(field) && isPlaceholder(field));
  }

  // An event that matches two member rules of one correlation is still one event.
  #addHit(hits: CandidateHit[], index: number, rule: SigmaRule, event: MatchedEvent): void {
    if (hits.some((known) => known.correlation === index)) return;
    if (this.#lostFieldsOf(index, rule, event).length > 0) return;
    const { record, pseudonymise } = event;
    const hit = (this.#correlators[index] as Correlator).hitOf(rule, record, pseudonymise);
    if (hit === undefined) return;
    const texts: Record<string, string> = {};
    for (const access of this.#wordingFields[index] ?? []) {
      const text = textAt(record, access);
      if (text !== undefined) texts[access.field] = pseudonymise(text);
    }
    hits.push({ ...hit, correlation: index, texts });
  }
}

function detectionOf(
  correlation: SigmaCorrelation,
  hit: CandidateHit,
  { group, value, events }: CorrelationFiring,
): DetectionResult {
  const first = events[0] as CorrelationFiring['events'][number];
  const last = events[events.length - 1] as CorrelationFiring['events'][number];
  const values: Readonly<Record<string, string>> = {
    ...hit.texts,
    ...group,
    count: String(value),
    timespan: durationText(correlation.timespanMs),
  };
  return buildDetection({
    rule: correlation,
    groupKey: canonicalJson(group),
    startMs: first.timeMs,
    endMs: last.timeMs + 1,
    certainAtMs: last.timeMs,
    refs: events.map(({ ref }) => ref),
    textOf: (name) => (Object.hasOwn(values, name) ? values[name] : undefined),
    timing: 'on-time',
  });
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'day'],
  [3_600_000, 'hour'],
  [60_000, 'minute'],
  [1_000, 'second'],
];

/** A duration in words, in the largest unit that divides it: `15 minutes`. */
export function durationText(durationMs: number): string {
  const [unitMs, name] = UNITS.find(([ms]) => durationMs >= ms && durationMs % ms === 0) ?? [1, 'millisecond'];
  const count = durationMs / unitMs;
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
