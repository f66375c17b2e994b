import { messageOf, type LoggedEvent } from '@protego/contracts';
import { pipe, type OperatorFunction, type Subscriber } from 'rxjs';
import { inputOf } from '../operators/branches';
import { elementOperator } from '../operators/element-operator';
import { ReorderBuffer, orderByEventTime } from '../operators/order-by-event-time';
import type { Json, StateStore, StreamElement } from '../operators/stream-element';
import { pseudonymiseWith } from '../pseudonyms';
import type { DetectionResult, PipelineResult } from '../result';
import { sigmaRecordOf } from '../sigma-record';
import { lostFieldsOf } from '../sigma/erased-fields';
import type { Detector, DetectorRun, Known, Observation } from './detector';
import { AnnouncedWork } from './announced-work';
import { DeviceInventory } from './device-inventory';
import { HouseKnowledge } from './house-knowledge';
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

  constructor(detectors: readonly Detector[]) {
    this.#detectors = detectors.map((detector) => ({ detector, run: detector.begin(this.#known) }));
  }

  /** Detections; events that a detector cannot judge, because what it reads was erased; events that cannot be read. */
  results(): OperatorFunction<StreamElement<LoggedEvent>, PipelineResult> {
    return elementOperator((out) => {
      const waiting = inputOf(pipe(orderByEventTime(this.#buffer), this.#detections), out);
      return {
        next: (element) => {
          if (element.kind === 'watermark') {
            waiting.next(element);
            return;
          }
          const { event, timeMs, timing } = element;
          const fact = timing === 'on-time' ? this.#factOf(event, out) : undefined;
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

  #factOf(logged: LoggedEvent, out: Subscriber<PipelineResult>): Fact | undefined {
    const { pseudonyms, erased } = logged;
    try {
      const fact = readFact(logged);
      if (fact === undefined) return undefined;
      if (erased !== undefined && this.#isLost(fact, logged, erased, out)) return undefined;
      return pseudonyms === undefined ? fact : withPseudonyms(fact, pseudonymiseWith(pseudonyms));
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

  snapshot(): Json {
    const runs = Object.fromEntries(this.#detectors.map(({ detector, run }) => [detector.rule.id, run.snapshot()]));
    const { devices, people, work } = this.#known;
    const known = { devices: devices.snapshot(), people: people.snapshot(), work: work.snapshot() };
    return { buffer: this.#buffer.snapshot(), ...known, runs };
  }

  restore(state: Json): void {
    const { buffer, devices, people, work, runs } = state as Record<'buffer' | 'devices' | 'people' | 'work', Json> & {
      runs: Record<string, Json>;
    };
    this.#buffer.restore(buffer);
    this.#known.devices.restore(devices);
    this.#known.people.restore(people);
    this.#known.work.restore(work);
    for (const { detector, run } of this.#detectors) run.restore(runs[detector.rule.id] as Json);
  }
}

function learn({ devices, people, work }: Known, fact: Fact, timeMs: number): void {
  if (fact.kind === 'inventory') devices.learn(fact.device);
  else if (fact.kind === 'work') work.learn(fact, timeMs);
  else if (fact.kind === 'people') people.learn(fact.news, timeMs);
  else if (fact.kind === 'access' && fact.record?.act === 'emergency')
    people.learnEmergency(fact.person, fact.record.patient, timeMs);
}
