import { SeededRandom } from '../random';
import type { BedDeviceClass, SimulationSettings } from '../settings';
import { drawFraction, drawIndex } from './draws';
import type { DeviceClass, SimulatedDevice, Ward, Zone } from './model';
import type { Employee } from './staff';
import { isIntensive, type UnitName } from './wards';

/** A kind of device and where it stands. */
interface Place {
  readonly type: DeviceClass;
  readonly ward: string;
  readonly zone: Zone;
  readonly owner?: string;
  readonly managed: boolean;
}

const ZONES: Readonly<Record<DeviceClass, Zone>> = {
  'infusion-pump': 'clinical',
  'patient-monitor': 'clinical',
  'central-station': 'clinical',
  ventilator: 'clinical',
  imaging: 'clinical',
  'lab-analyser': 'clinical',
  tablet: 'ward',
  phone: 'ward',
  wearable: 'guest',
  'cellular-gateway': 'cellular',
  'access-point': 'ward',
  'badge-reader': 'building',
  printer: 'ward',
  workstation: 'ward',
  'ehr-server': 'server',
  'interface-server': 'server',
  'image-archive': 'server',
  'file-server': 'server',
  'backup-server': 'server',
  'domain-controller': 'server',
  'update-server': 'server',
  gateway: 'server',
};

/** Second byte of the addresses in each zone: 10.x.0.0/16. */
const SUBNETS: Readonly<Record<Exclude<Zone, 'internet'>, number>> = {
  server: 10,
  clinical: 20,
  ward: 30,
  building: 40,
  guest: 60,
  cellular: 70,
};

/** First and last lowest byte of addresses that are given to devices. */
export const LOW_BYTES = [10, 249] as const;
/** Shares no factor with the number of last bytes, so that all are used before one comes again. */
const GUEST_STEP = 97;

/** Beds for which the devices of units are written below. */
const HOUSE_BEDS = 144;
/** Units of the smallest house have this part of them, and one of each kind at least. */
const HOUSE_SCALE_MIN = 0.3;
/** Devices of units for a house of {@link HOUSE_BEDS}; classes that follow the beds of the house are not in it. */
const UNIT_DEVICES: Readonly<Record<UnitName, Partial<Record<DeviceClass, number>>>> = {
  emergency: {
    'patient-monitor': 6,
    'central-station': 1,
    'infusion-pump': 6,
    ventilator: 2,
    workstation: 6,
    tablet: 5,
    printer: 2,
    'badge-reader': 2,
    'access-point': 2,
  },
  theatre: {
    'patient-monitor': 5,
    'infusion-pump': 8,
    ventilator: 5,
    workstation: 5,
    tablet: 2,
    'badge-reader': 2,
    'access-point': 2,
  },
  radiology: { workstation: 5, tablet: 1, printer: 1, 'badge-reader': 1, 'access-point': 1 },
  laboratory: { workstation: 4, tablet: 1, printer: 2, 'badge-reader': 1, 'access-point': 1 },
  pharmacy: { workstation: 4, tablet: 1, printer: 1, 'badge-reader': 1, 'access-point': 1 },
  outpatients: { workstation: 6, tablet: 2, printer: 2, 'badge-reader': 1, 'access-point': 2 },
  admissions: { workstation: 4, tablet: 1, printer: 2, 'badge-reader': 1, 'access-point': 1 },
  administration: { workstation: 10, tablet: 2, printer: 2, 'badge-reader': 2, 'access-point': 2 },
  'float-pool': { workstation: 1, tablet: 3, 'access-point': 1 },
  'technical-services': { workstation: 3, tablet: 2, printer: 1, 'badge-reader': 1, 'access-point': 1 },
  'data-centre': {
    workstation: 4,
    'badge-reader': 1,
    'ehr-server': 2,
    'interface-server': 2,
    'image-archive': 1,
    'file-server': 2,
    'backup-server': 1,
    'domain-controller': 2,
    'update-server': 1,
    gateway: 2,
  },
};

const CLINICAL_AT_UNITS = 'technical-services';
const OWN_PHONE_NURSE_FACTOR = 0.5;
/** Share of own phones that the house manages. */
const MANAGED_PHONE_SHARE = 0.75;

/** Every device of the hospital; own phones carry the account of their owner. */
export function buildDevices(
  seed: number,
  wards: readonly Ward[],
  settings: SimulationSettings,
  employees: readonly Employee[],
): SimulatedDevice[] {
  const key = SeededRandom.ofStream(seed, 'devices').word();
  const bedCount = wards.reduce((sum, ward) => sum + ward.bedCount, 0);
  const places = [
    ...wards.flatMap((ward) => (ward.bedCount > 0 ? wardPlaces(ward, settings) : unitPlaces(ward, settings, bedCount))),
    ...spread('cellular-gateway', settings.cellularGateways, ['emergency']),
    ...phonePlaces(key, employees, settings.ownPhoneShare),
  ];
  return new DeviceNumbers(key, wards, settings.legacyShare).all(places);
}

