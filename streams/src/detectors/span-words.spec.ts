import { aboutWords, withinWords } from './span-words';

const MINUTE_MS = 60_000;

describe('spans of time in words', () => {
  it.each([
    [0, '1 second', '1 second'],
    [43_000, '43 seconds', '43 seconds'],
    [1_446_000, '25 minutes', '24 minutes'],
    [60 * MINUTE_MS, '1 hour', '1 hour'],
    [90 * MINUTE_MS, '90 minutes', '90 minutes'],
    [859 * MINUTE_MS, '15 hours', '14 hours'],
    [1_440 * MINUTE_MS, '1 day', '1 day'],
    [1_823 * MINUTE_MS, '2 days', '1 day'],
    [3_198 * MINUTE_MS, '3 days', '2 days'],
  ])('says %d as within %s or about %s', (spanMs, within, about) => {
    expect(withinWords(spanMs)).toBe(within);
    expect(aboutWords(spanMs)).toBe(about);
  });
});
