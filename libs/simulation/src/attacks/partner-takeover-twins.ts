import { HOUR_MS } from '../durations';
import { consentDraft, directoryDraft, outside, patientView, type UserView } from '../event-drafts';
import type { Partner, Resident } from '../hospital/model';
import { addressIn, journeyAddress, partnerHomeAddress, strangeEndpoint } from '../portal-accounts';
import { amountOf, inTime, stepTimes, type Course, type Script, type Stage } from './activity';
import {
  absentPartnerPerson,
  askedAndRefused,
  askedAndReleased,
  entitiesOf,
  insider,
  letterBytes,
  officeSeat,
  partnerOf,
  partnerPerson,
  partnerSignIn,
  patientsWith,
  patientsWithout,
  portalSeat,
  strangerReason,
} from './exchange-stage';
import { failedSignIn } from './partner-takeover';

const MINUTE_MS = 60_000;

/** A partner moves: the directory is told of the new network, then its people work from there. */
const NEW_OFFICE: Script = {
  attack: 'partner-takeover',
  kind: 'benign-twin',
  name: 'new-office-network',
  source: 'A practice that moved and announced its new address',
  durationMsMax: 6 * HOUR_MS,
  beginHours: [7, 8, 9],
  play: (stage) => {
    const { hospital, random, startMs } = stage;
    const partner = partnerOf(stage, 'general-practice', 'rehabilitation');
    if (partner === undefined) return undefined;
    const network = `${networkOf(strangeEndpoint(hospital, random, false).ip)}/28`;
    const ip = addressIn(network, random.integer(1, 3));
    const agreed = directoryDraft(startMs, 'roster.partner-agreed', partner.view.uid, {
      partner: partner.view,
      agreement: partner.agreement,
      purposes: partner.purposes,
      networks: [...partner.networks, network],
    });
    const user = partnerPerson(stage, partner);
    const seat = portalSeat(partner, user, outside(ip, hospital.countryOf(ip)));
    const signIn = partnerSignIn(stage, startMs + HOUR_MS, partner, seat, false);
    const asked = ordinaryRequests(stage, partner, seat, startMs + HOUR_MS, 3 * HOUR_MS, amountOf(stage, 6, 2));
    const entities = entitiesOf(['person', user.uid], ['address', ip]);
    return { drafts: inTime([agreed, signIn, ...asked]), entities, detectableAtMs: null };
  },
};

/** A partner's physician on a journey signs in abroad, is asked for a second factor, and looks after the own patients. */
const ON_JOURNEY: Script = {
  attack: 'partner-takeover',
  kind: 'benign-twin',
  name: 'physician-on-a-journey',
  source: 'A congress abroad',
  durationMsMax: 10 * HOUR_MS,
  beginHours: [6, 7, 8],
  play: (stage) => {
    const { hospital, random, startMs } = stage;
    const partners = random.sample(hospital.partners, hospital.partners.length);
    const partner = partners.find((each) => ASKING.has(each.kind) && absence(stage, each) !== undefined);
    const user = partner && absence(stage, partner);
    if (partner === undefined || user === undefined) return undefined;
    const from = journeyAddress(hospital, `${user.uid}/${startMs}`, startMs);
    const seat = portalSeat(partner, user, from);
    const drafts = [0, 5 * HOUR_MS].flatMap((laterMs) => [
      partnerSignIn(stage, startMs + laterMs, partner, seat, true),
      ...ordinaryRequests(stage, partner, seat, startMs + laterMs + MINUTE_MS, 2 * HOUR_MS, amountOf(stage, 3, 1)),
    ]);
    const entities = entitiesOf(['person', user.uid], ['address', from.ip]);
    return { drafts: inTime(drafts), entities, detectableAtMs: null };
  },
};

const ASKING: ReadonlySet<Partner['kind']> = new Set(['general-practice', 'hospital', 'rehabilitation']);

/** Somebody of a partner who is neither at the desk before the journey nor on the evening of it. */
function absence(stage: Stage, partner: Partner): UserView | undefined {
  return absentPartnerPerson(stage, partner, stage.startMs - 3 * HOUR_MS, stage.startMs + 13 * HOUR_MS);
}

/** A password that was forgotten over the holidays, and then remembered. */
const FORGOTTEN_PASSWORD: Script = {
  attack: 'partner-takeover',
  kind: 'benign-twin',
  name: 'forgotten-password',
  source: 'The first Monday after the holidays',
  durationMsMax: 3 * HOUR_MS,
  beginHours: [7, 8],
  play: (stage) => {
    const { random, startMs } = stage;
    const partner = partnerOf(stage, 'general-practice', 'rehabilitation', 'hospital');
    if (partner === undefined) return undefined;
    const user = partnerPerson(stage, partner);
    const seat = officeSeat(stage, partner, user);
    const failed = stepTimes(random, startMs, 6 * MINUTE_MS, Math.min(4, amountOf(stage, 3, 2))).map((timeMs) =>
      failedSignIn(stage, timeMs, partner, seat),
    );
    const signInMs = startMs + 20 * MINUTE_MS;
    const asked = ordinaryRequests(stage, partner, seat, signInMs, 1.5 * HOUR_MS, amountOf(stage, 4, 2));
    const drafts = inTime([...failed, partnerSignIn(stage, signInMs, partner, seat, true), ...asked]);
    return { drafts, entities: entitiesOf(['person', user.uid]), detectableAtMs: null };
  },
};

