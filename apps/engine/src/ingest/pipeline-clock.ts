import type { Clock } from '@protego/contracts';

/**
 * Pipeline time of a live engine. On `wall` it is the wall clock made monotone; on `feed` it is the greatest time that a
 * declared producer has sent, and the wall clock has no part in it.
 */
export class PipelineClock {
  #arrivedAtMs: number;

  constructor(
    readonly kind: 'wall' | 'feed',
    private readonly clock: Clock,
    /** Last pipeline time in the log, milliseconds; 0 for an empty log. */
    startMs: number,
  ) {
    this.#arrivedAtMs = startMs;
  }

  /** Pipeline time of the last arrival, milliseconds. */
  get arrivedAtMs(): number {
    return this.#arrivedAtMs;
  }

  /** Pipeline time of an arrival; `carriedMs` is what a producer declared to carry the clock has sent. */
  arrive(carriedMs: number | undefined): number {
    const candidateMs = this.kind === 'wall' ? this.clock.wallMs() : (carriedMs ?? this.#arrivedAtMs);
    if (candidateMs > this.#arrivedAtMs) this.#arrivedAtMs = candidateMs;
    return this.#arrivedAtMs;
  }
}
