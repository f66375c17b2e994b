import { orderedOperator } from '../operators/event-time-operator';
import { KeyedStore, type ValueCodec } from '../operators/keyed-store';
import type { Json, StateStore } from '../operators/stream-element';
import type { DetectionResult } from '../result';
import type { EventRef } from '../sigma/correlation-window';
import {
  detectionBy,
  detectorRule,
  refOf,
  runOver,
  type Detector,
  type DetectorRun,
  type Observation,
} from './detector';
import type { ConsentFact, ReleaseFact } from './exchange-facts';

const DAY_MS = 86_400_000;

const PARAMETERS = {
  /** Patients are counted over the last 24 hours, whenever the day begins. */
  windowMs: DAY_MS,
  /** So many earlier days with releases make what is usual for somebody; two weeks are remembered. */
  ownDaysMin: 4,
  ownDaysMax: 14,
  /** So many days of others of the same role make what is usual among them. */
  peerDaysMin: 8,
  /** Of ten days nine are no busier than what is called usual. */
  usualShare: 0.9,
  /** Nobody is told of who stays below twice the usual, or within ten patients of it. */
  factorMin: 2,
  excessMin: 10,
  patientsMin: 20,
  /** What was told of lies in the window for a day; after another the same person or partner is told of again. */
  quietMs: 2 * DAY_MS,
  /** Nobody chooses how many of these there are. */
  dutyPurposes: ['public-health-reporting', 'registry-reporting', 'emergency-transfer', 'court-order'],
  subjectsMax: 10_000,
  patientsMax: 2_000,
  consentsMax: 500_000,
};

const DUTY_PURPOSES: ReadonlySet<string> = new Set(PARAMETERS.dutyPurposes);

/** What one person released, or one partner got. */
interface Subject {
  /** Role of a person; empty where nobody said, and of partners. */
  role: string;
  /** Latest release of each patient within the window, oldest first. */
  readonly recent: Map<string, readonly [timeMs: number, ref: EventRef]>;
  /** Day of the latest release, counted from the Unix epoch. */
  day: number;
  /** Most patients within the window on that day. */
  peak: number;
  /** The same of earlier days with releases, oldest first. */
  readonly earlier: number[];
  toldMs: number | null;
}

/**
 * Somebody who releases data of far more patients in a day, or a partner that gets it, than is usual. Releases that the patients agreed to
 * are left out, so that a group that goes to rehabilitation together is nothing, and so are those that the law asks for: what is
 * left, such as documents for insurers, nobody but the releasing person looks at. A person is measured by the own earlier days and
 * by those of all others of the role, so that a new clerk is judged, too; a partner by its own. Busy days are what counts: most people
 * release on the side, and whoever has the task for a day is nothing to be told of.
 */
export const RELEASE_DRIFT: Detector<'release' | 'consent'> = {
  rule: detectorRule({
    id: 'release-drift',
    version: 1,
    parameters: PARAMETERS,
    title: 'Far more releases to partners than usual',
    level: 'high',
    attack: ['exfiltration', 'T1567', 'T1029'],
    wording: {
      confidence: 'medium',
      why: '{what} within a day, without a consent of theirs that covers it; even a busy day has about {usual}. These patients cannot know that their data has left the house.',
      nextStep:
        'Ask {person} today what task that was, and stop further releases to {partner} until somebody can say what they are for.',
      harmlessExplanation:
        'An audit of an insurer, the end of a quarter, or cover for several colleagues. The head of the office knows.',
      entities: [
        { kind: 'person', field: 'person' },
        { kind: 'partner', field: 'partner' },
      ],
    },
  }),
  kinds: ['release', 'consent'],
  begin,
};

type Taken = ReleaseFact | ConsentFact;

const PERSON = 'person\n';
const PARTNER = 'partner\n';

const SUBJECT_CODEC: ValueCodec<Subject> = {
  toJson: ({ role, recent, day, peak, earlier, toldMs }) =>
    [role, [...recent], day, peak, [...earlier], toldMs] as unknown as Json,
  fromJson: (json) => {
    const [role, recent, day, peak, earlier, toldMs] = json as unknown as [
      string,
      [string, readonly [number, EventRef]][],
      number,
      number,
      number[],
      number | null,
    ];
    return { role, recent: new Map(recent), day, peak, earlier: [...earlier], toldMs };
  },
};

const newSubject = (): Subject => ({
  role: '',
  recent: new Map(),
  day: Number.MIN_SAFE_INTEGER,
  peak: 0,
  earlier: [],
  toldMs: null,
});

const consentKey = (partner: string, patient: string, purpose: string): string =>
  [partner, patient, purpose].join('\n');

/** State of the detector: consents in force, and who released or got how much. */
class Releases implements StateStore {
  readonly #consents = new KeyedStore<true>(PARAMETERS.consentsMax, { toJson: () => true, fromJson: () => true });
  readonly #subjects = new KeyedStore<Subject>(PARAMETERS.subjectsMax, SUBJECT_CODEC);
  #unkeptCount = 0;

  takeConsent({ partner, patient, purpose, isGiven }: ConsentFact): void {
    const key = consentKey(partner, patient, purpose);
    if (isGiven) this.#consents.touch(key, () => true);
    else this.#consents.delete(key);
  }

  /** True for a release that a patient agreed to, or that nobody has to agree to. */
  isCovered({ partner, patient, purpose }: ReleaseFact): boolean {
    if (purpose === null) return false;
    return DUTY_PURPOSES.has(purpose) || this.#consents.touchKnown(consentKey(partner, patient, purpose)) === true;
  }

