import { parseRfc3339Ms } from '@protego/contracts';
import { LabelIndex } from '@protego/replay';
import type { AttackName, SimulationLabel } from '@protego/simulation';

/** Somebody or something that a detection or a label is about. */
export interface Entity {
  readonly kind: string;
  readonly id: string;
}

/** A detection, as far as scoring asks. */
export interface RaisedAlarm {
  readonly ruleId: string;
  /** Event time, milliseconds. */
  readonly certainAtMs: number;
  /** Half-open window in event time, milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  readonly entities: readonly Entity[];
  /** Contributing events. */
  readonly events: Iterable<{ readonly source: string; readonly id: string }>;
}

/** What became of a planted activity. */
export interface ScoredActivity {
  readonly label: string;
  readonly attack: AttackName;
  readonly activity: string;
  /** RFC 3339. */
  readonly startsAt: string;
  /** Rules and detectors whose alarms belong to it, the first to be certain first; none: nobody noticed. */
  readonly rules: readonly string[];
  /** From when it could have been found to the first alarm, milliseconds; null where it was not found, or is no attack. */
  readonly delayMs: number | null;
}

/** An alarm that belongs to no attack. */
export interface FalseAlarm {
  readonly ruleId: string;
  readonly certainAtMs: number;
  readonly entities: readonly Entity[];
  /** Activity of the benign twin that it belongs to; null where it belongs to ordinary life. */
  readonly twin: string | null;
}

/** How the alarms of a run fit what was planted in it. */
export interface Score {
  readonly attacks: readonly ScoredActivity[];
  readonly twins: readonly ScoredActivity[];
  readonly falseAlarms: readonly FalseAlarm[];
}

/**
 * Scores the alarms of a run. An alarm belongs to a planted activity when one of its events is part of it, or when it names one of
 * its entities, by kind and id, while its window overlaps the time from the first event to an hour after the last. It may
 * belong to several attacks, and is then right about each. What belongs to no attack is a false alarm, and counts against a
 * benign twin too where it belongs to one.
 */
export function scoreAlarms(labels: readonly SimulationLabel[], alarms: Iterable<RaisedAlarm>): Score {
  const index = new LabelIndex(labels);
  const alarmsOf = new Map(labels.map((label): [SimulationLabel, RaisedAlarm[]] => [label, []]));
  const falseAlarms: FalseAlarm[] = [];
  for (const alarm of alarms) {
    const owners = index.ownersOf(alarm);
    const attacks = owners.filter(({ kind }) => kind === 'attack');
    for (const owner of attacks.length > 0 ? attacks : owners) alarmsOf.get(owner)?.push(alarm);
    if (attacks.length > 0) continue;
    const { ruleId, certainAtMs, entities } = alarm;
    falseAlarms.push({ ruleId, certainAtMs, entities, twin: owners[0]?.activity ?? null });
  }
  const scored = (kind: SimulationLabel['kind']): ScoredActivity[] =>
    [...alarmsOf].flatMap(([label, found]) => (label.kind === kind ? scoredOf(label, found) : []));
  return { attacks: scored('attack'), twins: scored('benign-twin'), falseAlarms };
}

function scoredOf(label: SimulationLabel, alarms: readonly RaisedAlarm[]): ScoredActivity {
  const { id, attack, activity, startsAt } = label;
  const inTime = alarms.toSorted((a, b) => a.certainAtMs - b.certainAtMs);
  const [first] = inTime;
  const detectableMs = msOf(label.detectableAt ?? startsAt);
  const delayMs = first === undefined || label.kind !== 'attack' ? null : Math.max(0, first.certainAtMs - detectableMs);
  return { label: id, attack, activity, startsAt, rules: [...new Set(inTime.map(({ ruleId }) => ruleId))], delayMs };
}

function msOf(text: string): number {
  const ms = parseRfc3339Ms(text);
  if (ms === undefined) throw new Error(`a label has the time \`${text.slice(0, 64)}\``);
  return ms;
}
