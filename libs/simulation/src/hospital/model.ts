import type { SimulationSettings } from '../settings';

/** What a device is for; each class has traffic of its own. */
export const DEVICE_CLASSES = [
  'infusion-pump',
  'patient-monitor',
  'central-station',
  'ventilator',
  'imaging',
  'lab-analyser',
  'tablet',
  'phone',
  'wearable',
  'cellular-gateway',
  'access-point',
  'badge-reader',
  'printer',
  'workstation',
  'ehr-server',
  'interface-server',
  'image-archive',
  'file-server',
  'backup-server',
  'domain-controller',
  'update-server',
  'gateway',
] as const;
/** One of {@link DEVICE_CLASSES}. */
export type DeviceClass = (typeof DEVICE_CLASSES)[number];

/** A device on the network, as it stands in `data.device`. */
export interface DeviceView {
  readonly uid: string;
  readonly type: DeviceClass;
  readonly ward: string;
  readonly ip: string;
  readonly mac: string;
  /** Present on devices of people (phones, wearables): the staff member's uid. */
  readonly owner?: string;
  readonly managed: boolean;
}

/** Part of the network; `clinical` is where pumps, monitors and their maintenance station live. */
export type Zone = 'clinical' | 'ward' | 'server' | 'building' | 'guest' | 'cellular' | 'internet';

/** A device and what the simulation knows of it. */
export interface SimulatedDevice {
  /** As it stands in events; one frozen object a device. */
  readonly view: DeviceView;
  readonly zone: Zone;
  readonly site: string;
  /** True of a modality that runs an operating system without updates. */
  readonly isLegacy: boolean;
}

/** What somebody works as. */
export const ROLES = [
  'nurse',
  'physician',
  'float-nurse',
  'infection-control-nurse',
  'radiographer',
  'lab-technician',
  'pharmacist',
  'clinical-coder',
  'admission-clerk',
  'social-worker',
  'biomedical-technician',
  'it-administrator',
  'quality-officer',
] as const;
/** One of {@link ROLES}. */
export type Role = (typeof ROLES)[number];

/** Somebody who lives in the town; every one of them may become a patient. */
export interface Resident {
  readonly index: number;
  /** `patient.uid` when this person is a patient. */
  readonly patientUid: string;
  readonly surname: string;
  readonly street: string;
  /** Street and number: those with an equal one share a household. */
  readonly address: string;
}

/** A member of staff. */
export interface StaffMember {
  /** As it stands in `data.user` and `data.actor.user`; one frozen object a person. */
  readonly user: { readonly uid: string; readonly role: Role; readonly ward: string };
  readonly resident: Resident;
  /** The own phone, where the person reads records on one. */
  readonly phone?: SimulatedDevice;
  /** Fixed address at home, for remote access. */
  readonly homeAddress: string;
}

/** A time on duty, half-open. */
export interface Duty {
  readonly person: StaffMember;
  /** Where the person works: the own ward, or for a float nurse the one that needs help that day. */
  readonly ward: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly isOnCall: boolean;
}

/** A patient in a bed of a ward, half-open; a transfer begins another stay of the same patient. */
export interface Stay {
  readonly patient: Resident;
  readonly ward: string;
  readonly startMs: number;
  readonly endMs: number;
  /** How the stay ended. */
  readonly outcome: 'home' | 'transferred' | 'other-hospital' | 'deceased';
}

/** A partner organisation with an agreement. */
export interface Partner {
  /** As it stands in `data.partner`. */
  readonly view: { readonly uid: string; readonly name: string };
  readonly kind:
    'general-practice' | 'laboratory' | 'rehabilitation' | 'research' | 'insurer' | 'app-vendor' | 'hospital';
  readonly agreement: string;
  readonly purposes: readonly string[];
  /** Its networks in CIDR, from which its people work. */
  readonly networks: readonly string[];
  /** Its people, as they stand in `data.user`. */
  readonly users: readonly { readonly uid: string; readonly role: 'partner-user' }[];
}

