import { KeyedStore } from '../operators/keyed-store';
import type { Json, StateStore } from '../operators/stream-element';
import type { HomeFact, PeopleNews } from './people-facts';

const BOUNDS = {
  peopleMax: 50_000,
  patientsMax: 200_000,
  careMax: 500_000,
  emergenciesMax: 10_000,
  listedMax: 50_000,
  /** Duties remembered of each person, the latest. */
  dutiesMax: 16,
};

/** Emergency access opens a record for about a shift. */
const EMERGENCY_MS = 12 * 3_600_000;

/** A time on duty or on call, half-open. */
type Duty = readonly [startMs: number, endMs: number, isOnCall: boolean];

/** A member of staff. */
export interface PersonRecord {
  role: string | null;
  ward: string | null;
  /** The record that the person has as a patient. */
  patient: string | null;
  home: HomeFact;
  /** By start; the latest of them. */
  duties: readonly Duty[];
}

/** A patient: the stay that lasts, or else the last one. */
export interface PatientRecord {
  home: HomeFact;
  ward: string | null;
  /** When the patient left the house, milliseconds since the Unix epoch; null while there. */
  leftMs: number | null;
  isDeceased: boolean;
}

/** What a roster says of somebody at a time; undefined where it says nothing. */
export type DutyState = 'on-duty' | 'on-call' | 'off-duty' | undefined;

/** From when to when somebody cares for a patient; null while it goes on. */
interface CareRecord {
  untilMs: number | null;
}

const NO_HOME: HomeFact = { surname: null, street: null, address: null };

/**
 * What the directory said of people: who works here and when, where they live, who is a patient, who cares for whom, who is on a
 * watch list. Persons stand in it by pseudonym, homes as tokens. Each table is bounded; what was heard of or asked for longest
 * ago leaves, and is counted.
 */
export class HouseKnowledge implements StateStore {
  readonly #people = tableOf<PersonRecord>(BOUNDS.peopleMax);
  readonly #patients = tableOf<PatientRecord>(BOUNDS.patientsMax);
  /** Member of staff by the record that they have as a patient. */
  readonly #staffByPatient = tableOf<{ person: string }>(BOUNDS.peopleMax);
  readonly #care = tableOf<CareRecord>(BOUNDS.careMax);
  readonly #emergencies = tableOf<{ untilMs: number }>(BOUNDS.emergenciesMax);
  readonly #listed = tableOf<true>(BOUNDS.listedMax);
  /** From when to when rosters were heard of. */
  #rosterMs: readonly [fromMs: number, toMs: number] | null = null;

  /** Takes news in; they come in event-time order. */
  learn(news: PeopleNews, timeMs: number): void {
    switch (news.is) {
      case 'assigned':
        return this.#assign(news);
      case 'left':
        return this.#leave(news.person);
      case 'duty':
        return this.#addDuty(news.person, [news.startMs, news.endMs, news.isOnCall]);
      case 'admitted':
      case 'transferred':
        return this.#place(news);
      case 'discharged':
        return this.#discharge(news.patient, news.isDeceased, timeMs);
      case 'care-started':
        this.#care.touch(pairOf(news.person, news.patient), newCare).untilMs = null;
        return;
      case 'care-ended':
        this.#care.touch(pairOf(news.person, news.patient), newCare).untilMs = timeMs;
        return;
      case 'listed':
        this.#listed.touch(pairOf(news.list, news.value), () => true);
        return;
      case 'unlisted':
        return this.#listed.delete(pairOf(news.list, news.value));
    }
  }

  /** Takes note that somebody opened a record in an emergency. */
  learnEmergency(person: string, patient: string, timeMs: number): void {
    const untilMs = timeMs + EMERGENCY_MS;
    this.#emergencies.touch(pairOf(person, patient), () => ({ untilMs })).untilMs = untilMs;
  }

  /** What is known of a member of staff. */
  person(uid: string): Readonly<PersonRecord> | undefined {
    return this.#people.touchKnown(uid);
  }

  /** What is known of a patient; undefined for somebody who was never heard to be one. */
  patient(uid: string): Readonly<PatientRecord> | undefined {
    return this.#patients.touchKnown(uid);
  }

  /** The member of staff whose record this is. */
  staffWithRecord(patient: string): string | undefined {
    return this.#staffByPatient.touchKnown(patient)?.person;
  }

  isListed(list: string, value: string): boolean {
    return this.#listed.touchKnown(pairOf(list, value)) === true;
  }

  /** True while a care relationship is on record, and for `graceMs` after it ended. */
  hasCared(person: string, patient: string, timeMs: number, graceMs: number): boolean {
    const care = this.#care.touchKnown(pairOf(person, patient));
    return care !== undefined && (care.untilMs === null || timeMs < care.untilMs + graceMs);
  }

