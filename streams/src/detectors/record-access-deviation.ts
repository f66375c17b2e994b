import { pipe } from 'rxjs';
import { medianOf, scoreOf } from '../operators/baseline-rate';
import { elementOperator } from '../operators/element-operator';
import { KeyedStore } from '../operators/keyed-store';
import type { Json, StateStore } from '../operators/stream-element';
import { TumblingWindows, tumblingWindow, type TumblingPane } from '../operators/tumbling-window';
import type { DetectionResult } from '../result';
import type { EventRef } from '../sigma/correlation-window';
import { GROUNDS, isTaskOf } from './care-grounds';
import {
  detectionBy,
  detectorRule,
  refOf,
  runOver,
  type Detector,
  type DetectorRun,
  type Observation,
} from './detector';
import type { AccessFact } from './facts';
import type { RecordFact } from './record-facts';

const PARAMETERS = {
  /** About a shift. */
  windowMs: 8 * 3_600_000,
  /** Windows of a day: nights are compared with nights. */
  windowsPerDay: 3,
  /** Windows of the same time of day that make what is usual in a group. */
  historyWindows: 14,
  /** So many shifts of single people must be known. */
  peersMin: 20,
  patientsMin: 20,
  /** Purpose of those who were asked about a patient of others. */
  consult: 'consult',
  scoreMin: 6,
  deviationMin: 1,
  deviationShareMin: 0.25,
  /** Some people are there for all of a window and some for an hour of it: so it must be much more than the busiest read. */
  busyShare: 0.95,
  busyFactorMin: 1.5,
  groupsMax: 1_000,
  personsMax: 1_000,
  patientsMax: 1_000,
  tasks: GROUNDS.tasks as Readonly<Record<string, string[]>>,
};

/** The first read of each patient by one person. */
type Patients = { readonly refs: Record<string, EventRef>; count: number };
/** What the people of one group read in one shift. */
type Shift = { readonly persons: Record<string, Patients>; personCount: number; unkeptCount: number };
/** How many patients each person read about in one shift. */
type Counts = readonly number[];

/**
 * A person who opens the records of far more patients in a shift than others of the same role and ward do at that time of day.
 * What is usual is the median over the shifts of single people in the last two weeks, and the distance from it is measured as
 * for `volume-drift`; beside that it must be far more than the busiest of them read.
 */
export const RECORD_ACCESS_DEVIATION: Detector<'access'> = {
  rule: detectorRule({
    id: 'record-access-deviation',
    version: 2,
    parameters: PARAMETERS,
    title: 'A person reads far more records than colleagues do',
    level: 'high',
    attack: ['collection', 'T1213'],
    wording: {
      confidence: 'medium',
      why: '{person} opened the records of {count} patients within {hours} hours; colleagues of the same work and ward open about {usual} at that time of day, the busiest {most}. Every one of these patients has a right to know who reads about them.',
      nextStep:
        'Ask the head of the ward today whether {person} had a task that explains it, and look at which records were opened.',
      harmlessExplanation: 'A coding, quality or admission task for the whole ward, or cover for several colleagues.',
      entities: [{ kind: 'person', field: 'person' }],
    },
  }),
  kinds: ['access'],
  isWanted: ({ patient, role, record }) => patient !== null && role !== null && !isErrand(role, record),
  begin,
};

/** Rounds through the house, work for an office and consults that were asked for come in bursts. */
function isErrand(role: string, record: RecordFact | null): boolean {
  if (record === null) return false;
  return isTaskOf(role, record.purpose) || (record.isInCare === true && record.purpose === PARAMETERS.consult);
}

/** State of the detector: the shifts that are open, and what was usual in those before. */
class GroupShifts implements StateStore {
  readonly open = new TumblingWindows<Shift>(PARAMETERS.groupsMax);
  readonly past = new KeyedStore<{ shifts: readonly Counts[] }>(PARAMETERS.groupsMax * PARAMETERS.windowsPerDay, {
    toJson: ({ shifts }) => shifts,
    fromJson: (json) => ({ shifts: json as unknown as Counts[] }),
  });

  /** Counts of the shifts before this one; this one is remembered with them. */
  close(group: string, counts: Counts): Counts {
    const known = this.past.touch(group, () => ({ shifts: [] }));
    const before = known.shifts.flat();
    known.shifts = [...known.shifts, counts].slice(-PARAMETERS.historyWindows);
    return before;
  }

