import { ProtegoError } from '@protego/contracts';

/** A simulated hospital that can be asked for by name. */
export interface Scenario {
  readonly name: string;
  /** One sentence for `--help`. */
  readonly description: string;
}

/** Every scenario. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'general',
    description:
      'A general hospital with four wards; each hour one credential-stuffing attack, one tablet that reads records of other wards, and their harmless twins.',
  },
];

/** What `--set key=value` accepts for one key. */
export interface SettingDeclaration {
  /** One sentence for `--help`. */
  readonly description: string;
  /** Default, as it would be written on the command line. */
  readonly fallback: string;
  /** A switch is `on` or `off`; a count is a whole number; a factor may have a fraction. */
  readonly kind: 'switch' | 'count' | 'factor';
  /** Bounds of a count or factor, both included. */
  readonly minimum?: number;
  readonly maximum?: number;
}

/** Every setting by key. */
export const SETTINGS = {
  devices: {
    description: 'Devices on the network: pumps, monitors, tablets, workstations, servers.',
    fallback: '40',
    kind: 'count',
    minimum: 30,
    maximum: 5000,
  },
  people: {
    description: 'Members of staff over three shifts.',
    fallback: '30',
    kind: 'count',
    minimum: 30,
    maximum: 3000,
  },
  patients: {
    description: 'Patients over four wards.',
    fallback: '60',
    kind: 'count',
    minimum: 40,
    maximum: 5000,
  },
  eventRateFactor: {
    description: 'Multiplies flows, telemetry and record access; 1 gives about 4,000 events an hour.',
    fallback: '1',
    kind: 'factor',
    minimum: 0.1,
    maximum: 100,
  },
  attacks: { description: 'Whether attacks are planted in every hour.', fallback: 'on', kind: 'switch' },
  twins: {
    description: 'Whether harmless activities that look like the attacks are planted in every hour.',
    fallback: 'on',
    kind: 'switch',
  },
  disorder: {
    description: 'Whether events are delayed, sent twice or come late, as a real network does it.',
    fallback: 'on',
    kind: 'switch',
  },
} as const satisfies Readonly<Record<string, SettingDeclaration>>;

/** Settings as the generator uses them. */
export interface SimulationSettings {
  readonly devices: number;
  readonly people: number;
  readonly patients: number;
  readonly eventRateFactor: number;
  readonly attacks: boolean;
  readonly twins: boolean;
  readonly disorder: boolean;
}

/**
 * Checks that a scenario exists.
 *
 * @throws ProtegoError `SCENARIO_UNKNOWN`
 */
export function checkScenario(name: string): void {
  if (SCENARIOS.some((scenario) => scenario.name === name)) return;
  throw new ProtegoError('SCENARIO_UNKNOWN', `scenario \`${name.slice(0, 64)}\` is not known`, {
    scenario: name.slice(0, 64),
    known: SCENARIOS.map((scenario) => scenario.name),
  });
}

/**
 * Settings as written on the command line, with defaults filled in.
 *
 * @throws ProtegoError `SETTING_INVALID` for an unknown key or a value outside its bounds
 */
export function parseSettings(written: Readonly<Record<string, string>>): SimulationSettings {
  for (const key of Object.keys(written)) {
    if (!Object.hasOwn(SETTINGS, key)) {
      throw invalid(key, `setting \`${key.slice(0, 64)}\` is not known`, { known: Object.keys(SETTINGS) });
    }
  }
  const number = (key: NumericKey): number => numberOf(key, written[key] ?? SETTINGS[key].fallback);
  const flag = (key: SwitchKey): boolean => switchOf(key, written[key] ?? SETTINGS[key].fallback);
  return {
    devices: number('devices'),
    people: number('people'),
    patients: number('patients'),
    eventRateFactor: number('eventRateFactor'),
    attacks: flag('attacks'),
    twins: flag('twins'),
    disorder: flag('disorder'),
  };
}

type NumericKey = 'devices' | 'people' | 'patients' | 'eventRateFactor';
type SwitchKey = Exclude<keyof typeof SETTINGS, NumericKey>;

function numberOf(key: NumericKey, text: string): number {
  const { kind, minimum, maximum } = SETTINGS[key];
  const isWritten = kind === 'count' ? /^\d{1,9}$/.test(text) : /^\d{1,9}(\.\d{1,9})?$/.test(text);
  const value = Number(text);
  if (isWritten && value >= minimum && value <= maximum) return value;
  throw invalid(
    key,
    `\`${key}=${text.slice(0, 64)}\` is not a ${kind === 'count' ? 'whole ' : ''}number from ${minimum} to ${maximum}`,
  );
}

function switchOf(key: SwitchKey, text: string): boolean {
  if (text === 'on' || text === 'off') return text === 'on';
  throw invalid(key, `\`${key}=${text.slice(0, 64)}\` is neither \`on\` nor \`off\``);
}

function invalid(key: string, message: string, details: Record<string, unknown> = {}): ProtegoError {
  return new ProtegoError('SETTING_INVALID', message, { key: key.slice(0, 64), ...details });
}
