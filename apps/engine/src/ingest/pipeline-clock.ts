import type { Clock } from '@protego/contracts';

/**
 * Pipeline time of a live engine. On `wall` it is the wall clock made monotone. On `feed` it is the greatest time that a
 * declared producer has sent; the wall clock only bounds it, so that one wrong message cannot carry a site into the far
 * future, from which there is no way back.
 */
export class PipelineClock {
  #arrivedAtMs = 0;

  constructor(
    readonly kind: 'wall' | 'feed',
    private readonly clock: Clock,
    /** How far ahead of the wall clock a producer may carry the time, milliseconds. */
    readonly skewMaxMs: number,
  ) {}

  /** Pipeline time of the last arrival, milliseconds; 0 before the first. */
  get arrivedAtMs(): number {
    return this.#arrivedAtMs;
  }

  /** Takes over the pipeline time of a record of the past. */
  recall(arrivedAtMs: number): void {
    if (arrivedAtMs > this.#arrivedAtMs) this.#arrivedAtMs = arrivedAtMs;
  }

  /** Pipeline time of an arrival; `carriedMs` is what a producer declared to carry the clock has sent. */
  arrive(carriedMs: number | undefined): number {
    const wallMs = this.clock.wallMs();
    if (this.kind === 'wall') this.recall(wallMs);
    else if (carriedMs !== undefined && carriedMs <= wallMs + this.skewMaxMs) this.recall(carriedMs);
    return this.#arrivedAtMs;
  }
}
