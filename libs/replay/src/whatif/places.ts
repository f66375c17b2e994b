import type { DetectionEntity, EventData, ProtegoEvent } from '@protego/contracts';
import type { FindingCore } from './finding';

/** Somebody or something that an event names, with what it says of it; null for what it leaves open. */
export interface NamedEntity {
  /** As in detections; persons and patients by token. */
  readonly kind: 'person' | 'patient' | 'device';
  readonly id: string;
  readonly ward: string | null;
  /** Of a person: role; of a device: its type. */
  readonly role: string | null;
}

/** What is asked of an event: who it names, where they belong, and which event it is. */
export interface EventFacts {
  readonly seq: number;
  readonly source: string;
  readonly id: string;
  readonly entities: readonly NamedEntity[];
}

/** Types that say where people, patients and devices belong. */
export const PLACE_TYPES = [
  'roster.person-assigned',
  'roster.device-assigned',
  'care.patient-admitted',
  'care.patient-transferred',
] as const;

/** Most people, patients and devices of which it is known where they belong; more are counted only. */
export const PLACES_MAX = 500_000;
const NAME_LENGTH_MAX = 255;

/** The facts of an event as it is stored: personal fields hold tokens. */
export function eventFactsOf(seq: number, { source, id, data }: ProtegoEvent): EventFacts {
  const actor = memberOf(data, 'actor');
  const entities = [
    named('person', memberOf(data, 'user'), 'role'),
    named('person', memberOf(actor, 'user'), 'role'),
    named('patient', memberOf(data, 'patient')),
    named('device', memberOf(data, 'device'), 'type'),
  ];
  return { seq, source, id, entities: entities.filter((entity) => entity !== undefined) };
}

function named(kind: NamedEntity['kind'], data: EventData, role?: string): NamedEntity | undefined {
  const id = nameOf(data, 'uid');
  if (id === null) return undefined;
  return { kind, id, ward: nameOf(data, 'ward'), role: role === undefined ? null : nameOf(data, role) };
}

function memberOf(data: EventData, name: string): EventData {
  const value = data[name];
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as EventData) : {};
}

function nameOf(data: EventData, key: string): string | null {
  const value = data[key];
  return typeof value === 'string' && value !== '' && value.length <= NAME_LENGTH_MAX ? value : null;
}

interface Known {
  readonly seq: number;
  readonly ward: string | null;
  readonly role: string | null;
}

/** Who and what a finding is about, and where they belong. */
export interface Affected {
  /** Ward that has to deal with it: of the first entity whose ward is known, else of most devices of its events. */
  readonly ward: string | null;
  /** Tokens. */
  readonly persons: readonly string[];
  /** Roles of these persons, as far as they are known. */
  readonly roles: readonly string[];
  readonly devices: readonly string[];
  /** Tokens: those that it names, and those in the events that it rests on. */
  readonly patients: readonly string[];
}

/** Where people, patients and devices belonged, as the events of a log told. */
export class WhoAndWhere {
  readonly #known = new Map<string, Known[]>();
  readonly #events: ReadonlyMap<number, EventFacts>;
  /** Entities that were not remembered, because {@link PLACES_MAX} were. */
  leftOutCount = 0;

  /**
   * @param evidence - of all events that findings rest on
   * @param knowledge - of events of {@link PLACE_TYPES}
   */
  constructor(evidence: Iterable<EventFacts>, knowledge: Iterable<EventFacts>) {
    const events = new Map<number, EventFacts>();
    for (const facts of evidence) events.set(facts.seq, facts);
    this.#events = events;
    for (const facts of [...events.values(), ...knowledge].sort((a, b) => a.seq - b.seq)) this.#learn(facts);
  }

  /** The events of a finding, as far as the log still holds them. */
  eventsOf({ seqs }: Pick<FindingCore, 'seqs'>): EventFacts[] {
    return seqs.flatMap((seq) => this.#events.get(seq) ?? []);
  }

  affectedBy(finding: FindingCore): Affected {
    const { entities, seqs } = finding;
    const lastSeq = seqs.at(-1) ?? 0;
    const events = this.eventsOf(finding);
    const idsOf = (kind: string): string[] => entities.flatMap((entity) => (entity.kind === kind ? entity.id : []));
    const persons = idsOf('person');
    const seen = events.flatMap((event) => event.entities);
    const patients = [...idsOf('patient'), ...seen.flatMap(({ kind, id }) => (kind === 'patient' ? id : []))];
    const wards = entities.map((entity) => this.#lookUp(entity, lastSeq, 'ward'));
    return {
      ward: wards.find((ward) => ward !== null) ?? mostFrequent(seen.flatMap(wardOfDevice)),
      persons,
      roles: unique(persons.flatMap((id) => this.#lookUp({ kind: 'person', id }, lastSeq, 'role') ?? [])),
      devices: idsOf('device'),
      patients: unique(patients),
    };
  }

  #learn({ seq, entities }: EventFacts): void {
    for (const { kind, id, ward, role } of entities) {
      if (ward === null && role === null) continue;
      const key = keyOf(kind, id);
      const history = this.#known.get(key);
      const last = history?.at(-1);
      if (last !== undefined && (ward ?? last.ward) === last.ward && (role ?? last.role) === last.role) continue;
      const known = { seq, ward: ward ?? last?.ward ?? null, role: role ?? last?.role ?? null };
      if (history !== undefined) history.push(known);
      else if (this.#known.size < PLACES_MAX) this.#known.set(key, [known]);
      else this.leftOutCount++;
    }
  }

  /** As it was last said up to a record, else as it was first said after it. */
  #lookUp({ kind, id }: DetectionEntity, seq: number, what: 'ward' | 'role'): string | null {
    const history = this.#known.get(keyOf(kind, id)) ?? [];
    const known = history.findLast((one) => one.seq <= seq) ?? history[0];
    return known?.[what] ?? null;
  }
}

const keyOf = (kind: string, id: string): string => `${kind}\n${id}`;
const unique = (texts: readonly string[]): string[] => [...new Set(texts)];
const wardOfDevice = ({ kind, ward }: NamedEntity): string[] => (kind === 'device' && ward !== null ? [ward] : []);

/** Of several that are as frequent, the first in the order of UTF-16 code units. */
function mostFrequent(texts: readonly string[]): string | null {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  let best: string | null = null;
  for (const [text, count] of counts) {
    const most = best === null ? 0 : (counts.get(best) as number);
    if (count > most || (count === most && best !== null && text < best)) best = text;
  }
  return best;
}
