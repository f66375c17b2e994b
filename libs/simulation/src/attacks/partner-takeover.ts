import type { EventDraft } from '../draft';
import { HOUR_MS } from '../durations';
import { signInFailedDraft, type EndpointView, type UserView } from '../event-drafts';
import type { Partner, Resident } from '../hospital/model';
import { portalSessionUid, type PortalSeat } from '../life/partner-desks';
import { partnersOf } from '../life/episode';
import { programOf, strangeEndpoint } from '../portal-accounts';
import { amountOf, inTime, pacedMs, stepTimes, type Course, type Script, type Stage } from './activity';
import {
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

const MINUTE_MS = 60_000;

/** What partners of a kind that asks for patients ask them for. */
function matterOf(partner: Partner): { readonly partner: Partner; readonly purpose: string } {
  const purpose =
    partner.kind === 'research' ? 'research' : partner.kind === 'hospital' ? 'second-opinion' : 'treatment';
  return { partner, purpose };
}

function askingPartner(stage: Stage): Partner | undefined {
  return partnerOf(stage, 'general-practice', 'rehabilitation', 'hospital', 'research');
}

/** Somebody with a partner's password signs in abroad, where no second factor is asked for, and asks for patients. */
const STRANGE_COUNTRY: Script = {
  attack: 'partner-takeover',
  kind: 'attack',
  name: 'partner-takeover-strange-country',
  source: 'Remote access of a US claims processor with a stolen password and no second factor, 2024',
  durationMsMax: 4 * HOUR_MS,
  play: (stage) => {
    const partner = askingPartner(stage);
    if (partner === undefined) return undefined;
    const from = strangeEndpoint(stage.hospital, stage.random, true);
    return takeover(stage, partner, { from, hasSecondFactor: false, strangerShare: 0.6, usual: 16, least: 5 }, 1);
  },
};

/** The same from a provider of the own country: the address alone is what is strange. */
const STRANGE_PROVIDER: Script = {
  attack: 'partner-takeover',
  kind: 'attack',
  name: 'partner-takeover-strange-provider',
  source: 'Accounts of medical practices sold with an address near by, so that checks of the country pass',
  durationMsMax: 4 * HOUR_MS,
  play: (stage) => {
    const partner = askingPartner(stage);
    if (partner === undefined) return undefined;
    const from = strangeEndpoint(stage.hospital, stage.random, false);
    return takeover(stage, partner, { from, hasSecondFactor: false, strangerShare: 0.4, usual: 10, least: 4 }, 1);
  },
};

/** The second factor was phished as well; what gives it away is whom it asks for. */
const PHISHED_FACTOR: Script = {
  attack: 'partner-takeover',
  kind: 'attack',
  name: 'partner-takeover-phished-factor',
  source:
    'Phishing pages that pass the second factor on while it is typed in, used against health organisations since 2022',
  durationMsMax: 4 * HOUR_MS,
  play: (stage) => {
    const partner = askingPartner(stage);
    if (partner === undefined) return undefined;
    const from = strangeEndpoint(stage.hospital, stage.random, stage.random.chance(0.5));
    return takeover(stage, partner, { from, hasSecondFactor: true, strangerShare: 0.8, usual: 28, least: 12 }, 7);
  },
};

/** Malware on a computer in the partner's office asks for one patient after the other in the name of whoever sits there. */
const OFFICE_MALWARE: Script = {
  attack: 'partner-takeover',
  kind: 'attack',
  name: 'partner-takeover-office-malware',
  source:
    'Suppliers whose own computers were used to get at hospitals, as with the software supplier of a national emergency line, 2022',
  durationMsMax: 5 * HOUR_MS,
  play: (stage) => {
    const partner = askingPartner(stage);
    if (partner === undefined) return undefined;
    const user = partnerPerson(stage, partner);
    const { from } = officeSeat(stage, partner, user);
    if (from === undefined) return undefined;
    return takeover(
      stage,
      partner,
      { user, from, hasSecondFactor: false, strangerShare: 0.8, usual: 28, least: 12 },
      7,
    );
  },
};

/** A password is guessed slowly, and then the account asks. */
const GUESSED_PASSWORD: Script = {
  attack: 'partner-takeover',
  kind: 'attack',
  name: 'partner-takeover-guessed-password',
  source:
    'Portals with guessable passwords and no second factor; password guessing is among the usual beginnings of thefts in health care',
  durationMsMax: 5 * HOUR_MS,
  play: (stage) => {
    const { random, startMs } = stage;
    const partner = askingPartner(stage);
    if (partner === undefined) return undefined;
    const user = partnerPerson(stage, partner);
    const from = strangeEndpoint(stage.hospital, random, random.chance(0.4));
    const seat = portalSeat(partner, user, from);
    const guesses = stepTimes(random, startMs, pacedMs(stage, 3 * HOUR_MS), amountOf(stage, 15, 8));
    const signInMs = (guesses.at(-1) as number) + pacedMs(stage, random.integer(MINUTE_MS, 8 * MINUTE_MS));
    const failed = guesses.map((timeMs) => failedSignIn(stage, timeMs, partner, seat));
    const patients = patientsWith(stage, partner, matterOf(partner).purpose, 3);
    const strangers = patientsWithout(stage, partner, 4);
    const asked = asking(stage, partner, seat, patients, strangers, signInMs, pacedMs(stage, 1.2 * HOUR_MS));
    const drafts = [...failed, partnerSignIn(stage, signInMs, partner, seat, random.chance(0.3)), ...asked];
    const entities = entitiesOf(['person', user.uid], ['partner', partner.view.uid], ['address', from.ip]);
    return { drafts: inTime(drafts), entities, detectableAtMs: signInMs };
  },
};

/** A partner's key is used where its program runs and, turn and turn about, abroad. */
const STOLEN_KEY: Script = {
  attack: 'partner-takeover',
  kind: 'attack',
  name: 'partner-takeover-stolen-key',
  source:
    'Keys and tokens of integrations stolen from their vendors and used beside them, as in thefts of 2022 and 2025',
  durationMsMax: 5 * HOUR_MS,
  play: (stage) => {
    const { hospital, random, startMs } = stage;
    const partners = ['app-vendor', 'insurer'].flatMap((kind) => partnersOf(hospital, kind as Partner['kind']));
    const partner = partners.length === 0 ? undefined : random.pick(partners);
    const program = partner === undefined ? undefined : programOf(partner);
    if (partner === undefined || program === undefined) return undefined;
    const purpose = partner.kind === 'insurer' ? 'billing' : 'remote-monitoring';
    const count = amountOf(stage, 10, 4);
    const patients =
      purpose === 'billing'
        ? patientsWithout(stage, partner, 2 * count)
        : patientsWith(stage, partner, purpose, 2 * count);
    if (patients.length < 4) return undefined;
    const seats = [
      officeSeat(stage, partner, program),
      portalSeat(partner, program, strangeEndpoint(hospital, random, true)),
    ];
    const times = stepTimes(random, startMs, pacedMs(stage, 4 * HOUR_MS), Math.max(patients.length, 14));
    const drafts = times.flatMap((timeMs, index) => {
      const bytesOut = random.integer(2_000, 60_000);
      const released = { timeMs: timeMs + random.integer(150, 2_500), seat: {}, bytesOut };
      const patient = patients[index % patients.length] as Resident;
      return askedAndReleased(
        stage,
        { partner, purpose },
        patient,
        { timeMs, seat: seats[index % 2] as PortalSeat },
        released,
      );
    });
    const entities = entitiesOf(
      ['person', program.uid],
      ['partner', partner.view.uid],
      ['address', seats[1]?.from?.ip],
    );
    return { drafts: inTime(drafts), entities, detectableAtMs: times[1] as number };
  },
};

/** How a stolen account is used. */
interface Use {
  readonly user?: UserView;
  readonly from: EndpointView;
  readonly hasSecondFactor: boolean;
  /** Share of the patients who have nothing to do with the partner. */
  readonly strangerShare: number;
  /** Patients at volume 1, and at least. */
  readonly usual: number;
  readonly least: number;
}

/** A sign-in and requests; it tells from the n-th refusal on, or from the sign-in where n is 1. */
function takeover(stage: Stage, partner: Partner, use: Use, telling: number): Course {
  const user = use.user ?? partnerPerson(stage, partner);
  const seat = portalSeat(partner, user, use.from);
  const count = amountOf(stage, use.usual, use.least);
  const strangerCount = Math.round(count * use.strangerShare);
  const patients = patientsWith(stage, partner, matterOf(partner).purpose, count - strangerCount);
  const strangers = patientsWithout(stage, partner, strangerCount);
  const signIn = partnerSignIn(stage, stage.startMs, partner, seat, use.hasSecondFactor);
  const asked = asking(stage, partner, seat, patients, strangers, stage.startMs, pacedMs(stage, 3 * HOUR_MS));
  const drafts = inTime([signIn, ...asked]);
  const refused = drafts.filter(({ type }) => type === 'exchange.refused');
  const told = telling === 1 ? signIn : (refused[telling - 1] ?? drafts.at(-1) ?? signIn);
  const entities = entitiesOf(['person', user.uid], ['partner', partner.view.uid], ['address', use.from.ip]);
  return { drafts, entities, detectableAtMs: told.timeMs };
}

/** Requests for patients of the partner, which are answered, and for strangers, which are refused, in any order. */
function asking(
  stage: Stage,
  partner: Partner,
  seat: PortalSeat,
  patients: readonly Resident[],
  strangers: readonly Resident[],
  fromMs: number,
  durationMs: number,
): EventDraft[] {
  const { random } = stage;
  const matter = matterOf(partner);
  const wanted = random.sample([...patients, ...strangers], patients.length + strangers.length);
  const times = stepTimes(random, fromMs + pacedMs(stage, 2 * MINUTE_MS), durationMs * 0.9, wanted.length);
  const answering = insider(stage, ['physician']);
  return wanted.flatMap((patient, index) => {
    const timeMs = times[index] as number;
    if (strangers.includes(patient))
      return askedAndRefused(stage, matter, patient, timeMs, seat, strangerReason(random));
    const releasedMs = timeMs + random.integer(30_000, pacedMs(stage, 15 * MINUTE_MS));
    const released = { timeMs: releasedMs, seat: answering?.seat ?? {}, bytesOut: letterBytes(random) };
    return askedAndReleased(stage, matter, patient, { timeMs, seat }, released);
  });
}

/** A refused sign-in of a partner's account. */
export function failedSignIn(
  { random }: Stage,
  timeMs: number,
  partner: Partner,
  { actor, from, userAgent }: PortalSeat,
  detail = 'wrong password',
): EventDraft {
  const user = actor as UserView;
  const seat = { user, from, userAgent, service: 'exchange-portal', session: portalSessionUid(random) };
  return signInFailedDraft(timeMs, { ...seat, partner: partner.view }, detail);
}

/** Accounts and keys of partners in the wrong hands. */
export const PARTNER_TAKEOVERS: readonly Script[] = [
  STRANGE_COUNTRY,
  STRANGE_PROVIDER,
  PHISHED_FACTOR,
  OFFICE_MALWARE,
  GUESSED_PASSWORD,
  STOLEN_KEY,
];
