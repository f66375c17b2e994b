import { HOUR_MS } from '../durations';
import { outside } from '../event-drafts';
import type { Role } from '../hospital/model';
import { requestUid } from '../life/partner-desks';
import { patientAccount, portalUserAgent, programOf } from '../portal-accounts';
import { amountOf, inTime, pacedMs, stepTimes, type Course, type Script } from './activity';
import {
  askedAndRefused,
  askedAndReleased,
  entitiesOf,
  exchangeOf,
  insider,
  letterBytes,
  officeSeat,
  partnerOf,
  partnerPerson,
  patientsWith,
  patientsWithout,
} from './exchange-stage';

const MINUTE_MS = 60_000;
const CLERKS: readonly Role[] = ['admission-clerk', 'clinical-coder'];

/** From so many patients on nobody's letters on a patient's wish explain it any more. */
const UNASKED_TELLING = 8;
const NIGHT_TELLING = 8;
const APP_TELLING = 5;
const COLLUSION_TELLING = 40;

/** A clerk releases a few documents now and then to an insurer that never asked for them. */
const TRICKLE: Script = {
  attack: 'portal-exfiltration',
  kind: 'attack',
  name: 'portal-exfiltration-trickle',
  source:
    'Clerks who sold records of insured patients a few at a time for months, as in cases of US health systems and insurers',
  durationMsMax: 30 * HOUR_MS,
  play: (stage) => {
    const [clerk, partner] = [insider(stage, CLERKS), partnerOf(stage, 'insurer', 'general-practice')];
    if (clerk === undefined || partner === undefined) return undefined;
    const purpose = partner.kind === 'insurer' ? 'billing' : 'referral';
    const patients = patientsWithout(stage, partner, amountOf(stage, 26, 12));
    const times = stepTimes(stage.random, stage.startMs, pacedMs(stage, 28 * HOUR_MS), patients.length);
    const drafts = patients.map((patient, index) =>
      exchangeOf(stage, times[index] as number, 'released', { partner, purpose }, patient, {
        ...clerk.seat,
        bytesOut: letterBytes(stage.random),
      }),
    );
    // A practice needs the patients' consent, and there is none; an insurer does not.
    const telling = partner.kind === 'insurer' ? UNASKED_TELLING : 1;
    return course(drafts, entitiesOf(['person', clerk.person.user.uid], ['partner', partner.view.uid]), telling);
  },
};

/** Late in the evening a clerk answers the requests of an accomplice one after the other. */
const NIGHT: Script = {
  attack: 'portal-exfiltration',
  kind: 'attack',
  name: 'portal-exfiltration-night',
  source:
    'Bulk look-ups and transfers outside working hours, the sign by which several hospitals found insiders afterwards',
  durationMsMax: 2.5 * HOUR_MS,
  beginHours: [21, 22],
  play: (stage) => {
    const [clerk, partner] = [insider(stage, CLERKS), partnerOf(stage, 'insurer')];
    if (clerk === undefined || partner === undefined) return undefined;
    const program = programOf(partner) ?? partnerPerson(stage, partner);
    const patients = patientsWithout(stage, partner, amountOf(stage, 36, 16));
    const times = stepTimes(stage.random, stage.startMs, pacedMs(stage, 2 * HOUR_MS), patients.length);
    const drafts = patients.flatMap((patient, index) => {
      const timeMs = times[index] as number;
      return askedAndReleased(
        stage,
        { partner, purpose: 'billing' },
        patient,
        { timeMs, seat: officeSeat(stage, partner, program) },
        {
          timeMs: timeMs + stage.random.integer(20_000, pacedMs(stage, 4 * MINUTE_MS)),
          seat: clerk.seat,
          bytesOut: stage.random.integer(12_000, 160_000),
        },
      );
    });
    return course(drafts, entitiesOf(['person', clerk.person.user.uid], ['partner', partner.view.uid]), NIGHT_TELLING);
  },
};

/** Whole image archives leave under the purpose of a second opinion. */
const IMAGES: Script = {
  attack: 'portal-exfiltration',
  kind: 'attack',
  name: 'portal-exfiltration-images',
  source:
    'Image archives and file transfer portals emptied in few large pieces, as in the mass thefts through transfer software of 2021 and 2023',
  durationMsMax: 8 * HOUR_MS,
  play: (stage) => {
    const [physician, partner] = [insider(stage, ['physician', 'radiographer']), partnerOf(stage, 'hospital')];
    if (physician === undefined || partner === undefined) return undefined;
    const patients = patientsWithout(stage, partner, stage.random.integer(4, 6));
    const times = stepTimes(stage.random, stage.startMs, pacedMs(stage, 7 * HOUR_MS), patients.length);
    const drafts = patients.map((patient, index) =>
      exchangeOf(stage, times[index] as number, 'released', { partner, purpose: 'second-opinion' }, patient, {
        ...physician.seat,
        bytesOut: amountOf(stage, stage.random.integer(1_700_000_000, 2_600_000_000)),
      }),
    );
    return course(drafts, entitiesOf(['person', physician.person.user.uid], ['partner', partner.view.uid]), 1);
  },
};