function wardPlaces({ name, bedCount }: Ward, { devices, wearablesPerBed }: SimulationSettings): Place[] {
  const isIcu = isIntensive(name);
  const n = (type: BedDeviceClass, factor = 1, least = 1): number =>
    devices[type] === 0 ? 0 : Math.max(least, Math.round(devices[type] * factor * bedCount));
  const counts: Partial<Record<DeviceClass, number>> = {
    'infusion-pump': n('infusion-pump', isIcu ? 1.5 : 1),
    'patient-monitor': n('patient-monitor', isIcu ? 2 : 1),
    'central-station': 1,
    ventilator: isIcu ? n('ventilator', 6) : n('ventilator', 0.5, 0),
    tablet: n('tablet', 1, 2),
    workstation: n('workstation', 1, 2),
    printer: n('printer'),
    'badge-reader': n('badge-reader'),
    'access-point': n('access-point'),
    wearable: Math.round(wearablesPerBed * bedCount),
  };
  return placesOf(counts, name);
}

function unitPlaces({ name }: Ward, { devices }: SimulationSettings, bedCount: number): Place[] {
  const scale = Math.max(HOUSE_SCALE_MIN, bedCount / HOUSE_BEDS);
  // Servers grow more slowly than what they serve.
  const factor = name === 'data-centre' ? Math.sqrt(scale) : scale;
  const fixed = Object.entries(UNIT_DEVICES[name as UnitName]).map(([type, count]) => [
    type,
    Math.round(count * factor),
  ]);
  const counts = Object.fromEntries(fixed) as Partial<Record<DeviceClass, number>>;
  if (name === 'radiology') counts.imaging = Math.max(3, Math.round(devices.imaging * bedCount));
  if (name === 'laboratory') counts['lab-analyser'] = Math.max(2, Math.round(devices['lab-analyser'] * bedCount));
  return placesOf(counts, name);
}

function placesOf(counts: Partial<Record<DeviceClass, number>>, ward: string): Place[] {
  return Object.entries(counts).flatMap(([type, count]) => spread(type as DeviceClass, count, [ward]));
}

function spread(type: DeviceClass, count: number, wards: readonly string[]): Place[] {
  return Array.from({ length: count }, (_, index) => {
    const ward = wards[index % wards.length] as string;
    // Maintenance stations stand among the devices that they maintain.
    const zone = ward === CLINICAL_AT_UNITS && type === 'workstation' ? 'clinical' : ZONES[type];
    return { type, ward, zone, managed: type !== 'wearable' };
  });
}

function phonePlaces(key: number, employees: readonly Employee[], share: number): Place[] {
  return employees.flatMap(({ user }, index) => {
    const wanted = user.role === 'physician' ? share : user.role === 'nurse' ? share * OWN_PHONE_NURSE_FACTOR : 0;
    if (drawFraction(key, index, 1) >= wanted) return [];
    const managed = drawFraction(key, index, 2) < MANAGED_PHONE_SHARE;
    return [{ type: 'phone', ward: user.ward, zone: managed ? 'ward' : 'guest', owner: user.uid, managed } as const];
  });
}

/** Gives numbers and addresses to devices, in the order of the places. */
class DeviceNumbers {
  readonly #perType = new Map<DeviceClass, number>();
  readonly #perZone = new Map<Zone, number>();
  readonly #siteOf: ReadonlyMap<string, string>;

  constructor(
    private readonly key: number,
    wards: readonly Ward[],
    private readonly legacyShare: number,
  ) {
    this.#siteOf = new Map(wards.map(({ name, site }) => [name, site]));
  }

  all(places: readonly Place[]): SimulatedDevice[] {
    return places.map((place, index) => this.#device(place, index));
  }

  #device({ type, ward, zone, owner, managed }: Place, index: number): SimulatedDevice {
    const number = next(this.#perType, type);
    const view = {
      uid: `${type}-${String(number).padStart(4, '0')}`,
      type,
      ward,
      ip: this.#address(zone as Exclude<Zone, 'internet'>),
      mac: this.#mac(type, index),
      ...(owner === undefined ? {} : { owner }),
      managed,
    };
    const site = this.#siteOf.get(ward) as string;
    return Object.freeze({ view: Object.freeze(view), zone, site, isLegacy: this.#isLegacy(type, number) });
  }

  #address(zone: Exclude<Zone, 'internet'>): string {
    const number = next(this.#perZone, zone) - 1;
    const [first, last] = LOW_BYTES;
    const size = last - first + 1;
    // Guests get theirs as they come; others have them by plan.
    const place = zone === 'guest' ? (number * GUEST_STEP + this.key) % size : number % size;
    return `10.${SUBNETS[zone]}.${Math.floor(number / size)}.${first + place}`;
  }

  /** The first byte marks a locally administered address, which no manufacturer owns; the next two go by make and class. */
  #mac(type: DeviceClass, index: number): string {
    const maker = drawIndex(0x1_0000, this.key, type.length, type.charCodeAt(0), type.charCodeAt(2));
    const bytes = [2, maker >> 8, maker & 255, (index >> 16) & 255, (index >> 8) & 255, index & 255];
    return bytes.map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  }

  /** Evenly among the devices, so that a house with few has its share as well. */
  #isLegacy(type: DeviceClass, number: number): boolean {
    if (type !== 'imaging') return false;
    return Math.ceil(number * this.legacyShare) > Math.ceil((number - 1) * this.legacyShare);
  }
}

function next<K>(numbers: Map<K, number>, key: K): number {
  const number = (numbers.get(key) ?? 0) + 1;
  numbers.set(key, number);
  return number;
}
