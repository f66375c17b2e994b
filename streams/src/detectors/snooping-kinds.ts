import type { Severity } from '@protego/contracts';
import {
  hasLeft,
  isExplainedByWork,
  isInCare,
  isOffDuty,
  isTaskAboutPatient,
  wardOfPatient,
  type RecordAccess,
} from './care-grounds';
import type { Known } from './detector';
import type { HomeFact } from './people-facts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** What makes an access without a care relationship worth telling, and how much of it is needed. */
export interface SnoopingKind {
  readonly id: string;
  readonly title: string;
  readonly level: Severity;
  /**
   * `one-patient`: accesses by one person to the record of one patient are counted; `many-accesses` and `many-patients`: accesses
   * by one person, and the patients among them.
   */
  readonly counts: 'one-patient' | 'many-accesses' | 'many-patients';
  /** Fewest that are told of; a printed or exported record counts as two accesses. */
  readonly countMin: number;
  readonly windowMs: number;
  /** What explains an access beside care: any work, a task about somebody who is or was a patient here, or nothing. */
  readonly explainedBy: 'work' | 'task' | 'nothing';
  /** Whether an access is of this kind. */
  readonly applies: (known: Known, access: RecordAccess) => boolean;
  /** `{person}`, `{patient}`, `{count}`, `{parts}`, `{place}`, `{patientWard}`, `{ownWard}` and `{span}` are filled in. */
  readonly why: string;
  readonly nextStep: string;
  readonly harmlessExplanation: string;
}

const OFFICER = 'Tell the data protection officer; do not question {person} yourself, and leave the record as it is.';

/** All kinds, the plainest first. */
export const SNOOPING_KINDS: readonly SnoopingKind[] = [
  {
    id: 'snooping-self',
    title: 'A member of staff opened the own record at work',
    level: 'low',
    counts: 'one-patient',
    countMin: 1,
    windowMs: DAY_MS,
    explainedBy: 'nothing',
    applies: ({ people }, { person, record }) => people.person(person.person)?.patient === record.patient,
    why: '{person} opened the own patient record with the work account, {place}: {parts}. Nobody sees then what is read, changed or printed on purpose, and they may learn of a serious finding alone.',
    nextStep:
      'Remind {person} that the own record can be seen through the patient portal or from the treating physician. If something in it was changed, tell the data protection officer.',
    harmlessExplanation:
      'The house may allow it, or {person} was shown the record by the occupational physician at this seat.',
  },
  {
    id: 'snooping-family',
    title: 'The record of somebody of the own household was opened',
    level: 'medium',
    counts: 'one-patient',
    countMin: 1,
    windowMs: 10 * DAY_MS,
    explainedBy: 'task',
    applies: (known, access) => isOtherPerson(known, access) && isFamily(...homesOf(known, access)),
    why: '{person} opened the record of {patient}, {place}: {parts}. Both live at the same address, and no care relationship is on record. Records of a partner or relative are read out of worry, in quarrels and in custody cases; the patient has a right to be asked.',
    nextStep: OFFICER,
    harmlessExplanation:
      'Two households can share an entrance, and in an emergency somebody treats whoever comes in. Ask who was on duty where {patient} was treated.',
  },
  {
    id: 'snooping-vip',
    title: 'A protected record was opened without a care relationship',
    level: 'high',
    counts: 'one-patient',
    countMin: 3,
    windowMs: 10 * DAY_MS,
    explainedBy: 'work',
    applies: ({ people }, { record }) => people.isListed('vip', record.patient),
    why: '{person} opened the record of {patient}, who is on the list of protected patients, {count} times, {place}: {parts}. No care relationship is on record. What is read of people whom the public knows ends up with the press.',
    nextStep:
      'Tell the data protection officer today, and ask the head of the ward of {patient} whether {person} has a part in the treatment. If not, have the access of {person} to this record closed.',
    harmlessExplanation:
      'Somebody was called in to help and the relationship was not recorded yet. The head of the ward knows.',
  },
  {
    id: 'snooping-co-worker',
    title: 'The record of a colleague was opened without a care relationship',
    level: 'medium',
    counts: 'one-patient',
    countMin: 3,
    windowMs: 10 * DAY_MS,
    explainedBy: 'work',
    applies: (known, access) =>
      isOtherPerson(known, access) && known.people.staffWithRecord(access.record.patient) !== undefined,
    why: '{person} opened the record of {patient}, who works in this house, {count} times, {place}: {parts}. No care relationship is on record. Staff who must fear that colleagues read about them do not come here when they are ill.',
    nextStep: OFFICER,
    harmlessExplanation:
      'The colleague may have asked {person} for help, or is a patient of the ward and the relationship was not recorded. The officer can find out either without saying who looked.',
  },
  {
    id: 'snooping-neighbour',
    title: 'The record of a neighbour was opened without a care relationship',
    level: 'medium',
    counts: 'one-patient',
    countMin: 3,
    windowMs: 10 * DAY_MS,
    explainedBy: 'work',
    applies: (known, access) => isOtherPerson(known, access) && isNeighbour(...homesOf(known, access)),
    why: '{person} opened the record of {patient}, who lives in the same street, {count} times, {place}: {parts}. No care relationship is on record. What neighbours learn from a record is told on.',
    nextStep: OFFICER,
    harmlessExplanation:
      'In a long street one does not know everybody, and somebody may have helped out on the ward of {patient}. Ask the head of that ward.',
  },
  {
    id: 'snooping-deceased',
    title: 'The record of somebody who died was opened without a task',
    level: 'medium',
    counts: 'one-patient',
    countMin: 3,
    windowMs: 10 * DAY_MS,
    explainedBy: 'work',
    applies: ({ people }, { record }) => people.patient(record.patient)?.isDeceased === true,
    why: '{person} opened the record of {patient}, who has died, {count} times, {place}: {parts}. {person} did not care for the patient, and no coding or review is given as the reason. What is learned about a death reaches the family, or the press, by the wrong people.',
    nextStep: OFFICER,
    harmlessExplanation:
      'A review of the death, a question of the authorities or of the insurer. The quality office knows of those.',
  },
  {
    id: 'snooping-never-treated',
    title: 'The record of somebody who is no patient here was opened',
    level: 'medium',
    counts: 'one-patient',
    countMin: 3,
    windowMs: 10 * DAY_MS,
    explainedBy: 'work',
    applies: (known, access) =>
      wardOfPatient(known, access) === null && known.people.patient(access.record.patient) === undefined,
    why: '{person} opened the record of {patient} {count} times, {place}: {parts}. As far as is known {patient} was not treated here in this time, is not expected, and nobody cares for {patient}. Such records are looked up for private reasons.',
    nextStep: OFFICER,
    harmlessExplanation:
      'An appointment that was not entered yet, or a question by telephone of a former patient. Admission knows who is expected.',
  },
  {
    id: 'snooping-after-hours',
    title: 'Records were opened off duty without a care relationship',
    level: 'medium',
    counts: 'many-accesses',
    countMin: 3,
    windowMs: 12 * HOUR_MS,
    explainedBy: 'work',
    applies: isOffDuty,
    why: '{person} opened records {count} times within {span}, {place}, last that of {patient}. By the roster {person} was neither on duty nor on call, and no care relationship is on record. Whoever works when nobody looks may be somebody else with the password, who reads about your patients.',
    nextStep:
      'Call {person} and ask only whether it was them. If not, have the IT service desk lock the account at once. Otherwise tell the data protection officer.',
    harmlessExplanation:
      'A duty that was swapped and not entered, or somebody who was called in. Whoever plans the roster knows.',
  },
  {
    id: 'snooping-other-department',
    title: 'Records of other wards were opened without a care relationship',
    level: 'medium',
    counts: 'many-patients',
    countMin: 4,
    windowMs: 3 * DAY_MS,
    explainedBy: 'work',
    applies: (known, access) => isOfOtherWard(known, access),
    why: '{person} of {ownWard} opened the records of {count} patients of other wards within {span}, {place}, last in {patientWard}. No care relationship and no consult is on record. Patients of a ward rely on it that other wards do not read about them.',
    nextStep:
      'Ask the head of {ownWard} whether {person} had to do with these patients, as a stand-in or in a consult. If not, tell the data protection officer.',
    harmlessExplanation: 'Somebody stood in on another ward and nobody entered it.',
  },
  {
    id: 'snooping-mass-lookup',
    title: 'Many records were looked up without a care relationship',
    level: 'high',
    counts: 'many-patients',
    countMin: 12,
    windowMs: DAY_MS,
    explainedBy: 'work',
    applies: () => true,
    why: '{person} opened the records of {count} patients within {span}, {place}, without a care relationship or a task that asks for it. This is how records are gathered: to sell names and insurance numbers, or by somebody with a stolen account.',
    nextStep:
      'Call {person} now and ask whether it was them. If not, or if there is no good answer, have the account locked and call the data protection officer.',
    harmlessExplanation:
      'A task for a whole ward that was given by word of mouth, such as a list for an inspection. Whoever gave it can be named.',
  },
];

