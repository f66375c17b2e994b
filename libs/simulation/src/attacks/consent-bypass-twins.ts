import { HOUR_MS } from '../durations';
import { consentDraft, patientView } from '../event-drafts';
import { amountOf, inTime, stepTimes, type Course, type Script, type Stage } from './activity';
import { agreed, ended, projectAgreement, purposeOf } from './consent-bypass';
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
  patientsWithout,
  type Insider,
} from './exchange-stage';
import type { Partner, Resident } from '../hospital/model';

const MINUTE_MS = 60_000;

/** Patients took a consent back, thought better of it, and gave it again before anything went out. */
const RENEWED: Script = {
  attack: 'consent-bypass',
  kind: 'benign-twin',
  name: 'consent-renewed',
  source: 'Patients who change their mind twice',
  durationMsMax: 8 * HOUR_MS,
  beginHours: [7, 8, 9],
  play: (stage) => {
    const scene = sceneOf(stage, 4, 'rehabilitation', 'research', 'hospital');
    if (scene === undefined) return undefined;
    const { startMs } = stage;
    const consents = [0, 1.5, 3].flatMap((hours, turn) =>
      consentsOf(stage, scene, startMs + hours * HOUR_MS, turn === 1 ? 'consent-withdrawn' : 'consent-given'),
    );
    return course(scene, [...consents, ...releases(stage, scene, startMs + 5 * HOUR_MS, HOUR_MS)]);
  },
};

/** A disease that must be reported: the law asks for it, and nobody has to agree. */
const REPORTS: Script = {
  attack: 'consent-bypass',
  kind: 'benign-twin',
  name: 'public-health-reports',
  source: 'An outbreak on a ward',
  durationMsMax: 5 * HOUR_MS,
  beginHours: [8, 9, 10],
  play: (stage) => {
    const [by, partner] = [insider(stage, ['infection-control-nurse', 'physician']), partnerOf(stage, 'laboratory')];
    const patients = inpatientsOf(stage, amountOf(stage, 13, 5));
    if (by === undefined || partner === undefined || patients.length === 0) return undefined;
    return unasked(stage, { partner, purpose: 'public-health-reporting', patients, by }, 4 * HOUR_MS);
  },
};

/** Patients must go to another hospital at once; nobody asks for a signature. */
const EMERGENCY_TRANSFER: Script = {
  attack: 'consent-bypass',
  kind: 'benign-twin',
  name: 'emergency-transfer',
  source: 'An intensive-care unit without a free bed',
  durationMsMax: 2 * HOUR_MS,
  play: (stage) => {
    const [by, partner] = [insider(stage, ['physician']), partnerOf(stage, 'hospital')];
    const patients = inpatientsOf(stage, amountOf(stage, 3));
    if (by === undefined || partner === undefined || patients.length === 0) return undefined;
    return unasked(stage, { partner, purpose: 'emergency-transfer', patients, by }, HOUR_MS);
  },
};

/** The agreement for a project ends, and the one that follows it is in force at once. */
const AGREEMENT_RENEWED: Script = {
  attack: 'consent-bypass',
  kind: 'benign-twin',
  name: 'agreement-renewed',
  source: 'A study that goes into its second year',
  durationMsMax: 8 * HOUR_MS,
  beginHours: [7, 8],
  play: (stage) => {
    const scene = sceneOf(stage, 7, 'research', 'rehabilitation', 'general-practice');
    if (scene === undefined) return undefined;
    const { startMs } = stage;
    const { partner } = scene;
    const [first, second] = [projectAgreement(stage, partner), projectAgreement(stage, partner)];
    if (first === second) return undefined;
    const before = [
      agreed(startMs, partner, first),
      ...consentsOf(stage, scene, startMs + 10 * MINUTE_MS, 'consent-given'),
      agreed(startMs + 2 * HOUR_MS, partner, second),
      ended(startMs + 2 * HOUR_MS + 5 * MINUTE_MS, partner, first),
    ];
    const renewed = { ...scene, agreement: second };
    return course(scene, [...before, ...releases(stage, renewed, startMs + 3.5 * HOUR_MS, 2 * HOUR_MS)]);
  },
};

