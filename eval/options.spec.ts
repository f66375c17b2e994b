import { UsageError, parseNumbers, parsePairs } from './options';

describe('parseNumbers', () => {
  it.each([
    ['7', [7]],
    ['1-4', [1, 2, 3, 4]],
    ['3,7,9-11', [3, 7, 9, 10, 11]],
    ['2,1-3', [2, 1, 3]],
  ])('reads %s', (text, numbers) => {
    expect(parseNumbers('--seeds', text)).toEqual(numbers);
  });

  it.each(['', 'a', '1-', '-3', '5-4', '1.5', '1,,2', '0-20000', '9999999'])('refuses `%s`', (text) => {
    expect(() => parseNumbers('--seeds', text)).toThrow(UsageError);
  });
});

describe('parsePairs', () => {
  it('reads settings of the simulation', () => {
    expect(parsePairs(['wards=2', 'attackKinds=ransomware,mfa-fatigue'])).toEqual({
      wards: '2',
      attackKinds: 'ransomware,mfa-fatigue',
    });
  });

  it.each(['wards', '=2', 'beds=2', 'toString=1'])('refuses `%s`', (pair) => {
    expect(() => parsePairs([pair])).toThrow(UsageError);
  });
});
