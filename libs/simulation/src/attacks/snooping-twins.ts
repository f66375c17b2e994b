import type { EventDraft } from '../draft';
import { HOUR_MS } from '../durations';
import { directoryDraft, patientView, type PatientView } from '../event-drafts';
import type { Resident, Role, StaffMember, Stay } from '../hospital/model';
import type { AttackName } from '../label';
import type { RecordPart } from '../life/record-work';
import { visitDrafts, type Visit } from '../life/visit-life';
import { amountOf, inTime, type Course, type Script, type Stage } from './activity';
import {
  MINUTE_MS,
  VISIT_MS,
  lookDrafts,
  lookers,
  patientEntity,
  personEntity,
  plantedVisit,
  type Look,
  type LookAccess,
} from './record-looks';

/** A harmless activity that has the shape of one of the attacks. */
export interface Twin {
  readonly attack: AttackName;
  readonly name: string;
  readonly source: string;
  readonly durationMs: number;
  readonly beginHours?: readonly number[];
  readonly play: (stage: Stage) => Course | undefined;
}

/** The script of a twin. */
export function twinScript({ durationMs, ...twin }: Twin): Script {
  return { ...twin, kind: 'benign-twin', durationMsMax: durationMs };
}

/** Accesses to one record in a row. */
export function accesses(
  patient: PatientView,
  parts: readonly RecordPart[],
  ground: Pick<LookAccess, 'purpose' | 'isInCare'>,
): LookAccess[] {
  return parts.map((part) => ({ patient, part, ...ground }));
}

/** Parts of a record, one after the other, as many as asked for. */
export function partsOf(stage: Stage, parts: readonly RecordPart[], usual: number): RecordPart[] {
  return Array.from({ length: amountOf(stage, usual) }, (_, index) => parts[index % parts.length] as RecordPart);
}

/** A course of looks, with what the directory said; undefined where a seat is missing. */
export function courseOf(
  stage: Stage,
  looks: readonly Look[],
  patients: readonly Resident[],
  directory: readonly EventDraft[] = [],
): Course | undefined {
  const made = looks.map((look) => lookDrafts(stage, look));
  if (made.some((drafts) => drafts === undefined)) return undefined;
  const people = [...new Set(looks.map(({ person }) => person))];
  return {
    entities: [...people.map(personEntity), ...patients.map(patientEntity)],
    drafts: inTime([...directory, ...made.flatMap((drafts) => drafts ?? [])]),
    detectableAtMs: null,
  };
}

const IN_CARE = { purpose: 'treatment', isInCare: true } as const;
const MISTAKE = { purpose: 'treatment', isInCare: false } as const;
const CLINICAL: readonly RecordPart[] = ['chart', 'medication', 'laboratory', 'letters', 'observation'];

/** Somebody on duty at a seat, of a role where one is named. */
export function atSeat(stage: Stage, role?: Role): StaffMember | undefined {
  return lookers(stage, 'ward-seat', stage.startMs, ({ user }) => role === undefined || user.role === role)[0];
}

/** Somebody on duty who cares for a patient of the own ward to whom something ties them. */
function carerOf(
  stage: Stage,
  isTied: (person: StaffMember, patient: Resident) => boolean,
): { person: StaffMember; stay: Stay } | undefined {
  const { hospital, random, startMs } = stage;
  const people = lookers(stage, 'ward-seat', startMs, ({ user }) => user.role === 'nurse' || user.role === 'physician');
  for (const person of people) {
    const stays = hospital.inpatients(startMs, person.user.ward).filter(({ patient }) => isTied(person, patient));
    if (stays.length > 0) return { person, stay: random.pick(stays) };
  }
  return undefined;
}

/** Care for somebody of the own ward, as for all others there. */
function ownPatient(stage: Stage, isTied: (person: StaffMember, patient: Resident) => boolean): Course | undefined {
  const found = carerOf(stage, isTied);
  if (found === undefined) return undefined;
  const { person, stay } = found;
  const view = patientView(stay.patient, stay.ward);
  const look = {
    person,
    place: 'ward-seat',
    startMs: stage.startMs,
    accesses: accesses(view, partsOf(stage, CLINICAL, 6), IN_CARE),
  } as const;
  return courseOf(stage, [look], [stay.patient]);
}

/** A visit to the emergency department in which somebody on duty there treats somebody known. */
function treatedThere(stage: Stage, residents: (person: StaffMember) => readonly Resident[]): Course | undefined {
  const { random, startMs } = stage;
  const people = lookers(stage, 'ward-seat', startMs, ({ user }) => user.ward === 'emergency');
  for (const person of people) {
    for (const patient of random.sample(residents(person), 6)) {
      const visit = plantedVisit(stage, patient, 'home');
      if (visit === undefined) continue;
      const own: Visit = { ...visit, carers: [person] };
      const view = patientView(patient, visit.unit);
      const look = {
        person,
        place: 'ward-seat',
        startMs: startMs + 6 * MINUTE_MS,
        accesses: accesses(view, partsOf(stage, CLINICAL, 6), IN_CARE),
      } as const;
      return courseOf(stage, [look], [patient], visitDrafts(own));
    }
  }
  return undefined;
}

