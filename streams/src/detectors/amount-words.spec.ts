import { amountWords } from './amount-words';

describe('amountWords', () => {
  it.each([
    [0, 'nothing'],
    [12_300, 'less than a megabyte'],
    [1_000_000, 'about 1 megabyte'],
    [524_288_000, 'about 520 megabytes'],
    [1_540_000_000, 'about 1.5 gigabytes'],
    [3e13, 'about 30 terabytes'],
  ])('says %d as %s', (bytes, words) => expect(amountWords(bytes)).toBe(words));
});
