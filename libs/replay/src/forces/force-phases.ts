import type { PipelineInForce } from './pipeline-in-force';

/**
 * A stretch of the log that one set of artefacts judges: records with `fromSeq` ≤ seq < `toSeq`. The event that activates a
 * set is the last record of the stretch before it.
 */
export interface ForcePhase {
  readonly fromSeq: number;
  /** Infinity for the last one. */
  readonly toSeq: number;
  /** Undefined for a stretch whose results are not wanted. */
  readonly set: string | undefined;
}

/**
 * Walks through the stretches of a log with pipelines of all their sets: switches where a stretch begins, and lets go of a
 * pipeline after the last stretch of its set.
 */
export class PhaseWalk {
  #at = 0;

  /**
   * @param phases one after the other, without gaps
   * @param pipelines with a pipeline of every set of the phases attached
   * @param kept sets that are kept beyond their last stretch
   */
  constructor(
    private readonly phases: readonly ForcePhase[],
    private readonly pipelines: PipelineInForce,
    private readonly kept: ReadonlySet<string> = new Set(),
  ) {
    pipelines.activate(phases[0]?.set);
  }

  /** To be called before each event of the log, with its seq. */
  advanceTo(seq: number): void {
    while (seq >= (this.phases[this.#at]?.toSeq ?? Infinity)) this.#step();
  }

  #step(): void {
    this.#at++;
    this.pipelines.activate(this.phases[this.#at]?.set);
    const needed = this.phases.slice(this.#at).flatMap(({ set }) => set ?? []);
    this.pipelines.keepOnly(new Set([...this.kept, ...needed]));
  }
}
