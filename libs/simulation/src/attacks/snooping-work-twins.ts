import { HOUR_MS } from '../durations';
import { directoryDraft, outside, patientView, recordDraft } from '../event-drafts';
import type { Resident, Role, StaffMember } from '../hospital/model';
import { userAgentOf } from '../user-agents';
import { sessionUid } from '../life/session-life';
import { visitDrafts } from '../life/visit-life';
import { amountOf, stepTimes, type Course, type Script, type Stage } from './activity';
import { MINUTE_MS, isOff, lookers, patientEntity, personEntity, plantedVisit, type LookAccess } from './record-looks';
import { deceasedTarget, stranger } from './snooping-strangers';
import { accesses, courseOf, partsOf, twinScript, type Twin } from './snooping-twins';

const IN_CARE = { purpose: 'treatment', isInCare: true } as const;
const SHORT_MS = HOUR_MS / 2;

/** Somebody reads the own record in the patient portal, at home. */
function inPortal(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const people = hospital.people.filter((person) => isOff(hospital, person, startMs));
  const gateway = hospital.devicesOf('gateway')[0];
  if (people.length === 0 || gateway === undefined) return undefined;
  const person = random.pick(people);
  const from = outside(person.homeAddress, hospital.countryOf(person.homeAddress));
  const times = stepTimes(random, startMs, 12 * MINUTE_MS, amountOf(stage, 5, 2));
  const session = sessionUid(random);
  const drafts = times.map((timeMs) =>
    recordDraft(timeMs, 'read', {
      person,
      device: gateway.view,
      from,
      session,
      userAgent: userAgentOf('gateway', person.user.uid),
      patient: patientView(person.resident),
      hasCareRelationship: false,
      purpose: 'own-record',
      recordType: random.pick(['laboratory', 'letters', 'imaging-report']),
      service: 'patient-portal',
    }),
  );
  return { entities: [personEntity(person), patientEntity(person.resident)], drafts, detectableAtMs: null };
}

/** A colleague has an appointment with the physician of the house. */
function employeeHealth(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const [physician] = lookers(stage, 'ward-seat', startMs, ({ user }) => user.role === 'physician');
  const others = hospital.people.filter((other) => other !== physician);
  if (physician === undefined || others.length === 0) return undefined;
  const { resident } = random.pick(others);
  const view = patientView(resident);
  const user = physician.user;
  const care = (timeMs: number, type: string) =>
    directoryDraft(timeMs, `care.relationship-${type}`, user.uid, { user, patient: view });
  const ground = { purpose: 'employee-health', isInCare: true };
  const look = {
    person: physician,
    place: 'ward-seat',
    startMs: startMs + 2 * MINUTE_MS,
    accesses: accesses(view, partsOf(stage, ['chart', 'laboratory', 'letters'], 5), ground),
  } as const;
  return courseOf(stage, [look], [resident], [care(startMs, 'started'), care(startMs + 40 * MINUTE_MS, 'ended')]);
}

/** Somebody with a task goes through the record of a patient who died. */
function deathWork(stage: Stage, role: Role, purpose: string): Course | undefined {
  const target = deceasedTarget(stage);
  const fromMs = target?.fromMs ?? stage.startMs;
  const atWork = stage.hospital
    .onDuty(fromMs, { role })
    .filter((duty) => duty.person.resident.index !== target?.patient.index);
  if (target === undefined || atWork.length === 0) return undefined;
  const { person } = stage.random.pick(atWork);
  const parts = partsOf(stage, ['chart', 'letters', 'medication', 'observation'], 8);
  const look = {
    person,
    place: seatFor(stage, person),
    startMs: fromMs,
    accesses: accesses(target.view, parts, { purpose, isInCare: false }),
  } as const;
  return courseOf(stage, [look], [target.patient], target.drafts);
}

/** Whose ward has no seats works from home. */
function seatFor({ hospital, startMs }: Stage, person: StaffMember): 'ward-seat' | 'home' {
  const ward = hospital.dutyOf(person, startMs)?.ward ?? person.user.ward;
  return hospital.devicesOf('workstation', ward).length > 0 ? 'ward-seat' : 'home';
}

/** Whoever cared for a patient who died in the emergency department completes the record. */
function deathPapers(stage: Stage): Course | undefined {
  const patient = stranger(stage);
  const visit = patient && plantedVisit(stage, patient, 'deceased');
  const [person] = visit?.carers ?? [];
  if (visit === undefined || person === undefined) return undefined;
  const view = patientView(visit.patient, visit.unit);
  const look = {
    person,
    place: seatFor(stage, person),
    startMs: visit.endMs + 15 * MINUTE_MS,
    accesses: accesses(view, partsOf(stage, ['letters', 'chart'], 5), IN_CARE),
  } as const;
  return courseOf(stage, [look], [visit.patient], visitDrafts(visit));
}

