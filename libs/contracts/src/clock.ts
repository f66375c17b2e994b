/**
 * Time as an argument. Only a composition root picks an implementation; the deterministic core never sees one.
 */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch. It may step backwards; never use it to measure a duration. */
  wallMs(): number;
  /** Monotonic clock, milliseconds since an arbitrary start. Use it for durations only. */
  monotonicMs(): number;
}

/** The operating system's clocks. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
};
