import type { EventDraft } from '../draft';
import { HOUR_MS } from '../durations';
import { consentDraft, directoryDraft, patientView } from '../event-drafts';
import type { Partner, Resident } from '../hospital/model';
import { amountOf, inTime, pacedMs, stepTimes, type Course, type Script, type Stage } from './activity';
import {
  askedAndReleased,
  entitiesOf,
  insider,
  letterBytes,
  officeSeat,
  partnerOf,
  partnerPerson,
  patientsWithout,
  type Insider,
} from './exchange-stage';

const MINUTE_MS = 60_000;

/** Patients took their consent back, and their data goes out as before. */
const WITHDRAWN: Script = {
  attack: 'consent-bypass',
  kind: 'attack',
  name: 'consent-bypass-withdrawn',
  source:
    'Data of patients who had objected was passed on all the same, as in the case of a national health data service, 2016',
  durationMsMax: 7 * HOUR_MS,
  play: (stage) => {
    const { random, startMs } = stage;
    const scene = sceneOf(stage, 'rehabilitation', 'research');
    if (scene === undefined) return undefined;
    const { partner, purpose, patients } = scene;
    const given = stepTimes(random, startMs, pacedMs(stage, HOUR_MS), patients.length);
    const withdrawn = stepTimes(
      random,
      startMs + pacedMs(stage, 1.5 * HOUR_MS),
      pacedMs(stage, HOUR_MS),
      patients.length,
    );
    const releasesMs = startMs + pacedMs(stage, 4 * HOUR_MS);
    const consents = patients.flatMap((patient, index) => [
      consentDraft(given[index] as number, 'consent-given', partner.view, patientView(patient), purpose),
      consentDraft(withdrawn[index] as number, 'consent-withdrawn', partner.view, patientView(patient), purpose),
    ]);
    return bypass(stage, scene, consents, releases(stage, scene, releasesMs, pacedMs(stage, 2.4 * HOUR_MS)));
  },
};

/** Patients agreed to one purpose, and their data goes out for another. */
const OTHER_PURPOSE: Script = {
  attack: 'consent-bypass',
  kind: 'attack',
  name: 'consent-bypass-other-purpose',
  source:
    'Records given for one purpose and used for another, as in the transfer of 1.6 million records to an app developer, 2015',
  durationMsMax: 6 * HOUR_MS,
  play: (stage) => {
    const { random, startMs } = stage;
    const scene = sceneOf(stage, 'rehabilitation', 'general-practice', 'app-vendor');
    if (scene === undefined) return undefined;
    const { partner, patients } = scene;
    const [agreed, used] =
      partner.kind === 'app-vendor' ? ['nutrition-coaching', 'remote-monitoring'] : ['discharge-letter', 'treatment'];
    const given = stepTimes(random, startMs, pacedMs(stage, HOUR_MS), patients.length);
    const consents = patients.map((patient, index) =>
      consentDraft(given[index] as number, 'consent-given', partner.view, patientView(patient), agreed as string),
    );
    const misused = { ...scene, purpose: used as string };
    const releasesMs = startMs + pacedMs(stage, 2 * HOUR_MS);
    return bypass(stage, misused, consents, releases(stage, misused, releasesMs, pacedMs(stage, 3.4 * HOUR_MS)));
  },
};

/** The agreement for a project ended, and its data goes on going out. */
const AGREEMENT_ENDED: Script = {
  attack: 'consent-bypass',
  kind: 'attack',
  name: 'consent-bypass-agreement-ended',
  source: 'Interfaces to former partners that nobody switched off',
  durationMsMax: 7 * HOUR_MS,
  play: (stage) => {
    const { random, startMs } = stage;
    const scene = sceneOf(stage, 'research', 'rehabilitation', 'general-practice');
    if (scene === undefined) return undefined;
    const { partner, purpose, patients } = scene;
    const agreement = projectAgreement(stage, partner);
    const endedMs = startMs + pacedMs(stage, 2 * HOUR_MS);
    const given = stepTimes(random, startMs + pacedMs(stage, 10 * MINUTE_MS), pacedMs(stage, HOUR_MS), patients.length);
    const before = [
      agreed(startMs, partner, agreement),
      ...patients.map((patient, index) =>
        consentDraft(given[index] as number, 'consent-given', partner.view, patientView(patient), purpose),
      ),
      ended(endedMs, partner, agreement),
    ];
    const late = { ...scene, agreement };
    const releasesMs = endedMs + pacedMs(stage, HOUR_MS);
    return bypass(stage, late, before, releases(stage, late, releasesMs, pacedMs(stage, 3.4 * HOUR_MS)));
  },
};

