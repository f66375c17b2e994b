import type { SimulationSettings } from './settings';

/** Wards of the general hospital. */
export const WARDS = ['cardiology', 'surgery', 'paediatrics', 'intensive-care'] as const;

/** First hours of the three shifts, UTC. */
export const SHIFT_START_HOURS = [7, 15, 23] as const;

/** What a device is for. */
export type DeviceType =
  | 'infusion-pump'
  | 'patient-monitor'
  | 'tablet'
  | 'workstation'
  | 'ehr-server'
  | 'interface-server'
  | 'imaging'
  | 'printer'
  | 'badge-reader';

/** A device on the network, as it stands in `data.device`. */
export interface SimulatedDevice {
  readonly uid: string;
  readonly type: DeviceType;
  readonly ward: string;
  readonly ip: string;
  readonly mac: string;
}

/** A member of staff: who, and in which of the three shifts. */
export interface SimulatedPerson {
  /** As it stands in `data.user`. */
  readonly user: { readonly uid: string; readonly role: string; readonly ward: string };
  /** Index into {@link SHIFT_START_HOURS}. */
  readonly shift: number;
}

/** A patient, as it stands in `data.patient`. */
export interface SimulatedPatient {
  readonly uid: string;
  readonly ward: string;
}

/** Everybody and everything in the simulated hospital; it does not change during a simulation. */
export interface Hospital {
  readonly devices: readonly SimulatedDevice[];
  readonly people: readonly SimulatedPerson[];
  readonly patients: readonly SimulatedPatient[];
  /** Patients by ward. */
  readonly patientsOf: ReadonlyMap<string, readonly SimulatedPatient[]>;
  /** Tablets and workstations by ward: what staff sign in on. */
  readonly seatsOf: ReadonlyMap<string, readonly SimulatedDevice[]>;
}

// Three people of each kind in a row, one a shift, so that every shift has every role.
const POSTS: readonly (readonly [role: string, ward: string])[] = [
  ['nurse', 'cardiology'],
  ['nurse', 'surgery'],
  ['nurse', 'paediatrics'],
  ['nurse', 'intensive-care'],
  ['physician', 'cardiology'],
  ['physician', 'surgery'],
  ['physician', 'paediatrics'],
  ['float-nurse', 'intensive-care'],
  ['infection-control-nurse', 'surgery'],
  ['biomedical-technician', 'technical-services'],
];

const INFRASTRUCTURE: readonly (readonly [DeviceType, string])[] = [
  ['ehr-server', 'data-centre'],
  ['interface-server', 'data-centre'],
  ['imaging', 'radiology'],
  ['printer', 'cardiology'],
  ['badge-reader', 'entrance'],
  ['workstation', 'technical-services'],
];

// After one workstation and one tablet a ward, the rest of the devices follows this pattern, ward by ward.
const WARD_PATTERN: readonly DeviceType[] = [
  'infusion-pump',
  'patient-monitor',
  'infusion-pump',
  'tablet',
  'patient-monitor',
  'infusion-pump',
];

/** The hospital of the given size. It is a plain table: no chance is involved, so a device is the same in every seed. */
export function buildHospital(size: Pick<SimulationSettings, 'devices' | 'people' | 'patients'>): Hospital {
  const devices = buildDevices(size.devices);
  const patients = buildPatients(size.patients);
  return {
    devices,
    people: Array.from({ length: size.people }, (_, index) => buildPerson(index)),
    patients,
    patientsOf: byWard(patients),
    seatsOf: byWard(devices.filter(({ type }) => type === 'tablet' || type === 'workstation')),
  };
}

/** Index of the shift that is on duty at a time, milliseconds since the Unix epoch. */
export function shiftAt(timeMs: number): number {
  const hours = Math.floor(timeMs / 3_600_000) - SHIFT_START_HOURS[0];
  // Hours before 1970 are negative, and so would be their remainder.
  return Math.floor((((hours % 24) + 24) % 24) / 8);
}

function buildDevices(count: number): SimulatedDevice[] {
  const kinds: (readonly [DeviceType, string])[] = [...INFRASTRUCTURE];
  for (const ward of WARDS) kinds.push(['workstation', ward], ['tablet', ward]);
  for (let i = 0; kinds.length < count; i++) {
    kinds.push([
      WARD_PATTERN[Math.floor(i / WARDS.length) % WARD_PATTERN.length] as DeviceType,
      WARDS[i % WARDS.length] as string,
    ]);
  }
  const counts = new Map<DeviceType, number>();
  return kinds.map(([type, ward], index) => {
    const number = (counts.get(type) ?? 0) + 1;
    counts.set(type, number);
    return buildDevice(type, ward, number, index);
  });
}

function buildDevice(type: DeviceType, ward: string, number: number, index: number): SimulatedDevice {
  const high = Math.floor(index / 200);
  const low = (index % 200) + 10;
  const hex = (value: number): string => value.toString(16).padStart(2, '0');
  return {
    uid: `${type}-${String(number).padStart(2, '0')}`,
    type,
    ward,
    ip: `10.20.${high}.${low}`,
    // The first byte marks a locally administered address, which no manufacturer owns.
    mac: `02:00:5e:00:${hex(high)}:${hex(low)}`,
  };
}

function buildPerson(index: number): SimulatedPerson {
  const [role, ward] = POSTS[Math.floor(index / SHIFT_START_HOURS.length) % POSTS.length] as readonly [string, string];
  return {
    user: { uid: `p-${String(index + 1).padStart(3, '0')}`, role, ward },
    shift: index % SHIFT_START_HOURS.length,
  };
}

function buildPatients(count: number): SimulatedPatient[] {
  return Array.from({ length: count }, (_, index) => ({
    uid: `pt-${String(index + 1).padStart(4, '0')}`,
    ward: WARDS[index % WARDS.length] as string,
  }));
}

function byWard<T extends { readonly ward: string }>(items: readonly T[]): Map<string, T[]> {
  const wards = new Map<string, T[]>();
  for (const item of items) {
    const list = wards.get(item.ward);
    if (list === undefined) wards.set(item.ward, [item]);
    else list.push(item);
  }
  return wards;
}
