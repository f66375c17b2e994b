import { DAY_MS, HOUR_MS } from '../durations';
import { patientView, type PatientView } from '../event-drafts';
import type { Hospital, Role, StaffMember, Stay } from '../hospital/model';
import type { AttackName } from '../label';
import type { RecordPart } from '../life/record-work';
import { amountOf, pacedMs, type Course, type Script, type Stage } from './activity';
import { isOff, lookDrafts, lookers, personEntity, type LookAccess, type Place } from './record-looks';
import { tellingMs } from './snooping-looks';

/** How somebody goes through many records. */
interface Sweep {
  readonly attack: AttackName;
  readonly name: string;
  readonly source: string;
  readonly place: Place;
  /** Patients at volume 1, and at least. */
  readonly patients: readonly [usual: number, least: number];
  /** Accesses of each patient. */
  readonly each: number;
  readonly parts: readonly RecordPart[];
  /** How long it takes at pace 1. */
  readonly durationMs: number;
  /** Whose records: of one other ward, of any other ward, or of those and of people who have gone. */
  readonly from: 'one-ward' | 'any-ward' | 'everywhere';
  /** Accesses that are not harmless any more. */
  readonly tellingCount: number;
  /** Share of records that are copied, and where to. */
  readonly exported?: { readonly share: number; readonly to: string };
  readonly roles?: readonly Role[];
  readonly beginHours?: readonly number[];
}

const OTHER_DEPARTMENT = {
  attack: 'snooping-other-department',
  patients: [10, 5],
  from: 'one-ward',
  tellingCount: 5,
} as const;
const AFTER_HOURS = { attack: 'snooping-after-hours', patients: [6, 4], from: 'any-ward', tellingCount: 3 } as const;
const MASS = { attack: 'snooping-mass-lookup', patients: [36, 15], from: 'everywhere', tellingCount: 12 } as const;

const SWEEPS: readonly Sweep[] = [
  {
    ...OTHER_DEPARTMENT,
    name: 'ward-list',
    source: 'Nurse who read through the list of another ward in quiet hours',
    place: 'ward-seat',
    each: 1,
    parts: ['chart', 'letters'],
    durationMs: 2 * HOUR_MS,
  },
  {
    ...OTHER_DEPARTMENT,
    name: 'own-phone',
    source: 'Records of another ward opened on the own phone during breaks',
    place: 'own-phone',
    each: 2,
    parts: ['laboratory', 'chart'],
    durationMs: 3 * HOUR_MS,
  },
  {
    ...OTHER_DEPARTMENT,
    name: 'over-a-shift',
    source: 'Clerk who looked into the records of a ward one by one, between other work',
    place: 'ward-seat',
    each: 1,
    parts: ['letters', 'demographics'],
    durationMs: 7 * HOUR_MS,
    from: 'any-ward',
  },
  {
    ...AFTER_HOURS,
    name: 'stayed-on',
    source: 'Staff who came back after the end of the shift to look through records',
    place: 'home',
    each: 2,
    parts: ['chart', 'letters'],
    durationMs: 40 * 60_000,
  },
  {
    ...AFTER_HOURS,
    name: 'sick-leave',
    source: 'Employee on leave who went on reading records from home',
    place: 'home',
    each: 1,
    parts: ['letters', 'chart', 'laboratory'],
    durationMs: 2 * HOUR_MS,
  },
  {
    ...AFTER_HOURS,
    name: 'phone-at-night',
    source: 'Records read on the own phone at home, at night',
    place: 'phone-at-home',
    each: 2,
    parts: ['laboratory', 'chart'],
    durationMs: HOUR_MS,
    beginHours: [20, 21, 22, 23, 0, 1, 2, 3],
  },
  {
    ...MASS,
    name: 'ward-seat',
    source: 'Employee who gathered names and insurance numbers and sold them',
    place: 'ward-seat',
    each: 1,
    parts: ['demographics'],
    durationMs: 45 * 60_000,
  },
  {
    ...MASS,
    name: 'printed-sheets',
    source: 'Clerk who printed the first page of one record after the other, for fraud with identities',
    place: 'ward-seat',
    each: 1,
    parts: ['demographics', 'letters'],
    durationMs: 2 * HOUR_MS,
    exported: { share: 0.75, to: 'printer' },
    roles: ['admission-clerk', 'social-worker', 'nurse'],
  },
  {
    ...MASS,
    name: 'remote-copies',
    source: 'Departing employee who copied records to a private computer at home',
    place: 'home',
    each: 1,
    parts: ['letters', 'chart', 'demographics'],
    durationMs: 90 * 60_000,
    exported: { share: 0.6, to: 'file' },
    beginHours: [21, 22, 23, 0, 1, 2, 3],
  },
  {
    ...MASS,
    name: 'removable-medium',
    source: 'Records taken out of the house on a removable medium, to a new practice',
    place: 'ward-seat',
    each: 1,
    parts: ['letters', 'demographics'],
    durationMs: HOUR_MS,
    exported: { share: 0.8, to: 'removable-medium' },
    roles: ['physician', 'nurse'],
  },
  {
    ...MASS,
    name: 'ward-tablet',
    source: 'Tablet of a ward on which somebody went through the records of the house',
    place: 'ward-tablet',
    each: 1,
    parts: ['chart', 'letters'],
    durationMs: 12 * 60_000,
    roles: ['nurse', 'physician'],
  },
  {
    ...MASS,
    name: 'over-a-shift',
    source: 'Account that opened a few records an hour all day long, none of its own patients',
    place: 'ward-seat',
    each: 1,
    parts: ['chart', 'letters', 'laboratory'],
    durationMs: 5 * HOUR_MS,
  },
];