/** Nobody asked the patients at all. */
const NEVER_ASKED: Script = {
  attack: 'consent-bypass',
  kind: 'attack',
  name: 'consent-bypass-never-asked',
  source: 'Records handed to research and vendors without asking, as in several fines under data protection law',
  durationMsMax: 5 * HOUR_MS,
  play: (stage) => {
    const scene = sceneOf(stage, 'research', 'rehabilitation', 'general-practice', 'hospital');
    if (scene === undefined) return undefined;
    return bypass(stage, scene, [], releases(stage, scene, stage.startMs, pacedMs(stage, 4.4 * HOUR_MS)));
  },
};

/** Who releases whose data to whom, and for what. */
interface Scene {
  readonly partner: Partner;
  readonly purpose: string;
  readonly agreement?: string;
  readonly patients: readonly Resident[];
  readonly by: Insider;
}

function sceneOf(stage: Stage, ...kinds: readonly Partner['kind'][]): Scene | undefined {
  const partner = partnerOf(stage, ...kinds);
  const by = insider(stage, ['physician', 'quality-officer', 'social-worker']);
  if (partner === undefined || by === undefined) return undefined;
  const patients = patientsWithout(stage, partner, amountOf(stage, 9, 4));
  return patients.length === 0 ? undefined : { partner, purpose: purposeOf(partner), patients, by };
}

/** For what a partner is given data with the patients' consent. */
export function purposeOf({ kind }: Partner): string {
  switch (kind) {
    case 'research':
      return 'research';
    case 'hospital':
      return 'second-opinion';
    case 'app-vendor':
      return 'nutrition-coaching';
    default:
      return 'treatment';
  }
}

/** Requests of the partner's people, each answered within an hour at usual pace. */
function releases(stage: Stage, scene: Scene, fromMs: number, durationMs: number): EventDraft[] {
  const { random } = stage;
  const { partner, purpose, agreement, patients, by } = scene;
  const seat = officeSeat(stage, partner, partnerPerson(stage, partner));
  const times = stepTimes(random, fromMs, durationMs * 0.8, patients.length);
  return patients.flatMap((patient, index) => {
    const timeMs = times[index] as number;
    const releasedMs = timeMs + random.integer(MINUTE_MS, Math.max(2 * MINUTE_MS, Math.floor(durationMs * 0.12)));
    const matter = agreement === undefined ? { partner, purpose } : { partner, purpose, agreement };
    const released = { timeMs: releasedMs, seat: by.seat, bytesOut: letterBytes(random) };
    return askedAndReleased(stage, matter, patient, { timeMs, seat }, released);
  });
}

function bypass(_: Stage, { partner, by }: Scene, before: readonly EventDraft[], after: readonly EventDraft[]): Course {
  const drafts = inTime([...before, ...after]);
  const told = inTime(after).find(({ type }) => type === 'exchange.released');
  const entities = entitiesOf(['person', by.person.user.uid], ['partner', partner.view.uid]);
  return { drafts, entities, detectableAtMs: told?.timeMs ?? (drafts.at(-1) as EventDraft).timeMs };
}

/** Number of an agreement for one project, in the form of all agreements. */
export function projectAgreement({ random }: Stage, partner: Partner): string {
  const number = `ag-${random.integer(2019, 2025)}-${String(random.integer(1, 999)).padStart(3, '0')}`;
  return number === partner.agreement ? `${number}-2` : number;
}

/** The directory's word that an agreement is in force. */
export function agreed(timeMs: number, partner: Partner, agreement: string): EventDraft {
  const { view, purposes, networks } = partner;
  return directoryDraft(timeMs, 'roster.partner-agreed', view.uid, { partner: view, agreement, purposes, networks });
}

/** The directory's word that an agreement has ended. */
export function ended(timeMs: number, { view }: Partner, agreement: string): EventDraft {
  return directoryDraft(timeMs, 'roster.partner-ended', view.uid, { partner: view, agreement });
}

/** Data that goes out although patients or agreements do not allow it. */
export const CONSENT_BYPASSES: readonly Script[] = [WITHDRAWN, OTHER_PURPOSE, AGREEMENT_ENDED, NEVER_ASKED];
