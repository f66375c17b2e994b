import type { Resident, StaffMember } from '../hospital/model';
import type { Script, Stage } from './activity';
import { firstPair, lookScripts, type LookVariant } from './snooping-looks';

const CURIOUS: LookVariant = {
  name: 'one-look',
  source: 'Staff dismissed or fined after looking at records of people they know, found by audit or complaint',
  place: 'ward-seat',
  parts: ['chart', 'letters', 'laboratory', 'imaging-report'],
  looks: 'one',
};
const AGAIN: LookVariant = {
  name: 'again-over-days',
  source: 'Records that one employee opened again and again over weeks, as in prosecutions for unlawful access',
  place: 'ward-seat',
  parts: ['chart', 'laboratory'],
  looks: 'again',
};
const PHONE: LookVariant = {
  name: 'own-phone',
  source: 'Records opened on the own phone in a corridor, out of colleagues’ sight',
  place: 'own-phone',
  parts: ['laboratory', 'chart', 'letters'],
  looks: 'one',
};
const AT_HOME: LookVariant = {
  name: 'from-home',
  source: 'Records opened over remote access in the evening, for a quarrel or a custody case',
  place: 'home',
  parts: ['letters', 'chart', 'demographics'],
  looks: 'one',
};
const PRINTED: LookVariant = {
  name: 'printed',
  source: 'Findings printed and shown to others, as complaints of patients tell',
  place: 'ward-seat',
  parts: ['letters', 'laboratory', 'chart'],
  looks: 'one',
  exportedTo: 'printer',
};

const NEIGHBOURS_MAX = 60;
const COLLEAGUES_MAX = 40;

const family = ({ hospital }: Stage, person: StaffMember): readonly Resident[] => hospital.householdOf(person.resident);
const neighbours = ({ hospital }: Stage, person: StaffMember): readonly Resident[] =>
  hospital.neighboursOf(person.resident, NEIGHBOURS_MAX);

function colleagues({ hospital, random }: Stage, person: StaffMember): readonly Resident[] {
  const household = new Set(hospital.householdOf(person.resident));
  return random
    .sample(hospital.people, COLLEAGUES_MAX)
    .filter((other) => other !== person && !household.has(other.resident))
    .map(({ resident }) => resident);
}

/** Looks at records of people whom one knows: of the own household, of the own street, of the house. */
export const SNOOPING_KNOWN: readonly Script[] = [
  ...lookScripts(
    {
      attack: 'snooping-family',
      tellingCount: 1,
      pairOf: (stage, place) => firstPair(stage, place, (person) => family(stage, person)),
    },
    [CURIOUS, AGAIN, PHONE, AT_HOME],
  ),
  ...lookScripts(
    {
      attack: 'snooping-neighbour',
      tellingCount: 3,
      pairOf: (stage, place) => firstPair(stage, place, (person) => neighbours(stage, person)),
    },
    [CURIOUS, AGAIN, AT_HOME, { ...PHONE, place: 'phone-at-home', name: 'phone-at-home' }],
  ),
  ...lookScripts(
    {
      attack: 'snooping-co-worker',
      tellingCount: 3,
      pairOf: (stage, place) => firstPair(stage, place, (person) => colleagues(stage, person)),
    },
    [CURIOUS, AGAIN, PHONE, PRINTED],
  ),
];
