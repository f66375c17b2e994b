import type { Detection, DetectionEntity, DetectionMute, DetectionUnmute, ProtegoEvent } from '@protego/contracts';

/** Most folded or single entries of a timeline; routine ones beyond are counted only. */
export const ENTRIES_MAX = 2_000;
/** Most events that are listed of one folded run; those beyond are counted only. */
export const RUN_LINES_MAX = 200;
/** Most pivots of a timeline; those beyond are counted only. */
export const PIVOTS_MAX = 50;
/** From how long a time without events is said, milliseconds: one hour. */
export const GAP_MS_MIN = 3_600_000;

/** Whom or what a timeline is about. */
export interface TimelineFocus {
  /** `person`, `patient`, `device`, `ward`, `address`, `session`, `partner` …, or `detection`. */
  readonly kind: string;
  /** Persons and patients by token. */
  readonly id: string;
  /** Further names of the same one, such as the token of a person's account. */
  readonly names: readonly string[];
}

/** A record of the log, as stored: personal fields hold tokens. */
export interface TimelineRecord {
  readonly seq: number;
  /** Event time, milliseconds since the Unix epoch. */
  readonly timeMs: number;
  readonly event: ProtegoEvent;
  /** RFC 6962 hash of its leaf, hex. */
  readonly leafHash: string;
}

/** A detection that is about the focus, or rests on its events. */
export interface TimelineDetection {
  readonly detection: Detection;
  /** Of the events that it rests on, ascending. */
  readonly seqs: readonly number[];
  /** Its own record; missing where it comes from a replay. */
  readonly record?: Pick<TimelineRecord, 'seq' | 'leafHash'>;
}

/** What somebody decided about detections: muted, acknowledged, or ended one of these. */
export interface TimelineDecision {
  readonly record: TimelineRecord;
  readonly data: DetectionMute | DetectionUnmute;
}

/** Half-open range of event time, milliseconds. */
export interface TimelineRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What stands out, from least to most. */
export const WEIGHTS = ['routine', 'notable', 'evidence', 'decision', 'detection'] as const;
/** One of {@link WEIGHTS}: `evidence` is an event that a detection rests on. */
export type Weight = (typeof WEIGHTS)[number];

/** Somebody or something that an event names. */
export type NamedEntity = DetectionEntity;

/** One record of the log in a timeline. */
export interface TimelineLine {
  readonly seq: number;
  readonly leafHash: string;
  /** RFC 3339. */
  readonly time: string;
  readonly type: string;
  readonly source: string;
  readonly id: string;
  readonly words: string;
  readonly weight: Weight;
  /** Without the focus itself. */
  readonly entities: readonly NamedEntity[];
  /** Ids of detections that rest on it. */
  readonly evidenceOf: readonly string[];
}

/** Where an entry lies beside the detection that the timeline is about; null when it is about something else. */
export type Phase = 'before' | 'during' | 'after' | null;

interface EntryBase {
  /** RFC 3339, of its first moment. */
  readonly from: string;
  /** RFC 3339, of its last. */
  readonly to: string;
  readonly weight: Weight;
  readonly phase: Phase;
}

/** One event, or several that are told as one. */
export interface EventEntry extends EntryBase {
  readonly kind: 'event' | 'run';
  readonly words: string;
  /** How many events it stands for. */
  readonly count: number;
  /** Those that are listed, ascending by time. */
  readonly seqs: readonly number[];
  /** Those that are not. */
  readonly linesLeftOut: number;
}

/** A detection at the time at which it became certain. */
export interface DetectionEntry extends EntryBase {
  readonly kind: 'detection';
  readonly words: string;
  readonly detection: Omit<Detection, 'evidence'>;
  /** Its own record; null where it comes from a replay. */
  readonly seq: number | null;
  /** Seqs of the events that it rests on. */
  readonly evidenceSeqs: readonly number[];
}

/** What somebody decided about detections. */
export interface DecisionEntry extends EntryBase {
  readonly kind: 'decision';
  readonly words: string;
  readonly seq: number;
}

/** A time in which nothing happened. */
export interface GapEntry extends EntryBase {
  readonly kind: 'gap';
  readonly words: string;
}

/** An entry of a timeline. */
export type TimelineEntry = EventEntry | DetectionEntry | DecisionEntry | GapEntry;

/** Somebody or something to look at next. */
export interface Pivot extends NamedEntity {
  /** Events of the timeline that name it. */
  readonly events: number;
  /** Of these, those that detections rest on. */
  readonly evidence: number;
  /** RFC 3339. */
  readonly first: string;
  readonly last: string;
  /** Ids of the detections of the timeline that name it. */
  readonly detections: readonly string[];
}

/** How many events of each type there were in each span of time. */
export interface Volume {
  /** Length of a span, milliseconds. */
  readonly stepMs: number;
  /** Beginnings of the spans, RFC 3339. */
  readonly steps: readonly string[];
  /** Most frequent first. */
  readonly rows: readonly { readonly type: string; readonly counts: readonly number[] }[];
}

/** A span in which there was more of a type than in all spans of the day before, or a type that was not there at all. */
export interface Unusual {
  readonly type: string;
  /** RFC 3339, of the beginning of the span. */
  readonly at: string;
  readonly count: number;
  /** Most in one span of the day before. */
  readonly before: number;
}

/** What was read to find the events. */
export interface Searched {
  /** `subjects`: by the index of the log; `fields`: the fields of all records of the range. */
  readonly by: 'subjects' | 'fields';
  /** Records that were found. */
  readonly found: number;
  /** Records that were read for it. */
  readonly read: number;
  /** Event time up to which was searched, where a bound was met; else null. RFC 3339. */
  readonly stoppedAt: string | null;
}

/** Where the detections come from. */
export type DetectionOrigin =
  { readonly from: 'log'; readonly inLog: number } | { readonly from: 'replay'; readonly outputHash: string };

/** A timeline: what led to it, and what followed. */
export interface Timeline {
  readonly format: 1;
  readonly focus: TimelineFocus;
  readonly log: { readonly origin: string; readonly size: number; readonly rootHash: string };
  /** RFC 3339, half-open, in event time. */
  readonly range: { readonly from: string; readonly to: string };
  /** First event time of the log, RFC 3339; days are counted from it. */
  readonly logFrom: string;
  readonly searched: Searched;
  readonly detectionsFrom: DetectionOrigin;
  /** Everything that was found, also what is not listed. */
  readonly counts: {
    readonly events: number;
    readonly detections: number;
    readonly decisions: number;
    readonly entries: number;
    readonly entriesLeftOut: number;
    readonly linesLeftOut: number;
    readonly pivotsLeftOut: number;
    /** Detections beyond the bound of the reader. */
    readonly detectionsLeftOut: number;
    /** Events of the range that detections rest on and that were not fetched, because a bound was met. */
    readonly evidenceLeftOut: number;
  };
  readonly entries: readonly TimelineEntry[];
  /** The records that entries name, ascending by seq. */
  readonly lines: readonly TimelineLine[];
  readonly pivots: readonly Pivot[];
  readonly volume: Volume;
  /** Of a ward only. */
  readonly unusual: readonly Unusual[];
}
