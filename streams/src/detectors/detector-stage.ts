import { messageOf, type LoggedEvent } from '@protego/contracts';
import { pipe, type OperatorFunction, type Subscriber } from 'rxjs';
import { branches } from '../operators/branches';
import { elementOperator } from '../operators/element-operator';
import { ReorderBuffer, orderByEventTime } from '../operators/order-by-event-time';
import type { Json, StateStore, StreamElement } from '../operators/stream-element';
import { pseudonymiseWith, type Pseudonymise } from '../pseudonyms';
import type { PipelineResult } from '../result';
import { sigmaRecordOf } from '../sigma-record';
import { lostFieldsOf } from '../sigma/erased-fields';
import type { Detector, DetectorRun, Observation } from './detector';

/** What detectors need of one event: facts by the id of the detector. */
type Observed = Observation<Readonly<Record<string, Json>>>;

/** What becomes of an event at once: results where it cannot be judged, and else what waits for its watermark. */
type Reading = StreamElement<Observed> | PipelineResult;

/**
 * Detectors look at the clock when it passes whole seconds. All their windows end on whole seconds, so that none decides
 * later for it, and most events move the watermark by less.
 */
const CLOCK_STEP_MS = 1_000;

/** All detectors of a session, with one buffer for what waits for its watermark. */
export class DetectorStage implements StateStore {
  readonly #runs: readonly (readonly [id: string, run: DetectorRun<Json>])[];
  readonly #readers = new Map<string, Detector<Json>[]>();
  readonly #buffer = new ReorderBuffer<Observed>({
    toJson: (observed) => observed as unknown as Json,
    fromJson: (json) => json as unknown as Observed,
  });

  constructor(detectors: readonly Detector<Json>[]) {
    this.#runs = detectors.map((detector) => [detector.rule.id, detector.begin()]);
    for (const detector of detectors)
      for (const type of detector.types) this.#readers.set(type, [...(this.#readers.get(type) ?? []), detector]);
  }

  /** Detections; events that a detector cannot judge, because what it reads was erased; detectors that threw. */
  results(): OperatorFunction<StreamElement<LoggedEvent>, PipelineResult> {
    const detections = this.#runs.map(([id, run]) => pipe(factsFor(id), run.detections));
    return pipe(
      this.#readings,
      branches<Reading, PipelineResult>(
        toldAtOnce,
        pipe(waiting, orderByEventTime(this.#buffer), branches<StreamElement<Observed>, PipelineResult>(...detections)),
      ),
    );
  }

  /** Sizes and evictions of all detectors. */
  counters(): Record<string, number> {
    const { heap, forcedCount, droppedCount } = this.#buffer;
    const own = { detectorsWaiting: heap.size, detectorsForced: forcedCount, detectorsDropped: droppedCount };
    return Object.assign(own, ...this.#runs.map(([, run]) => run.counters())) as Record<string, number>;
  }

  snapshot(): Json {
    const runs = Object.fromEntries(this.#runs.map(([id, run]) => [id, run.snapshot()]));
    return { buffer: this.#buffer.snapshot(), runs };
  }

  restore(state: Json): void {
    const { buffer, runs } = state as { buffer: Json; runs: Record<string, Json> };
    this.#buffer.restore(buffer);
    for (const [id, run] of this.#runs) run.restore(runs[id] as Json);
  }

  readonly #readings: OperatorFunction<StreamElement<LoggedEvent>, Reading> = elementOperator((out) => {
    let clockMs = Number.NEGATIVE_INFINITY;
    return {
      next: (element) => {
        if (element.kind === 'event') {
          if (element.timing === 'on-time') this.#read(element.event, element.timeMs, out);
          return;
        }
        const watermarkMs = Math.floor(element.watermarkMs / CLOCK_STEP_MS) * CLOCK_STEP_MS;
        if (watermarkMs <= clockMs) return;
        clockMs = watermarkMs;
        out.next({ kind: 'watermark', watermarkMs });
      },
    };
  });

  #read(logged: LoggedEvent, timeMs: number, out: Subscriber<Reading>): void {
    const readers = this.#readers.get(logged.event.type);
    if (readers === undefined) return;
    let facts: Record<string, Json> | undefined;
    for (const detector of readers) {
      const read = factsOf(detector, logged, out);
      if (read !== undefined) (facts ??= {})[detector.rule.id] = read;
    }
    if (facts === undefined) return;
    const { source, id } = logged.event;
    out.next({ kind: 'event', timeMs, timing: 'on-time', event: { timeMs, source, id, seq: logged.seq, facts } });
  }
}

function factsOf(detector: Detector<Json>, logged: LoggedEvent, out: Subscriber<Reading>): Json | undefined {
  const ruleId = detector.rule.id;
  const { pseudonyms, erased } = logged;
  try {
    const facts = detector.read(logged);
    if (facts === undefined) return undefined;
    const fields = erased === undefined ? [] : (detector.textFieldsOf?.(logged) ?? []);
    const lost = fields.filter(lostFieldsOf(erased, sigmaRecordOf(logged)));
    if (lost.length === 0) return pseudonyms === undefined ? facts : pseudonymised(facts, pseudonymiseWith(pseudonyms));
    out.next({ kind: 'undecidable', ruleId, fields: lost, event: logged });
  } catch (error) {
    const message = pseudonymiseWith(pseudonyms)(messageOf(error));
    out.next({ kind: 'rule-failed', ruleId, message, event: logged });
  }
  return undefined;
}

function pseudonymised(facts: Json, pseudonymise: Pseudonymise): Json {
  if (typeof facts === 'string') return pseudonymise(facts);
  if (typeof facts !== 'object' || facts === null) return facts;
  if (Array.isArray(facts)) return facts.map((item: Json) => pseudonymised(item, pseudonymise));
  return Object.fromEntries(
    Object.entries(facts).map(([name, value]) => [name, pseudonymised(value as Json, pseudonymise)]),
  );
}

const toldAtOnce: OperatorFunction<Reading, PipelineResult> = elementOperator((out) => ({
  next: (reading) => {
    if (reading.kind !== 'event' && reading.kind !== 'watermark') out.next(reading);
  },
}));

const waiting: OperatorFunction<Reading, StreamElement<Observed>> = elementOperator((out) => ({
  next: (reading) => {
    if (reading.kind === 'event' || reading.kind === 'watermark') out.next(reading);
  },
}));

/** What one detector sees of the observations of all. */
function factsFor(detectorId: string): OperatorFunction<StreamElement<Observed>, StreamElement<Observation<Json>>> {
  return elementOperator((out) => ({
    next: (element) => {
      if (element.kind === 'watermark') {
        out.next(element);
        return;
      }
      const facts = element.event.facts[detectorId];
      if (facts !== undefined) out.next({ ...element, event: { ...element.event, facts } });
    },
  }));
}
