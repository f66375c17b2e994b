import { Pace } from './pace';

/** A clock that moves only while somebody waits. */
function waitingClock(): { nowMs: () => number; wait: (ms: number) => Promise<void>; waits: number[] } {
  let nowMs = 500;
  const waits: number[] = [];
  return {
    nowMs: () => nowMs,
    wait: async (ms) => {
      waits.push(ms);
      nowMs += ms;
    },
    waits,
  };
}

describe('Pace', () => {
  it.each([
    [1, 2_500],
    [10, 250],
    [0.5, 5_000],
  ])('at speed %d lets what came 2.5 s later go after %d ms', async (speed, expectedMs) => {
    const clock = waitingClock();
    const pace = new Pace(speed, clock);
    await pace.reach(10_000);
    expect(clock.waits).toEqual([]);
    await pace.reach(12_500);
    expect(clock.nowMs()).toBe(500 + expectedMs);
    expect(Math.max(...clock.waits)).toBeLessThanOrEqual(1_000);
  });

  it('waits neither for a long silence nor for a step backwards, and keeps pace after them', async () => {
    const clock = waitingClock();
    const pace = new Pace(1, clock);
    for (const atMs of [0, 900_000_000, 1_000]) await pace.reach(atMs);
    expect(clock.waits).toEqual([]);
    await pace.reach(1_400);
    expect(clock.waits).toEqual([400]);
  });

  it('ends its waiting with what is thrown at its turn', async () => {
    const clock = waitingClock();
    const pace = new Pace(1, clock);
    await pace.reach(0);
    let turns = 0;
    const ending = pace.reach(50_000, async () => {
      if (++turns > 3) throw new Error('ended');
    });
    await expect(ending).rejects.toThrow('ended');
    expect(clock.waits).toHaveLength(3);
  });

  it('waits for nothing that is overdue', async () => {
    const clock = waitingClock();
    const pace = new Pace(1, clock);
    await pace.reach(0);
    await clock.wait(5_000);
    clock.waits.length = 0;
    await pace.reach(4_000);
    expect(clock.waits).toEqual([]);
    await pace.reach(5_001);
    expect(clock.waits).toEqual([1]);
  });
});
