import { Beats, beatOf, beatTime, firstBeat } from './beat';

const MINUTE = 60_000;

describe('beats', () => {
  const list = Array.from({ length: 50 }, (_, index) => beatOf(17, index, (index + 1) * 7 * MINUTE, 0.3));

  it('come once an interval, later than they should by less than their jitter', () => {
    for (const beat of list) {
      const times = Array.from({ length: 100 }, (_, n) => beatTime(beat, n));
      const late = times.map((timeMs, n) => timeMs - n * beat.intervalMs - beat.phaseMs);
      expect(late.every((lateMs) => lateMs >= 0 && lateMs < beat.intervalMs * 0.3)).toBe(true);
      expect(new Set(late).size).toBeGreaterThan(50);
    }
  });

  it('are found in whatever slices one looks at', () => {
    const beats = new Beats(list);
    const startMs = Date.UTC(2026, 2, 2);
    const whole = beats.within(startMs, startMs + 600 * MINUTE);
    const sliced = Array.from({ length: 120 }, (_, slice) =>
      beats.within(startMs + slice * 5 * MINUTE, startMs + (slice + 1) * 5 * MINUTE),
    ).flat();
    const byBeat = (found: readonly number[]): string[] =>
      found.flatMap((value, i) => (i % 3 === 0 ? [`${value} ${found[i + 1]} ${found[i + 2]}`] : [])).sort();
    expect(byBeat(sliced)).toEqual(byBeat(whole));
    expect(whole.length).toBeGreaterThan(3 * 200);
  });

  it('are counted from the first that may come at a time', () => {
    for (const beat of list) {
      const timeMs = Date.UTC(2026, 2, 2, 3);
      const n = firstBeat(beat, timeMs);
      expect(beatTime(beat, n - 1)).toBeLessThan(timeMs);
      expect(beatTime(beat, n + 1)).toBeGreaterThanOrEqual(timeMs);
    }
  });
});
