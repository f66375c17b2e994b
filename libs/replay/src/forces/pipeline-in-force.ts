import { ProtegoError, type LoggedEvent } from '@protego/contracts';
import type { Pipeline, PipelineResult } from '@protego/streams';
import { Subject, type Subscription } from 'rxjs';

/** Latest detections whose ids are remembered, so that a set with another lateness does not find them again after a switch. */
export const RECENT_DETECTIONS_MAX = 65_536;

interface Attached {
  readonly pipeline: Pipeline;
  readonly input: Subject<LoggedEvent>;
  readonly subscription: Subscription;
}

/**
 * Pipelines of several sets of artefacts over one stream of events, of which one is in force. Each is given every event; only what
 * the one in force makes counts, the output of the others is thrown away. So a set that comes into force in mid-history is as warm
 * as if it had always been: the engine and a replay switch by this, and by nothing else.
 */
export class PipelineInForce {
  readonly #attached = new Map<string, Attached>();
  #inForce: string | undefined;
  #goneLosses: Record<string, number> = {};
  readonly #recentIds = new Set<string>();

  /** @param emit told what the pipeline in force makes, in order */
  constructor(private readonly emit: (result: PipelineResult) => void) {}

  /** The set whose results count; undefined before the first. */
  get inForce(): string | undefined {
    return this.#inForce;
  }

  /** Sets that are given events. */
  get sets(): readonly string[] {
    return [...this.#attached.keys()];
  }

  /**
   * Gives a pipeline all further events. It must have had every event before them, or must be meant not to know them.
   *
   * @throws ProtegoError `INTERNAL` when the set has a pipeline already
   */
  attach(set: string, pipeline: Pipeline): void {
    if (this.#attached.has(set)) throw new ProtegoError('INTERNAL', `set \`${set}\` has a pipeline already`);
    const input = new Subject<LoggedEvent>();
    const subscription = input.pipe(pipeline.results).subscribe((result) => {
      if (this.#inForce === set && !this.#isRepeated(result)) this.emit(result);
    });
    this.#attached.set(set, { pipeline, input, subscription });
  }

  /**
   * From the next event on what the pipeline of this set makes counts; with undefined, what none makes.
   *
   * @throws ProtegoError `INTERNAL` when the set has no pipeline
   */
  activate(set: string | undefined): void {
    if (set !== undefined && !this.#attached.has(set))
      throw new ProtegoError('INTERNAL', `set \`${set}\` has no pipeline`);
    this.#inForce = set;
  }

  /** Lets go of the pipelines of all sets but these and the one in force. What they hold back is lost, as it does not count. */
  keepOnly(sets: ReadonlySet<string>): void {
    for (const set of this.sets) {
      if (set === this.#inForce || sets.has(set)) continue;
      this.addGoneLosses(this.pipelineOf(set)?.losses() ?? {});
      this.#detach(set);
    }
  }

  /** One event of the log, in its order. */
  take(event: LoggedEvent): void {
    for (const { input } of this.#attached.values()) input.next(event);
  }

  /** The pipeline of a set. */
  pipelineOf(set: string): Pipeline | undefined {
    return this.#attached.get(set)?.pipeline;
  }

  /**
   * What left windows before its time, by id of rule or detector: in all pipelines, also where they were not in force, as what is
   * lost then may be missed later.
   */
  losses(): Record<string, number> {
    const attached = [...this.#attached.values()].map(({ pipeline }) => pipeline.losses());
    return sumOf([this.#goneLosses, ...attached]);
  }

  /** Takes over what pipelines had lost that are gone. */
  addGoneLosses(losses: Readonly<Record<string, number>>): void {
    this.#goneLosses = sumOf([this.#goneLosses, losses]);
  }

  /** Losses of the pipelines that are gone. */
  get goneLosses(): Readonly<Record<string, number>> {
    return this.#goneLosses;
  }

  /** Takes no more events; pipelines keep their state, and may be attached elsewhere. */
  stop(): void {
    for (const set of this.sets) this.#detach(set);
  }

  #isRepeated(result: PipelineResult): boolean {
    if (result.kind !== 'detection') return false;
    const { id } = result.detection;
    if (this.#recentIds.has(id)) return true;
    this.#recentIds.add(id);
    if (this.#recentIds.size <= RECENT_DETECTIONS_MAX) return false;
    const [oldest] = this.#recentIds;
    this.#recentIds.delete(oldest as string);
    return false;
  }

  #detach(set: string): void {
    this.#attached.get(set)?.subscription.unsubscribe();
    this.#attached.delete(set);
  }
}

function sumOf(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const each of counts) for (const [name, count] of Object.entries(each)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
