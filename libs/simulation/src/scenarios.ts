import { ProtegoError } from '@protego/contracts';
import type { SettingKey } from './setting-declarations';

/** A simulated hospital that can be asked for by name. */
export interface Scenario {
  readonly name: string;
  /** One sentence for `--help`. */
  readonly description: string;
  /** Defaults that differ from those of `SETTINGS`, as they would be written on the command line. */
  readonly defaults: Readonly<Partial<Record<SettingKey, string>>>;
}

/** Every scenario. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'general',
    description: 'A general hospital: six wards of 24 beds with emergency, theatre, radiology and laboratory.',
    defaults: {},
  },
  {
    name: 'pocket-ehr',
    description: 'Records on own phones: most physicians and many nurses read on them, on the ward and from home.',
    defaults: { wards: '5', ownPhoneShare: '0.8', 'devices.tablet': '0.12', 'devices.workstation': '0.15' },
  },
  {
    name: 'food-coach',
    description:
      'Wearables and nutrition coaching: many patients wear a device, cellular gateways serve home care, an app vendor and other partners take part.',
    defaults: { wards: '5', wearablesPerBed: '0.35', cellularGateways: '10', partners: '18' },
  },
];

/**
 * A scenario by name.
 *
 * @throws ProtegoError `SCENARIO_UNKNOWN`
 */
export function scenarioOf(name: string): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found !== undefined) return found;
  throw new ProtegoError('SCENARIO_UNKNOWN', `scenario \`${name.slice(0, 64)}\` is not known`, {
    scenario: name.slice(0, 64),
    known: SCENARIOS.map((scenario) => scenario.name),
  });
}

/**
 * Checks that a scenario exists.
 *
 * @throws ProtegoError `SCENARIO_UNKNOWN`
 */
export function checkScenario(name: string): void {
  scenarioOf(name);
}
