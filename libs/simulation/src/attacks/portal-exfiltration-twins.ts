import { HOUR_MS } from '../durations';
import { consentDraft, outside, patientView } from '../event-drafts';
import { patientAccount, portalUserAgent } from '../portal-accounts';
import { amountOf, inTime, stepTimes, type Script } from './activity';
import {
  askedAndReleased,
  entitiesOf,
  exchangeOf,
  inpatientsOf,
  insider,
  letterBytes,
  officeSeat,
  partnerOf,
  partnerPerson,
  patientsWith,
  patientsWithout,
} from './exchange-stage';

const MINUTE_MS = 60_000;

/** A whole cohort goes to a rehabilitation clinic: consents are taken, the clinic asks, the social service answers. */
const COHORT_TRANSFER: Script = {
  attack: 'portal-exfiltration',
  kind: 'benign-twin',
  name: 'cohort-transfer-to-rehabilitation',
  source: 'A group of patients who begin rehabilitation on the same Monday',
  durationMsMax: 7 * HOUR_MS,
  beginHours: [7, 8, 9],
  play: (stage) => {
    const { random, startMs } = stage;
    const [worker, partner] = [insider(stage, ['social-worker', 'physician']), partnerOf(stage, 'rehabilitation')];
    if (worker === undefined || partner === undefined) return undefined;
    const seat = officeSeat(stage, partner, partnerPerson(stage, partner));
    const patients = patientsWithout(stage, partner, amountOf(stage, 16, 6));
    const consentTimes = stepTimes(random, startMs, 1.5 * HOUR_MS, patients.length);
    const askTimes = stepTimes(random, startMs + 2 * HOUR_MS, 1.5 * HOUR_MS, patients.length);
    const drafts = patients.flatMap((patient, index) => {
      const timeMs = askTimes[index] as number;
      const released = { timeMs: timeMs + random.integer(5 * MINUTE_MS, 2 * HOUR_MS), seat: worker.seat };
      return [
        consentDraft(consentTimes[index] as number, 'consent-given', partner.view, patientView(patient), 'treatment'),
        ...askedAndReleased(
          stage,
          { partner, purpose: 'treatment' },
          patient,
          { timeMs, seat },
          { ...released, bytesOut: letterBytes(random) },
        ),
      ];
    });
    return { drafts: inTime(drafts), entities: entitiesOf(['person', worker.person.user.uid]), detectableAtMs: null };
  },
};

/** A ward must be evacuated at night: every patient goes to another hospital, and the letters with them. */
const EVACUATION: Script = {
  attack: 'portal-exfiltration',
  kind: 'benign-twin',
  name: 'evacuation-at-night',
  source: 'A burst water pipe or a fire alarm on a ward',
  durationMsMax: 3 * HOUR_MS,
  beginHours: [21, 22, 23, 0, 1, 2],
  play: (stage) => {
    const { hospital, random, startMs } = stage;
    const [physician, partner] = [insider(stage, ['physician']), partnerOf(stage, 'hospital')];
    const [first] = inpatientsOf(stage, 1);
    if (physician === undefined || partner === undefined || first === undefined) return undefined;
    const ward = hospital.stayOf(first.patientUid, startMs)?.ward;
    const patients = inpatientsOf(stage, amountOf(stage, 13, 5), ward);
    const times = stepTimes(random, startMs, 2.5 * HOUR_MS, patients.length);
    const drafts = patients.map((patient, index) =>
      exchangeOf(stage, times[index] as number, 'released', { partner, purpose: 'emergency-transfer' }, patient, {
        ...physician.seat,
        bytesOut: letterBytes(random),
      }),
    );
    return {
      drafts: inTime(drafts),
      entities: entitiesOf(['person', physician.person.user.uid]),
      detectableAtMs: null,
    };
  },
};

/** Before a tumour board of a partner a physician sends the images that it asked for. */
const TUMOUR_BOARD: Script = {
  attack: 'portal-exfiltration',
  kind: 'benign-twin',
  name: 'tumour-board-images',
  source: 'A weekly tumour board with another hospital',
  durationMsMax: 5 * HOUR_MS,
  beginHours: [8, 9, 10, 11],
  play: (stage) => {
    const { random, startMs } = stage;
    const [physician, partner] = [insider(stage, ['physician', 'radiographer']), partnerOf(stage, 'hospital')];
    if (physician === undefined || partner === undefined) return undefined;
    const seat = officeSeat(stage, partner, partnerPerson(stage, partner));
    const patients = patientsWithout(stage, partner, random.integer(3, 6));
    const times = stepTimes(random, startMs + HOUR_MS, 1.5 * HOUR_MS, patients.length);
    const drafts = patients.flatMap((patient, index) => {
      const timeMs = times[index] as number;
      const bytesOut = amountOf(stage, random.integer(1_200_000_000, 2_400_000_000));
      const released = {
        timeMs: timeMs + random.integer(10 * MINUTE_MS, 1.5 * HOUR_MS),
        seat: physician.seat,
        bytesOut,
      };
      return [
        consentDraft(
          startMs + index * 7 * MINUTE_MS,
          'consent-given',
          partner.view,
          patientView(patient),
          'second-opinion',
        ),
        ...askedAndReleased(stage, { partner, purpose: 'second-opinion' }, patient, { timeMs, seat }, released),
      ];
    });
    return {
      drafts: inTime(drafts),
      entities: entitiesOf(['person', physician.person.user.uid]),
      detectableAtMs: null,
    };
  },
};

