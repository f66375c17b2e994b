import { isProtegoError } from '@protego/contracts';
import { SETTINGS, checkScenario, parseSettings } from './settings';

function codeOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    return isProtegoError(error) ? (error as { code?: string }).code : String(error);
  }
  return undefined;
}

describe('settings', () => {
  it('has defaults that are valid themselves', () => {
    const written = Object.fromEntries(Object.entries(SETTINGS).map(([key, { fallback }]) => [key, fallback]));
    expect(parseSettings({})).toEqual(parseSettings(written));
    expect(parseSettings({})).toEqual({
      devices: 40,
      people: 30,
      patients: 60,
      eventRateFactor: 1,
      attacks: true,
      twins: true,
      disorder: true,
    });
  });

  it('reads counts, factors and switches', () => {
    const settings = parseSettings({ devices: '500', eventRateFactor: '0.5', attacks: 'off' });
    expect(settings).toMatchObject({ devices: 500, eventRateFactor: 0.5, attacks: false, twins: true });
  });

  it.each([
    ['device', '40'],
    ['constructor', '1'],
    ['devices', '29'],
    ['devices', '5001'],
    ['devices', '40.5'],
    ['devices', '1e3'],
    ['devices', ''],
    ['eventRateFactor', '0'],
    ['eventRateFactor', 'NaN'],
    ['attacks', 'yes'],
  ])('refuses %s=%s', (key, value) => {
    expect(codeOf(() => parseSettings({ [key]: value }))).toBe('SETTING_INVALID');
  });

  it('knows its scenarios', () => {
    expect(codeOf(() => checkScenario('general'))).toBeUndefined();
    expect(codeOf(() => checkScenario('toString'))).toBe('SCENARIO_UNKNOWN');
  });
});
