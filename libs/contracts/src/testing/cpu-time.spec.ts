import { growthOf } from './cpu-time';

function spin(steps: number): number {
  let sum = 0;
  for (let i = 0; i < steps; i++) sum = (sum * 31 + i) | 0;
  return sum;
}

describe('growthOf', () => {
  it('tells work that grows with the square from work that grows with the size', () => {
    expect(growthOf((size) => () => void spin(size), 8_000_000)).toBeLessThan(3);
    expect(growthOf((size) => () => void spin(size * size), 4_000)).toBeGreaterThan(5);
  });
});
