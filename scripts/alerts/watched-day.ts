import { join } from 'node:path';
import { loadArtefactSet } from '@protego/artefacts';
import { parseRfc3339Ms, type EventSeq, type LoggedEvent, type ProtegoEvent } from '@protego/contracts';
import { simulateHospital, type SimulationLabel, type SimulationOptions } from '@protego/simulation';
import { buildPipeline, compileSigma, decidingText, type DetectionResult, type PipelineResult } from '@protego/streams';
import { Subject } from 'rxjs';
import { wardOf } from './ward-of';

const ROOT = join(__dirname, '../../..');
const DAY_MS = 86_400_000;

/** What is simulated: the last day is read aloud, those before teach the detectors what is usual. */
export const RUN = {
  scenario: 'general',
  seed: 11,
  days: 8,
  /** A Monday, at the start of the early shift. */
  startTime: '2026-03-02T07:00:00.000Z',
  settings: { attacksPerDay: '8', twinsPerDay: '8' },
} as const satisfies SimulationOptions;

/** A detection of the day, with what only the simulation knows. */
export interface WatchedAlert {
  readonly found: DetectionResult;
  /** Ward of most of the events that it rests on; undefined where none says any. */
  readonly ward: string | undefined;
  /** `source/id` of the events that it rests on. */
  readonly eventKeys: ReadonlySet<string>;
}

/** One day of a simulated hospital under watch. */
export interface WatchedDay {
  readonly startMs: number;
  readonly endMs: number;
  /** In the order in which they became certain. */
  readonly alerts: readonly WatchedAlert[];
  /** Everything planted until the end of the day. */
  readonly labels: readonly SimulationLabel[];
}

/** Simulates, runs the pipeline over it with the rules of the house, and keeps the last day. */
export function watchDay(): WatchedDay {
  const startMs = (parseRfc3339Ms(RUN.startTime) as number) + (RUN.days - 1) * DAY_MS;
  const endMs = startMs + DAY_MS;
  const simulation = simulateHospital(RUN);
  const watch = new Watch(startMs);
  for (const event of simulation.events) watch.take(event);
  const alerts = watch.alerts.filter(({ found }) => found.certainAtMs >= startMs && found.certainAtMs < endMs);
  alerts.sort(
    (a, b) => a.found.certainAtMs - b.found.certainAtMs || (a.found.detection.id < b.found.detection.id ? -1 : 1),
  );
  return { startMs, endMs, alerts, labels: simulation.labels() };
}

/** The pipeline at work, and the events of the last two days, on which the alerts of one day rest for the most part. */
class Watch {
  readonly alerts: WatchedAlert[] = [];
  readonly #input = new Subject<LoggedEvent>();
  readonly #recent = new Map<number, ProtegoEvent>();
  readonly #seen = new Set<string>();
  #seq = 0;

  constructor(private readonly dayStartMs: number) {
    const streamsDir = join(ROOT, 'streams');
    const artefacts = loadArtefactSet({ rulesPath: join(streamsDir, 'rules'), streamsDir, decidingText });
    const pipeline = buildPipeline({
      rules: compileSigma(artefacts.rules, artefacts),
      declarations: artefacts.declarations,
    });
    this.#input.pipe(pipeline.results).subscribe((result) => this.#result(result));
  }

  /** Takes an event as a log would: what came before is dropped. */
  take(event: ProtegoEvent): void {
    const timeMs = parseRfc3339Ms(event.time) as number;
    const arrivedAtMs = parseRfc3339Ms(event.arrivedat ?? event.time) as number;
    const seq = this.#seq++;
    if (timeMs >= this.dayStartMs - DAY_MS) {
      const key = keyOf(event);
      if (this.#seen.has(key)) return;
      this.#seen.add(key);
      this.#recent.set(seq, event);
    }
    this.#input.next({ seq: seq as EventSeq, timeMs, arrivedAtMs, event });
  }

  #result(result: PipelineResult): void {
    if (result.kind !== 'detection') return;
    const events = result.seqs.flatMap((seq) => this.#recent.get(seq) ?? []);
    this.alerts.push({ found: result, ward: wardOf(events), eventKeys: new Set(events.map(keyOf)) });
  }
}

/** An event's name in labels and alerts alike. */
export function keyOf({ source, id }: { readonly source: string; readonly id: string }): string {
  return `${source}/${id}`;
}
