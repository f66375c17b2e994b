/** How a replay keeps time with what it replays; the clock and the waiting are the app's. */
export interface PacePorts {
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
  /** Resolves after so many milliseconds, at the latest when the run is ended. */
  readonly wait: (ms: number) => Promise<void>;
}

/** A longer silence, and a step backwards as between an import and what follows it, is not waited for, milliseconds. */
const SILENCE_MS_MAX = 86_400_000;
/** Longest time for which a pace waits without looking at the clock again, milliseconds. */
const WAIT_MS_MAX = 1_000;

/**
 * Lets a run go as fast as what it replays went, or so many times as fast: what arrived so many milliseconds after the first
 * record is judged that much later, divided by the speed.
 */
export class Pace {
  #began: { readonly nowMs: number; readonly atMs: number } | undefined;
  #lastMs = Number.NEGATIVE_INFINITY;

  /** @param speed - 1 is as it was; above 0 */
  constructor(
    private readonly speed: number,
    private readonly ports: PacePorts,
  ) {}

  /**
   * Resolves when it is the turn of a record that arrived at a time, milliseconds.
   *
   * @param turn - called before each wait; what it throws ends the waiting
   */
  async reach(atMs: number, turn: () => Promise<void> = async () => undefined): Promise<void> {
    const { nowMs, wait } = this.ports;
    const stepMs = atMs - this.#lastMs;
    this.#lastMs = atMs;
    if (this.#began === undefined || stepMs < 0 || stepMs > SILENCE_MS_MAX) this.#began = { nowMs: nowMs(), atMs };
    const dueMs = this.#began.nowMs + (atMs - this.#began.atMs) / this.speed;
    for (let leftMs = dueMs - nowMs(); leftMs > 0; leftMs = dueMs - nowMs()) {
      await turn();
      await wait(Math.min(leftMs, WAIT_MS_MAX));
    }
  }
}
