import type { PoolProgress } from './thread-pool';

const EVERY_MS = 5_000;

/** Says how far the runs are: on a terminal in one line that is written over, else a line every few seconds. */
export function progressLine(out: NodeJS.WriteStream): (progress: PoolProgress) => void {
  const startedMs = performance.now();
  let saidMs = startedMs;
  return ({ doneCount, runCount, eventCount }) => {
    const nowMs = performance.now();
    const isDone = doneCount === runCount;
    if (!isDone && nowMs - saidMs < (out.isTTY ? EVERY_MS / 20 : EVERY_MS)) return;
    saidMs = nowMs;
    const elapsedMs = nowMs - startedMs;
    const speed = Math.round(eventCount / (elapsedMs / 1_000)).toLocaleString('en-US');
    const leftText =
      doneCount === 0 || isDone ? '' : `, ${minutesText((elapsedMs / doneCount) * (runCount - doneCount))} left`;
    const text = `eval: ${doneCount} of ${runCount} runs, ${(eventCount / 1e6).toFixed(1)} million events, ${speed} a second${leftText}`;
    out.write(out.isTTY ? `\r${text.padEnd(100)}${isDone ? '\n' : ''}` : `${text}\n`);
  };
}

function minutesText(ms: number): string {
  return ms < 90_000 ? `${Math.ceil(ms / 1_000)} s` : `${Math.ceil(ms / 60_000)} min`;
}
