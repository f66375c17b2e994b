import { LearningCredit } from './learning-credit';

describe('LearningCredit', () => {
  it('ceases where hardly anything comes again, and tries once more after a rest', () => {
    const credit = new LearningCredit();
    let learnt = 0;
    for (let i = 0; i < 100; i++) if (credit.miss()) learnt++;
    expect(learnt).toBe(33);
    for (let i = 0; i < 4_096; i++) if (credit.miss()) learnt++;
    expect(learnt).toBeGreaterThanOrEqual(34);
    expect(learnt).toBeLessThan(40);
  });

  it('goes on where most is known', () => {
    const credit = new LearningCredit();
    for (let i = 0; i < 10_000; i++) {
      for (let hits = 0; hits < 16; hits++) credit.hit();
      expect(credit.miss()).toBe(true);
    }
  });
});