/** A clerk works off on a quiet night what insurers asked for by day. */
const NIGHT_BACKLOG: Script = {
  attack: 'portal-exfiltration',
  kind: 'benign-twin',
  name: 'backlog-on-a-quiet-night',
  source: 'An admission office at night',
  durationMsMax: 16 * HOUR_MS,
  beginHours: [12, 13, 14, 15],
  play: (stage) => {
    const { hospital, random, startMs } = stage;
    const partner = partnerOf(stage, 'insurer');
    const nightMs = Math.floor(startMs / (24 * HOUR_MS)) * 24 * HOUR_MS + 23.5 * HOUR_MS;
    const clerk = insider({ ...stage, startMs: nightMs }, ['admission-clerk']);
    if (clerk === undefined || partner === undefined) return undefined;
    const seat = officeSeat(stage, partner, partnerPerson(stage, partner));
    const patients = inpatientsOf(stage, amountOf(stage, 3, 2)).filter(
      ({ patientUid }) => hospital.stayOf(patientUid, nightMs) !== undefined,
    );
    const askTimes = stepTimes(random, startMs, HOUR_MS, patients.length);
    const drafts = patients.flatMap((patient, index) => {
      const asked = { timeMs: askTimes[index] as number, seat };
      const released = { timeMs: nightMs + index * random.integer(6 * MINUTE_MS, 20 * MINUTE_MS), seat: clerk.seat };
      return askedAndReleased(stage, { partner, purpose: 'billing' }, patient, asked, {
        ...released,
        bytesOut: letterBytes(random),
      });
    });
    if (drafts.length === 0) return undefined;
    return { drafts: inTime(drafts), entities: entitiesOf(['person', clerk.person.user.uid]), detectableAtMs: null };
  },
};

/** A father looks into the app for himself and two children, as the app lets him. */
const FAMILY_ACCOUNT: Script = {
  attack: 'portal-exfiltration',
  kind: 'benign-twin',
  name: 'parent-with-two-children-in-the-app',
  source: 'Proxy access of parents',
  durationMsMax: 10 * HOUR_MS,
  play: (stage) => {
    const { hospital, random, startMs } = stage;
    const partner = partnerOf(stage, 'app-vendor');
    if (partner === undefined) return undefined;
    const purpose = 'nutrition-coaching';
    const [holder] = patientsWith(stage, partner, purpose, 1);
    if (holder === undefined) return undefined;
    const children = random.sample(hospital.householdOf(holder), 2);
    const actor = patientAccount(holder);
    const ip = hospital.homeAddressOf(holder);
    const seat = { actor, from: outside(ip, hospital.countryOf(ip)), userAgent: portalUserAgent('app', actor.uid) };
    const consents = children.map((child, index) =>
      consentDraft(startMs + index * MINUTE_MS, 'consent-given', partner.view, patientView(child), purpose),
    );
    const count = amountOf(stage, 10, 4);
    const looks = stepTimes(random, startMs + 10 * MINUTE_MS, 9 * HOUR_MS, count).flatMap((timeMs, index) => {
      const patient = [holder, ...children][index % (children.length + 1)] ?? holder;
      const released = {
        timeMs: timeMs + random.integer(150, 2_500),
        seat: {},
        bytesOut: random.integer(2_000, 60_000),
      };
      return askedAndReleased(stage, { partner, purpose }, patient, { timeMs, seat }, released);
    });
    return {
      drafts: inTime([...consents, ...looks]),
      entities: entitiesOf(['person', actor.uid]),
      detectableAtMs: null,
    };
  },
};

/** What looks like a theft through the portal and is the work of a day. */
export const PORTAL_EXFILTRATION_TWINS: readonly Script[] = [
  COHORT_TRANSFER,
  EVACUATION,
  TUMOUR_BOARD,
  NIGHT_BACKLOG,
  FAMILY_ACCOUNT,
];