/** True of an access of a kind that nothing explains. */
export function isUnexplained(kind: SnoopingKind, known: Known, access: RecordAccess): boolean {
  if (!kind.applies(known, access) || isInCare(known, access)) return false;
  if (kind.explainedBy === 'work') return !isExplainedByWork(known, access);
  return !(kind.explainedBy === 'task' && isTaskAboutPatient(known, access));
}

function isOtherPerson({ people }: Known, { person, record }: RecordAccess): boolean {
  return people.person(person.person)?.patient !== record.patient;
}

type Homes = readonly [own: HomeFact | undefined, patients: HomeFact | undefined];

/** Homes of the person and of the patient; of a patient who works here by the roster, too. */
function homesOf({ people }: Known, { person, record }: RecordAccess): Homes {
  const colleague = people.staffWithRecord(record.patient);
  const asPatient = people.patient(record.patient)?.home;
  const isTold = colleague === undefined || (asPatient !== undefined && asPatient.street !== null);
  const known = isTold ? asPatient : people.person(colleague)?.home;
  return [people.person(person.person)?.home, known];
}

function isFamily(own: Homes[0], patients: Homes[1]): boolean {
  if (own === undefined || patients === undefined) return false;
  return (
    isSame(own.address, patients.address) ||
    (isSame(own.surname, patients.surname) && isSame(own.street, patients.street))
  );
}

function isNeighbour(own: Homes[0], patients: Homes[1]): boolean {
  if (own === undefined || patients === undefined) return false;
  return isSame(own.street, patients.street) && !isFamily(own, patients);
}

const isSame = (a: string | null, b: string | null): boolean => a !== null && a === b;

function isOfOtherWard(known: Known, access: RecordAccess): boolean {
  const { ward } = access.person;
  const theirs = wardOfPatient(known, access);
  if (ward === null || theirs === null || ward === theirs) return false;
  return !hasLeft(known, access);
}
