/** How a replay keeps time with what it replays; the clock and the waiting are the app's. */
export interface PacePorts {
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number;
  /** Resolves after so many milliseconds, at the latest when the run is ended. */
  readonly wait: (ms: number) => Promise<void>;
}

/** Longest time for which a pace waits without looking at the clock again, milliseconds. */
const WAIT_MS_MAX = 1_000;

/**
 * Lets a run go as fast as what it replays went, or so many times as fast: what arrived so many milliseconds after the first
 * record is judged that much later, divided by the speed.
 */
export class Pace {
  #began: { readonly nowMs: number; readonly atMs: number } | undefined;

  /** @param speed - 1 is as it was; above 0 */
  constructor(
    private readonly speed: number,
    private readonly ports: PacePorts,
  ) {}

  /** Resolves when it is the turn of a record that arrived at a time, milliseconds. */
  async reach(atMs: number): Promise<void> {
    const { nowMs, wait } = this.ports;
    this.#began ??= { nowMs: nowMs(), atMs };
    const dueMs = this.#began.nowMs + (atMs - this.#began.atMs) / this.speed;
    for (let leftMs = dueMs - nowMs(); leftMs > 0; leftMs = dueMs - nowMs()) await wait(Math.min(leftMs, WAIT_MS_MAX));
  }
}
