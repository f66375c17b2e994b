import { AnnouncedWork } from './announced-work';
import type { WorkFact } from './upkeep-facts';

const MINUTE_MS = 60_000;
const fact = (isBegin: boolean, plannedMs: number | null = null, device = 'pump-1'): WorkFact => ({
  kind: 'work',
  device,
  isBegin,
  plannedMs,
});

describe('AnnouncedWork', () => {
  it('holds for the planned time and half an hour more', () => {
    const work = new AnnouncedWork();
    work.learn(fact(true, 60 * MINUTE_MS), 0);
    expect(work.isOn('pump-1', 89 * MINUTE_MS)).toBe(true);
    expect(work.isOn('pump-1', 90 * MINUTE_MS)).toBe(false);
    expect(work.isOn('pump-2', 0)).toBe(false);
  });

  it('ends half an hour after it was ended, and takes four hours where nobody said how long, a day at most', () => {
    const work = new AnnouncedWork();
    work.learn(fact(true), 0);
    expect(work.isOn('pump-1', 269 * MINUTE_MS)).toBe(true);
    expect(work.isOn('pump-1', 270 * MINUTE_MS)).toBe(false);
    work.learn(fact(false), 60 * MINUTE_MS);
    expect(work.isOn('pump-1', 90 * MINUTE_MS)).toBe(false);
    work.learn(fact(true, 1e12), 0);
    expect(work.isOn('pump-1', (24 * 60 + 29) * MINUTE_MS)).toBe(true);
    expect(work.isOn('pump-1', (24 * 60 + 30) * MINUTE_MS)).toBe(false);
  });

  it('goes on from a snapshot', () => {
    const work = new AnnouncedWork();
    work.learn(fact(true, 60 * MINUTE_MS), 0);
    const copy = new AnnouncedWork();
    copy.restore(JSON.parse(JSON.stringify(work.snapshot())));
    expect(copy.isOn('pump-1', 89 * MINUTE_MS)).toBe(true);
    expect(copy.counters('x')).toEqual({ xWorked: 1, xWorkedEvicted: 0 });
  });
});
