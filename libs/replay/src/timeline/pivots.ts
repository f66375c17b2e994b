import { formatRfc3339, parseRfc3339Ms, type Detection } from '@protego/contracts';
import { isFocus } from './named-entities';
import { PIVOTS_MAX, type NamedEntity, type Pivot, type TimelineFocus } from './timeline-shape';

/** What is asked of an event for pivots. */
export interface PivotEvent {
  readonly timeMs: number;
  readonly entities: readonly NamedEntity[];
  readonly isEvidence: boolean;
}

/** Most pivots that are counted; which are left out beyond that depends on the order of the events alone. */
const COUNTED_MAX = 100_000;

interface Counted {
  readonly entity: NamedEntity;
  events: number;
  evidence: number;
  firstMs: number;
  lastMs: number;
}

/**
 * Whom and what the events and detections name beside the focus: those that share most detections first, then those that
 * share most of the events that detections rest on, then those that share most events. A ward comes after all that is in it.
 */
export function pivotsOf(
  focus: TimelineFocus,
  events: readonly PivotEvent[],
  detections: readonly Detection[],
): { readonly pivots: readonly Pivot[]; readonly leftOut: number } {
  const counted = countedIn(focus, events, detections);
  const shared = sharedDetections(detections);
  const all = [...counted.values()].map(({ entity, events: count, evidence, firstMs, lastMs }): Pivot => {
    const ids = shared.get(keyOf(entity)) ?? [];
    const [first, last] = [formatRfc3339(firstMs), formatRfc3339(lastMs)];
    return { ...entity, events: count, evidence, first, last, detections: ids };
  });
  all.sort(byInterest);
  return { pivots: all.slice(0, PIVOTS_MAX), leftOut: Math.max(0, all.length - PIVOTS_MAX) };
}

function countedIn(
  focus: TimelineFocus,
  events: readonly PivotEvent[],
  detections: readonly Detection[],
): Map<string, Counted> {
  const counted = new Map<string, Counted>();
  const count = (entity: NamedEntity, timeMs: number, events: number, evidence: number): void => {
    if (isFocus(focus, entity)) return;
    const key = keyOf(entity);
    const known = counted.get(key);
    if (known === undefined) {
      if (counted.size < COUNTED_MAX) counted.set(key, { entity, events, evidence, firstMs: timeMs, lastMs: timeMs });
      return;
    }
    known.events += events;
    known.evidence += evidence;
    known.firstMs = Math.min(known.firstMs, timeMs);
    known.lastMs = Math.max(known.lastMs, timeMs);
  };
  for (const { timeMs, entities, isEvidence } of events)
    for (const entity of entities) count(entity, timeMs, 1, isEvidence ? 1 : 0);
  for (const { entities, certainAt } of detections)
    for (const { kind, id } of entities) count({ kind, id }, parseRfc3339Ms(certainAt) ?? 0, 0, 0);
  return counted;
}

function sharedDetections(detections: readonly Detection[]): Map<string, string[]> {
  const shared = new Map<string, string[]>();
  for (const { id, entities } of detections)
    for (const key of new Set(entities.map(keyOf))) shared.set(key, [...(shared.get(key) ?? []), id]);
  return shared;
}

function byInterest(a: Pivot, b: Pivot): number {
  return (
    b.detections.length - a.detections.length ||
    Number(a.kind === 'ward') - Number(b.kind === 'ward') ||
    b.evidence - a.evidence ||
    b.events - a.events ||
    (keyOf(a) < keyOf(b) ? -1 : 1)
  );
}

const keyOf = ({ kind, id }: NamedEntity): string => `${kind}\n${id}`;