  counters(): Record<string, number> {
    return {
      recordAccessGroups: this.past.size,
      recordAccessGroupsEvicted: this.past.evictedCount,
      recordAccessWindows: this.open.panes.size,
      recordAccessWindowsEvicted: this.open.panes.evictedCount,
    };
  }

  snapshot(): Json {
    return { open: this.open.snapshot(), past: this.past.snapshot() };
  }

  restore(state: Json): void {
    const { open, past } = state as { open: Json; past: Json };
    this.open.restore(open);
    this.past.restore(past);
  }
}

function begin(): DetectorRun<AccessFact> {
  const shifts = new GroupShifts();
  const panes = tumblingWindow<Observation<AccessFact>, Shift>(
    {
      windowMs: PARAMETERS.windowMs,
      ordered: true,
      keyOf: groupOf,
      initial: () => ({ persons: {}, personCount: 0, unkeptCount: 0 }),
      add: withRead,
    },
    shifts.open,
  );
  return runOver(shifts, {
    counters: () => shifts.counters(),
    detections: pipe(
      panes,
      elementOperator<TumblingPane<Shift>, DetectionResult>((out) => ({
        next: (pane) => {
          for (const detection of deviationsIn(pane, shifts)) out.next(detection);
        },
      })),
    ),
  });
}

// The slash keeps ids such as `__proto__` apart from what objects have of their own.
function withRead(shift: Shift, observation: Observation<AccessFact>): Shift {
  const patients = patientsOf(shift, `/${observation.fact.person}`);
  const patient = `/${observation.fact.patient ?? ''}`;
  if (patients?.refs[patient] !== undefined) return shift;
  if (patients === undefined || patients.count >= PARAMETERS.patientsMax) shift.unkeptCount++;
  else {
    patients.count++;
    patients.refs[patient] = refOf(observation);
  }
  return shift;
}

/** Role and ward, in two lines. */
function groupOf({ fact: { role, ward } }: Observation<AccessFact>): string | undefined {
  return role === null ? undefined : `${role}\n${ward ?? ''}`;
}

function patientsOf(shift: Shift, person: string): Patients | undefined {
  const known = shift.persons[person];
  if (known !== undefined || shift.personCount >= PARAMETERS.personsMax) return known;
  shift.personCount++;
  return (shift.persons[person] = { refs: {}, count: 0 });
}

function* deviationsIn(pane: TumblingPane<Shift>, shifts: GroupShifts): IterableIterator<DetectionResult> {
  const persons = Object.entries(pane.value.persons).sort(([a], [b]) => (a < b ? -1 : 1));
  const counts = persons.map(([, { count }]) => count);
  const before = shifts.close(`${slotOf(pane)}\n${pane.key}`, counts);
  for (const [index, [person, { refs, count }]] of persons.entries()) {
    const peers = [...before, ...counts.toSpliced(index, 1)];
    if (count < PARAMETERS.patientsMin || peers.length < PARAMETERS.peersMin) continue;
    const usual = medianOf(peers);
    const most = busyOf(peers);
    if (scoreOf(count, usual, PARAMETERS) < PARAMETERS.scoreMin || count < most * PARAMETERS.busyFactorMin) continue;
    yield detectionOf(pane, person.slice(1), Object.values(refs), { usual: usual.centre, most });
  }
}

/** Which window of its day it is. */
function slotOf({ startMs }: TumblingPane<Shift>): number {
  return Math.floor(startMs / PARAMETERS.windowMs) % PARAMETERS.windowsPerDay;
}

/** What only one in twenty exceed. */
function busyOf(counts: Counts): number {
  const ascending = counts.toSorted((a, b) => a - b);
  return ascending[Math.floor((counts.length - 1) * PARAMETERS.busyShare)] as number;
}

function detectionOf(
  { key, startMs, endMs }: TumblingPane<Shift>,
  person: string,
  refs: readonly EventRef[],
  { usual, most }: { readonly usual: number; readonly most: number },
): DetectionResult {
  const values = {
    person,
    count: String(refs.length),
    hours: String(PARAMETERS.windowMs / 3_600_000),
    usual: String(Math.round(usual)),
    most: String(most),
  };
  return detectionBy(RECORD_ACCESS_DEVIATION.rule, {
    group: [key, person],
    startMs,
    endMs,
    certainAtMs: endMs,
    refs,
    values,
  });
}
