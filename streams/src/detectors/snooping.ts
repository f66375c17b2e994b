import type { Json } from '../operators/stream-element';
import { DeadlineStore } from '../operators/deadline-store';
import { orderedOperator } from '../operators/event-time-operator';
import type { DetectionResult } from '../result';
import type { EventRef } from '../sigma/correlation-window';
import { GROUNDS, wardOfPatient, type RecordAccess } from './care-grounds';
import {
  detectionBy,
  detectorRule,
  refOf,
  runOver,
  type Detector,
  type DetectorRun,
  type Known,
  type Observation,
} from './detector';
import type { AccessFact } from './facts';
import type { RecordFact } from './record-facts';
import { SNOOPING_KINDS, isUnexplained, type SnoopingKind } from './snooping-kinds';
import { withinWords } from './span-words';
import { spokenName } from './spoken-name';

const HOUR_MS = 3_600_000;

const PARAMETERS = {
  /** The same person, and patient where one is counted, is not told of again within this time. */
  quietMs: 24 * HOUR_MS,
  /** What a printed or exported record counts for. */
  exportWeight: 2,
  /** Accesses remembered of one group, the latest. */
  accessesMax: 200,
  groupsMax: 50_000,
  entriesMax: 500_000,
  grounds: GROUNDS as unknown as Json,
};

/** One access that nothing explains. */
type Seen = readonly [timeMs: number, patient: string, part: string, weight: number, ref: EventRef];
interface Group {
  seen: Seen[];
  raisedMs: number | null;
}

/**
 * One detector for each way in which people read records that are none of their business. All of them look at accesses without
 * a care relationship only, and leave out what work explains; each counts what its table says.
 */
export const SNOOPING: readonly Detector<'access'>[] = SNOOPING_KINDS.map(detectorOf);

function detectorOf(kind: SnoopingKind): Detector<'access'> {
  const { id, title, level, counts, countMin, windowMs, why, nextStep, harmlessExplanation } = kind;
  const person = { kind: 'person', field: 'person' };
  const patient = { kind: 'patient', field: 'patient' };
  const rule = detectorRule({
    id,
    version: 1,
    parameters: { ...PARAMETERS, counts, countMin, windowMs },
    title,
    level,
    attack: ['collection', 'T1213'],
    wording: {
      confidence: counts === 'one-patient' && countMin > 1 ? 'medium' : 'high',
      why,
      nextStep,
      harmlessExplanation,
      entities: counts === 'one-patient' ? [person, patient] : [person],
    },
  });
  const detector: Detector<'access'> = {
    rule,
    kinds: ['access'],
    isWanted: ({ record }) => record !== null && isSuspect(record),
    begin: (known) => begin(kind, detector, known),
  };
  return detector;
}

/** The portal shows people what is theirs, and emergency access is a matter of its own. */
function isSuspect({ act, isInCare, service }: RecordFact): boolean {
  return act !== 'emergency' && isInCare !== true && service !== 'patient-portal';
}

function begin(kind: SnoopingKind, { rule }: Detector<'access'>, known: Known): DetectorRun<AccessFact> {
  const groups = newGroups(kind.windowMs);
  return runOver(groups, {
    counters: () => groups.counters(counterName(kind.id)),
    detections: orderedOperator<Observation<AccessFact>, DetectionResult>((out) => ({
      event: (observation, timeMs) => {
        const { fact: person } = observation;
        if (person.record === null) return;
        const access: RecordAccess = { person, record: person.record, timeMs };
        if (!isUnexplained(kind, known, access)) return;
        const seen = note(groups, kind, access, refOf(observation));
        if (seen !== undefined)
          out.next(
            detectionBy(rule, {
              ...spanOf(seen),
              group: groupOf(kind, access),
              values: valuesOf(kind, known, access, seen),
            }),
          );
      },
      advance: (nowMs) => groups.forgetDue(nowMs),
    })),
  });
}

