import { SeededRandom } from '../random';
import type { SimulationSettings } from '../settings';
import { Addresses } from './addresses';
import { buildDevices } from './devices';
import type {
  DeviceClass,
  Duty,
  Hospital,
  Partner,
  Resident,
  Role,
  SimulatedDevice,
  StaffMember,
  Stay,
  Ward,
} from './model';
import { buildPartners } from './partners';
import { Shifts } from './shifts';
import { buildEmployees, buildTeams, type Employee } from './staff';
import { Stays } from './stays';
import { Town } from './town';
import { buildWards } from './wards';

/** What a hospital is made from. */
export interface HospitalOptions {
  readonly seed: number;
  readonly settings: SimulationSettings;
  /** Span of the simulation, milliseconds since the Unix epoch: who is on the watch list lies in a bed in it. */
  readonly startMs: number;
  readonly endMs: number;
}

/** Roles that care for the inpatients of the ward in which they are on duty. */
const CARING_ROLES: ReadonlySet<Role> = new Set(['nurse', 'physician', 'float-nurse']);

/** The hospital of a seed; see `Hospital`. Building it takes some milliseconds, whatever the length of the simulation. */
export function buildHospital(options: HospitalOptions): Hospital {
  return new BuiltHospital(options);
}

class BuiltHospital implements Hospital {
  readonly seed: number;
  readonly settings: SimulationSettings;
  readonly wards: readonly Ward[];
  readonly devices: readonly SimulatedDevice[];
  readonly people: readonly StaffMember[];
  readonly partners: readonly Partner[];
  readonly vips: ReadonlySet<string>;
  readonly residentCount: number;
  readonly #town: Town;
  readonly #addresses: Addresses;
  readonly #shifts: Shifts;
  readonly #stays: Stays;
  readonly #devicesByPlace: Groups<SimulatedDevice>;
  readonly #peopleByPlace: Groups<StaffMember>;
  readonly #deviceByUid: ReadonlyMap<string, SimulatedDevice>;
  readonly #personByUid: ReadonlyMap<string, StaffMember>;

