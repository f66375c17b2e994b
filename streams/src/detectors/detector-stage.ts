import { messageOf, type LoggedEvent } from '@protego/contracts';
import { pipe, type OperatorFunction, type Subscriber } from 'rxjs';
import { inputOf } from '../operators/branches';
import { elementOperator } from '../operators/element-operator';
import { ReorderBuffer, orderByEventTime } from '../operators/order-by-event-time';
import type { Json, StateStore, StreamElement } from '../operators/stream-element';
import { pseudonymiseWith } from '../pseudonyms';
import { KNOWLEDGE_ID, type DetectionResult, type PipelineResult } from '../result';
import { sigmaRecordOf } from '../sigma-record';
import { lostFieldsOf } from '../sigma/erased-fields';
import type { Detector, DetectorRun, Known, Observation } from './detector';
import { AnnouncedWork } from './announced-work';
import { DeviceInventory } from './device-inventory';
import { HouseKnowledge } from './house-knowledge';
import { KnowledgeCursor, isKnowledgeType, type KnowledgeBook } from './knowledge-book';
import { readFact, textFieldsOf, withPseudonyms, type Fact } from './facts';

/**
 * An observation moves the clock of the detectors that take it. Beside that they look at the clock when it passes whole minutes: all
 * their windows end there, so that none decides later for it, and most events move the watermark by less.
 */
const CLOCK_STEP_MS = 60_000;

type Input = Subscriber<StreamElement<Observation>>;