/** A consent is taken back while the release is under way: it leaves the house a moment later. */
const UNDER_WAY: Script = {
  attack: 'consent-bypass',
  kind: 'benign-twin',
  name: 'release-under-way',
  source: 'A letter that was in the queue when the patient called',
  durationMsMax: 4 * HOUR_MS,
  beginHours: [8, 9, 10, 11],
  play: (stage) => {
    const scene = sceneOf(stage, 1, 'rehabilitation', 'general-practice');
    const [patient] = scene?.patients ?? [];
    if (scene === undefined || patient === undefined) return undefined;
    const { random, startMs } = stage;
    const { partner, purpose, by } = scene;
    const releasedMs = startMs + 2.5 * HOUR_MS;
    const withdrawnMs = releasedMs - random.integer(20_000, 6 * MINUTE_MS);
    const seat = officeSeat(stage, partner, partnerPerson(stage, partner));
    const asked = { timeMs: startMs + 2 * HOUR_MS, seat };
    const released = { timeMs: releasedMs, seat: by.seat, bytesOut: letterBytes(random) };
    return course(scene, [
      consentDraft(startMs, 'consent-given', partner.view, patientView(patient), purpose),
      consentDraft(withdrawnMs, 'consent-withdrawn', partner.view, patientView(patient), purpose),
      ...askedAndReleased(stage, { partner, purpose }, patient, asked, released),
    ]);
  },
};

interface Scene {
  readonly partner: Partner;
  readonly purpose: string;
  readonly agreement?: string;
  readonly patients: readonly Resident[];
  readonly by: Insider;
}

function sceneOf(stage: Stage, usual: number, ...kinds: readonly Partner['kind'][]): Scene | undefined {
  const [by, partner] = [insider(stage, ['physician', 'social-worker']), partnerOf(stage, ...kinds)];
  if (by === undefined || partner === undefined) return undefined;
  const patients = patientsWithout(stage, partner, amountOf(stage, usual));
  return patients.length === 0 ? undefined : { partner, purpose: purposeOf(partner), patients, by };
}

function consentsOf(
  { random }: Stage,
  { partner, purpose, patients }: Scene,
  fromMs: number,
  act: 'consent-given' | 'consent-withdrawn',
): Course['drafts'] {
  const times = stepTimes(random, fromMs, HOUR_MS, patients.length);
  return patients.map((patient, index) =>
    consentDraft(times[index] as number, act, partner.view, patientView(patient), purpose),
  );
}

function releases(stage: Stage, scene: Scene, fromMs: number, durationMs: number): Course['drafts'] {
  const { random } = stage;
  const { partner, purpose, agreement, patients, by } = scene;
  const seat = officeSeat(stage, partner, partnerPerson(stage, partner));
  const matter = agreement === undefined ? { partner, purpose } : { partner, purpose, agreement };
  const times = stepTimes(random, fromMs, durationMs, patients.length);
  return patients.flatMap((patient, index) => {
    const timeMs = times[index] as number;
    const releasedMs = timeMs + random.integer(5 * MINUTE_MS, 60 * MINUTE_MS);
    return askedAndReleased(
      stage,
      matter,
      patient,
      { timeMs, seat },
      { timeMs: releasedMs, seat: by.seat, bytesOut: letterBytes(random) },
    );
  });
}

function unasked(stage: Stage, scene: Scene, durationMs: number): Course {
  const { partner, purpose, patients, by } = scene;
  const times = stepTimes(stage.random, stage.startMs, durationMs, patients.length);
  const drafts = patients.map((patient, index) =>
    exchangeOf(stage, times[index] as number, 'released', { partner, purpose }, patient, {
      ...by.seat,
      bytesOut: letterBytes(stage.random),
    }),
  );
  return course(scene, drafts);
}

function course({ by }: Scene, drafts: Course['drafts']): Course {
  return { drafts: inTime(drafts), entities: entitiesOf(['person', by.person.user.uid]), detectableAtMs: null };
}

/** Releases that look as if nobody had agreed, and are right. */
export const CONSENT_BYPASS_TWINS: readonly Script[] = [
  RENEWED,
  REPORTS,
  EMERGENCY_TRANSFER,
  AGREEMENT_RENEWED,
  UNDER_WAY,
];
