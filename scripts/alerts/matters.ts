import { SEVERITIES, type Severity } from '@protego/contracts';
import type { WatchedAlert } from './watched-day';

/** Alerts that name the same person, device, patient, partner or address: one matter for those who deal with them. */
export interface Matter {
  /** Numbers of its alerts from 1, in the order of the day. */
  readonly alerts: readonly number[];
  /** Whom and what its alerts name, the most often named first. */
  readonly names: readonly string[];
  readonly severity: Severity;
  /** Title of the first of its most severe alerts. */
  readonly title: string;
}

/** The matters of a day, by their first alerts. */
export function mattersOf(alerts: readonly WatchedAlert[]): Matter[] {
  const groups: number[][] = [];
  alerts.forEach((alert, index) => {
    const names = new Set(namesOf(alert));
    const joined = groups.filter((group) =>
      group.some((other) => namesOf(alerts[other] as WatchedAlert).some((name) => names.has(name))),
    );
    const rest = groups.filter((group) => !joined.includes(group));
    groups.splice(
      0,
      groups.length,
      ...rest,
      [...joined.flat(), index].sort((a, b) => a - b),
    );
  });
  return groups.sort(([a = 0], [b = 0]) => a - b).map((group) => matterOf(group, alerts));
}

function matterOf(group: readonly number[], alerts: readonly WatchedAlert[]): Matter {
  const found = group.map((index) => (alerts[index] as WatchedAlert).found.detection);
  const rank = (severity: Severity): number => SEVERITIES.indexOf(severity);
  const worst = found.reduce((a, b) => (rank(b.severity) > rank(a.severity) ? b : a));
  const counts = new Map<string, number>();
  for (const index of group)
    for (const name of namesOf(alerts[index] as WatchedAlert)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return {
    alerts: group.map((index) => index + 1),
    names: [...counts].sort(([, a], [, b]) => b - a).map(([name]) => name),
    severity: worst.severity,
    title: worst.title,
  };
}

function namesOf({ found }: WatchedAlert): string[] {
  return [...new Set(found.detection.entities.map(({ id }) => id))];
}
