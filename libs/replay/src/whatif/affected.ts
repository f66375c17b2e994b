import { compareText } from '../text-order';
import { CHANGES, type Change, type Difference } from './differences';

/** How many differences there are of each change. */
export type ChangeCounts = Readonly<Record<Change, number>>;

/** Differences that concern one ward, role or device; a difference may concern several. */
export interface AffectedRow extends ChangeCounts {
  /** Name of the ward, role or device; null for those of which it is not known. */
  readonly name: string | null;
  /** How many persons and patients are in them. */
  readonly persons: number;
  readonly patients: number;
}

/** Who and what the differences concern. Persons and patients are counted, never named. */
export interface AffectedSummary {
  readonly persons: number;
  readonly patients: number;
  readonly devices: number;
  readonly byWard: readonly AffectedRow[];
  readonly byRole: readonly AffectedRow[];
  /** Those with most differences first, at most {@link DEVICES_LISTED_MAX}. */
  readonly byDevice: readonly AffectedRow[];
}

/** Most devices that are listed; all are counted. */
export const DEVICES_LISTED_MAX = 200;

/** Counts whom and what the differences concern. */
export function affectedOf(differences: readonly Difference[]): AffectedSummary {
  const devices = rowsBy(differences, ({ affected }) => affected.devices);
  return {
    persons: new Set(differences.flatMap(({ affected }) => affected.persons)).size,
    patients: new Set(differences.flatMap(({ affected }) => affected.patients)).size,
    devices: devices.length,
    byWard: rowsBy(differences, ({ affected }) => [affected.ward]),
    byRole: rowsBy(differences, rolesOf),
    byDevice: devices.sort((a, b) => sumOf(b) - sumOf(a) || compareNames(a, b)).slice(0, DEVICES_LISTED_MAX),
  };
}

/** Counts of each change among differences. */
export function changeCountsOf(differences: Iterable<Pick<Difference, 'change'>>): Record<Change, number> {
  const counts = Object.fromEntries(CHANGES.map((change) => [change, 0])) as Record<Change, number>;
  for (const { change } of differences) counts[change]++;
  return counts;
}

function rolesOf({ affected: { persons, roles } }: Difference): readonly (string | null)[] {
  return persons.length > 0 && roles.length === 0 ? [null] : roles;
}

function rowsBy(
  differences: readonly Difference[],
  namesOf: (difference: Difference) => readonly (string | null)[],
): AffectedRow[] {
  const groups = new Map<string | null, Difference[]>();
  for (const difference of differences)
    for (const name of new Set(namesOf(difference))) {
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [difference]);
      else group.push(difference);
    }
  const rows = [...groups].map(([name, group]) => ({
    name,
    ...changeCountsOf(group),
    persons: new Set(group.flatMap(({ affected }) => affected.persons)).size,
    patients: new Set(group.flatMap(({ affected }) => affected.patients)).size,
  }));
  return rows.sort(compareNames);
}

function sumOf(row: AffectedRow): number {
  return CHANGES.reduce((sum, change) => sum + row[change], 0);
}

function compareNames({ name: a }: AffectedRow, { name: b }: AffectedRow): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return compareText(a, b);
}