function newGroups(windowMs: number): DeadlineStore<Group> {
  return new DeadlineStore<Group>(
    {
      deadlineOf: ({ seen, raisedMs }) =>
        Math.max((seen.at(-1)?.[0] ?? 0) + windowMs, (raisedMs ?? 0) + PARAMETERS.quietMs),
      entryCountOf: ({ seen }) => seen.length,
      toJson: ({ seen, raisedMs }) => [seen.map((each) => [...each]), raisedMs],
      fromJson: (json) => {
        const [seen, raisedMs] = json as unknown as [Seen[], number | null];
        return { seen: [...seen], raisedMs };
      },
    },
    { keysMax: PARAMETERS.groupsMax, entriesMax: PARAMETERS.entriesMax },
  );
}

function groupOf({ counts }: SnoopingKind, { person, record }: RecordAccess): string[] {
  return counts === 'one-patient' ? [person.person, record.patient] : [person.person];
}

/** Takes note of an access. All of the window, when they are enough to be told of now. */
function note(
  groups: DeadlineStore<Group>,
  kind: SnoopingKind,
  access: RecordAccess,
  ref: EventRef,
): readonly Seen[] | undefined {
  const { record, timeMs } = access;
  const cell = groups.touch(JSON.stringify(groupOf(kind, access)), () => ({ seen: [], raisedMs: null }));
  const group = cell.value;
  const weight = record.act === 'exported' ? PARAMETERS.exportWeight : 1;
  const inWindow = group.seen.filter(([seenMs]) => seenMs > timeMs - kind.windowMs);
  if (inWindow.length >= PARAMETERS.accessesMax) {
    inWindow.shift();
    groups.countEvictedEntries(1);
  }
  group.seen = [...inWindow, [timeMs, record.patient, record.recordType ?? '', weight, ref]];
  const isQuiet = group.raisedMs !== null && timeMs - group.raisedMs < PARAMETERS.quietMs;
  const isTold = !isQuiet && countOf(kind, group.seen) >= kind.countMin;
  if (isTold) group.raisedMs = timeMs;
  groups.settle(cell);
  return isTold ? group.seen : undefined;
}

function countOf({ counts }: SnoopingKind, seen: readonly Seen[]): number {
  if (counts === 'many-patients') return new Set(seen.map(([, patient]) => patient)).size;
  return seen.reduce((sum, [, , , weight]) => sum + weight, 0);
}

function spanOf(seen: readonly Seen[]): { startMs: number; endMs: number; certainAtMs: number; refs: EventRef[] } {
  const [firstMs, lastMs] = [(seen[0] as Seen)[0], (seen.at(-1) as Seen)[0]];
  return { startMs: firstMs, endMs: lastMs + 1, certainAtMs: lastMs, refs: seen.map(([, , , , ref]) => ref) };
}

function valuesOf(
  kind: SnoopingKind,
  known: Known,
  access: RecordAccess,
  seen: readonly Seen[],
): Readonly<Record<string, string>> {
  const { person, record } = access;
  const parts = [...new Set(seen.map(([, , part]) => part).filter((part) => part !== ''))];
  const { startMs, certainAtMs } = spanOf(seen);
  const count = kind.counts === 'many-patients' ? countOf(kind, seen) : seen.length;
  return {
    person: person.person,
    patient: record.patient,
    count: String(count),
    parts: parts.length === 0 ? 'the record' : parts.map(spokenName).join(', '),
    place: placeOf(access),
    patientWard: spokenName(wardOfPatient(known, access) ?? 'no ward'),
    ownWard: spokenName(person.ward ?? 'no ward'),
    span: withinWords(certainAtMs - startMs),
  };
}

const AWAY_ZONES: ReadonlySet<string> = new Set(['internet', 'cellular', 'guest']);

function placeOf({ person: { device }, record: { zone } }: RecordAccess): string {
  if (zone !== null && AWAY_ZONES.has(zone)) return 'from outside the house';
  return device === null ? 'in the house' : `at ${device.uid}`;
}

function counterName(id: string): string {
  return id.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