/** All detectors of a session, with one buffer for what waits for its watermark, and what is known of the house. */
export class DetectorStage implements StateStore {
  readonly #detectors: readonly { readonly detector: Detector; readonly run: DetectorRun }[];
  readonly #known = {
    devices: new DeviceInventory(),
    people: new HouseKnowledge(),
    work: new AnnouncedWork(),
  } satisfies Known;
  readonly #buffer = new ReorderBuffer<Observation>({
    toJson: (observation) => observation as unknown as Json,
    fromJson: (json) => json as unknown as Observation,
  });

  readonly #cursor: KnowledgeCursor | undefined;

  /** @param book - what is known of the house from elsewhere; what events of the stream say of it is then passed over */
  constructor(detectors: readonly Detector[], book?: KnowledgeBook) {
    this.#cursor = book === undefined ? undefined : new KnowledgeCursor(book);
    this.#detectors = detectors.map((detector) => ({ detector, run: detector.begin(this.#known) }));
  }

  /**
   * Detections; events that a detector cannot judge, because what it reads was erased, or does not see because of their time;
   * events that cannot be read.
   */
  results(): OperatorFunction<StreamElement<LoggedEvent>, PipelineResult> {
    return elementOperator((out) => {
      const ordered = orderByEventTime(this.#buffer);
      const told = this.#cursor === undefined ? ordered : pipe(ordered, this.#cursor.insert);
      const waiting = inputOf(pipe(told, this.#detections), out);
      return {
        next: (element) => {
          if (element.kind === 'watermark') {
            waiting.next(element);
            return;
          }
          const { event, timeMs, timing } = element;
          if (this.#cursor !== undefined && isKnowledgeType(event.event.type)) return;
          if (timing !== 'on-time') {
            this.#tellMissed(event, timing, out);
            return;
          }
          const fact = this.#factOf(event, out);
          if (fact === undefined) return;
          const { source, id } = event.event;
          waiting.next({ kind: 'event', timeMs, timing, event: { timeMs, source, id, seq: event.seq, fact } });
        },
        complete: () => waiting.complete(),
      };
    });
  }

  /** Hands each observation to the detectors that want it, and watermarks to all. */
  readonly #detections: OperatorFunction<StreamElement<Observation>, DetectionResult> = elementOperator((out) => {
    const inputs = this.#detectors.map(({ detector, run }) => ({ detector, input: inputOf(run.detections, out) }));
    const byKind = new Map<string, { readonly detector: Detector; readonly input: Input }[]>();
    for (const each of inputs)
      for (const kind of each.detector.kinds) byKind.set(kind, [...(byKind.get(kind) ?? []), each]);
    let clockMs = Number.NEGATIVE_INFINITY;
    return {
      next: (element) => {
        if (element.kind === 'event') {
          const { fact } = element.event;
          learn(this.#known, fact, element.timeMs);
          for (const { detector, input } of byKind.get(fact.kind) ?? [])
            if (detector.isWanted?.(fact) !== false) input.next(element);
          return;
        }
        const watermarkMs = Math.floor(element.watermarkMs / CLOCK_STEP_MS) * CLOCK_STEP_MS;
        if (watermarkMs <= clockMs) return;
        clockMs = watermarkMs;
        for (const { input } of inputs) input.next({ kind: 'watermark', watermarkMs });
      },
      complete: () => {
        for (const { input } of inputs) input.complete();
      },
    };
  });

  #tellMissed(event: LoggedEvent, timing: 'late' | 'skewed', out: Subscriber<PipelineResult>): void {
    let fact: Fact | undefined;
    try {
      fact = readFact(event);
    } catch {
      // Nobody could have judged it in time either.
    }
    if (fact === undefined) return;
    if (isOfHouse(fact)) out.next({ kind: 'missed', ruleId: KNOWLEDGE_ID, timing, event });
    for (const { detector } of this.#detectors)
      if (detector.kinds.includes(fact.kind) && detector.isWanted?.(fact) !== false)
        out.next({ kind: 'missed', ruleId: detector.rule.id, timing, event });
  }

  #factOf(logged: LoggedEvent, out: Subscriber<PipelineResult>): Fact | undefined {
    const { pseudonyms, erased } = logged;
    try {
      const fact = readFact(logged);
      if (fact === undefined) return undefined;
      if (erased !== undefined && this.#isLost(fact, logged, erased, out)) return undefined;
      return pseudonyms === undefined ? fact : withPseudonyms(fact, pseudonyms);
    } catch (error) {
      const message = pseudonymiseWith(pseudonyms)(messageOf(error));
      out.next({ kind: 'rule-failed', ruleId: 'detectors', message, event: logged });
      return undefined;
    }
  }

  /** True when nobody can say any more what a fact rests on; tells so for each detector that wanted it. */
  #isLost(fact: Fact, event: LoggedEvent, erased: readonly string[], out: Subscriber<PipelineResult>): boolean {
    const fields = textFieldsOf(event).filter(lostFieldsOf(erased, sigmaRecordOf(event)));
    if (fields.length === 0) return false;
    for (const { detector } of this.#detectors)
      if (detector.kinds.includes(fact.kind) && detector.isWanted?.(fact) !== false)
        out.next({ kind: 'undecidable', ruleId: detector.rule.id, fields, event });
    return true;
  }

  /** Sizes and evictions of all detectors. */
  counters(): Record<string, number> {
    const { heap, forcedCount, droppedCount } = this.#buffer;
    const own = { detectorsWaiting: heap.size, detectorsForced: forcedCount, detectorsDropped: droppedCount };
    return Object.assign(
      own,
      this.#known.devices.counters('detectors'),
      this.#known.people.counters('detectors'),
      this.#known.work.counters('detectors'),
      ...this.#detectors.map(({ run }) => run.counters()),
    ) as Record<string, number>;
  }

  /** What detectors let go before its time, by id of the detector. */
  losses(): Record<string, number> {
    const losses: Record<string, number> = {};
    for (const { detector, run } of this.#detectors) {
      const evicted = Object.entries(run.counters()).filter(([name]) => name.endsWith('Evicted'));
      const lost = evicted.reduce((sum, [, count]) => sum + count, 0);
      if (lost > 0) losses[detector.rule.id] = lost;
    }
    return losses;
  }

  snapshot(): Json {
    const runs = Object.fromEntries(this.#detectors.map(({ detector, run }) => [detector.rule.id, run.snapshot()]));
    const { devices, people, work } = this.#known;
    const known = { devices: devices.snapshot(), people: people.snapshot(), work: work.snapshot() };
    const state = { buffer: this.#buffer.snapshot(), ...known, runs };
    return this.#cursor === undefined ? state : { ...state, book: this.#cursor.snapshot() };
  }

  restore(state: Json): void {
    const { buffer, devices, people, work, runs, book } = state as Record<
      'buffer' | 'devices' | 'people' | 'work',
      Json
    > & { runs: Record<string, Json>; book?: Json };
    if (book !== undefined) this.#cursor?.restore(book);
    this.#buffer.restore(buffer);
    this.#known.devices.restore(devices);
    this.#known.people.restore(people);
    this.#known.work.restore(work);
    for (const { detector, run } of this.#detectors) run.restore(runs[detector.rule.id] as Json);
  }
}

function isOfHouse({ kind }: Fact): boolean {
  return kind === 'inventory' || kind === 'work' || kind === 'people';
}

function learn({ devices, people, work }: Known, fact: Fact, timeMs: number): void {
  if (fact.kind === 'inventory') devices.learn(fact.device);
  else if (fact.kind === 'work') work.learn(fact, timeMs);
  else if (fact.kind === 'people') people.learn(fact.news, timeMs);
  else if (fact.kind === 'access' && fact.record?.act === 'emergency')
    people.learnEmergency(fact.person, fact.record.patient, timeMs);
}
