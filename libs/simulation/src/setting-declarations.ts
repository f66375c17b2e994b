import { ATTACKS } from './label';

/** What `--set key=value` accepts for one key. */
export interface SettingDeclaration {
  /** One sentence for `--help`. */
  readonly description: string;
  /** Default of the general hospital, as it would be written on the command line. */
  readonly fallback: string;
  /** A switch is `on` or `off`; a count is a whole number; a factor may have a fraction; a list has commas. */
  readonly kind: 'switch' | 'count' | 'factor' | 'list';
  /** Bounds of a count, a factor or each number of a list of numbers, both included. */
  readonly minimum?: number;
  readonly maximum?: number;
  /** What a list may hold, where it holds names. */
  readonly names?: readonly string[];
  /** How many items a list holds, where that is fixed. */
  readonly length?: number;
}

const count = (description: string, fallback: string, minimum: number, maximum: number) =>
  ({ kind: 'count', description, fallback, minimum, maximum }) as const;
const factor = (description: string, fallback: string, minimum: number, maximum: number) =>
  ({ kind: 'factor', description, fallback, minimum, maximum }) as const;
const flag = (description: string, fallback: 'on' | 'off') => ({ kind: 'switch', description, fallback }) as const;
const perBed = (what: string, fallback: string) => factor(`${what} for each bed.`, fallback, 0, 10);
const rate = (what: string) => factor(`Multiplies how often ${what}.`, '1', 0, 100);

/** Every setting by key. */
export const SETTINGS = {
  wards: count('Wards with beds; units such as radiology come on top.', '6', 1, 40),
  bedsPerWard: count('Beds of each ward.', '24', 4, 36),
  sites: count('Sites of the hospital.', '1', 1, 2),
  partners: count('Partner organisations with an agreement.', '12', 0, 200),
  ownPhoneShare: factor(
    'Share of physicians who read records on their own phone; of nurses half as many.',
    '0.15',
    0,
    1,
  ),
  wearablesPerBed: factor('Wearables of patients for each bed.', '0.1', 0, 4),
  cellularGateways: count('Gateways on a slice of a cellular network: ambulances, home care.', '3', 0, 200),
  legacyShare: factor('Share of imaging devices that run an operating system without updates.', '0.25', 0, 1),
  vips: count('Patients on the watch list `vip`.', '12', 0, 1000),

  'devices.infusion-pump': perBed('Infusion pumps', '1.5'),
  'devices.patient-monitor': perBed('Patient monitors', '0.5'),
  'devices.ventilator': perBed('Ventilators', '0.08'),
  'devices.imaging': perBed('Imaging devices', '0.06'),
  'devices.lab-analyser': perBed('Laboratory analysers', '0.04'),
  'devices.tablet': perBed('Tablets', '0.25'),
  'devices.workstation': perBed('Workstations of wards', '0.2'),
  'devices.printer': perBed('Printers', '0.06'),
  'devices.badge-reader': perBed('Badge readers', '0.08'),
  'devices.access-point': perBed('Wireless access points', '0.12'),

  bedsPerNurse: factor('Beds for each nurse on duty by day; of intensive care half as many.', '5.5', 1, 30),
  nightStaffFactor: factor('Staff on duty at night, as a part of that by day.', '0.5', 0.1, 1),
  shiftStartHours: {
    kind: 'list',
    description: 'First hours of the early, late and night shift, UTC.',
    fallback: '7,15,23',
    minimum: 0,
    maximum: 23,
    length: 3,
  },

  eventRateFactor: factor('Multiplies how often everything ordinary happens.', '1', 0.1, 100),
  'rates.telemetry': rate('devices report'),
  'rates.flows': rate('devices connect'),
  'rates.reads': rate('records are read and changed'),
  'rates.sign-ins': rate('people sign in'),
  'rates.exchange': rate('data is exchanged with partners and patients'),
  'rates.hosts': rate('hosts report processes, files and their agents'),

  clockDriftMsMax: count("Largest error of a device's clock, milliseconds.", '400', 0, 5000),
  disorder: flag('Whether events are delayed, sent twice or come late, as a real network does it.', 'on'),
  missingShare: factor('Share of ordinary events that never arrive.', '0.001', 0, 0.5),

  attacks: flag('Whether attacks are planted.', 'on'),
  twins: flag('Whether harmless activities that look like the attacks are planted.', 'on'),
  attacksPerDay: factor('Attacks of all kinds a day.', '12', 0, 1000),
  twinsPerDay: factor('Harmless activities of all kinds a day.', '12', 0, 1000),
  attackKinds: {
    kind: 'list',
    description: 'Which attacks are planted, with their harmless twins; all of them when nothing is written.',
    fallback: ATTACKS.join(','),
    names: ATTACKS,
  },
  attackPace: factor('How fast attacks go: 4 is four times as fast.', '1', 0.25, 4),
  attackVolume: factor('How much planted activities do: multiplies counts and bytes.', '1', 0.5, 1.5),
  attackFreeDays: factor('Days at the beginning in which nothing is planted.', '0', 0, 3660),
} as const satisfies Readonly<Record<string, SettingDeclaration>>;

/** A key of {@link SETTINGS}. */
export type SettingKey = keyof typeof SETTINGS;
