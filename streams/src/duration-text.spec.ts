import { durationText } from './duration-text';

describe('durationText', () => {
  it.each([
    [1_000, '1 second'],
    [90_000, '90 seconds'],
    [600_000, '10 minutes'],
    [5_400_000, '90 minutes'],
    [3_600_000, '1 hour'],
    [172_800_000, '2 days'],
    [1_500, '1500 milliseconds'],
  ])('writes %d as %s', (durationMs, text) => expect(durationText(durationMs)).toBe(text));
});
