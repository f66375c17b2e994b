import type { Pseudonymise } from '../pseudonyms';
import { memberOf, nameOf, type FactData as Data } from './fact-readers';

/** Data of a patient that was released to a partner. */
export type ReleaseFact = {
  readonly kind: 'release';
  readonly partner: string;
  readonly patient: string;
  /** Who released it; null where nobody is named. */
  readonly actor: string | null;
  readonly role: string | null;
  readonly purpose: string | null;
  readonly agreement: string | null;
};

/** A consent that was given or taken back. */
export type ConsentFact = {
  readonly kind: 'consent';
  readonly partner: string;
  readonly patient: string;
  readonly purpose: string;
  readonly isGiven: boolean;
};

/** An agreement with a partner that came into force or ended. */
export type AgreementFact = {
  readonly kind: 'agreement';
  readonly partner: string;
  readonly agreement: string;
  readonly isInForce: boolean;
  /** What data may be released for; of an agreement that ended none. */
  readonly purposes: readonly string[];
  /** In CIDR, from which the partner works; of an agreement that ended none. */
  readonly networks: readonly string[];
};

/** Somebody of a partner, or its key, at the portal: a sign-in or a request. */
export type PartnerAccessFact = {
  readonly kind: 'partner-access';
  readonly partner: string;
  readonly account: string;
  readonly address: string;
  readonly country: string | null;
  readonly isSignIn: boolean;
  /** True where the sign-in asked for a second factor. */
  readonly hasSecondFactor: boolean;
};

/** What detectors need of one event of the exchange with partners. */
export type ExchangeFact = ReleaseFact | ConsentFact | AgreementFact | PartnerAccessFact;

/** What an event of the exchange, or the sign-in of a partner's account, says; undefined for all others. */
export function exchangeFactOf(type: string, data: Data): ExchangeFact | undefined {
  return READERS.get(type)?.(data);
}

type Reader = (data: Data) => ExchangeFact | undefined;
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['exchange.released', releaseFact],
  ['exchange.requested', (data) => partnerAccessFact(data, memberOf(memberOf(data, 'actor'), 'user'), false)],
  ['access.signed-in', (data) => partnerAccessFact(data, memberOf(data, 'user'), true)],
  ['exchange.consent-given', (data) => consentFact(data, true)],
  ['exchange.consent-withdrawn', (data) => consentFact(data, false)],
  ['roster.partner-agreed', (data) => agreementFact(data, true)],
  ['roster.partner-ended', (data) => agreementFact(data, false)],
]);

/** An agreement names so many purposes and networks at most; more would only fill the memory. */
const NAMES_MAX = 64;

function releaseFact(data: Data): ReleaseFact | undefined {
  const partner = nameOf(memberOf(data, 'partner'), 'uid');
  const patient = nameOf(memberOf(data, 'patient'), 'uid');
  if (partner === null || patient === null) return undefined;
  const user = memberOf(memberOf(data, 'actor'), 'user');
  return {
    kind: 'release',
    partner,
    patient,
    actor: nameOf(user, 'uid'),
    role: nameOf(user, 'role'),
    purpose: nameOf(data, 'purpose'),
    agreement: nameOf(data, 'agreement'),
  };
}

function consentFact(data: Data, isGiven: boolean): ConsentFact | undefined {
  const partner = nameOf(memberOf(data, 'partner'), 'uid');
  const patient = nameOf(memberOf(data, 'patient'), 'uid');
  const purpose = nameOf(data, 'purpose');
  if (partner === null || patient === null || purpose === null) return undefined;
  return { kind: 'consent', partner, patient, purpose, isGiven };
}

function agreementFact(data: Data, isInForce: boolean): AgreementFact | undefined {
  const partner = nameOf(memberOf(data, 'partner'), 'uid');
  // Whoever ends an agreement without saying which ends all of the partner's: an empty name stands for that.
  const agreement = nameOf(data, 'agreement') ?? (isInForce ? null : '');
  if (partner === null || agreement === null) return undefined;
  const [purposes, networks] = isInForce ? [namesOf(data, 'purposes'), namesOf(data, 'networks')] : [[], []];
  return { kind: 'agreement', partner, agreement, isInForce, purposes, networks };
}

function namesOf(data: Data, key: string): readonly string[] {
  const names = data[key];
  return Array.isArray(names) ? names.filter((each) => typeof each === 'string').slice(0, NAMES_MAX) : [];
}

function partnerAccessFact(data: Data, user: Data, isSignIn: boolean): PartnerAccessFact | undefined {
  const partner = nameOf(memberOf(data, 'partner'), 'uid');
  const account = nameOf(user, 'uid');
  const endpoint = memberOf(data, 'src_endpoint');
  const address = nameOf(endpoint, 'ip');
  // Patients use apps of partners from wherever they are.
  if (partner === null || account === null || address === null || user['role'] === 'patient') return undefined;
  const country = nameOf(memberOf(endpoint, 'location'), 'country');
  return {
    kind: 'partner-access',
    partner,
    account,
    address,
    country,
    isSignIn,
    hasSecondFactor: data['mfa'] === true,
  };
}

/** The fact with pseudonyms in place of persons; undefined for facts of others. */
export function exchangeWithPseudonyms(
  fact: { readonly kind: string },
  pseudonymise: Pseudonymise,
): ExchangeFact | undefined {
  if (!isExchangeFact(fact)) return undefined;
  switch (fact.kind) {
    case 'release': {
      const { patient, actor } = fact;
      return { ...fact, patient: pseudonymise(patient), actor: actor === null ? null : pseudonymise(actor) };
    }
    case 'consent':
      return { ...fact, patient: pseudonymise(fact.patient) };
    case 'partner-access':
      return { ...fact, account: pseudonymise(fact.account) };
    case 'agreement':
      return fact;
  }
}

const KINDS: ReadonlySet<string> = new Set<ExchangeFact['kind']>(['release', 'consent', 'agreement', 'partner-access']);

function isExchangeFact(fact: { readonly kind: string }): fact is ExchangeFact {
  return KINDS.has(fact.kind);
}
