import type { BenchCase, Contest } from './bench-case';
import { measure, median, numberText } from './rounds';

const NAMED: BenchCase = {
  bench: 'kitchen',
  metric: 'kettle',
  unit: 'cups/s',
  description: 'Boil water.',
  peer: 'stove',
  prepare: () => ({ product: () => 1 }),
};

describe('median', () => {
  it('is the middle value, or the mean of the two in the middle', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([4, 1, 3, 2])).toBe(2.5);
    expect(median([])).toBeNaN();
  });
});

describe('measure', () => {
  function recording(): { contest: Contest; calls: string[] } {
    const calls: string[] = [];
    const noted = (name: string, factor: number) => () => {
      calls.push(name);
      return factor * calls.length;
    };
    return { contest: { product: noted('product', 10), peer: noted('peer', 1) }, calls };
  }

  it('lets product and peer take turns, changing places, after a round that is not counted', async () => {
    const { contest, calls } = recording();
    const said: string[] = [];
    const result = await measure(NAMED, contest, 3, (text) => said.push(text));
    expect(calls).toEqual(['product', 'peer', 'peer', 'product', 'product', 'peer', 'peer', 'product']);
    expect(said).toHaveLength(4);
    expect(result).toEqual({
      bench: 'kitchen',
      metric: 'kettle',
      unit: 'cups/s',
      value: 50,
      rounds: 3,
      spread: [40, 80],
      peer: 'stove',
      peerValue: 6,
      ratio: 50 / 6,
    });
  });

  it('has no peer value where the peer is missing', async () => {
    const result = await measure(NAMED, { product: () => 2, peerMissing: 'no stove' }, 1, () => undefined);
    expect(result).toEqual({ bench: 'kitchen', metric: 'kettle', unit: 'cups/s', value: 2, rounds: 1, spread: [2, 2] });
  });

  it('says what the input is made of', async () => {
    const result = await measure(NAMED, { product: () => 2, input: 'tea' }, 1, () => undefined);
    expect(result.input).toBe('tea');
  });
});

describe('numberText', () => {
  it('writes large numbers whole and small ones with three digits', () => {
    expect([1_234_567.8, 100, 99.94, 0.012345, 1.5].map(numberText)).toEqual([
      '1,234,568',
      '100',
      '99.9',
      '0.0123',
      '1.5',
    ]);
  });
});
