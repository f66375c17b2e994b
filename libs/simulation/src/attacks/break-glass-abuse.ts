import { HOUR_MS } from '../durations';
import type { EventDraft } from '../draft';
import { breakGlassDraft, patientView, recordDraft, signedInDraft, type PatientView } from '../event-drafts';
import type { Duty, Stay } from '../hospital/model';
import {
  MINUTE_MS,
  accessBy,
  deviceOf,
  houseSeat,
  inpatientsOf,
  isFree,
  personEntity,
  timeOfNth,
  workplaceOf,
  type Entities,
  type Workplace,
} from './access-parts';
import { amountOf, inTime, pacedMs, stepTimes, type Course, type Script, type Stage } from './activity';

/** What people type who have nothing to say. */
const FILLERS = [
  '.',
  '-',
  'x',
  'xxx',
  'n/a',
  'test',
  'emergency',
  'urgent',
  'needed',
  'care',
  'patient care',
  undefined,
];
/** What people type again and again who think that nobody reads it. */
const STOCK_REASONS = ['patient asked for information', 'checking results for a colleague', 'needed for treatment'];
/** What is written in a real emergency. */
const REAL_REASONS = [
  'resuscitation in progress',
  'unconscious on arrival, medication and allergies needed',
  'massive bleeding in theatre, blood group and anticoagulation needed',
  'seizure on the corridor, history not known',
  'transfer from the emergency department, ward not yet recorded',
  'anaphylaxis, allergy record needed',
  'suspected stroke within the window, previous imaging needed',
  'attending physician unreachable, patient deteriorating',
];

const patientEntity = ({ uid }: PatientView): Entities[number] => ({ kind: 'patient', id: uid });

/** Somebody at a seat of the own ward. */
function workplace(
  stage: Stage,
  isWanted: (duty: Duty) => boolean,
): { at: Workplace; signIn: EventDraft; ward: string } | undefined {
  const { hospital, random, startMs } = stage;
  const duties = hospital.onDuty(startMs).filter((duty) => CLINICAL.has(duty.person.user.role) && isWanted(duty));
  if (duties.length === 0) return undefined;
  const { person, ward } = random.pick(duties);
  const device = deviceOf(stage, 'workstation', ward) ?? deviceOf(stage, 'workstation');
  if (device === undefined) return undefined;
  const seat = houseSeat(person.user, device, random);
  return { at: workplaceOf(person, seat, random), signIn: signedInDraft(startMs, seat, false), ward };
}

const CLINICAL: ReadonlySet<string> = new Set(['nurse', 'physician']);

/** Emergency access to a record, and a look at it. */
function breakGlass(stage: Stage, at: Workplace, stay: Stay, timeMs: number, reason: string | undefined): EventDraft[] {
  const access = accessBy(stage, at, patientView(stay.patient, stay.ward), false, 'emergency');
  const readMs = timeMs + stage.random.integer(4000, 25_000);
  return [breakGlassDraft(timeMs, access, reason), recordDraft(readMs, 'read', access)];
}

interface Series {
  readonly count: readonly [usual: number, least: number];
  readonly durationMs: number;
  reasonOf(stage: Stage, index: number): string | undefined;
}

/** One after the other, of people whom the person has nothing to do with. */
function playSeries(stage: Stage, { count, durationMs, reasonOf }: Series): Course | undefined {
  const { random, startMs } = stage;
  const scene = workplace(stage, () => true);
  if (scene === undefined) return undefined;
  const { at, signIn, ward } = scene;
  const stays = inpatientsOf(stage, amountOf(stage, ...count), (stay) => stay.ward !== ward);
  if (stays.length < 6) return undefined;
  const times = stepTimes(random, startMs + MINUTE_MS, pacedMs(stage, durationMs), stays.length);
  const drafts = inTime([
    signIn,
    ...stays.flatMap((stay, index) => breakGlass(stage, at, stay, times[index] as number, reasonOf(stage, index))),
  ]);
  const accesses = drafts.filter(({ type }) => type === 'access.break-glass-used');
  return { entities: [personEntity(at.person)], drafts, detectableAtMs: timeOfNth(accesses, 5) };
}

/** Somebody known lies in another ward: emergency access, and again, with nothing for a reason. */
function playVip(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const vips = hospital.inpatients(startMs).filter(({ patient }) => hospital.vips.has(patient.patientUid));
  if (vips.length === 0) return undefined;
  const vip = random.pick(vips);
  const scene = workplace(stage, ({ person, ward }) => ward !== vip.ward && person.user.ward !== vip.ward);
  if (scene === undefined) return undefined;
  const times = stepTimes(random, startMs + MINUTE_MS, pacedMs(stage, 25 * MINUTE_MS), amountOf(stage, 4, 3));
  const drafts = inTime([
    scene.signIn,
    ...times.flatMap((timeMs) => breakGlass(stage, scene.at, vip, timeMs, random.pick(FILLERS))),
  ]);
  const accesses = drafts.filter(({ type }) => type === 'access.break-glass-used');
  return {
    entities: [personEntity(scene.at.person), patientEntity({ uid: vip.patient.patientUid })],
    drafts,
    detectableAtMs: timeOfNth(accesses, 2),
  };
}