/** A ward with beds, or a unit without (emergency, radiology, laboratory, theatre, data-centre, technical-services …). */
export interface Ward {
  readonly name: string;
  readonly site: string;
  readonly bedCount: number;
}

/**
 * Everybody and everything in the simulated hospital. All answers are functions of seed, settings and arguments alone, so that
 * any part of a history can be made without the parts before it.
 */
export interface Hospital {
  /** What it was built from: for facts that are functions of seed and time. */
  readonly seed: number;
  readonly settings: SimulationSettings;
  readonly wards: readonly Ward[];
  readonly devices: readonly SimulatedDevice[];
  readonly people: readonly StaffMember[];
  readonly partners: readonly Partner[];
  /** Patients on the watch list `vip`, by `patient.uid`. */
  readonly vips: ReadonlySet<string>;
  /** Devices of a class, of one ward where one is named. */
  devicesOf(type: DeviceClass, ward?: string): readonly SimulatedDevice[];
  peopleOf(role: Role, ward?: string): readonly StaffMember[];
  /** Who is on duty in the house (not on call) at a time. */
  onDuty(timeMs: number, wanted?: { readonly role?: Role; readonly ward?: string }): readonly Duty[];
  /** The duty of a person that covers a time; undefined when the person is off. */
  dutyOf(person: StaffMember, timeMs: number): Duty | undefined;
  /** Who lies in a bed at a time. */
  inpatients(timeMs: number, ward?: string): readonly Stay[];
  /** The stay of a patient at a time. */
  stayOf(patientUid: string, timeMs: number): Stay | undefined;
  /** Stays that ended between 5 and 60 days before a time, up to `countMax` of them. */
  formerStays(timeMs: number, countMax: number): readonly Stay[];
  /** Somebody of the town by index; see `residentCount`. */
  resident(index: number): Resident;
  readonly residentCount: number;
  /** Those who share a household with somebody, without that person. */
  householdOf(resident: Resident): readonly Resident[];
  /** Up to `countMax` residents of the same street who do not share the household. */
  neighboursOf(resident: Resident, countMax: number): readonly Resident[];
  /** True when a care relationship is on record: the ward's team and its inpatients. */
  caresFor(person: StaffMember, patientUid: string, timeMs: number): boolean;
  /** Ward in which a patient is, or was last; undefined when never. */
  wardOfPatient(patientUid: string, timeMs: number): string | undefined;
  /** A host name on the Internet that devices of the house use in ordinary life, with its address: updates, vendors, web. */
  ordinaryOutsideHost(pick: number): { readonly hostname: string; readonly ip: string };
  /** An address on the Internet that is nobody's in ordinary life, drawn from the same networks as those that are. */
  strangeAddress(pick: number): string;
  /** A host name of the same form as those of ordinary life that nobody uses in it, with its address. */
  strangeOutsideHost(pick: number): { readonly hostname: string; readonly ip: string };
  /** Address from which a resident uses the Internet at home; a few households may share one. */
  homeAddressOf(resident: Resident): string;
  /** Country of an address on the Internet (ISO 3166-1), for `outside`. */
  countryOf(address: string): string;
  /** The resident with a `patient.uid`; undefined where it is nobody's. */
  residentOf(patientUid: string): Resident | undefined;
  /** Stays of wards that touch a time span. */
  staysWithin(startMs: number, endMs: number): readonly Stay[];
  /** Stays of wards that begin in a time span. */
  staysBeginning(startMs: number, endMs: number): readonly Stay[];
  /** Stays of wards that end in a time span. */
  staysEnding(startMs: number, endMs: number): readonly Stay[];
  /** Duties, on call as well, that begin in a time span. */
  dutiesBeginning(startMs: number, endMs: number): readonly Duty[];
  /** Duties, on call as well, that end in a time span. */
  dutiesEnding(startMs: number, endMs: number): readonly Duty[];
  /** An address that a cellular carrier shares among phones outside the house. */
  carrierAddress(pick: number): string;
  /** A device by `device.uid`. */
  deviceOf(uid: string): SimulatedDevice | undefined;
  /** A member of staff by `user.uid`. */
  personOf(uid: string): StaffMember | undefined;
}
