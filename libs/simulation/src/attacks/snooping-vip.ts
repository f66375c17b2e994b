import { patientView } from '../event-drafts';
import type { Script, Stage } from './activity';
import { lookers, type Place, type Target } from './record-looks';
import { lookScripts, type LookVariant } from './snooping-looks';

const VARIANTS: readonly LookVariant[] = [
  {
    name: 'one-look',
    source: 'Dozens of employees who opened the record of one athlete or singer without a part in the treatment',
    place: 'ward-seat',
    parts: ['chart', 'laboratory', 'imaging-report'],
    looks: 'one',
  },
  {
    name: 'again-over-days',
    source: 'An employee who followed the course of a known patient and was convicted for selling it',
    place: 'ward-seat',
    parts: ['chart', 'letters'],
    looks: 'again',
  },
  {
    name: 'printed',
    source: 'Pages of the record of a known patient that turned up with a newspaper',
    place: 'ward-seat',
    parts: ['letters', 'chart', 'demographics'],
    looks: 'one',
    exportedTo: 'printer',
  },
  {
    name: 'from-home',
    source: 'Remote access to the record of a member of government by staff who were off duty',
    place: 'home',
    parts: ['laboratory', 'chart', 'letters'],
    looks: 'one',
  },
];

function vipPair(stage: Stage, place: Place): ReturnType<Parameters<typeof lookScripts>[0]['pairOf']> {
  const { hospital, random, startMs } = stage;
  const vips = hospital.inpatients(startMs).filter(({ patient }) => hospital.vips.has(patient.patientUid));
  if (vips.length === 0) return undefined;
  const { patient, ward } = random.pick(vips);
  const household = new Set(hospital.householdOf(patient));
  const [person] = lookers(
    stage,
    place,
    startMs,
    (each) => !isNear(stage, each.user.uid, ward) && !household.has(each.resident),
  );
  if (person === undefined) return undefined;
  const target: Target = { patient, view: patientView(patient, ward), fromMs: startMs, drafts: [] };
  return { person, target };
}

/** True of those who work on the ward. */
function isNear({ hospital, startMs }: Stage, personUid: string, ward: string): boolean {
  const person = hospital.personOf(personUid);
  return person === undefined || person.user.ward === ward || hospital.dutyOf(person, startMs)?.ward === ward;
}

/** Looks at the records of patients whom the public knows. */
export const SNOOPING_VIP: readonly Script[] = lookScripts(
  { attack: 'snooping-vip', tellingCount: 3, pairOf: vipPair },
  VARIANTS,
);
