import type { EventDraft } from '../draft';
import type { Hospital } from '../hospital/model';
import type { AttackName, SimulationLabel } from '../label';
import type { SeededRandom } from '../random';

/** What an activity is made from. */
export interface Stage {
  readonly hospital: Hospital;
  /** A stream of its own for each activity. */
  readonly random: SeededRandom;
  /** When the activity begins, milliseconds since the Unix epoch. */
  readonly startMs: number;
  /** Speed of an attack: 4 is four times as fast as usual, 0.25 four times as slow. Twins go at their own speed: 1. */
  readonly pace: number;
  /** Size of an activity: multiplies counts and bytes, 0.5 to 1.5. */
  readonly volume: number;
}

/** Ordinary events that do not happen because of an activity: a silenced agent does not report. Half-open times. */
export interface Suppression {
  /** `data.device.uid` of the events. */
  readonly deviceUid: string;
  /** Event types; all of the device's where missing. */
  readonly types?: readonly string[];
  readonly fromMs: number;
  readonly toMs: number;
}

/** What happens in an activity, and what is true about it. */
export interface Course {
  /** By the same kinds as in detections: `person`, `device`, `address`, `patient`, `partner` … */
  readonly entities: SimulationLabel['entities'];
  /** In event time, ascending; never empty. */
  readonly drafts: readonly EventDraft[];
  /**
   * Event time from which the attack has gone further than harmless activities do, milliseconds since the Unix epoch; null
   * for a benign twin.
   */
  readonly detectableAtMs: number | null;
  readonly suppressions?: readonly Suppression[];
}

/** An activity that can be planted: one variant of an attack, or a benign twin of it. */
export interface Script {
  readonly attack: AttackName;
  readonly kind: SimulationLabel['kind'];
  /** Unique; `ransomware-macro-document`, `infection-control-round` … */
  readonly name: string;
  /** Where it is known from: published incidents, in a few words; for a twin, where one meets it. */
  readonly source: string;
  /** Longest course at pace 1 and volume 1.5, milliseconds; pace divides it for attacks. At most five days. */
  readonly durationMsMax: number;
  /** Hours of the day (UTC) in which it may begin; any where missing. */
  readonly beginHours?: readonly number[];
  /** The course, or undefined where this hospital lacks what it needs at that time. */
  play(stage: Stage): Course | undefined;
}

/** Counts follow the volume: at least `least`, at most a billion. */
export function amountOf(stage: Stage, usual: number, least = 1): number {
  return Math.max(least, Math.round(usual * stage.volume));
}

/** A length of time at the pace of the stage, milliseconds. */
export function pacedMs(stage: Stage, usualMs: number): number {
  return Math.round(usualMs / stage.pace);
}

/** Times of `count` steps over about `durationMs`, the first at the start, ascending and uneven as people are. */
export function stepTimes(random: SeededRandom, startMs: number, durationMs: number, count: number): number[] {
  const stepMs = durationMs / Math.max(1, count - 1);
  return Array.from({ length: count }, (_, index) => {
    const jitterMs = index === 0 ? 0 : random.integer(-Math.floor(stepMs * 0.4), Math.floor(stepMs * 0.4));
    return startMs + Math.floor(index * stepMs) + jitterMs;
  });
}

/** Drafts in event time; those of the same millisecond keep their order. */
export function inTime(drafts: readonly EventDraft[]): EventDraft[] {
  return [...drafts].sort((a, b) => a.timeMs - b.timeMs);
}