/** Somebody who was never here is seen before an operation; admission enters the appointment first. */
function preAdmission(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const patient = stranger(stage);
  const physicians = hospital.onDuty(startMs, { role: 'physician', ward: 'outpatients' });
  const clerks = hospital.onDuty(startMs, { role: 'admission-clerk' });
  if (patient === undefined || physicians.length === 0 || clerks.length === 0) return undefined;
  const physician = random.pick(physicians).person;
  const clerk = random.pick(clerks).person;
  const view = patientView(patient);
  const clerkLook = {
    person: clerk,
    place: seatFor(stage, clerk),
    startMs,
    accesses: accesses(view, partsOf(stage, ['demographics', 'letters'], 4), { purpose: 'admission', isInCare: false }),
  } as const;
  const user = physician.user;
  const care = directoryDraft(startMs + 20 * MINUTE_MS, 'care.relationship-started', user.uid, { user, patient: view });
  const physicianLook = {
    person: physician,
    place: seatFor(stage, physician),
    startMs: startMs + 25 * MINUTE_MS,
    accesses: accesses(view, partsOf(stage, ['chart', 'letters', 'laboratory'], 5), {
      purpose: 'admission',
      isInCare: true,
    }),
  } as const;
  return courseOf(stage, [clerkLook, physicianLook], [patient], [care]);
}

/** One or two accesses to each of some records. */
function round(
  stage: Stage,
  patients: readonly (readonly [Resident, string])[],
  ground: Pick<LookAccess, 'purpose' | 'isInCare'>,
): LookAccess[] {
  return patients.flatMap(([patient, ward]) => {
    const view = patientView(patient, ward);
    const parts = stage.random.sample(
      ['chart', 'laboratory', 'medication', 'letters'] as const,
      stage.random.integer(1, 2),
    );
    return accesses(view, parts, ground);
  });
}

const inWards = ({ hospital, random, startMs }: Stage, count: number, ward?: string): (readonly [Resident, string])[] =>
  random.sample(hospital.inpatients(startMs, ward), count).map((stay) => [stay.patient, stay.ward] as const);

/** A float nurse on another ward than yesterday, before anybody is entered: at the seat of that ward. */
function floatNurse(stage: Stage): Course | undefined {
  const [duty] = stage.random.sample(stage.hospital.onDuty(stage.startMs, { role: 'float-nurse' }), 1);
  if (duty === undefined) return undefined;
  const patients = inWards(stage, amountOf(stage, 8, 3), duty.ward);
  const look = {
    person: duty.person,
    place: 'ward-seat',
    startMs: stage.startMs,
    accesses: round(stage, patients, { purpose: 'treatment', isInCare: false }),
    spreadSeconds: 90 * 60,
  } as const;
  return courseOf(stage, [look], []);
}

/** A physician is asked about patients of several wards; each consult is on record. */
function consultRound(stage: Stage): Course | undefined {
  const [person] = lookers(stage, 'ward-seat', stage.startMs, ({ user }) => user.role === 'physician');
  if (person === undefined) return undefined;
  const patients = inWards(stage, amountOf(stage, 8, 4)).filter(([, ward]) => ward !== person.user.ward);
  if (patients.length === 0) return undefined;
  const look = {
    person,
    place: 'ward-seat',
    startMs: stage.startMs,
    accesses: round(stage, patients, { purpose: 'consult', isInCare: true }),
    spreadSeconds: 2 * 3600,
  } as const;
  return courseOf(stage, [look], []);
}

/** A physician on call reads about patients of the own ward from home before driving in. */
function calledIn(stage: Stage): Course | undefined {
  const { hospital, startMs } = stage;
  const onCall = hospital
    .peopleOf('physician')
    .filter(
      (person) =>
        hospital.dutyOf(person, startMs)?.isOnCall === true &&
        hospital.inpatients(startMs, person.user.ward).length > 0,
    );
  if (onCall.length === 0) return undefined;
  const person = stage.random.pick(onCall);
  const own = inWards(stage, amountOf(stage, 4, 2), person.user.ward);
  const others = inWards(stage, 2).filter(([, ward]) => ward !== person.user.ward);
  const list = [...round(stage, own, IN_CARE), ...round(stage, others, { purpose: 'consult', isInCare: true })];
  return courseOf(stage, [{ person, place: 'home', startMs, accesses: list }], []);
}

/** Somebody stays on after the shift and finishes what is to be written about the patients of the own ward. */
function overtime(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const lateMs = random.integer(20, 100) * MINUTE_MS;
  const ended = hospital.onDuty(startMs - lateMs).filter(({ person, ward }) => {
    const isCarer = person.user.role === 'nurse' || person.user.role === 'physician';
    return (
      isCarer &&
      ward === person.user.ward &&
      hospital.dutyOf(person, startMs) === undefined &&
      hospital.inpatients(startMs, ward).length > 0
    );
  });
  if (ended.length === 0) return undefined;
  const { person, ward } = random.pick(ended);
  const list = round(stage, inWards(stage, amountOf(stage, 5, 3), ward), IN_CARE);
  return courseOf(stage, [{ person, place: 'ward-seat', startMs, accesses: list, spreadSeconds: 20 * 60 }], []);
}

