import { parseRfc3339Ms } from '@protego/contracts';
import type { SimulationLabel } from '@protego/simulation';
import { keyOf, type WatchedAlert, type WatchedDay } from './watched-day';

/** What a planted activity was, and which of the alerts are about it (numbers from 1, in the order of the day). */
export interface Planted {
  readonly label: SimulationLabel;
  readonly alerts: readonly number[];
}

/** An hour: an alert about a slow activity may become certain after its last event. */
const AFTERMATH_MS = 3_600_000;

/**
 * Planted activities that are under way on the day, with their alerts, by the time at which they begin. An alert is about
 * an activity when it rests on one of its events, or names one of its persons, devices or addresses while it goes on.
 */
export function plantedOn({ startMs, endMs, alerts, labels }: WatchedDay): Planted[] {
  return labels
    .filter((label) => timeOf(label.startsAt) < endMs && timeOf(label.endsAt) >= startMs)
    .map((label) => ({
      label,
      alerts: alerts.flatMap((alert, index) => (isAbout(alert, label) ? [index + 1] : [])),
    }))
    .sort((a, b) => (a.label.startsAt < b.label.startsAt ? -1 : 1));
}

function isAbout({ found, eventKeys }: WatchedAlert, label: SimulationLabel): boolean {
  if (label.eventIds.some((event) => eventKeys.has(keyOf(event)))) return true;
  const isDuring =
    found.certainAtMs >= timeOf(label.startsAt) && found.certainAtMs <= timeOf(label.endsAt) + AFTERMATH_MS;
  const { entities } = found.detection;
  return isDuring && label.entities.some(({ kind, id }) => entities.some((e) => e.kind === kind && e.id === id));
}

function timeOf(text: string): number {
  return parseRfc3339Ms(text) as number;
}
