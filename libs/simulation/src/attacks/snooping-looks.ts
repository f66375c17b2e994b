import type { EventDraft } from '../draft';
import { HOUR_MS } from '../durations';
import type { Resident, StaffMember } from '../hospital/model';
import type { AttackName } from '../label';
import type { RecordPart } from '../life/record-work';
import { amountOf, inTime, pacedMs, type Course, type Script, type Stage } from './activity';
import {
  LEAD_MS,
  VISIT_MS,
  lookDrafts,
  lookers,
  patientEntity,
  personEntity,
  targetAmong,
  type LookAccess,
  type Place,
  type Target,
} from './record-looks';

/** How somebody looks at one record: from where, at what, how often. */
export interface LookVariant {
  /** What follows the name of the attack in the name of the script. */
  readonly name: string;
  readonly source: string;
  readonly place: Place;
  readonly parts: readonly RecordPart[];
  /** Looks: 1, or more hours apart. */
  readonly looks: 'one' | 'again';
  /** Purpose that is given. */
  readonly purpose?: string;
  /** Where a copy goes at the end of the first look. */
  readonly exportedTo?: string;
}

/** Accesses of a single look, and of each of several, at volume 1; never less than the second number. */
const ONE_LOOK = [4, 3] as const;
const EACH_LOOK = [2, 2] as const;
/** Looks at volume 1, and hours between them at pace 1. */
const LOOKS = [3, 2] as const;
const HOURS_BETWEEN = 8;
const LOOKS_MAX = 4;

/** Longest course of a variant, milliseconds at pace 1. */
export function lookDurationMs({ looks }: LookVariant): number {
  return VISIT_MS + LEAD_MS + HOUR_MS + (looks === 'one' ? 0 : (LOOKS_MAX - 1) * HOURS_BETWEEN * HOUR_MS);
}

/** What a kind of snooping needs beside the variant. */
export interface LookKind {
  readonly attack: AttackName;
  /** Accesses from which on harmless activities have been left behind. */
  readonly tellingCount: number;
  /** Whoever looks, and the patient who is looked up; undefined where there is no such pair. */
  readonly pairOf: (
    stage: Stage,
    place: Place,
  ) => { readonly person: StaffMember; readonly target: Target } | undefined;
}

/** Scripts of one kind of snooping, one for each variant. */
export function lookScripts(kind: LookKind, variants: readonly LookVariant[]): Script[] {
  return variants.map((variant) => ({
    attack: kind.attack,
    kind: 'attack',
    name: `${kind.attack}-${variant.name}`,
    source: variant.source,
    durationMsMax: lookDurationMs(variant),
    play: (stage) => playLooks(stage, kind, variant),
  }));
}

/**
 * The first of the people at a place, in random order, for whom one of some residents can be looked up.
 *
 * @param residentsOf - whom a person might want to look up
 */
export function firstPair(
  stage: Stage,
  place: Place,
  residentsOf: (person: StaffMember) => readonly Resident[],
): { readonly person: StaffMember; readonly target: Target } | undefined {
  const people = lookers(stage, place, stage.startMs, () => true).slice(0, 40);
  for (const person of people) {
    const target = targetAmong(stage, residentsOf(person), person);
    if (target !== undefined) return { person, target };
  }
  return undefined;
}

function playLooks(stage: Stage, kind: LookKind, variant: LookVariant): Course | undefined {
  const pair = kind.pairOf(stage, variant.place);
  if (pair === undefined) return undefined;
  const { person, target } = pair;
  const isOne = variant.looks === 'one';
  const lookCount = isOne ? 1 : Math.min(LOOKS_MAX, amountOf(stage, ...LOOKS));
  const drafts: EventDraft[] = [...target.drafts];
  for (let look = 0; look < lookCount; look++) {
    const startMs = target.fromMs + pacedMs(stage, look * HOURS_BETWEEN * HOUR_MS);
    const size = isOne ? amountOf(stage, ...ONE_LOOK) : Math.max(EACH_LOOK[1], EACH_LOOK[0]);
    const accesses = accessesOf(stage, person, target, variant, size, look === 0, startMs);
    const made = lookDrafts(stage, {
      person,
      place: placeAt(stage, person, variant.place, startMs),
      startMs,
      accesses,
    });
    if (made === undefined) return undefined;
    drafts.push(...made);
  }
  const ordered = inTime(drafts);
  return {
    entities: [personEntity(person), patientEntity(target.patient)],
    drafts: ordered,
    detectableAtMs: tellingMs(ordered, kind.tellingCount),
  };
}

/** At home whoever has gone off duty meanwhile looks from there. */
function placeAt({ hospital }: Stage, person: StaffMember, place: Place, timeMs: number): Place {
  const isThere = hospital.dutyOf(person, timeMs)?.isOnCall === false;
  if (isThere || place === 'home' || place === 'phone-at-home') return place;
  return place === 'own-phone' ? 'phone-at-home' : 'home';
}

function accessesOf(
  { random, hospital }: Stage,
  person: StaffMember,
  { patient, view }: Target,
  variant: LookVariant,
  size: number,
  isFirst: boolean,
  timeMs: number,
): LookAccess[] {
  const isInCare = hospital.caresFor(person, patient.patientUid, timeMs);
  const access = (part: RecordPart): LookAccess => ({
    patient: view,
    part,
    purpose: variant.purpose ?? 'treatment',
    isInCare,
  });
  const accesses = Array.from({ length: size }, (_, index) =>
    access(variant.parts[index % variant.parts.length] ?? random.pick(variant.parts)),
  );
  if (!isFirst || variant.exportedTo === undefined) return accesses;
  return [...accesses, { ...access(random.pick(variant.parts)), exportedTo: variant.exportedTo }];
}

const ACCESSES: ReadonlySet<string> = new Set([
  'access.record-read',
  'access.record-changed',
  'access.record-exported',
]);

/** Time of the access that makes so many of them; of the last where there are fewer. */
export function tellingMs(drafts: readonly EventDraft[], count: number): number {
  const accesses = drafts.filter(({ type }) => ACCESSES.has(type));
  return (accesses[Math.min(count, accesses.length) - 1] as EventDraft).timeMs;
}
