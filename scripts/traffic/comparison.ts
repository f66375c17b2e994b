import type { TrafficFigures } from './figures';
import { type SOURCES } from './published';
import { ratio } from './statistics';

/** A figure of the simulation beside a published one, in the same unit. */
export interface Comparison {
  readonly figure: string;
  readonly unit: string;
  readonly simulated: number;
  readonly published: number;
  readonly source: keyof typeof SOURCES;
}

/** Single figures that can be set side by side; curves are compared in the pictures. */
export function comparisons(figures: TrafficFigures): Comparison[] {
  return [...peopleComparisons(figures), ...stayComparisons(figures)];
}

function peopleComparisons(figures: TrafficFigures): Comparison[] {
  const { relationsPerMillion, roles } = figures;
  const patients = (role: string): number => roles.find((entry) => entry.role === role)?.patients[0] ?? 0;
  const related = (name: Parameters<typeof relationsPerMillion.get>[0]): number =>
    relationsPerMillion.get(name)?.all ?? 0;
  const perMillion = 'of a million reads';
  return [
    line('sign-ins to the record', 'a person and week', figures.signInsPerWeek, 28.9, 'christus'),
    line('patients whose records a physician reads', 'a duty', patients('physician'), 17, 'hospitalists'),
    line('reads without care relationship', '% of reads', figures.outsideCarePart * 100, 15, 'alassia'),
    line('reads of a co-worker’s record', perMillion, related('co-worker'), 92.9, 'boxwala'),
    line('reads of the record of a VIP', perMillion, related('person on a watch list'), 141.6, 'boxwala'),
    line('reads of the record of a family member', perMillion, related('same household'), 876.4, 'boxwala'),
    line('reads of the record of a neighbour', perMillion, related('same street'), 5538, 'boxwala'),
  ];
}

function stayComparisons({ stays }: TrafficFigures): Comparison[] {
  const nurses = stays.patientsPerNurse;
  return [
    line('occupied beds', '%', stays.occupancy * 100, 69.8, 'oecdBeds'),
    line('mean stay', 'days', stays.stayDays, 4.5, 'hcup'),
    line('mean stay', 'days', stays.stayDays, 8, 'oecdStays'),
    line('admissions at weekends', '%', stays.weekendAdmissions * 100, 19.2, 'admissions'),
    line('patients who died', '%', stays.deceased * 100, 2.2, 'admissions'),
    line('weekday discharges before 12 h', '%', (stays.dischargedBefore[12] ?? 0) * 100, 13, 'florida'),
    line('weekday discharges before 15 h', '%', (stays.dischargedBefore[15] ?? 0) * 100, 42.2, 'florida'),
    line('patients to a nurse, mean over the day', '', nurses.reduce((a, b) => a + b, 0) / 24, 8.3, 'aiken'),
  ];
}

function line(
  figure: string,
  unit: string,
  simulated: number,
  published: number,
  source: keyof typeof SOURCES,
): Comparison {
  return { figure, unit, simulated, published, source };
}

/** How many times the published figure the simulated one is, with one decimal. */
export function timesPublished({ simulated, published }: Comparison): string {
  return `${ratio(simulated, published).toFixed(2)} ×`;
}