/** Steps are uneven: this is the longest that all of them take. */
const LENGTH_FACTOR_MAX = 1.6;

/** Many records, one after the other: of other wards, off duty, of whomever there is. */
export const SNOOPING_MANY: readonly Script[] = SWEEPS.map((sweep) => ({
  attack: sweep.attack,
  kind: 'attack',
  name: `${sweep.attack}-${sweep.name}`,
  source: sweep.source,
  durationMsMax: sweep.durationMs * LENGTH_FACTOR_MAX + HOUR_MS / 2,
  ...(sweep.beginHours === undefined ? {} : { beginHours: sweep.beginHours }),
  play: (stage) => playSweep(stage, sweep),
}));

function playSweep(stage: Stage, sweep: Sweep): Course | undefined {
  const { startMs } = stage;
  const lengthMs = pacedMs(stage, sweep.durationMs * LENGTH_FACTOR_MAX);
  const isFree = (person: StaffMember): boolean =>
    sweep.attack !== 'snooping-after-hours' || isOff(stage.hospital, person, startMs, lengthMs);
  const isWanted = (person: StaffMember): boolean =>
    sweep.roles?.includes(person.user.role) !== false && isFree(person);
  const [person] = lookers(stage, sweep.place, startMs, isWanted);
  if (person === undefined) return undefined;
  const patients = strangersTo(stage, person, sweep);
  if (patients.length < sweep.patients[1]) return undefined;
  const accesses = patients.flatMap((patient) => accessesOf(stage, sweep, patient));
  const spreadSeconds = pacedMs(stage, sweep.durationMs) / 1000;
  const drafts = lookDrafts(stage, { person, place: sweep.place, startMs, accesses, spreadSeconds });
  if (drafts === undefined) return undefined;
  const isMany = sweep.attack !== 'snooping-after-hours';
  const tellingCount = isMany ? sweep.tellingCount * sweep.each : sweep.tellingCount;
  return { entities: [personEntity(person)], drafts, detectableAtMs: tellingMs(drafts, tellingCount) };
}

function accessesOf({ random }: Stage, { each, parts, exported }: Sweep, patient: PatientView): LookAccess[] {
  const ground = { patient, purpose: 'treatment', isInCare: false };
  const reads = random.sample(parts, each).map((part): LookAccess => ({ ...ground, part }));
  const isCopied = exported !== undefined && random.chance(exported.share);
  return isCopied ? [...reads, { ...ground, part: random.pick(parts), exportedTo: exported.to }] : reads;
}

const GONE_MS = 3 * DAY_MS;

/** Stays that ended in the last days, of people who have not come back. */
function lately(hospital: Hospital, timeMs: number): Stay[] {
  return hospital
    .staysWithin(timeMs - GONE_MS, timeMs)
    .filter(
      ({ patient, endMs, outcome }) =>
        endMs <= timeMs && outcome !== 'transferred' && hospital.stayOf(patient.patientUid, timeMs) === undefined,
    );
}

/** Patients whom somebody has nothing to do with. */
function strangersTo(stage: Stage, person: StaffMember, { from, patients, durationMs }: Sweep): PatientView[] {
  const { hospital, random, startMs } = stage;
  const own = [person.user.ward, hospital.dutyOf(person, startMs)?.ward];
  // Whoever goes home meanwhile is no patient of another ward any more.
  const untilMs = startMs + pacedMs(stage, durationMs * LENGTH_FACTOR_MAX);
  const others = hospital.inpatients(startMs).filter(({ ward, endMs }) => !own.includes(ward) && endMs > untilMs);
  const former = from === 'everywhere' ? lately(hospital, startMs).filter(({ ward }) => !own.includes(ward)) : [];
  const ward = others.length === 0 ? undefined : random.pick(others).ward;
  const choices = from === 'one-ward' ? others.filter((stay) => stay.ward === ward) : [...others, ...former];
  const strange = choices.filter(({ patient }) => patient !== person.resident);
  return random.sample(strange, amountOf(stage, ...patients)).map((stay) => patientView(stay.patient, stay.ward));
}
