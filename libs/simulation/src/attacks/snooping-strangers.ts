import { DAY_MS } from '../durations';
import { patientView } from '../event-drafts';
import type { Resident, StaffMember } from '../hospital/model';
import { comesBack, visitDrafts } from '../life/visit-life';
import { pacedMs, type Script, type Stage } from './activity';
import { LEAD_MS, lookers, plantedVisit, type Place, type Target } from './record-looks';
import { lookScripts, type LookKind, type LookVariant } from './snooping-looks';

const DECEASED: readonly LookVariant[] = [
  {
    name: 'one-look',
    source: 'Staff who looked up how somebody had died of whom the town spoke',
    place: 'ward-seat',
    parts: ['chart', 'letters', 'observation', 'laboratory'],
    looks: 'one',
  },
  {
    name: 'again-over-days',
    source: 'Record of a dead patient opened over and over, found when relatives asked for the log',
    place: 'ward-seat',
    parts: ['letters', 'chart'],
    looks: 'again',
  },
  {
    name: 'false-purpose',
    source: 'Look at the record of a dead patient that was entered as a review, which nobody had asked for',
    place: 'ward-seat',
    parts: ['letters', 'chart', 'medication'],
    looks: 'one',
    purpose: 'quality-review',
  },
  {
    name: 'from-home',
    source: 'Record of a victim read over remote access on the evening of an accident',
    place: 'home',
    parts: ['chart', 'imaging-report', 'letters'],
    looks: 'one',
  },
];
const NEVER_TREATED: readonly LookVariant[] = [
  {
    name: 'one-look',
    source: 'Record of an acquaintance looked up who had never been a patient of the house',
    place: 'ward-seat',
    parts: ['demographics', 'letters', 'chart'],
    looks: 'one',
  },
  {
    name: 'again-over-days',
    source: 'Former partner whose address and findings from elsewhere were looked up again and again',
    place: 'ward-seat',
    parts: ['demographics', 'letters'],
    looks: 'again',
  },
  {
    name: 'own-phone',
    source: 'Somebody just met, looked up on the own phone',
    place: 'own-phone',
    parts: ['demographics', 'chart', 'laboratory'],
    looks: 'one',
  },
  {
    name: 'from-home',
    source: 'New partner of a former one, looked up from home',
    place: 'home',
    parts: ['letters', 'demographics', 'chart'],
    looks: 'one',
  },
];

/** Somebody who has died in the last hours, else one who dies in the emergency department as the activity begins. */
export function deceasedTarget(stage: Stage): Target | undefined {
  const { hospital, random, startMs } = stage;
  const deaths = hospital
    .staysWithin(startMs - DAY_MS / 2, startMs)
    .filter(({ outcome, endMs }) => outcome === 'deceased' && endMs < startMs - DAY_MS / 24);
  if (deaths.length > 0) {
    const { patient, ward } = random.pick(deaths);
    return { patient, view: patientView(patient, ward), fromMs: startMs, drafts: [] };
  }
  const patient = stranger(stage);
  const visit = patient && plantedVisit(stage, patient, 'deceased');
  if (patient === undefined || visit === undefined) return undefined;
  const fromMs = visit.endMs + Math.round(pacedMs(stage, LEAD_MS) * (0.2 + 0.8 * random.fraction()));
  return { patient, view: patientView(patient, visit.unit), fromMs, drafts: visitDrafts(visit) };
}

/** Somebody who was not treated here within a year, and will not be. */
export function stranger({ hospital, random, startMs }: Stage): Resident | undefined {
  const staff = new Set(hospital.people.map(({ resident }) => resident.index));
  for (let attempt = 0; attempt < 30; attempt++) {
    const resident = hospital.resident(random.integer(0, hospital.residentCount - 1));
    if (staff.has(resident.index) || comesBack(hospital, resident, startMs)) continue;
    if (hospital.wardOfPatient(resident.patientUid, startMs) === undefined) return resident;
  }
  return undefined;
}

function pairWith(stage: Stage, place: Place, target: Target | undefined): ReturnType<LookKind['pairOf']> {
  if (target === undefined) return undefined;
  const isFar = ({ user }: StaffMember): boolean => user.ward !== target.view.ward;
  const [person] = lookers(stage, place, target.fromMs, isFar);
  return person && { person, target };
}

function neverTreatedTarget(stage: Stage): Target | undefined {
  const patient = stranger(stage);
  return patient && { patient, view: patientView(patient), fromMs: stage.startMs, drafts: [] };
}

/** Looks at records of the dead, and of people who never were patients here. */
export const SNOOPING_STRANGERS: readonly Script[] = [
  ...lookScripts(
    {
      attack: 'snooping-deceased',
      tellingCount: 3,
      pairOf: (stage, place) => pairWith(stage, place, deceasedTarget(stage)),
    },
    DECEASED,
  ),
  ...lookScripts(
    {
      attack: 'snooping-never-treated',
      tellingCount: 3,
      pairOf: (stage, place) => pairWith(stage, place, neverTreatedTarget(stage)),
    },
    NEVER_TREATED,
  ),
];