/** A round of infection control over all wards. */
function infectionControl(stage: Stage): Course | undefined {
  const duties = stage.hospital.onDuty(stage.startMs, { role: 'infection-control-nurse' });
  if (duties.length === 0) return undefined;
  const { person } = stage.random.pick(duties);
  const list = round(stage, inWards(stage, amountOf(stage, 26, 12)), { purpose: 'infection-control', isInCare: true });
  return courseOf(
    stage,
    [{ person, place: seatFor(stage, person), startMs: stage.startMs, accesses: list, spreadSeconds: 50 * 60 }],
    [],
  );
}

/** A coder works off a whole ward; what was coded goes to billing. */
function codingOfWard(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const duties = hospital.onDuty(startMs, { role: 'clinical-coder' });
  const stays = hospital.formerStays(startMs, 600);
  if (duties.length === 0 || stays.length === 0) return undefined;
  const { person } = random.pick(duties);
  const { ward } = random.pick(stays);
  const patients = random.sample(
    stays.filter((stay) => stay.ward === ward),
    amountOf(stage, 34, 16),
  );
  const ground = { purpose: 'coding', isInCare: false };
  const list = patients.flatMap(({ patient }): LookAccess[] => [
    ...accesses(patientView(patient, ward), ['letters', 'chart'], ground),
    { patient: patientView(patient, ward), part: 'chart', ...ground, exportedTo: 'billing' },
  ]);
  return courseOf(
    stage,
    [{ person, place: seatFor(stage, person), startMs, accesses: list, spreadSeconds: 2 * 3600 }],
    [],
  );
}

const OFFICE_HOURS = [8, 9, 10, 11, 12, 13];
/** A death is found in the records some hours after it. */
const BEFORE_OFFICE_HOURS = [2, 3, 4, 5, 6, 7];

/** Harmless activities that look like snooping and are somebody's work. */
export const SNOOPING_WORK_TWINS: readonly Script[] = [
  {
    attack: 'snooping-self',
    name: 'own-record-in-the-portal',
    source: 'Own findings in the patient portal',
    durationMs: SHORT_MS,
    play: inPortal,
  },
  {
    attack: 'snooping-self',
    name: 'employee-health-appointment',
    source: 'An appointment of a member of staff with the physician of the house',
    durationMs: HOUR_MS,
    play: employeeHealth,
  },
  {
    attack: 'snooping-deceased',
    name: 'coding-after-death',
    source: 'A stay that ended with death, coded as others are',
    durationMs: 9 * HOUR_MS,
    beginHours: BEFORE_OFFICE_HOURS,
    play: (stage: Stage) => deathWork(stage, 'clinical-coder', 'coding'),
  },
  {
    attack: 'snooping-deceased',
    name: 'mortality-review',
    source: 'The review of a death by the quality office',
    durationMs: 9 * HOUR_MS,
    beginHours: BEFORE_OFFICE_HOURS,
    play: (stage: Stage) => deathWork(stage, 'quality-officer', 'quality-review'),
  },
  {
    attack: 'snooping-deceased',
    name: 'papers-after-death',
    source: 'Certificate and letter by whoever treated',
    durationMs: 7 * HOUR_MS,
    play: deathPapers,
  },
  {
    attack: 'snooping-never-treated',
    name: 'pre-admission-clinic',
    source: 'The clinic in which people are seen before their first stay',
    durationMs: HOUR_MS,
    beginHours: OFFICE_HOURS,
    play: preAdmission,
  },
  {
    attack: 'snooping-other-department',
    name: 'float-nurse-not-entered',
    source: 'A float nurse on another ward, not yet entered there',
    durationMs: 3 * HOUR_MS,
    play: floatNurse,
  },
  {
    attack: 'snooping-other-department',
    name: 'consult-round',
    source: 'Consults on several wards in one afternoon',
    durationMs: 4 * HOUR_MS,
    play: consultRound,
  },
  {
    attack: 'snooping-after-hours',
    name: 'on-call-physician-called-in',
    source: 'A physician on call who is asked at night',
    durationMs: SHORT_MS,
    beginHours: [17, 18, 19, 20, 21, 22, 23, 0, 1, 2, 3, 4, 5],
    play: calledIn,
  },
  {
    attack: 'snooping-after-hours',
    name: 'overtime',
    source: 'Documentation after the end of a shift',
    durationMs: HOUR_MS,
    beginHours: [15, 16, 23, 0, 7, 8],
    play: overtime,
  },
  {
    attack: 'snooping-mass-lookup',
    name: 'infection-control-round',
    source: 'Round of infection control',
    durationMs: 2 * HOUR_MS,
    beginHours: OFFICE_HOURS,
    play: infectionControl,
  },
  {
    attack: 'snooping-mass-lookup',
    name: 'coding-of-a-ward',
    source: 'Coding of a whole ward before the end of the month',
    durationMs: 4 * HOUR_MS,
    beginHours: OFFICE_HOURS,
    play: codingOfWard,
  },
].map((twin) => twinScript(twin as Twin));
