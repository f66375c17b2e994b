import type { Pseudonymise } from '../pseudonyms';
import { deviceFact, memberOf, nameOf, type DeviceFact, type FactData as Data } from './fact-readers';

/** What was done to a record: `emergency` is access under break-glass. */
export type RecordAct = 'read' | 'changed' | 'exported' | 'emergency';

/** A record that somebody touched; null for what the event does not say. */
export type RecordFact = {
  readonly act: RecordAct;
  readonly patient: string;
  readonly patientWard: string | null;
  readonly purpose: string | null;
  /** Whether the health record knows a care relationship. */
  readonly isInCare: boolean | null;
  /** Which part of the record: `chart`, `letters`, `laboratory` … */
  readonly recordType: string | null;
  /** Zone that the person worked from. */
  readonly zone: string | null;
  /** Application that showed the record; null is the health record itself. */
  readonly service: string | null;
};

/** Somebody at work. */
export type AccessFact = {
  readonly kind: 'access';
  readonly person: string;
  readonly role: string | null;
  readonly ward: string | null;
  readonly device: DeviceFact | null;
  /** Patient whose record was read or exported. */
  readonly patient: string | null;
  /** The record that was touched; null for a sign-in. */
  readonly record: RecordFact | null;
};

/** Readers of record access, by event type. */
export const RECORD_READERS: readonly (readonly [string, (data: Data) => AccessFact | undefined])[] = [
  ['access.record-read', (data) => recordAccessFact(data, 'read')],
  ['access.record-exported', (data) => recordAccessFact(data, 'exported')],
  ['access.record-changed', (data) => recordAccessFact(data, 'changed')],
  ['access.break-glass-used', (data) => recordAccessFact(data, 'emergency')],
];

function recordAccessFact(data: Data, act: RecordAct): AccessFact | undefined {
  const user = memberOf(memberOf(data, 'actor'), 'user');
  const person = nameOf(user, 'uid');
  if (person === null) return undefined;
  const record = recordFact(data, act);
  return {
    kind: 'access',
    person,
    role: nameOf(user, 'role'),
    ward: nameOf(user, 'ward'),
    device: deviceFact(data),
    patient: act === 'read' || act === 'exported' ? (record?.patient ?? null) : null,
    record,
  };
}

function recordFact(data: Data, act: RecordAct): RecordFact | null {
  const patientView = memberOf(data, 'patient');
  const patient = nameOf(patientView, 'uid');
  if (patient === null) return null;
  const isInCare = data['care_relationship'];
  return {
    act,
    patient,
    patientWard: nameOf(patientView, 'ward'),
    purpose: nameOf(data, 'purpose'),
    isInCare: typeof isInCare === 'boolean' ? isInCare : null,
    recordType: nameOf(data, 'record_type'),
    zone: nameOf(memberOf(data, 'src_endpoint'), 'zone'),
    service: nameOf(memberOf(data, 'service'), 'name'),
  };
}

/** The fact with the patient's pseudonym. */
export function recordWithPseudonyms(record: RecordFact, pseudonymise: Pseudonymise): RecordFact {
  return { ...record, patient: pseudonymise(record.patient) };
}