/** The wrong record is opened from a search and closed again; then the right one, of the own ward. */
function wrongRecord(stage: Stage, wrong: (person: StaffMember) => Resident | undefined): Course | undefined {
  const found = carerOf(stage, () => true);
  const mistaken = found && wrong(found.person);
  if (found === undefined || mistaken === undefined) return undefined;
  const { person, stay } = found;
  const ward = stage.hospital.stayOf(mistaken.patientUid, stage.startMs)?.ward;
  const look = {
    person,
    place: 'ward-seat',
    startMs: stage.startMs,
    accesses: [
      ...accesses(patientView(mistaken, ward), ['chart'], MISTAKE),
      ...accesses(patientView(stay.patient, stay.ward), partsOf(stage, CLINICAL, 4), IN_CARE),
    ],
  } as const;
  return courseOf(stage, [look], [mistaken]);
}

/** Somebody of the same surname in another street. */
function namesake({ hospital, random }: Stage, { resident }: StaffMember): Resident | undefined {
  for (let attempt = 0; attempt < 600; attempt++) {
    const other = hospital.resident(random.integer(0, hospital.residentCount - 1));
    if (other.surname === resident.surname && other.street !== resident.street) return other;
  }
  return undefined;
}

function consultOnVip(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const vips = hospital.inpatients(startMs).filter(({ patient }) => hospital.vips.has(patient.patientUid));
  if (vips.length === 0) return undefined;
  const { patient, ward } = random.pick(vips);
  const [person] = lookers(stage, 'ward-seat', startMs, ({ user }) => user.role === 'physician' && user.ward !== ward);
  if (person === undefined) return undefined;
  const view = patientView(patient, ward);
  const asked = directoryDraft(startMs, 'care.relationship-started', person.user.uid, {
    user: person.user,
    patient: view,
  });
  const ground = { purpose: 'consult', isInCare: true };
  const look = {
    person,
    place: 'ward-seat',
    startMs: startMs + 4 * MINUTE_MS,
    accesses: accesses(view, partsOf(stage, CLINICAL, 6), ground),
  } as const;
  return courseOf(stage, [look], [patient], [asked]);
}

const SHORT_MS = HOUR_MS / 2;
const VISITED_MS = VISIT_MS + HOUR_MS;

/** Harmless activities that look like snooping among people who know one another. */
export const SNOOPING_KNOWN_TWINS: readonly Script[] = [
  {
    attack: 'snooping-family',
    name: 'relative-as-emergency',
    source: 'A relative who comes into the emergency department on one’s own shift',
    durationMs: VISITED_MS,
    play: (stage: Stage) => treatedThere(stage, ({ resident }) => stage.hospital.householdOf(resident)),
  },
  {
    attack: 'snooping-family',
    name: 'namesake-by-mistake',
    source: 'A namesake of another street, opened from a search',
    durationMs: SHORT_MS,
    play: (stage: Stage) => wrongRecord(stage, (person) => namesake(stage, person)),
  },
  {
    attack: 'snooping-family',
    name: 'namesake-on-the-ward',
    source: 'A patient of the own ward who bears the same name',
    durationMs: SHORT_MS,
    play: (stage: Stage) =>
      ownPatient(
        stage,
        ({ resident }, { surname, street }) => resident.surname === surname && resident.street !== street,
      ),
  },
  {
    attack: 'snooping-neighbour',
    name: 'neighbour-on-the-ward',
    source: 'A neighbour who lies on the own ward',
    durationMs: SHORT_MS,
    play: (stage: Stage) => ownPatient(stage, ({ resident }, patient) => resident.street === patient.street),
  },
  {
    attack: 'snooping-neighbour',
    name: 'neighbour-by-mistake',
    source: 'A neighbour whose record was opened from a search and closed again',
    durationMs: SHORT_MS,
    play: (stage: Stage) =>
      wrongRecord(stage, ({ resident }) => stage.hospital.neighboursOf(resident, 40).at(stage.random.integer(0, 39))),
  },
  {
    attack: 'snooping-co-worker',
    name: 'colleague-as-patient',
    source: 'A colleague who is treated in the emergency department',
    durationMs: VISITED_MS,
    play: (stage: Stage) =>
      treatedThere(stage, (person) =>
        stage.random
          .sample(stage.hospital.people, 12)
          .filter((other) => other !== person)
          .map(({ resident }) => resident),
      ),
  },
  {
    attack: 'snooping-co-worker',
    name: 'colleague-by-mistake',
    source: 'A colleague’s record, opened from a search and closed again',
    durationMs: SHORT_MS,
    play: (stage: Stage) =>
      wrongRecord(
        stage,
        (person) => stage.random.pick(stage.hospital.people.filter((other) => other !== person)).resident,
      ),
  },
  {
    attack: 'snooping-vip',
    name: 'vip-care-team',
    source: 'The team of the ward on which a known patient lies',
    durationMs: SHORT_MS,
    play: (stage: Stage) => ownPatient(stage, (_, { patientUid }) => stage.hospital.vips.has(patientUid)),
  },
  {
    attack: 'snooping-vip',
    name: 'vip-consult',
    source: 'A physician who is asked for a consult on a known patient',
    durationMs: SHORT_MS,
    play: consultOnVip,
  },
].map((twin) => twinScript(twin as Twin));
