import type { ProtegoEvent } from '@protego/contracts';
import { fieldAt, textAt } from './event-fields';
import { ratio } from './statistics';

/** How a reader and a patient are related, by what the directory says. */
export const RELATIONS = [
  'own record',
  'co-worker',
  'person on a watch list',
  'same household',
  'same street',
] as const;
/** One of {@link RELATIONS}. */
export type Relation = (typeof RELATIONS)[number];

interface Home {
  readonly patientUid: string;
  readonly street: string;
  readonly address: string;
}

/** Reads of one relation among a million reads. */
export interface RelatedReads {
  readonly all: number;
  /** Those for which no care relationship is on record. */
  readonly outsideCare: number;
}

/** Counts record reads by how reader and patient are related outside work. */
export class RelationTally {
  readonly #homeOfStaff = new Map<string, Home>();
  readonly #homeOfPatient = new Map<string, Home>();
  readonly #staffPatients = new Set<string>();
  readonly #watched = new Set<string>();
  readonly #counts = new Map(RELATIONS.map((name) => [name, { all: 0, outsideCare: 0 }]));
  #reads = 0;

  /** Takes one event; what the directory says counts for the reads after it. */
  take({ type, data }: ProtegoEvent): void {
    if (type === 'access.record-read') this.#read(data);
    else if (type === 'roster.person-assigned') this.#person(data);
    else if (type === 'care.patient-admitted') this.#patient(data);
    else if (type === 'watchlist.entry-added') this.#watched.add(textAt(data, 'patient.uid') ?? '');
  }

  /** Reads of each relation among a million reads. */
  perMillion(): ReadonlyMap<Relation, RelatedReads> {
    const part = (count: number): number => ratio(count * 1e6, this.#reads);
    return new Map(
      [...this.#counts].map(([name, { all, outsideCare }]) => [
        name,
        { all: part(all), outsideCare: part(outsideCare) },
      ]),
    );
  }

  #person(data: ProtegoEvent['data']): void {
    const [uid, patientUid] = [textAt(data, 'user.uid'), textAt(data, 'resident.patient_uid')];
    if (uid === undefined || patientUid === undefined) return;
    const home = homeOf(patientUid, fieldAt(data, 'resident'));
    this.#homeOfStaff.set(uid, home);
    this.#homeOfPatient.set(patientUid, home);
    this.#staffPatients.add(patientUid);
  }

  #patient(data: ProtegoEvent['data']): void {
    const uid = textAt(data, 'patient.uid');
    if (uid === undefined || textAt(data, 'patient.address') === undefined) return;
    this.#homeOfPatient.set(uid, homeOf(uid, fieldAt(data, 'patient')));
  }

  #read(data: ProtegoEvent['data']): void {
    const [reader, patient] = [textAt(data, 'actor.user.uid'), textAt(data, 'patient.uid')];
    if (reader === undefined || patient === undefined) return;
    this.#reads++;
    const isOutsideCare = fieldAt(data, 'care_relationship') !== true;
    for (const relation of this.#relations(this.#homeOfStaff.get(reader), patient)) {
      const counts = this.#counts.get(relation) as { all: number; outsideCare: number };
      counts.all++;
      if (isOutsideCare) counts.outsideCare++;
    }
  }

  #relations(reader: Home | undefined, patientUid: string): Relation[] {
    const found: Relation[] = this.#watched.has(patientUid) ? ['person on a watch list'] : [];
    if (reader?.patientUid === patientUid) return [...found, 'own record'];
    if (this.#staffPatients.has(patientUid)) found.push('co-worker');
    const patient = this.#homeOfPatient.get(patientUid);
    if (reader === undefined || patient === undefined) return found;
    if (reader.address === patient.address) found.push('same household');
    else if (reader.street === patient.street) found.push('same street');
    return found;
  }
}

function homeOf(patientUid: string, value: unknown): Home {
  const { street, address } = value as { readonly street?: unknown; readonly address?: unknown };
  // Nobody lives at an address that nobody knows, so it is made one of the person alone.
  return { patientUid, street: String(street ?? patientUid), address: String(address ?? patientUid) };
}
