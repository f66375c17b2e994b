import { canonicalJson } from '@protego/contracts';
import type { OperatorFunction } from 'rxjs';
import { buildDetection } from './detection-builder';
import { durationText } from './duration-text';
import type { MatchedEvent } from './match-stage';
import { elementOperator } from './operators/element-operator';
import type { EventOrder } from './operators/event-heap';
import type { Json, StateStore, StreamElement } from './operators/stream-element';
import type { PipelineRules } from './pipeline-rules';
import { shownText } from './pseudonyms';
import type { DetectionResult, PipelineResult } from './result';
import type { CorrelationPlan, MemberPlace, PlannedHit } from './sigma/correlation-plan';
import { CorrelationRun, type RaisedCorrelation } from './sigma/correlation-run';
import type { SigmaCorrelation } from './sigma/correlation';
import { lostFieldsOf } from './sigma/erased-fields';
import type { SigmaRule } from './sigma/rule';

const NO_HITS: readonly PlannedHit[] = [];

/** What correlations need of an event while it waits for its watermark; plain data, so that it can be written down. */
export interface CorrelationCandidate extends EventOrder {
  readonly seq: number;
  readonly hits: readonly PlannedHit[];
}

/** All correlations of a session. */
export class CorrelationStage implements StateStore {
  readonly #plan: CorrelationPlan;
  readonly #run: CorrelationRun;

  constructor({ correlations }: PipelineRules) {
    this.#plan = correlations;
    this.#run = new CorrelationRun(correlations, 'crossing');
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

  /** Correlations that cannot count an event any more, because what they group by or measure in it was erased. */
  readonly undecidable: OperatorFunction<StreamElement<MatchedEvent>, PipelineResult> = elementOperator((out) => ({
    next: (element) => {
      if (element.kind === 'watermark' || element.timing !== 'on-time') return;
      const { event } = element;
      if (event.logged.erased === undefined || event.logged.erased.length === 0) return;
      const seen = new Set<number>();
      for (const rule of matchedRules(event))
        for (const place of this.#plan.placesOf(rule)) this.#tellLost(place, event, seen, (result) => out.next(result));
    },
  }));

  /** Correlations, and those over them, whose windows do not see an event because of its time. */
  readonly missed: OperatorFunction<StreamElement<MatchedEvent>, PipelineResult> = elementOperator((out) => ({
    next: (element) => {
      if (element.kind === 'watermark' || element.timing === 'on-time') return;
      const { event, timing } = element;
      const seen = new Set<number>();
      for (const rule of matchedRules(event))
        for (const { correlation } of this.#plan.placesOf(rule)) this.#addWithParents(correlation, seen);
      for (const at of seen) {
        const { id: ruleId } = this.#plan.correlations[at] as SigmaCorrelation;
        out.next({ kind: 'missed', ruleId, timing, event: event.logged });
      }
    },
  }));

  /** Counts ordered candidates and raises what meets its condition. */
  readonly detections: OperatorFunction<StreamElement<CorrelationCandidate>, DetectionResult> = elementOperator(
    (out) => ({
      next: (element) => {
        if (element.kind === 'watermark') return;
        const { timeMs, seq, source, id, hits } = element.event;
        for (const raised of this.#run.step(hits, timeMs, [seq, source, id])) out.next(detectionOf(raised));
      },
    }),
  );

  /** What is held and was evicted over all correlations. */
  counters(): Record<string, number> {
    return this.#run.counters();
  }

  /** Groups and events that left their windows before their time, by id of the correlation. */
  losses(): Record<string, number> {
    return this.#run.losses();
  }

  snapshot(): Json {
    return this.#run.snapshot();
  }

  restore(state: Json): void {
    this.#run.restore(state);
  }

  #hitsOf(event: MatchedEvent): readonly PlannedHit[] {
    // Most matches are of rules that no correlation is about.
    if (!event.matches.some(({ rule }) => this.#plan.placesOf(rule).length > 0)) return NO_HITS;
    const lost = lostFieldsOf(event.logged.erased, event.record);
    return this.#plan.hitsOf(matchedRules(event), event.record, event.tellApart, lost);
  }

  #addWithParents(correlation: number, seen: Set<number>): void {
    if (seen.has(correlation)) return;
    seen.add(correlation);
    for (const parent of this.#plan.parentsOf(correlation)) this.#addWithParents(parent.correlation, seen);
  }

  // A correlation that still counts the event may lack what one over it would read.
  #tellLost(place: MemberPlace, event: MatchedEvent, seen: Set<number>, tell: (result: PipelineResult) => void): void {
    const { correlation: at } = place;
    if (seen.has(at)) return;
    seen.add(at);
    const isLost = lostFieldsOf(event.logged.erased, event.record);
    const fields = this.#plan.fieldsReadOf(place).filter(isLost);
    const { id: ruleId } = this.#plan.correlations[at] as SigmaCorrelation;
    if (fields.length > 0) tell({ kind: 'undecidable', ruleId, fields, event: event.logged });
    else for (const parent of this.#plan.parentsOf(at)) this.#tellLost(parent, event, seen, tell);
  }
}

function matchedRules({ matches }: MatchedEvent): SigmaRule[] {
  const rules: SigmaRule[] = [];
  for (const { rule, failure } of matches) if (failure === undefined) rules.push(rule);
  return rules;
}

function detectionOf({ correlation, firing, events, texts }: RaisedCorrelation): DetectionResult {
  const { value } = firing;
  const group = mapped(firing.group, shownText);
  const first = events[0] as RaisedCorrelation['events'][number];
  const last = events[events.length - 1] as RaisedCorrelation['events'][number];
  const values: Readonly<Record<string, string>> = {
    ...mapped(texts, shownText),
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
    measured: { group, value },
  });
}

function mapped(texts: Readonly<Record<string, string>>, to: (text: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, to(text)]));
}
