import { parseRfc3339Ms } from '@protego/contracts';
import type { Pseudonymise } from '../pseudonyms';
import { memberOf, nameOf, type FactData as Data } from './fact-readers';

/** Where somebody lives, as tokens that can be compared only; null for what nobody said. */
export type HomeFact = {
  readonly surname: string | null;
  readonly street: string | null;
  /** Street and number: those with an equal one share a household. */
  readonly address: string | null;
};

/** What a directory says of people. */
export type PeopleNews =
  | {
      readonly is: 'assigned';
      readonly person: string;
      readonly role: string | null;
      readonly ward: string | null;
      /** The record that the person has as a patient. */
      readonly patient: string | null;
      readonly home: HomeFact;
    }
  | { readonly is: 'left'; readonly person: string }
  | {
      readonly is: 'duty';
      readonly person: string;
      readonly startMs: number;
      readonly endMs: number;
      readonly isOnCall: boolean;
    }
  | {
      readonly is: 'admitted' | 'transferred';
      readonly patient: string;
      readonly ward: string | null;
      readonly home: HomeFact;
    }
  | { readonly is: 'discharged'; readonly patient: string; readonly isDeceased: boolean }
  | { readonly is: 'care-started' | 'care-ended'; readonly person: string; readonly patient: string }
  | { readonly is: 'listed' | 'unlisted'; readonly list: string; readonly value: string };

/** Knowledge of who works here, who is a patient, and who cares for whom. */
export type PeopleFact = { readonly kind: 'people'; readonly news: PeopleNews };

type Reader = (data: Data) => PeopleFact | undefined;

/** Readers of knowledge of people, by event type. */
export const PEOPLE_READERS: readonly (readonly [string, Reader])[] = [
  ['roster.person-assigned', assigned],
  ['roster.person-left', left],
  ['roster.shift-assigned', duty],
  ['care.patient-admitted', (data) => stay(data, 'admitted')],
  ['care.patient-transferred', (data) => stay(data, 'transferred')],
  ['care.patient-discharged', discharged],
  ['care.relationship-started', (data) => care(data, 'care-started')],
  ['care.relationship-ended', (data) => care(data, 'care-ended')],
  ['watchlist.entry-added', (data) => listed(data, 'listed')],
  ['watchlist.entry-removed', (data) => listed(data, 'unlisted')],
];

/** The fact with pseudonyms in place of persons. */
export function peopleWithPseudonyms(fact: PeopleFact, pseudonymise: Pseudonymise): PeopleFact {
  const news: Record<string, unknown> = { ...fact.news };
  for (const key of ['person', 'patient', 'value']) {
    const name = news[key];
    if (typeof name === 'string') news[key] = pseudonymise(name);
  }
  return { kind: 'people', news: news as PeopleNews };
}

const told = (news: PeopleNews): PeopleFact => ({ kind: 'people', news });

function personOf(data: Data): string | null {
  return nameOf(memberOf(data, 'user'), 'uid');
}

function patientOf(data: Data): string | null {
  return nameOf(memberOf(data, 'patient'), 'uid');
}

function homeOf(data: Data): HomeFact {
  return { surname: nameOf(data, 'surname'), street: nameOf(data, 'street'), address: nameOf(data, 'address') };
}

function assigned(data: Data): PeopleFact | undefined {
  const user = memberOf(data, 'user');
  const person = nameOf(user, 'uid');
  if (person === null) return undefined;
  const resident = memberOf(data, 'resident');
  const [role, ward, patient] = [nameOf(user, 'role'), nameOf(user, 'ward'), nameOf(resident, 'patient_uid')];
  return told({ is: 'assigned', person, role, ward, patient, home: homeOf(resident) });
}

function left(data: Data): PeopleFact | undefined {
  const person = personOf(data);
  return person === null ? undefined : told({ is: 'left', person });
}

function duty(data: Data): PeopleFact | undefined {
  const person = personOf(data);
  const [startMs, endMs] = [timeOf(data, 'start'), timeOf(data, 'end')];
  if (person === null || startMs === undefined || endMs === undefined || startMs >= endMs) return undefined;
  return told({ is: 'duty', person, startMs, endMs, isOnCall: data['on_call'] === true });
}

function timeOf(data: Data, key: string): number | undefined {
  const text = data[key];
  return typeof text === 'string' ? parseRfc3339Ms(text) : undefined;
}

function stay(data: Data, is: 'admitted' | 'transferred'): PeopleFact | undefined {
  const view = memberOf(data, 'patient');
  const patient = nameOf(view, 'uid');
  return patient === null ? undefined : told({ is, patient, ward: nameOf(view, 'ward'), home: homeOf(view) });
}

function discharged(data: Data): PeopleFact | undefined {
  const patient = patientOf(data);
  if (patient === null) return undefined;
  return told({ is: 'discharged', patient, isDeceased: data['outcome'] === 'deceased' });
}

function care(data: Data, is: 'care-started' | 'care-ended'): PeopleFact | undefined {
  const [person, patient] = [personOf(data), patientOf(data)];
  return person === null || patient === null ? undefined : told({ is, person, patient });
}

// A patient on a list stands there as a patient, so that the token is that of the record; others as a value.
function listed(data: Data, is: 'listed' | 'unlisted'): PeopleFact | undefined {
  const [list, value] = [nameOf(data, 'list'), patientOf(data) ?? nameOf(data, 'value')];
  return list === null || value === null ? undefined : told({ is, list, value });
}