/** Releases that quote numbers of requests which no partner ever made. */
const FORGED_REQUEST: Script = {
  attack: 'portal-exfiltration',
  kind: 'attack',
  name: 'portal-exfiltration-forged-request',
  source: 'Forged orders and requests as a cover for releases, known from fraud with records of insured patients',
  durationMsMax: 10 * HOUR_MS,
  play: (stage) => {
    const [clerk, partner] = [insider(stage, CLERKS), partnerOf(stage, 'insurer')];
    if (clerk === undefined || partner === undefined) return undefined;
    const patients = patientsWithout(stage, partner, amountOf(stage, 14, 4));
    const times = stepTimes(stage.random, stage.startMs, pacedMs(stage, 9 * HOUR_MS), patients.length);
    const drafts = patients.map((patient, index) =>
      exchangeOf(stage, times[index] as number, 'released', { partner, purpose: 'billing' }, patient, {
        ...clerk.seat,
        request: requestUid(stage.random),
        bytesOut: stage.random.integer(12_000, 160_000),
      }),
    );
    return course(drafts, entitiesOf(['person', clerk.person.user.uid], ['partner', partner.view.uid]), 1);
  },
};

/** An accomplice at an insurer asks, and a clerk answers: each request looks right, their number does not. */
const COLLUSION: Script = {
  attack: 'portal-exfiltration',
  kind: 'attack',
  name: 'portal-exfiltration-collusion',
  source: 'Rings of an insider and a buyer at a partner, as in convictions for the sale of accident and billing data',
  durationMsMax: 4.5 * HOUR_MS,
  beginHours: [7, 8, 9, 10],
  play: (stage) => {
    const [clerk, partner] = [insider(stage, CLERKS), partnerOf(stage, 'insurer')];
    if (clerk === undefined || partner === undefined) return undefined;
    const seat = officeSeat(stage, partner, partnerPerson(stage, partner));
    const patients = patientsWithout(stage, partner, amountOf(stage, 90, 44));
    const times = stepTimes(stage.random, stage.startMs, pacedMs(stage, 4 * HOUR_MS), patients.length);
    const drafts = patients.flatMap((patient, index) => {
      const timeMs = times[index] as number;
      return askedAndReleased(
        stage,
        { partner, purpose: 'billing' },
        patient,
        { timeMs, seat },
        {
          timeMs: timeMs + stage.random.integer(20_000, pacedMs(stage, 5 * MINUTE_MS)),
          seat: clerk.seat,
          bytesOut: stage.random.integer(12_000, 160_000),
        },
      );
    });
    const entities = entitiesOf(
      ['person', clerk.person.user.uid],
      ['person', seat.actor?.uid],
      ['partner', partner.view.uid],
    );
    return course(drafts, entities, COLLUSION_TELLING);
  },
};

/** A patient's account counts through the records that an app can reach. */
const APP_ENUMERATION: Script = {
  attack: 'portal-exfiltration',
  kind: 'attack',
  name: 'portal-exfiltration-app-enumeration',
  source:
    'Apps and patient portals that checked who was signed in but not whose record was asked for (OWASP API1: broken object level authorization)',
  durationMsMax: 2 * HOUR_MS,
  play: (stage) => {
    const { hospital, random } = stage;
    const partner = partnerOf(stage, 'app-vendor');
    if (partner === undefined) return undefined;
    const count = amountOf(stage, 24, 10);
    const purpose = 'nutrition-coaching';
    const known = patientsWith(stage, partner, purpose, count);
    const strangers = patientsWithout(stage, partner, Math.max(3, count - known.length));
    const [holder] = known.length > 0 ? known : strangers;
    if (holder === undefined) return undefined;
    const actor = patientAccount(holder);
    const ip = hospital.homeAddressOf(holder);
    const seat = { actor, from: outside(ip, hospital.countryOf(ip)), userAgent: portalUserAgent('app', actor.uid) };
    const patients = random.sample([...known, ...strangers], known.length + strangers.length);
    const times = stepTimes(random, stage.startMs, pacedMs(stage, 1.8 * HOUR_MS), patients.length);
    const drafts = patients.flatMap((patient, index) => {
      const timeMs = times[index] as number;
      if (strangers.includes(patient)) {
        const reason = 'no consent of this patient on file';
        return askedAndRefused(stage, { partner, purpose }, patient, timeMs, seat, reason);
      }
      const bytesOut = random.integer(2_000, 60_000);
      const released = { timeMs: timeMs + random.integer(150, 2_500), seat: {}, bytesOut };
      return askedAndReleased(stage, { partner, purpose }, patient, { timeMs, seat }, released);
    });
    return course(
      drafts,
      entitiesOf(['person', actor.uid], ['partner', partner.view.uid]),
      APP_TELLING,
      'exchange.requested',
    );
  },
};

/** A course of drafts that tells from the n-th event of a type on. */
function course(
  drafts: Course['drafts'],
  entities: Course['entities'],
  telling: number,
  type = 'exchange.released',
): Course | undefined {
  const sorted = inTime(drafts);
  const counted = sorted.filter((draft) => draft.type === type);
  const told = counted[Math.min(telling, counted.length) - 1];
  return told === undefined ? undefined : { drafts: sorted, entities, detectableAtMs: told.timeMs };
}

/** Slow and quick thefts through the exchange portal. */
export const PORTAL_EXFILTRATIONS: readonly Script[] = [
  TRICKLE,
  NIGHT,
  IMAGES,
  FORGED_REQUEST,
  COLLUSION,
  APP_ENUMERATION,
];
