import { SeededRandom } from '../random';
import { drawFraction, drawIndex } from './draws';
import type { Duty, StaffMember } from './model';
import type { Team } from './staff';

const HOUR_MS = 3_600_000;
/** Length of a day, milliseconds. */
export const DAY_MS = 24 * HOUR_MS;

const OFF = 0;
const NIGHT = 3;
const OFFICE_HOURS = [8, 16] as const;
/** Days on which somebody on call takes over from the one before. */
const ON_CALL_HOUR = 8;
/** Shifts of one kind in a row, at most. */
const BLOCK_DAYS_MAX = 4;
const HOLIDAY_DAYS = 14;
const HOLIDAY_SHARE = 0.1;
/** Chance to fall ill on a day, and how long that lasts at most. */
const ILLNESS_SHARE = 0.012;
const ILLNESS_DAYS_MAX = 4;
/** Rosters, hours and days that are kept at a time. */
const ROSTERS_KEPT_PER_TEAM = 10;
const HOURS_KEPT_MAX = 72;
const DAYS_KEPT_MAX = 8;

/** What the members of a team do on one day; duties begin on it and may end on the next. */
interface Roster {
  /** By member; undefined for those who are off. */
  readonly duties: readonly (Duty | undefined)[];
  readonly onCall?: Duty;
}

interface Hour {
  readonly all: readonly Duty[];
  readonly byWish: Map<string, readonly Duty[]>;
}

/** Duties that begin on a day, by the times at which they begin and end. */
interface Changes {
  readonly begun: ReadonlyMap<number, readonly Duty[]>;
  readonly ended: ReadonlyMap<number, readonly Duty[]>;
}

/** Who works when, as a function of seed, team and day. */
export class Shifts {
  readonly #orders: readonly (readonly number[])[];
  readonly #patterns: readonly Uint8Array[];
  readonly #teamOf = new Map<string, { readonly team: Team; readonly member: number }>();
  readonly #absenceKey: number;
  readonly #placeKey: number;
  readonly #rosters = new Map<number, Roster>();
  readonly #hours = new Map<number, Hour>();
  readonly #changesOfDay = new Map<number, Changes>();

