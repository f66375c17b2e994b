import { runPlansOf, variationOf } from './run-plan';
import { drawOf, evalSeed, isEvalSeed, tuningSeed } from './seeds';

const NUMBERS = Array.from({ length: 2_000 }, (_, n) => n);

describe('seeds', () => {
  it('are never used for both tuning and evaluation', () => {
    const evaluated = NUMBERS.map((n) => evalSeed(n));
    const tuned = NUMBERS.map((n) => tuningSeed(n));
    expect(evaluated.every(isEvalSeed)).toBe(true);
    expect(tuned.some(isEvalSeed)).toBe(false);
    expect(new Set([...evaluated, ...tuned]).size).toBe(2 * NUMBERS.length);
    expect([...evaluated, ...tuned].every((seed) => Number.isSafeInteger(seed) && seed >= 0)).toBe(true);
  });

  it('draw evenly, and the same at every call', () => {
    const draws = NUMBERS.map((n) => drawOf(n, 'x'));
    const mean = draws.reduce((sum, draw) => sum + draw, 0) / draws.length;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.03);
    expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
    expect(NUMBERS.map((n) => drawOf(n, 'x'))).toEqual(draws);
    expect(drawOf(1, 'x')).not.toBe(drawOf(1, 'y'));
  });
});

describe('variationOf', () => {
  const all = NUMBERS.map((n) => variationOf(evalSeed(n), 7));
  const values = (key: string): number[] => all.map((one) => Number(one[key])).sort((a, b) => a - b);

  it.each([
    ['eventRateFactor', 0.5, 1.5, 1],
    ['attackVolume', 0.5, 1.5, 1],
    ['attackPace', 0.25, 4, 1],
  ])('draws %s from %d to %d with its middle at %d', (key, least, greatest, middle) => {
    const sorted = values(key);
    expect(sorted[0]).toBeGreaterThanOrEqual(least);
    expect(sorted[0]).toBeLessThan(least * 1.05);
    expect(sorted.at(-1)).toBeLessThanOrEqual(greatest);
    expect(sorted.at(-1)).toBeGreaterThan(greatest * 0.95);
    expect(Math.abs((sorted[NUMBERS.length / 2] as number) / middle - 1)).toBeLessThan(0.1);
  });

  it('keeps the first day free of attacks where there are others', () => {
    expect(variationOf(1, 7)['attackFreeDays']).toBe('1');
    expect(variationOf(1, 0.5)['attackFreeDays']).toBe('0');
  });
});

describe('runPlansOf', () => {
  const range = { scenarios: ['a', 'b'], seedClass: 'evaluation', numbers: [1, 2, 3], cleanCount: 1, days: 7 } as const;

  it('plans every simulation of every scenario, and some without attacks', () => {
    const plans = runPlansOf({ ...range, settings: { wards: '2' } });
    expect(plans.map(({ scenario, number, isClean }) => `${scenario}${number}${isClean ? ' clean' : ''}`)).toEqual([
      ...['a1', 'b1', 'a2', 'b2', 'a3', 'b3', 'a1 clean', 'b1 clean'],
    ]);
    expect(plans[0]).toMatchObject({
      seed: evalSeed(1, 'a'),
      days: 7,
      settings: { ...variationOf(evalSeed(1, 'a'), 7), wards: '2' },
    });
    expect(plans.at(-1)?.settings).toMatchObject({ attacks: 'off', twins: 'off' });
  });

  it('lets what is asked for go before what the seed draws', () => {
    const [plan] = runPlansOf({ ...range, settings: { attackPace: '2' } });
    expect(plan?.settings['attackPace']).toBe('2');
  });

  it('gives every scenario seeds of its own', () => {
    expect(new Set(runPlansOf({ ...range, cleanCount: 0, settings: {} }).map(({ seed }) => seed)).size).toBe(6);
  });

  it('takes the seeds of its class', () => {
    expect(runPlansOf({ ...range, seedClass: 'tuning', settings: {} }).some(({ seed }) => isEvalSeed(seed))).toBe(
      false,
    );
  });
});