/** A night with several real emergencies, each with what happened. */
function emergencyNight(stage: Stage): Course | undefined {
  const { random, startMs } = stage;
  const scene = workplace(stage, ({ person }) => person.user.role === 'physician');
  if (scene === undefined) return undefined;
  const { at, signIn, ward } = scene;
  const otherWards = stage.hospital.wards.filter(({ name, bedCount }) => bedCount > 0 && name !== ward);
  const covered = random.sample(otherWards, 2).map(({ name }) => name);
  const stays = inpatientsOf(stage, amountOf(stage, 2.6, 2), (stay) => covered.includes(stay.ward));
  if (stays.length === 0) return undefined;
  const times = stepTimes(random, startMs + MINUTE_MS, 5 * HOUR_MS, stays.length);
  const reasons = random.sample(REAL_REASONS, stays.length);
  const drafts = stays.flatMap((stay, index) => breakGlass(stage, at, stay, times[index] as number, reasons[index]));
  return { entities: [personEntity(at.person)], drafts: inTime([signIn, ...drafts]), detectableAtMs: null };
}

const RESUSCITATION_MS = 10 * MINUTE_MS;

/** A resuscitation: everybody of the team opens the record of one patient within minutes. */
function resuscitationTeam(stage: Stage): Course | undefined {
  const { hospital, random, startMs } = stage;
  const stay = inpatientsOf(stage, 1, () => true)[0];
  if (stay === undefined) return undefined;
  const isOfTeam = ({ person }: Duty): boolean =>
    CLINICAL.has(person.user.role) &&
    person.user.ward !== stay.ward &&
    isFree(stage, person, startMs, startMs + RESUSCITATION_MS);
  const team = random.sample(hospital.onDuty(startMs).filter(isOfTeam), amountOf(stage, 4, 2));
  const device = deviceOf(stage, 'workstation', stay.ward);
  if (team.length === 0 || device === undefined) return undefined;
  const drafts = team.flatMap(({ person }) => {
    const timeMs = startMs + random.integer(0, RESUSCITATION_MS - MINUTE_MS);
    const seat = houseSeat(person.user, device, random);
    const at = workplaceOf(person, seat, random);
    return [signedInDraft(timeMs, seat, false), ...breakGlass(stage, at, stay, timeMs + 5000, REAL_REASONS[0])];
  });
  return {
    entities: [...team.map(({ person }) => personEntity(person)), patientEntity({ uid: stay.patient.patientUid })],
    drafts: inTime(drafts),
    detectableAtMs: null,
  };
}

const SERIES: Series = {
  count: [14, 8],
  durationMs: 2.5 * HOUR_MS,
  reasonOf: ({ random }) => (random.chance(0.5) ? random.pick(FILLERS) : random.pick(STOCK_REASONS)),
};
const FAR_ABOVE: Series = {
  count: [16, 10],
  durationMs: 10 * HOUR_MS,
  reasonOf: ({ random }) => random.pick(REAL_REASONS),
};
const ONE_REASON: Series = {
  count: [12, 7],
  durationMs: 4 * HOUR_MS,
  reasonOf: (_, index) => STOCK_REASONS[index === 0 ? 1 : 0],
};
const attack = { attack: 'break-glass-abuse', kind: 'attack' } as const;
const twin = { attack: 'break-glass-abuse', kind: 'benign-twin' } as const;

/** Emergency access without an emergency, and with one. */
export const BREAK_GLASS_ABUSE: readonly Script[] = [
  {
    ...attack,
    name: 'break-glass-series',
    source: 'Staff who open records of strangers with emergency access, as many snooping cases show',
    durationMsMax: 3 * HOUR_MS,
    play: (stage) => playSeries(stage, SERIES),
  },
  {
    ...attack,
    name: 'break-glass-far-above-colleagues',
    source: 'Emergency access as a habit: reasons are picked from memory, many times a day',
    durationMsMax: 12 * HOUR_MS,
    play: (stage) => playSeries(stage, FAR_ABOVE),
  },
  {
    ...attack,
    name: 'break-glass-one-reason',
    source: 'The same sentence for every patient, copied from the clipboard',
    durationMsMax: 5 * HOUR_MS,
    play: (stage) => playSeries(stage, ONE_REASON),
  },
  {
    ...attack,
    name: 'break-glass-vip',
    source: 'Staff fined for opening the record of somebody who was in the news',
    durationMsMax: 40 * MINUTE_MS,
    play: playVip,
  },
  {
    ...twin,
    name: 'emergency-night',
    source: 'A physician who covers two more wards in a bad night',
    durationMsMax: 7 * HOUR_MS,
    beginHours: [19, 20, 21, 22, 23],
    play: emergencyNight,
  },
  {
    ...twin,
    name: 'resuscitation-team',
    source: 'A resuscitation, for which a team comes from several wards',
    durationMsMax: 20 * MINUTE_MS,
    play: resuscitationTeam,
  },
];