  /** Takes note of a release by somebody of a role, or to a partner. */
  count(key: string, role: string, patient: string, timeMs: number, ref: EventRef): Subject {
    const subject = this.#subjects.touch(key, newSubject);
    subject.role = role;
    const day = Math.floor(timeMs / DAY_MS);
    if (day !== subject.day) {
      if (subject.peak > 0 && !isTainted(subject)) subject.earlier.push(subject.peak);
      if (subject.earlier.length > PARAMETERS.ownDaysMax) subject.earlier.shift();
      subject.day = day;
      subject.peak = 0;
    }
    const { recent } = subject;
    for (const [each, [releasedMs]] of recent) {
      if (releasedMs > timeMs - PARAMETERS.windowMs) break;
      recent.delete(each);
    }
    recent.delete(patient);
    if (recent.size >= PARAMETERS.patientsMax) this.#unkeptCount++;
    else recent.set(patient, [timeMs, ref]);
    subject.peak = Math.max(subject.peak, recent.size);
    return subject;
  }

  /** Days of other persons of a role, the present one of each as far as it has gone. */
  peerDays(key: string, role: string): number[] {
    const days: number[] = [];
    for (const [other, subject] of this.#subjects.unordered())
      if (other !== key && other.startsWith(PERSON) && subject.role === role)
        days.push(...subject.earlier, subject.peak);
    return days;
  }

  counters(): Record<string, number> {
    return {
      releaseDriftConsents: this.#consents.size,
      releaseDriftConsentsEvicted: this.#consents.evictedCount,
      releaseDriftSubjects: this.#subjects.size,
      releaseDriftSubjectsEvicted: this.#subjects.evictedCount,
      releaseDriftPatientsUnkept: this.#unkeptCount,
    };
  }

  snapshot(): Json {
    return {
      consents: this.#consents.snapshot(),
      subjects: this.#subjects.snapshot(),
      unkeptCount: this.#unkeptCount,
    };
  }

  restore(state: Json): void {
    const { consents, subjects, unkeptCount } = state as { consents: Json; subjects: Json; unkeptCount: number };
    this.#consents.restore(consents);
    this.#subjects.restore(subjects);
    this.#unkeptCount = unkeptCount;
  }
}

function begin(): DetectorRun<Taken> {
  const releases = new Releases();
  return runOver(releases, {
    counters: () => releases.counters(),
    detections: orderedOperator<Observation<Taken>, DetectionResult>((out) => ({
      event: (observation, timeMs) => {
        const { fact } = observation;
        if (fact.kind === 'consent') {
          releases.takeConsent(fact);
          return;
        }
        const { actor, role, partner, patient } = fact;
        if (actor === null || releases.isCovered(fact)) return;
        const ref = refOf(observation);
        const person = releases.count(PERSON + actor, role ?? '', patient, timeMs, ref);
        const usualOfPerson = usualOf(person, timeMs, () => releases.peerDays(PERSON + actor, role ?? ''));
        const got = releases.count(PARTNER + partner, '', patient, timeMs, ref);
        const usualOfPartner = usualOf(got, timeMs, () => []);
        if (usualOfPerson !== undefined)
          out.next(
            detectionOf(
              person,
              `${actor} released data of ${person.recent.size} patients`,
              usualOfPerson,
              timeMs,
              fact,
            ),
          );
        else if (usualOfPartner !== undefined)
          out.next(
            detectionOf(got, `${partner} got data of ${got.recent.size} patients`, usualOfPartner, timeMs, fact),
          );
      },
      advance: () => undefined,
    })),
  });
}

/** What is usual, where the present count lies far beyond it; takes note that this is told. */
function usualOf(subject: Subject, timeMs: number, peerDaysOf: () => readonly number[]): number | undefined {
  const { recent, earlier, toldMs } = subject;
  if (recent.size < PARAMETERS.patientsMin) return undefined;
  if (toldMs !== null && timeMs - toldMs < PARAMETERS.quietMs) return undefined;
  const own = busyDay(earlier, PARAMETERS.ownDaysMin);
  const peers = busyDay(peerDaysOf(), PARAMETERS.peerDaysMin);
  const usual = Math.max(own ?? 0, peers ?? 0);
  if (own === undefined && peers === undefined) return undefined;
  if (recent.size < PARAMETERS.factorMin * usual || recent.size < usual + PARAMETERS.excessMin) return undefined;
  subject.toldMs = timeMs;
  return usual;
}

/** True when what was told of may be part of the present day: it is not what is usual. */
function isTainted({ day, toldMs }: Subject): boolean {
  return toldMs !== null && toldMs >= day * DAY_MS - PARAMETERS.windowMs;
}

/** Patients on a busy day: the percentile by nearest rank; undefined where too few days are known. */
function busyDay(days: readonly number[], daysMin: number): number | undefined {
  if (days.length < daysMin) return undefined;
  return days.toSorted((a, b) => a - b)[Math.ceil(PARAMETERS.usualShare * days.length) - 1];
}

function detectionOf(
  { recent }: Subject,
  what: string,
  usual: number,
  timeMs: number,
  { actor, partner }: ReleaseFact,
): DetectionResult {
  const releases = [...recent.values()];
  return detectionBy(RELEASE_DRIFT.rule, {
    group: [actor, partner],
    startMs: releases[0]?.[0] ?? timeMs,
    endMs: timeMs + 1,
    certainAtMs: timeMs,
    refs: releases.map(([, ref]) => ref),
    values: { what, person: actor ?? '', partner, usual: String(usual) },
  });
}
