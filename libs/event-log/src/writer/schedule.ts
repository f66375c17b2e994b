/** Runs a function once after a time; returns how to call it off. */
export type Schedule = (run: () => void, delayMs: number) => () => void;

/** Timers of the process that do not keep it alive. */
export const systemSchedule: Schedule = (run, delayMs) => {
  const timer = setTimeout(run, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
};
