import { patientView } from '../event-drafts';
import type { Script, Stage } from './activity';
import { lookers, type Place } from './record-looks';
import { lookScripts, type LookKind, type LookVariant } from './snooping-looks';

const VARIANTS: readonly LookVariant[] = [
  {
    name: 'work-account',
    source: 'Own findings read with the work account, the most common finding of record audits',
    place: 'ward-seat',
    parts: ['laboratory', 'chart', 'letters'],
    looks: 'one',
    purpose: 'own-record',
  },
  {
    name: 'as-treatment',
    source: 'Own record opened as if it were that of a patient of the ward',
    place: 'ward-seat',
    parts: ['letters', 'imaging-report', 'chart'],
    looks: 'one',
  },
  {
    name: 'again-over-days',
    source: 'Own laboratory values watched until the result was there',
    place: 'ward-seat',
    parts: ['laboratory', 'chart'],
    looks: 'again',
  },
  {
    name: 'from-home',
    source: 'Own letters fetched over remote access, for an insurer or a second opinion',
    place: 'home',
    parts: ['letters', 'chart'],
    looks: 'one',
    purpose: 'own-record',
  },
];

function own(stage: Stage, place: Place): ReturnType<LookKind['pairOf']> {
  const [person] = lookers(stage, place, stage.startMs, () => true);
  if (person === undefined) return undefined;
  const { resident } = person;
  const view = patientView(resident, stage.hospital.wardOfPatient(resident.patientUid, stage.startMs));
  return { person, target: { patient: resident, view, fromMs: stage.startMs, drafts: [] } };
}

/** Own records, opened with the work account. */
export const SNOOPING_SELF: readonly Script[] = lookScripts(
  { attack: 'snooping-self', tellingCount: 1, pairOf: own },
  VARIANTS,
);
