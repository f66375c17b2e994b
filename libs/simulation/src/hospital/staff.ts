import { SeededRandom } from '../random';
import type { SimulationSettings } from '../settings';
import { ScrambledNumbers, drawIndex } from './draws';
import type { Role, Ward } from './model';
import type { Town } from './town';
import { isIntensive, type UnitName } from './wards';

/** People of one role and ward who share the work. */
export interface Team {
  readonly index: number;
  readonly role: Role;
  readonly ward: string;
  /** On duty on each day in the early, late and night shift. */
  readonly perShift: readonly [number, number, number];
  /** Works from 8 to 16 on weekdays instead of in shifts. */
  readonly isOffice: boolean;
  /** In an office team: how many of them come on a day of the weekend. */
  readonly weekendCount: number;
  /** One of those who are off can be called. */
  readonly hasOnCall: boolean;
  /** Index of the first member among all people. */
  readonly firstIndex: number;
  readonly memberCount: number;
}

/** A member of staff before there are devices. */
export interface Employee {
  readonly user: { readonly uid: string; readonly role: Role; readonly ward: string };
  readonly residentIndex: number;
}

type TeamPlan = Pick<Team, 'role' | 'ward' | 'perShift' | 'isOffice' | 'weekendCount' | 'hasOnCall'> & {
  readonly officeCount: number;
};

/** Duties of a person of a shift team make up this part of all days, with holidays and illness: 1 / 1.6. */
const PEOPLE_PER_DUTY = 1.6;
/** Beds for which the numbers of people of the whole house are written below. */
const HOUSE_BEDS = 144;

/** All teams of a hospital; each has as many members as it takes that everybody has days off. */
export function buildTeams(wards: readonly Ward[], settings: SimulationSettings): Team[] {
  const withBeds = wards.filter(({ bedCount }) => bedCount > 0);
  const bedCount = withBeds.reduce((sum, ward) => sum + ward.bedCount, 0);
  const plans = [...withBeds.flatMap((ward) => wardTeams(ward, settings)), ...houseTeams(bedCount / HOUSE_BEDS)];
  let firstIndex = 0;
  return plans.map(({ officeCount, ...plan }, index) => {
    const dutyCount = plan.perShift.reduce((sum, count) => sum + count, 0);
    const memberCount = plan.isOffice
      ? officeCount + 1
      : Math.max(dutyCount + 2, Math.ceil(dutyCount * PEOPLE_PER_DUTY));
    const team = { ...plan, index, firstIndex, memberCount };
    firstIndex += memberCount;
    return team;
  });
}

/** Everybody of all teams, in the order of the teams. */
export function buildEmployees(
  seed: number,
  teams: readonly Team[],
  town: Town,
  isFit: (index: number) => boolean,
): Employee[] {
  const numbers = new ScrambledNumbers(5, SeededRandom.ofStream(seed, 'staff-numbers').word());
  const homes = chooseHomes(seed, teams, town, isFit);
  return teams.flatMap(({ role, ward, firstIndex, memberCount }) =>
    Array.from({ length: memberCount }, (_, member) => {
      const index = firstIndex + member;
      const user = Object.freeze({ uid: `p-${numbers.of(index)}`, role, ward });
      return { user, residentIndex: homes[index] as number };
    }),
  );
}

/** Where staff live: anywhere in town, each in a household of their own for the most part. */
function chooseHomes(seed: number, teams: readonly Team[], town: Town, isFit: (index: number) => boolean): number[] {
  const peopleCount = teams.reduce((sum, { memberCount }) => sum + memberCount, 0);
  const key = SeededRandom.ofStream(seed, 'staff-homes').word();
  const taken = new Set<number>();
  for (let attempt = 0; taken.size < peopleCount; attempt++) {
    const index = drawIndex(town.residentCount, key, attempt);
    if (isFit(index)) taken.add(index);
  }
  return [...taken];
}

function wardTeams({ name, bedCount }: Ward, { bedsPerNurse, nightStaffFactor }: SimulationSettings): TeamPlan[] {
  const early = atLeastOne(bedCount / (bedsPerNurse * (isIntensive(name) ? 0.5 : 1)));
  const physicians = atLeastOne(bedCount / 12);
  return [
    shiftTeam('nurse', name, [early, atLeastOne(early * 0.9), atLeastOne(early * nightStaffFactor)]),
    shiftTeam('physician', name, [physicians, atLeastOne(physicians / 2), 1], true),
  ];
}

function houseTeams(scale: number): TeamPlan[] {
  const n = (count: number): number => (count === 0 ? 0 : atLeastOne(count * Math.max(scale, 0.4)));
  const shifts = (role: Role, ward: UnitName, counts: readonly [number, number, number], onCall = false): TeamPlan =>
    shiftTeam(role, ward, [n(counts[0]), n(counts[1]), n(counts[2])], onCall);
  const office = (role: Role, ward: UnitName, count: number, weekendCount = 0, onCall = false): TeamPlan =>
    officeTeam(role, ward, n(count), weekendCount, onCall);
  return [
    shifts('nurse', 'emergency', [3, 3, 2]),
    shifts('physician', 'emergency', [2, 2, 1]),
    shifts('nurse', 'theatre', [4, 2, 1]),
    shifts('physician', 'theatre', [3, 1, 1], true),
    office('nurse', 'outpatients', 4),
    office('physician', 'outpatients', 4),
    office('physician', 'radiology', 2, 1, true),
    shifts('float-nurse', 'float-pool', [3, 2, 2]),
    office('infection-control-nurse', 'administration', 3, 1),
    shifts('radiographer', 'radiology', [3, 2, 1]),
    shifts('lab-technician', 'laboratory', [3, 2, 1]),
    office('pharmacist', 'pharmacy', 3, 1, true),
    office('clinical-coder', 'administration', 4),
    shifts('admission-clerk', 'admissions', [3, 2, 1]),
    office('social-worker', 'administration', 3),
    shifts('biomedical-technician', 'technical-services', [2, 1, 0], true),
    shifts('it-administrator', 'data-centre', [3, 1, 0], true),
    office('quality-officer', 'administration', 2),
  ];
}

function shiftTeam(role: Role, ward: string, perShift: Team['perShift'], hasOnCall = false): TeamPlan {
  return { role, ward, perShift, isOffice: false, officeCount: 0, weekendCount: 0, hasOnCall };
}

function officeTeam(role: Role, ward: string, officeCount: number, weekendCount: number, hasOnCall: boolean): TeamPlan {
  return { role, ward, perShift: [0, 0, 0], isOffice: true, officeCount, weekendCount, hasOnCall };
}

function atLeastOne(count: number): number {
  return Math.max(1, Math.round(count));
}