  /**
   * @param people all members of all teams, in the order of the teams
   * @param startHours first hours of the early, late and night shift
   * @param bedWards wards to which float nurses are sent
   */
  constructor(
    seed: number,
    private readonly teams: readonly Team[],
    private readonly people: readonly StaffMember[],
    private readonly startHours: readonly [number, number, number],
    private readonly bedWards: readonly string[],
  ) {
    this.#absenceKey = SeededRandom.ofStream(seed, 'absence').word();
    this.#placeKey = SeededRandom.ofStream(seed, 'float-places').word();
    this.#patterns = teams.map(shiftPattern);
    this.#orders = teams.map(({ index, memberCount }) => {
      const members = Array.from({ length: memberCount }, (_, member) => member);
      return SeededRandom.ofStream(seed, `rota/${index}`).sample(members, memberCount);
    });
    for (const team of teams) {
      for (let member = 0; member < team.memberCount; member++) {
        this.#teamOf.set((people[team.firstIndex + member] as StaffMember).user.uid, { team, member });
      }
    }
  }

  /** The duty of a person that covers a time, rather in the house than on call. */
  dutyOf({ user }: StaffMember, timeMs: number): Duty | undefined {
    const place = this.#teamOf.get(user.uid);
    if (place === undefined) return undefined;
    const { team, member } = place;
    const day = Math.floor(timeMs / DAY_MS);
    const today = this.#roster(team, day);
    const yesterday = this.#roster(team, day - 1);
    for (const roster of [today, yesterday]) {
      const duty = roster.duties[member];
      if (duty !== undefined && covers(duty, timeMs)) return duty;
    }
    for (const { onCall } of [today, yesterday]) {
      if (onCall?.person.user.uid === user.uid && covers(onCall, timeMs)) return onCall;
    }
    return undefined;
  }

  /** Who is on duty in the house at a time; changes at full hours only. */
  onDuty(timeMs: number, role?: string, ward?: string): readonly Duty[] {
    const hour = this.#hour(Math.floor(timeMs / HOUR_MS));
    if (role === undefined && ward === undefined) return hour.all;
    const wish = `${role ?? ''}/${ward ?? ''}`;
    let duties = hour.byWish.get(wish);
    if (duties === undefined) {
      duties = hour.all.filter(
        (duty) => (role === undefined || duty.person.user.role === role) && (ward === undefined || duty.ward === ward),
      );
      hour.byWish.set(wish, duties);
    }
    return duties;
  }

  /** Duties, on call as well, that begin in a time span. */
  beginning(startMs: number, endMs: number): Duty[] {
    const duties: Duty[] = [];
    for (let day = Math.floor(startMs / DAY_MS); day * DAY_MS < endMs; day++) {
      for (const [timeMs, group] of this.#changes(day).begun) {
        if (timeMs >= startMs && timeMs < endMs) duties.push(...group);
      }
    }
    return duties;
  }

  /** Duties, on call as well, that end in a time span. */
  ending(startMs: number, endMs: number): Duty[] {
    const duties: Duty[] = [];
    // What begins on a day ends on it or on the next.
    for (let day = Math.floor(startMs / DAY_MS) - 1; day * DAY_MS < endMs; day++) {
      for (const [timeMs, group] of this.#changes(day).ended) {
        if (timeMs >= startMs && timeMs < endMs) duties.push(...group);
      }
    }
    return duties;
  }

  #changes(day: number): Changes {
    const kept = this.#changesOfDay.get(day);
    if (kept !== undefined) return kept;
    const duties = this.teams.flatMap((team) => {
      const { duties: shifts, onCall } = this.#roster(team, day);
      return [...shifts, onCall].filter((duty) => duty !== undefined);
    });
    const changes = {
      begun: groupByTime(duties, 'startMs'),
      ended: groupByTime(duties, 'endMs'),
    };
    keep(this.#changesOfDay, day, changes, DAYS_KEPT_MAX);
    return changes;
  }

  #hour(hour: number): Hour {
    const kept = this.#hours.get(hour);
    if (kept !== undefined) return kept;
    const timeMs = hour * HOUR_MS;
    const day = Math.floor(timeMs / DAY_MS);
    const all = this.teams.flatMap((team) =>
      [...this.#roster(team, day - 1).duties, ...this.#roster(team, day).duties].filter(
        (duty): duty is Duty => duty !== undefined && covers(duty, timeMs),
      ),
    );
    const built = { all, byWish: new Map<string, readonly Duty[]>() };
    keep(this.#hours, hour, built, HOURS_KEPT_MAX);
    return built;
  }

  #roster(team: Team, day: number): Roster {
    const key = day * this.teams.length + team.index;
    const kept = this.#rosters.get(key);
    if (kept !== undefined) return kept;
    const isAbsent = Array.from({ length: team.memberCount }, (_, m) => this.#isAbsent(team.firstIndex + m, day));
    const shifts = team.isOffice ? officeShifts(team, day, isAbsent) : this.#coveredShifts(team, day, isAbsent);
    const duties = shifts.map((shift, member) =>
      shift === OFF ? undefined : this.#duty(team, member, day, this.#hoursOf(team, shift)),
    );
    const onCall = team.hasOnCall ? this.#onCall(team, day, shifts, isAbsent) : undefined;
    const roster = { duties, onCall };
    keep(this.#rosters, key, roster, this.teams.length * ROSTERS_KEPT_PER_TEAM);
    return roster;
  }

  #hoursOf(team: Team, shift: number): readonly [number, number] {
    if (team.isOffice) return OFFICE_HOURS;
    const [early, late, night] = this.startHours;
    if (shift === NIGHT) return [night, early + 24];
    return shift === 1 ? [early, late] : [late, night];
  }

  #duty(team: Team, member: number, day: number, [from, to]: readonly [number, number], isOnCall = false): Duty {
    const person = this.people[team.firstIndex + member] as StaffMember;
    const ward =
      team.role === 'float-nurse'
        ? (this.bedWards[drawIndex(this.bedWards.length, this.#placeKey, team.firstIndex + member, day)] as string)
        : team.ward;
    return Object.freeze({
      person,
      ward,
      startMs: day * DAY_MS + from * HOUR_MS,
      endMs: day * DAY_MS + to * HOUR_MS,
      isOnCall,
    });
  }

  /** Shift of each member by the rota alone: everybody goes through the same pattern, each a day apart from another. */
  #plannedShift(team: Team, member: number, day: number): number {
    const pattern = this.#patterns[team.index] as Uint8Array;
    const order = (this.#orders[team.index] as readonly number[])[member] as number;
    return pattern[modulo(day + order, pattern.length)] as number;
  }

  /** Shift of each member when those who are off have stood in for those who are absent. */
  #coveredShifts(team: Team, day: number, isAbsent: readonly boolean[]): number[] {
    const planned = isAbsent.map((_, member) => this.#plannedShift(team, member, day));
    const shifts = planned.map((shift, member) => (isAbsent[member] ? OFF : shift));
    // A rested person first, then whoever is there: a shift without anybody is worse than a short rest.
    const rested = (member: number, shift: number): boolean =>
      this.#plannedShift(team, member, day - 1) !== NIGHT &&
      (shift !== NIGHT || this.#plannedShift(team, member, day + 1) === OFF);
    planned.forEach((shift, absent) => {
      if (shift === OFF || !isAbsent[absent]) return;
      const isFree = (member: number): boolean =>
        planned[member] === OFF && shifts[member] === OFF && !isAbsent[member];
      const members = planned.map((_, step) => (absent + 1 + step) % planned.length).filter(isFree);
      const standIn = members.find((member) => rested(member, shift)) ?? members[0];
      if (standIn !== undefined) shifts[standIn] = shift;
      else if (!shifts.includes(shift)) shifts[absent] = shift;
    });
    return shifts;
  }

  #onCall(team: Team, day: number, shifts: readonly number[], isAbsent: readonly boolean[]): Duty | undefined {
    const isWeekday = !isWeekend(day);
    for (let step = 0; step < team.memberCount; step++) {
      const member = modulo(day + step, team.memberCount);
      // Whoever is in the office on a weekday is on call from its end; at weekends both would begin together.
      const isWorkingShift = shifts[member] !== OFF && !(team.isOffice && isWeekday);
      if (isAbsent[member] || isWorkingShift) continue;
      const from = team.isOffice && isWeekday ? OFFICE_HOURS[1] : ON_CALL_HOUR;
      return this.#duty(team, member, day, [from, ON_CALL_HOUR + 24], true);
    }
    return undefined;
  }

  #isAbsent(person: number, day: number): boolean {
    const key = this.#absenceKey;
    const period = Math.floor((day + drawIndex(HOLIDAY_DAYS, key, person, 1)) / HOLIDAY_DAYS);
    if (drawFraction(key, person, period, 2) < HOLIDAY_SHARE) return true;
    for (let since = 0; since < ILLNESS_DAYS_MAX; since++) {
      const begun = day - since;
      if (drawFraction(key, person, begun, 3) >= ILLNESS_SHARE) continue;
      if (drawIndex(ILLNESS_DAYS_MAX, key, person, begun, 4) >= since) return true;
    }
    return false;
  }
}

