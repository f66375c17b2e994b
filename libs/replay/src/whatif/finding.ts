import type { DetectionEntity } from '@protego/contracts';
import { compareText } from '../text-order';

/**
 * What a run makes that two runs are compared by. Detections are found at a time and may move; access decisions answer a
 * request and scores an event, so that they are compared where they stand.
 */
export type FindingKindName = 'detection' | 'decision' | 'score';

/** How the findings of one kind are compared and told. */
export interface FindingKind {
  readonly name: FindingKindName;
  /** For sentences: `detection`, `detections`. */
  readonly words: readonly [one: string, several: string];
  /**
   * True where a changed maker may find the same thing at another time, under another id: such findings are one when they
   * rest on common events. False where the id says what a finding is about, whoever made it.
   */
  readonly canMove: boolean;
}

/** Where and when something was found, by whom, and what it rests on: all that counts and sums need. */
export interface FindingCore {
  /** Rule, correlation, detector, policy or model that made it. */
  readonly makerId: string;
  /** Event time at which it was certain, milliseconds. */
  readonly timeMs: number;
  /** Half-open window in event time, milliseconds. */
  readonly startMs: number;
  readonly endMs: number;
  /** What it is about; persons by token. */
  readonly entities: readonly DetectionEntity[];
  /** Sequence numbers of the events that it rests on, ascending. */
  readonly seqs: readonly number[];
  /** True where nobody is told of it, as of a muted detection: it is no load. */
  readonly isQuiet: boolean;
}

/** One line of what a run made. */
export interface Finding extends FindingCore {
  /** Unique within a run, and equal in two runs for what is the same in both. */
  readonly id: string;
  /** SHA-256 (hex) of the content of its maker. */
  readonly makerHash: string;
  readonly makerTitle: string;
  /** Values that its events have in common, by field; findings that are both grouped by the same fields must agree. */
  readonly group?: Readonly<Record<string, string>>;
  /** What it says, by name, as text: what may differ while it is the same finding. Names stand in the order of telling. */
  readonly aspects: Readonly<Record<string, string>>;
}

/** The findings of one kind of two runs over one log, each in the order (time, maker, id) in UTF-16 code units. */
export interface DiffSource {
  readonly kind: FindingKind;
  readonly baseline: Iterable<Finding>;
  readonly candidate: Iterable<Finding>;
}

/** Orders findings as runs write them. */
export function compareFindings(
  a: Pick<Finding, 'timeMs' | 'makerId' | 'id'>,
  b: Pick<Finding, 'timeMs' | 'makerId' | 'id'>,
): number {
  return a.timeMs - b.timeMs || compareText(a.makerId, b.makerId) || compareText(a.id, b.id);
}

/** The part of a finding that is kept when nothing about it differs. */
export function coreOf({ makerId, timeMs, startMs, endMs, entities, seqs, isQuiet }: FindingCore): FindingCore {
  return { makerId, timeMs, startMs, endMs, entities, seqs, isQuiet };
}
