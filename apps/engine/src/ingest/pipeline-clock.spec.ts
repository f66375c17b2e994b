import { PipelineClock } from './pipeline-clock';

const NOW_MS = 1_000_000;
const SKEW_MAX_MS = 60_000;

function clockOf(kind: 'wall' | 'feed', wall: { ms: number } = { ms: NOW_MS }): PipelineClock {
  return new PipelineClock(kind, { wallMs: () => wall.ms, monotonicMs: () => wall.ms }, SKEW_MAX_MS);
}

describe('PipelineClock', () => {
  it('follows the wall clock, never backwards, whatever a producer sends', () => {
    const wall = { ms: NOW_MS };
    const clock = clockOf('wall', wall);
    expect(clock.arrive(undefined)).toBe(NOW_MS);
    expect(clock.arrive(5 * NOW_MS)).toBe(NOW_MS);
    wall.ms = NOW_MS - 500;
    expect(clock.arrive(undefined)).toBe(NOW_MS);
    wall.ms = NOW_MS + 1;
    expect(clock.arrive(undefined)).toBe(NOW_MS + 1);
  });

  it('follows the greatest time that a producer carries', () => {
    const clock = clockOf('feed');
    expect(clock.arrive(undefined)).toBe(0);
    expect(clock.arrive(700)).toBe(700);
    expect(clock.arrive(600)).toBe(700);
    expect(clock.arrive(undefined)).toBe(700);
  });

  it('is not carried further ahead of the wall clock than the skew that is allowed', () => {
    const clock = clockOf('feed');
    clock.arrive(700);
    expect(clock.arrive(NOW_MS + SKEW_MAX_MS + 1)).toBe(700);
    expect(clock.arrive(NOW_MS + SKEW_MAX_MS)).toBe(NOW_MS + SKEW_MAX_MS);
  });

  it('goes on after the time of a past record', () => {
    const clock = clockOf('feed');
    clock.recall(900);
    clock.recall(800);
    expect(clock.arrivedAtMs).toBe(900);
  });
});
