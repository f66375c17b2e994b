import { isProtegoError } from '@protego/contracts';
import { ATTACKS } from './label';
import { SCENARIOS, SETTINGS, checkScenario, parseSettings } from './settings';

function codeOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return isProtegoError(error) ? error.code : error;
  }
  return undefined;
}

describe('settings', () => {
  it('have defaults', () => {
    expect(parseSettings({})).toMatchObject({
      wards: 6,
      bedsPerWard: 24,
      attacks: true,
      attackKinds: ATTACKS,
      shiftStartHours: [7, 15, 23],
      devices: { 'infusion-pump': 1.5 },
      rates: { telemetry: 1, signIns: 1 },
    });
  });

  it('take every default as it is written', () => {
    const written = Object.fromEntries(Object.entries(SETTINGS).map(([key, { fallback }]) => [key, fallback]));
    expect(parseSettings(written)).toEqual(parseSettings({}));
  });

  it('are those of a scenario where nothing else is written', () => {
    expect(parseSettings({}, 'pocket-ehr')).toMatchObject({ wards: 5, ownPhoneShare: 0.8 });
    expect(parseSettings({ wards: '2' }, 'pocket-ehr')).toMatchObject({ wards: 2, ownPhoneShare: 0.8 });
    expect(parseSettings({}, 'food-coach')).toMatchObject({ wearablesPerBed: 0.35, cellularGateways: 10 });
  });

  it('read counts, factors, switches and lists', () => {
    const settings = parseSettings({
      wards: '40',
      eventRateFactor: '0.5',
      attacks: 'off',
      attackKinds: 'ransomware,snooping-vip,ransomware',
      shiftStartHours: '6,14,22',
      'devices.infusion-pump': '3',
      'rates.sign-ins': '2.5',
    });
    expect(settings).toMatchObject({
      wards: 40,
      eventRateFactor: 0.5,
      attacks: false,
      twins: true,
      attackKinds: ['ransomware', 'snooping-vip'],
      shiftStartHours: [6, 14, 22],
      devices: { 'infusion-pump': 3 },
      rates: { signIns: 2.5 },
    });
  });

  it.each([
    ['device', '40'],
    ['constructor', '1'],
    ['wards', '0'],
    ['wards', '41'],
    ['wards', '4.5'],
    ['wards', '1e1'],
    ['wards', ''],
    ['eventRateFactor', '0'],
    ['eventRateFactor', 'NaN'],
    ['attacks', 'yes'],
    ['attackKinds', 'ransomware,none'],
    ['shiftStartHours', '7,15'],
    ['shiftStartHours', '15,7,23'],
    ['shiftStartHours', '7,15,24'],
    ['devices.infusion-pump', '-1'],
  ])('refuse %s=%s', (key, value) => {
    expect(codeOf(() => parseSettings({ [key]: value }))).toBe('SETTING_INVALID');
  });

  it('know their scenarios', () => {
    for (const { name } of SCENARIOS) expect(codeOf(() => checkScenario(name))).toBeUndefined();
    expect(codeOf(() => checkScenario('toString'))).toBe('SCENARIO_UNKNOWN');
    expect(codeOf(() => parseSettings({}, 'dentist'))).toBe('SCENARIO_UNKNOWN');
  });
});