/** A study centre asks for all that agreed to a study, one after the other, and mistypes a few. */
const STUDY_LIST: Script = {
  attack: 'partner-takeover',
  kind: 'benign-twin',
  name: 'study-list',
  source: 'The monthly list of a study',
  durationMsMax: 10 * HOUR_MS,
  beginHours: [6, 7, 8],
  play: (stage) => {
    const { random, startMs } = stage;
    const partner = partnerOf(stage, 'research', 'rehabilitation');
    if (partner === undefined) return undefined;
    const purpose = partner.kind === 'research' ? 'research' : 'treatment';
    const user = partnerPerson(stage, partner);
    const seat = officeSeat(stage, partner, user);
    const count = amountOf(stage, 16, 6);
    const agreed = patientsWithout(stage, partner, count + 3);
    const [mistyped, wanted] = [agreed.slice(0, Math.min(3, amountOf(stage, 2))), agreed.slice(3)];
    const consentTimes = stepTimes(random, startMs, 2 * HOUR_MS, wanted.length);
    const consents = wanted.map((patient, index) =>
      consentDraft(consentTimes[index] as number, 'consent-given', partner.view, patientView(patient), purpose),
    );
    const listMs = startMs + 3 * HOUR_MS;
    const asked = requests(stage, { partner, purpose }, seat, wanted, listMs, HOUR_MS);
    const refused = mistyped.flatMap((patient) =>
      askedAndRefused(
        stage,
        { partner, purpose },
        patient,
        listMs + random.integer(0, HOUR_MS),
        seat,
        strangerReason(random),
      ),
    );
    const drafts = inTime([
      ...consents,
      partnerSignIn(stage, listMs - 2 * MINUTE_MS, partner, seat, true),
      ...asked,
      ...refused,
    ]);
    return { drafts, entities: entitiesOf(['person', user.uid]), detectableAtMs: null };
  },
};

/** Somebody of a partner works at home for a day, with a second factor. */
const AT_HOME: Script = {
  attack: 'partner-takeover',
  kind: 'benign-twin',
  name: 'partner-at-home',
  source: 'A day of work at home',
  durationMsMax: 8 * HOUR_MS,
  beginHours: [7, 8],
  play: (stage) => {
    const partner = partnerOf(stage, 'general-practice', 'rehabilitation', 'hospital', 'research');
    if (partner === undefined) return undefined;
    const user = partnerPerson(stage, partner);
    const from = partnerHomeAddress(stage.hospital, user.uid);
    const seat = portalSeat(partner, user, from);
    const signIn = partnerSignIn(stage, stage.startMs, partner, seat, true);
    const asked = ordinaryRequests(stage, partner, seat, stage.startMs, 5 * HOUR_MS, amountOf(stage, 6, 2));
    return {
      drafts: inTime([signIn, ...asked]),
      entities: entitiesOf(['person', user.uid], ['address', from.ip]),
      detectableAtMs: null,
    };
  },
};

/** Requests for the partner's own patients, and their answers within some hours. */
function ordinaryRequests(
  stage: Stage,
  partner: Partner,
  seat: ReturnType<typeof officeSeat>,
  fromMs: number,
  durationMs: number,
  count: number,
): Course['drafts'] {
  const purpose =
    partner.kind === 'hospital' ? 'second-opinion' : partner.kind === 'research' ? 'research' : 'treatment';
  const patients = patientsWith(stage, partner, purpose, count);
  return requests(stage, { partner, purpose }, seat, patients, fromMs + MINUTE_MS, durationMs);
}

function requests(
  stage: Stage,
  matter: { readonly partner: Partner; readonly purpose: string },
  seat: ReturnType<typeof officeSeat>,
  patients: readonly Resident[],
  fromMs: number,
  durationMs: number,
): Course['drafts'] {
  const { random } = stage;
  const roles = matter.purpose === 'research' ? (['quality-officer', 'physician'] as const) : (['physician'] as const);
  const times = stepTimes(random, fromMs, durationMs, patients.length);
  return patients.flatMap((patient, index) => {
    const timeMs = times[index] as number;
    const answering = insider({ ...stage, startMs: timeMs }, roles);
    const releasedMs = timeMs + random.integer(5 * MINUTE_MS, 70 * MINUTE_MS);
    const released = { timeMs: releasedMs, seat: answering?.seat ?? {}, bytesOut: letterBytes(random) };
    return askedAndReleased(stage, matter, patient, { timeMs, seat }, released);
  });
}

/** First address of the network of 16 addresses in which an address lies. */
function networkOf(ip: string): string {
  const bytes = ip.split('.').map(Number);
  return [...bytes.slice(0, 3), (bytes[3] as number) & 0xf0].join('.');
}

/** What looks like a stolen account of a partner and is none. */
export const PARTNER_TAKEOVER_TWINS: readonly Script[] = [
  NEW_OFFICE,
  ON_JOURNEY,
  FORGOTTEN_PASSWORD,
  STUDY_LIST,
  AT_HOME,
];
