import { WINDOW_MS_MAX, checkOptions, checkPositive } from './operator-options';

const refusal = (check: () => void): unknown => {
  try {
    check();
    return undefined;
  } catch (error) {
    return error;
  }
};

describe('options of operators', () => {
  it('takes whole numbers within bounds, and what is not given', () => {
    expect(refusal(() => checkOptions({ windowMs: 1, keysMax: 1, panesMax: undefined }))).toBeUndefined();
    expect(refusal(() => checkOptions({ windowMs: WINDOW_MS_MAX, keysMax: Number.MAX_SAFE_INTEGER }))).toBeUndefined();
    expect(refusal(() => checkPositive('deviationMin', 0.001))).toBeUndefined();
  });

  it.each([
    { windowMs: 0 },
    { windowMs: -1 },
    { windowMs: 0.5 },
    { windowMs: WINDOW_MS_MAX + 1 },
    { windowMs: Number.POSITIVE_INFINITY },
    { keysMax: Number.NaN },
    { keysMax: 0 },
    { keysMax: '5' as unknown as number },
  ])('names what it refuses: %p', (options) => {
    const [name, value] = Object.entries(options)[0] as [string, unknown];
    expect(refusal(() => checkOptions(options))).toMatchObject({
      code: 'OPERATOR_OPTION_INVALID',
      message: expect.stringContaining(`\`${name}\` must be a whole number`),
      details: { option: name, value: String(value) },
    });
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses %p to divide by', (value) => {
    expect(refusal(() => checkPositive('deviationMin', value))).toMatchObject({ code: 'OPERATOR_OPTION_INVALID' });
  });
});
