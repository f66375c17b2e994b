import { timePartOf } from './time-part';

describe('timePartOf', () => {
  it('gives the parts as they are written', () => {
    const text = '2021-01-03T23:59:58.123+05:30';
    const parts = (['minute', 'hour', 'day', 'week', 'month', 'year'] as const).map((part) => timePartOf(text, part));
    expect(parts).toEqual([59, 23, 3, 53, 1, 2021]);
  });

  it.each<[string, number]>([
    ['2020-12-28', 53],
    ['2021-01-04', 1],
    ['2024-12-29', 52],
    ['2024-12-30', 1],
    ['2016-01-01', 53],
    ['0004-02-29', 9],
  ])('counts the weeks of ISO 8601: %s lies in week %s', (text, week) => {
    expect(timePartOf(text, 'week')).toBe(week);
  });

  it.each([
    '',
    '2024',
    '2023-02-29',
    '2024-13-01',
    '2024-00-10',
    '2024-07-10T24:00',
    '2024-07-10T03:60',
    '10:00',
    '2024-07-10x',
    '1720583100',
  ])('knows nothing of %j', (text) => {
    expect(timePartOf(text, 'day')).toBeUndefined();
  });

  it('knows no hour of a date alone', () => {
    expect(timePartOf('2024-07-10', 'hour')).toBeUndefined();
  });
});