/** Office teams: everybody on weekdays; on the weekend those whose turn it is. */
function officeShifts(team: Team, day: number, isAbsent: readonly boolean[]): number[] {
  if (!isWeekend(day)) return isAbsent.map((absent) => (absent ? OFF : 1));
  const week = Math.floor((day + 3) / 7);
  let missing = team.weekendCount;
  const shifts = isAbsent.map(() => OFF);
  for (let step = 0; step < team.memberCount && missing > 0; step++) {
    const member = modulo(week + step, team.memberCount);
    if (isAbsent[member]) continue;
    shifts[member] = 1;
    missing--;
  }
  return shifts;
}

/**
 * One turn of the rota: as many days as the team has members, and on them each shift as often as it takes people, in blocks with
 * days off between them. As each member is on another day of the turn, every day has all its people.
 */
function shiftPattern({ perShift, memberCount }: Team): Uint8Array {
  const blocks = perShift.flatMap((count, index) => {
    const sizes: number[] = [];
    for (let rest = count; rest > 0; rest -= BLOCK_DAYS_MAX) sizes.push(Math.min(rest, BLOCK_DAYS_MAX));
    return sizes.map((size) => ({ shift: index + 1, size }));
  });
  const daysOff = memberCount - perShift.reduce((sum, count) => sum + count, 0);
  const pattern: number[] = [];
  let given = 0;
  blocks.forEach(({ shift, size }, index) => {
    for (let day = 0; day < size; day++) pattern.push(shift);
    // From the end, so that nights are followed by more days off than early shifts.
    const due = Math.floor((daysOff * (index + 1)) / blocks.length);
    for (; given < due; given++) pattern.push(OFF);
  });
  return Uint8Array.from(pattern);
}

/** Saturday or Sunday; day counted from 1970-01-01, a Thursday. */
export function isWeekend(day: number): boolean {
  return modulo(day + 4, 7) % 6 === 0;
}

const covers = (duty: Duty, timeMs: number): boolean => timeMs >= duty.startMs && timeMs < duty.endMs;
const modulo = (value: number, by: number): number => ((value % by) + by) % by;

function groupByTime(duties: readonly Duty[], edge: 'startMs' | 'endMs'): Map<number, Duty[]> {
  const groups = new Map<number, Duty[]>();
  for (const duty of duties) {
    const group = groups.get(duty[edge]);
    if (group === undefined) groups.set(duty[edge], [duty]);
    else group.push(duty);
  }
  return groups;
}

function keep<K, V>(map: Map<K, V>, key: K, value: V, sizeMax: number): void {
  if (map.size >= sizeMax) map.delete(map.keys().next().value as K);
  map.set(key, value);
}
