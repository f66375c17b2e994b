import { ProtegoError } from '@protego/contracts';
import type { AttackName } from './label';
import { scenarioOf } from './scenarios';
import { SETTINGS, type SettingDeclaration, type SettingKey } from './setting-declarations';

export { SCENARIOS, checkScenario, scenarioOf, type Scenario } from './scenarios';
export { SETTINGS, type SettingDeclaration, type SettingKey } from './setting-declarations';

/** Classes of devices whose number follows the beds. */
export const BED_DEVICE_CLASSES = [
  'infusion-pump',
  'patient-monitor',
  'ventilator',
  'imaging',
  'lab-analyser',
  'tablet',
  'workstation',
  'printer',
  'badge-reader',
  'access-point',
] as const;
/** One of {@link BED_DEVICE_CLASSES}. */
export type BedDeviceClass = (typeof BED_DEVICE_CLASSES)[number];

/** Settings as the generator uses them; see `SETTINGS` for what each is. */
export interface SimulationSettings {
  readonly wards: number;
  readonly bedsPerWard: number;
  readonly sites: number;
  readonly partners: number;
  readonly ownPhoneShare: number;
  readonly wearablesPerBed: number;
  readonly cellularGateways: number;
  readonly legacyShare: number;
  readonly vips: number;
  /** Devices for each bed. */
  readonly devices: Readonly<Record<BedDeviceClass, number>>;
  readonly bedsPerNurse: number;
  readonly nightStaffFactor: number;
  /** Early, late, night; UTC. */
  readonly shiftStartHours: readonly [number, number, number];
  /** `eventRateFactor` is not part of these: multiply by both. */
  readonly rates: {
    readonly telemetry: number;
    readonly flows: number;
    readonly reads: number;
    readonly signIns: number;
    readonly exchange: number;
    readonly hosts: number;
  };
  readonly eventRateFactor: number;
  readonly clockDriftMsMax: number;
  readonly disorder: boolean;
  readonly missingShare: number;
  readonly attacks: boolean;
  readonly twins: boolean;
  readonly attacksPerDay: number;
  readonly twinsPerDay: number;
  readonly attackKinds: readonly AttackName[];
  readonly attackPace: number;
  readonly attackVolume: number;
  readonly attackFreeDays: number;
}

/**
 * Settings as written on the command line, with the defaults of a scenario filled in.
 *
 * @throws ProtegoError `SETTING_INVALID` for an unknown key or a value outside its bounds, `SCENARIO_UNKNOWN`
 */
export function parseSettings(
  written: Readonly<Record<string, string>>,
  scenario: string = 'general',
): SimulationSettings {
  for (const key of Object.keys(written)) {
    if (!Object.hasOwn(SETTINGS, key)) {
      throw invalid(key, `setting \`${key.slice(0, 64)}\` is not known`, { known: Object.keys(SETTINGS) });
    }
  }
  const { defaults } = scenarioOf(scenario);
  const text = (key: SettingKey): string => written[key] ?? defaults[key] ?? SETTINGS[key].fallback;
  const number = (key: SettingKey): number => numberOf(key, SETTINGS[key], text(key));
  const flag = (key: SettingKey): boolean => switchOf(key, text(key));
  return {
    ...plainNumbers(number),
    devices: devicesPerBed(number),
    rates: rates(number),
    shiftStartHours: shiftStartHours(text('shiftStartHours')),
    attackKinds: attackKinds(text('attackKinds')),
    disorder: flag('disorder'),
    attacks: flag('attacks'),
    twins: flag('twins'),
  };
}

const PLAIN_NUMBERS = [
  'wards',
  'bedsPerWard',
  'sites',
  'partners',
  'ownPhoneShare',
  'wearablesPerBed',
  'cellularGateways',
  'legacyShare',
  'vips',
  'bedsPerNurse',
  'nightStaffFactor',
  'eventRateFactor',
  'clockDriftMsMax',
  'missingShare',
  'attacksPerDay',
  'twinsPerDay',
  'attackPace',
  'attackVolume',
  'attackFreeDays',
] as const;
type PlainNumber = (typeof PLAIN_NUMBERS)[number];
type NumberOf = (key: SettingKey) => number;

function plainNumbers(number: NumberOf): Record<PlainNumber, number> {
  return Object.fromEntries(PLAIN_NUMBERS.map((key) => [key, number(key)])) as Record<PlainNumber, number>;
}

function devicesPerBed(number: NumberOf): Record<BedDeviceClass, number> {
  const entries = BED_DEVICE_CLASSES.map((type) => [type, number(`devices.${type}`)]);
  return Object.fromEntries(entries) as Record<BedDeviceClass, number>;
}

function rates(number: NumberOf): SimulationSettings['rates'] {
  return {
    telemetry: number('rates.telemetry'),
    flows: number('rates.flows'),
    reads: number('rates.reads'),
    signIns: number('rates.sign-ins'),
    exchange: number('rates.exchange'),
    hosts: number('rates.hosts'),
  };
}

function shiftStartHours(text: string): [number, number, number] {
  const hours = text
    .split(',')
    .map((part) => numberOf('shiftStartHours', { ...SETTINGS.shiftStartHours, kind: 'count' }, part));
  const [early, late, night] = hours;
  if (hours.length === 3 && (early as number) < (late as number) && (late as number) < (night as number)) {
    return [early as number, late as number, night as number];
  }
  throw invalid(
    'shiftStartHours',
    `\`shiftStartHours=${text.slice(0, 64)}\` is not three ascending hours such as 7,15,23`,
  );
}

function attackKinds(text: string): AttackName[] {
  const { names, fallback } = SETTINGS.attackKinds;
  const kinds = (text === '' ? fallback : text).split(',');
  const unknown = kinds.find((kind) => !names.some((name) => name === kind));
  if (unknown === undefined) return [...new Set(kinds)] as AttackName[];
  throw invalid('attackKinds', `\`attackKinds\` names \`${unknown.slice(0, 64)}\`, which is no attack`, {
    known: names,
  });
}

function numberOf(key: string, declaration: SettingDeclaration, text: string): number {
  const { kind, minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = declaration;
  const isWritten = kind === 'count' ? /^\d{1,9}$/.test(text) : /^\d{1,9}(\.\d{1,9})?$/.test(text);
  const value = Number(text);
  if (isWritten && value >= minimum && value <= maximum) return value;
  throw invalid(
    key,
    `\`${key}=${text.slice(0, 64)}\` is not a ${kind === 'count' ? 'whole ' : ''}number from ${minimum} to ${maximum}`,
  );
}

function switchOf(key: string, text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw invalid(key, `\`${key}=${text.slice(0, 64)}\` is neither \`on\` nor \`off\``);
}

function invalid(key: string, message: string, details: Record<string, unknown> = {}): ProtegoError {
  return new ProtegoError('SETTING_INVALID', message, { key: key.slice(0, 64), ...details });
}
