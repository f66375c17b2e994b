import { stepTimes, type ActivityCourse, type Stage } from './activity';
import { recordAccessDraft, type EventDraft } from './draft';
import { shiftAt, type SimulatedPatient, type SimulatedPerson } from './hospital';

/** From this many patients on, an attack has gone further than any harmless activity does. */
export const PATIENTS_TELLING = 10;

/** A ward tablet reads 16 to 22 records of other wards without a care relationship within ten minutes. */
export function recordSnooping(stage: Stage): ActivityCourse {
  const person = onDuty(stage, 'nurse', stage.tablet.ward);
  const drafts = foreignReads(stage, person, {
    count: stage.random.integer(16, 22),
    durationMs: stage.random.integer(480_000, 590_000),
    hasCareRelationship: false,
    purpose: 'treatment',
  });
  return {
    ...readActivity(stage, person, drafts),
    detectableAtMs: (drafts[PATIENTS_TELLING - 1] as EventDraft).timeMs,
  };
}

/** The infection-control nurse goes through 15 to 20 patients of other wards, each with a recorded relationship. */
export function infectionControlRound(stage: Stage): ActivityCourse {
  const person = onDuty(stage, 'infection-control-nurse');
  const drafts = foreignReads(stage, person, {
    count: stage.random.integer(15, 20),
    durationMs: stage.random.integer(420_000, 590_000),
    hasCareRelationship: true,
    purpose: 'infection-control-consult',
  });
  return {
    ...readActivity(stage, person, drafts),
    detectableAtMs: null,
  };
}

/** A float nurse reads four records of another ward before the relationship has been recorded. */
export function floatNurse(stage: Stage): ActivityCourse {
  const person = onDuty(stage, 'float-nurse');
  const drafts = foreignReads(stage, person, {
    count: 4,
    durationMs: stage.random.integer(120_000, 400_000),
    hasCareRelationship: false,
    purpose: 'treatment',
  });
  return { ...readActivity(stage, person, drafts), detectableAtMs: null };
}

interface ReadSeries {
  readonly count: number;
  readonly durationMs: number;
  readonly hasCareRelationship: boolean;
  readonly purpose: string;
}

function foreignReads(stage: Stage, person: SimulatedPerson, series: ReadSeries): EventDraft[] {
  const { hospital, random, startMs, tablet } = stage;
  const foreign = hospital.patients.filter(({ ward }) => ward !== tablet.ward);
  const patients = random.sample(foreign, series.count);
  const times = stepTimes(random, startMs, series.durationMs, patients.length);
  return patients.map((patient: SimulatedPatient, index) =>
    recordAccessDraft(times[index] as number, 'access.record-read', {
      person,
      device: tablet,
      patient,
      hasCareRelationship: series.hasCareRelationship,
      purpose: series.purpose,
      recordType: 'chart',
    }),
  );
}

function readActivity(
  { tablet }: Stage,
  person: SimulatedPerson,
  drafts: EventDraft[],
): Pick<ActivityCourse, 'attack' | 'entities' | 'drafts'> {
  return {
    attack: 'snooping-mass-lookup',
    entities: [
      { kind: 'device', id: tablet.uid },
      { kind: 'person', id: person.user.uid },
    ],
    drafts,
  };
}

function onDuty({ hospital, startMs, random }: Stage, role: string, ward?: string): SimulatedPerson {
  const shift = shiftAt(startMs);
  const inRole = hospital.people.filter((person) => person.shift === shift && person.user.role === role);
  const inWard = inRole.filter(({ user }) => user.ward === ward);
  return random.pick(inWard.length > 0 ? inWard : inRole);
}