  /** True for 12 h after somebody opened a record in an emergency. */
  isEmergency(person: string, patient: string, timeMs: number): boolean {
    const emergency = this.#emergencies.touchKnown(pairOf(person, patient));
    return emergency !== undefined && timeMs < emergency.untilMs;
  }

  /** Whether somebody is on duty, `marginMs` before and after included; undefined where no roster tells. */
  dutyAt(person: string, timeMs: number, marginMs: number): DutyState {
    const duties = this.#people.touchKnown(person)?.duties ?? [];
    if (duties.length === 0 || this.#rosterMs === null) return undefined;
    let state: DutyState = timeMs < this.#rosterMs[0] || timeMs >= this.#rosterMs[1] ? undefined : 'off-duty';
    for (const [startMs, endMs, isOnCall] of duties) {
      if (timeMs < startMs - marginMs || timeMs >= endMs + marginMs) continue;
      if (!isOnCall) return 'on-duty';
      state = 'on-call';
    }
    return state;
  }

  /** Sizes and evictions, each name after the prefix. */
  counters(prefix: string): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [name, table] of this.#tables()) {
      counts[`${prefix}${name}`] = table.size;
      counts[`${prefix}${name}Evicted`] = table.evictedCount;
    }
    return counts;
  }

  snapshot(): Json {
    const tables = Object.fromEntries(this.#tables().map(([name, table]) => [name, table.snapshot()]));
    return { tables, rosterMs: this.#rosterMs };
  }

  restore(state: Json): void {
    const { tables, rosterMs } = state as { tables: Record<string, Json>; rosterMs: [number, number] | null };
    this.#rosterMs = rosterMs;
    for (const [name, table] of this.#tables()) table.restore(tables[name] as Json);
  }

  #tables(): (readonly [string, KeyedStore<unknown>])[] {
    return [
      ['People', this.#people],
      ['Patients', this.#patients],
      ['StaffPatients', this.#staffByPatient],
      ['Care', this.#care],
      ['Emergencies', this.#emergencies],
      ['Listed', this.#listed],
    ] as (readonly [string, KeyedStore<unknown>])[];
  }

  #assign({ person, role, ward, patient, home }: PeopleNews & { is: 'assigned' }): void {
    const record = this.#people.touch(person, newPerson);
    record.role = role ?? record.role;
    record.ward = ward ?? record.ward;
    record.home = homeAfter(record.home, home);
    if (patient === null) return;
    record.patient = patient;
    this.#staffByPatient.touch(patient, () => ({ person })).person = person;
  }

  #leave(person: string): void {
    const patient = this.#people.touchKnown(person)?.patient ?? null;
    if (patient !== null) this.#staffByPatient.delete(patient);
    this.#people.delete(person);
  }

  #addDuty(person: string, duty: Duty): void {
    const record = this.#people.touch(person, newPerson);
    const others = record.duties.filter(([startMs]) => startMs !== duty[0]);
    record.duties = [...others, duty].sort(([a], [b]) => a - b).slice(-BOUNDS.dutiesMax);
    const [fromMs, toMs] = this.#rosterMs ?? duty;
    this.#rosterMs = [Math.min(fromMs, duty[0]), Math.max(toMs, duty[1])];
  }

  #place({ is, patient, ward, home }: PeopleNews & { is: 'admitted' | 'transferred' }): void {
    const record = this.#patients.touch(patient, newPatient);
    record.home = homeAfter(record.home, home);
    record.ward = ward ?? (is === 'transferred' ? record.ward : null);
    record.leftMs = null;
    record.isDeceased = false;
  }

  #discharge(patient: string, isDeceased: boolean, timeMs: number): void {
    const record = this.#patients.touch(patient, newPatient);
    record.leftMs = timeMs;
    record.isDeceased = isDeceased;
  }
}

// The length tells where the first ends, whatever stands in either.
function pairOf(a: string, b: string): string {
  return `${a.length}/${a}${b}`;
}

/** What news leave open stays as it was. */
function homeAfter(known: HomeFact, news: HomeFact): HomeFact {
  return {
    surname: news.surname ?? known.surname,
    street: news.street ?? known.street,
    address: news.address ?? known.address,
  };
}

const newPerson = (): PersonRecord => ({ role: null, ward: null, patient: null, home: NO_HOME, duties: [] });
const newPatient = (): PatientRecord => ({ home: NO_HOME, ward: null, leftMs: null, isDeceased: false });
const newCare = (): CareRecord => ({ untilMs: null });

/** Records are plain data: what a snapshot holds must not change with them. */
function tableOf<V>(keysMax: number): KeyedStore<V> {
  return new KeyedStore<V>(keysMax, {
    toJson: (value) => structuredClone(value) as Json,
    fromJson: (json) => structuredClone(json) as V,
  });
}
