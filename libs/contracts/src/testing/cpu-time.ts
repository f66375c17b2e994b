const ROUNDS = 8;
const SCALE = 8;

/** Least processor time of a few runs, ms: other work of the machine counts as little as may be. */
export function leastCpuMs(work: () => void): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const start = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1_000;
  });
  return Math.min(...rounds);
}

/**
 * How work grows with its size: its processor time at `size` over that of eight times an eighth of it. 1 where it grows as the
 * size does, 8 where it grows as the square; no matter how fast the machine is.
 *
 * @param workOf makes the work of one size ready
 */
export function growthOf(workOf: (size: number) => () => void, size: number): number {
  const whole = workOf(size);
  const part = workOf(Math.ceil(size / SCALE));
  // Both are met before either is measured.
  whole();
  part();
  const parts = leastCpuMs(() => {
    for (let i = 0; i < SCALE; i++) part();
  });
  return leastCpuMs(whole) / parts;
}