  constructor(options: HospitalOptions) {
    const { seed, settings } = options;
    this.seed = seed;
    this.settings = settings;
    this.wards = buildWards(settings);
    const bedWards = this.wards.filter(({ bedCount }) => bedCount > 0);
    this.#town = new Town(seed, settings.wards * settings.bedsPerWard);
    this.residentCount = this.#town.residentCount;
    this.#addresses = new Addresses(seed);
    this.#stays = new Stays(seed, this.wards, this.#town);
    const teams = buildTeams(this.wards, settings);
    const employees = buildEmployees(seed, teams, this.#town, (index) => !this.#stays.isLastStayOnly(index));
    this.devices = buildDevices(seed, this.wards, settings, employees);
    this.people = this.#employ(employees);
    const bedWardNames = bedWards.map(({ name }) => name);
    this.#shifts = new Shifts(seed, teams, this.people, settings.shiftStartHours, bedWardNames);
    this.partners = buildPartners(seed, settings.partners, this.#addresses);
    this.#devicesByPlace = new Groups(this.devices, ({ view }) => [view.type, view.ward]);
    this.#peopleByPlace = new Groups(this.people, ({ user }) => [user.role, user.ward]);
    this.#deviceByUid = new Map(this.devices.map((device) => [device.view.uid, device]));
    this.#personByUid = new Map(this.people.map((person) => [person.user.uid, person]));
    this.vips = this.#chooseVips(options);
  }

  devicesOf(type: DeviceClass, ward?: string): readonly SimulatedDevice[] {
    return this.#devicesByPlace.of(type, ward);
  }

  deviceOf(uid: string): SimulatedDevice | undefined {
    return this.#deviceByUid.get(uid);
  }

  peopleOf(role: Role, ward?: string): readonly StaffMember[] {
    return this.#peopleByPlace.of(role, ward);
  }

  personOf(uid: string): StaffMember | undefined {
    return this.#personByUid.get(uid);
  }

  onDuty(timeMs: number, wanted?: { readonly role?: Role; readonly ward?: string }): readonly Duty[] {
    return this.#shifts.onDuty(timeMs, wanted?.role, wanted?.ward);
  }

  dutyOf(person: StaffMember, timeMs: number): Duty | undefined {
    return this.#shifts.dutyOf(person, timeMs);
  }

  dutiesBeginning(startMs: number, endMs: number): readonly Duty[] {
    return this.#shifts.beginning(startMs, endMs);
  }

  dutiesEnding(startMs: number, endMs: number): readonly Duty[] {
    return this.#shifts.ending(startMs, endMs);
  }

  inpatients(timeMs: number, ward?: string): readonly Stay[] {
    return this.#stays.inpatients(timeMs, ward);
  }

  stayOf(patientUid: string, timeMs: number): Stay | undefined {
    return this.#stays.stayOf(patientUid, timeMs);
  }

  formerStays(timeMs: number, countMax: number): readonly Stay[] {
    return this.#stays.formerStays(timeMs, countMax);
  }

  staysWithin(startMs: number, endMs: number): readonly Stay[] {
    return this.#stays.within(startMs, endMs);
  }

  staysBeginning(startMs: number, endMs: number): readonly Stay[] {
    return this.#stays.beginning(startMs, endMs);
  }

  staysEnding(startMs: number, endMs: number): readonly Stay[] {
    return this.#stays.ending(startMs, endMs);
  }

  resident(index: number): Resident {
    return this.#town.resident(index);
  }

  residentOf(patientUid: string): Resident | undefined {
    const index = this.#town.indexOf(patientUid);
    return index === undefined ? undefined : this.#town.resident(index);
  }

  householdOf(resident: Resident): readonly Resident[] {
    return this.#town.householdOf(resident);
  }

  neighboursOf(resident: Resident, countMax: number): readonly Resident[] {
    return this.#town.neighboursOf(resident, countMax);
  }

  homeAddressOf(resident: Resident): string {
    return this.#addresses.home(this.#town.householdNumberOf(resident.index));
  }

  caresFor(person: StaffMember, patientUid: string, timeMs: number): boolean {
    if (!CARING_ROLES.has(person.user.role)) return false;
    const stay = this.#stays.stayOf(patientUid, timeMs);
    if (stay === undefined) return false;
    if (person.user.ward === stay.ward) return true;
    return person.user.role === 'float-nurse' && this.#shifts.dutyOf(person, timeMs)?.ward === stay.ward;
  }

  wardOfPatient(patientUid: string, timeMs: number): string | undefined {
    return this.#stays.wardOfPatient(patientUid, timeMs);
  }

  ordinaryOutsideHost(pick: number): { readonly hostname: string; readonly ip: string } {
    return this.#addresses.ordinaryHost(pick);
  }

  strangeAddress(pick: number): string {
    return this.#addresses.strange(pick);
  }

  strangeOutsideHost(pick: number): { readonly hostname: string; readonly ip: string } {
    return this.#addresses.strangeHost(pick);
  }

  carrierAddress(pick: number): string {
    return this.#addresses.carrier(pick);
  }

  countryOf(address: string): string {
    return this.#addresses.countryOf(address);
  }

  #employ(employees: readonly Employee[]): StaffMember[] {
    // Nobody reads records on a phone that the house does not manage.
    const phones = new Map(
      this.devices
        .filter(({ view }) => view.type === 'phone' && view.managed)
        .map((phone) => [phone.view.owner as string, phone]),
    );
    return employees.map(({ user, residentIndex }) => {
      const resident = this.#town.resident(residentIndex);
      const phone = phones.get(user.uid);
      const homeAddress = this.homeAddressOf(resident);
      return Object.freeze({ user, resident, ...(phone === undefined ? {} : { phone }), homeAddress });
    });
  }

  /** People who lie in a bed at times that are spread over the simulation, none of them of the staff. */
  #chooseVips({ seed, settings, startMs, endMs }: HospitalOptions): Set<string> {
    const random = SeededRandom.ofStream(seed, 'vips');
    const staff = new Set(this.people.map(({ resident }) => resident.patientUid));
    const vips = new Set<string>();
    const count = Math.min(settings.vips, settings.wards * settings.bedsPerWard);
    for (let attempt = 0; vips.size < count && attempt < count * 4; attempt++) {
      const timeMs = startMs + ((endMs - startMs) * ((attempt % count) + 0.5)) / count;
      const inpatients = this.#stays.inpatients(timeMs);
      if (inpatients.length === 0) continue;
      const { patientUid } = random.pick(inpatients).patient;
      if (!staff.has(patientUid)) vips.add(patientUid);
    }
    return vips;
  }
}

/** Items by two names, both together and the first alone. */
class Groups<T> {
  readonly #groups = new Map<string, T[]>();

  constructor(items: readonly T[], namesOf: (item: T) => readonly [string, string]) {
    for (const item of items) {
      const [first, second] = namesOf(item);
      for (const key of [first, `${first}/${second}`]) {
        const group = this.#groups.get(key);
        if (group === undefined) this.#groups.set(key, [item]);
        else group.push(item);
      }
    }
  }

  of(first: string, second?: string): readonly T[] {
    return this.#groups.get(second === undefined ? first : `${first}/${second}`) ?? [];
  }
}
