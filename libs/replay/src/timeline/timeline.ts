import { formatRfc3339, parseRfc3339Ms, type ProtegoEvent } from '@protego/contracts';
import { foldEvents, type Foldable } from './fold';
import { isFocus, namedEntities } from './named-entities';
import { pivotsOf } from './pivots';
import {
  ENTRIES_MAX,
  GAP_MS_MIN,
  WEIGHTS,
  type DecisionEntry,
  type DetectionEntry,
  type GapEntry,
  type Phase,
  type Timeline,
  type TimelineDecision,
  type TimelineDetection,
  type TimelineEntry,
  type TimelineFocus,
  type TimelineLine,
  type TimelineRange,
  type TimelineRecord,
  type Unusual,
  type Volume,
} from './timeline-shape';

import { spanText } from '../whatif/report/words';
import { tellDetection, tellEvent } from './words/event-words';

/** What a timeline is made of. */
export interface TimelineRequest {
  readonly focus: TimelineFocus;
  /** When the timeline is about a detection. */
  readonly about?: TimelineDetection;
  readonly range: TimelineRange;
  readonly log: Timeline['log'];
  readonly logFromMs: number;
  readonly searched: Timeline['searched'];
  readonly detectionsFrom: Timeline['detectionsFrom'];
  /** In any order, each once. */
  readonly records: readonly TimelineRecord[];
  /** Those about the focus, and those that rest on its events. */
  readonly detections: readonly TimelineDetection[];
  readonly decisions: readonly TimelineDecision[];
  /** What the reader left out at its bounds; nothing by default. */
  readonly leftOut?: { readonly detections: number; readonly evidence: number };
  readonly volume: Volume;
  readonly unusual: readonly Unusual[];
}

/** A record with what is told of it. */
interface Told extends Foldable {
  readonly record: TimelineRecord;
  readonly evidenceOf: readonly string[];
}

/** What led to it and what followed: the same request gives the same timeline. */
export function timelineOf(request: TimelineRequest): Timeline {
  const { focus, range, log, searched, detectionsFrom, volume, unusual } = request;
  const told = tell(request);
  const detections = request.detections.map((detection) => detectionEntry(detection, request.about));
  const decisions = request.decisions.map(({ record }) => decisionEntry(record, request.about));
  const breaks = [...detections, ...decisions].map(({ from }) => msOf(from)).sort((a, b) => a - b);
  const { kept, leftOut } = bounded(inOrder([...foldEvents(told, breaks), ...detections, ...decisions]));
  // Of a ward only what stands out is told: a time without that is no gap.
  const entries = withGaps(kept, leftOut > 0 || focus.kind === 'ward');
  const lines = linesOf(entries, told, request);
  const { pivots, leftOut: pivotsLeftOut } = pivotsOf(
    focus,
    told.map(({ timeMs, entities, evidenceOf }) => ({ timeMs, entities, isEvidence: evidenceOf.length > 0 })),
    request.detections.map(({ detection }) => detection),
  );
  const listed = entries.reduce((sum, entry) => sum + ('count' in entry ? entry.seqs.length : 0), 0);
  return {
    format: 1,
    ...{ focus, log, searched, detectionsFrom },
    range: { from: formatRfc3339(range.fromMs), to: formatRfc3339(range.toMs) },
    logFrom: formatRfc3339(request.logFromMs),
    counts: {
      events: told.length,
      detections: detections.length,
      decisions: decisions.length,
      entries: kept.length,
      entriesLeftOut: leftOut,
      linesLeftOut: told.length - listed,
      pivotsLeftOut,
      detectionsLeftOut: request.leftOut?.detections ?? 0,
      evidenceLeftOut: request.leftOut?.evidence ?? 0,
    },
    ...{ entries, lines, pivots, volume, unusual },
  };
}

/** The records in order of time, with words and weight. */
function tell({ focus, records, detections, about }: TimelineRequest): Told[] {
  const evidence = new Map<number, string[]>();
  for (const { detection, seqs } of detections)
    for (const seq of seqs) evidence.set(seq, [...(evidence.get(seq) ?? []), detection.id]);
  const told = records.map((record): Told => {
    const { seq, timeMs, event } = record;
    const { words, isNotable, alike } = tellEvent(event.type, event.data);
    const evidenceOf = evidence.get(seq) ?? [];
    const weight = evidenceOf.length > 0 ? 'evidence' : isNotable ? 'notable' : 'routine';
    const entities = namedEntities(event.data).filter((entity) => !isFocus(focus, entity));
    return { ...{ seq, timeMs, record, words, alike, weight, entities, evidenceOf }, phase: phaseAt(timeMs, about) };
  });
  return told.sort((a, b) => a.timeMs - b.timeMs || a.seq - b.seq);
}

function phaseAt(timeMs: number, about: TimelineDetection | undefined): Phase {
  if (about === undefined) return null;
  const { window, certainAt } = about.detection;
  if (timeMs < msOf(window.start)) return 'before';
  return timeMs <= Math.max(msOf(window.end), msOf(certainAt)) ? 'during' : 'after';
}

function detectionEntry(shown: TimelineDetection, about: TimelineDetection | undefined): DetectionEntry {
  const { detection, seqs, record } = shown;
  const { evidence: _, ...told } = detection;
  const { certainAt } = detection;
  return {
    kind: 'detection',
    ...{ from: certainAt, to: certainAt, weight: 'detection', phase: phaseAt(msOf(certainAt), about) },
    words: tellDetection(detection),
    detection: told,
    seq: record?.seq ?? null,
    evidenceSeqs: seqs,
  };
}

function decisionEntry({ seq, timeMs, event }: TimelineRecord, about: TimelineDetection | undefined): DecisionEntry {
  const at = formatRfc3339(timeMs);
  const { words } = tellEvent(event.type, event.data);
  return { kind: 'decision', from: at, to: at, weight: 'decision', phase: phaseAt(timeMs, about), words, seq };
}

/** By time; at one instant events come before what was found in them, and that before what was decided. */
function inOrder(entries: readonly TimelineEntry[]): TimelineEntry[] {
  const rank = ({ kind }: TimelineEntry): number => (kind === 'detection' ? 1 : kind === 'decision' ? 2 : 0);
  const keyed = entries.map((entry, at) => ({ entry, at, ms: msOf(entry.from) }));
  keyed.sort((a, b) => a.ms - b.ms || rank(a.entry) - rank(b.entry) || a.at - b.at);
  return keyed.map(({ entry }) => entry);
}

/** At most {@link ENTRIES_MAX}: what weighs least is left out, of that the latest. */
function bounded(entries: readonly TimelineEntry[]): { kept: readonly TimelineEntry[]; leftOut: number } {
  if (entries.length <= ENTRIES_MAX) return { kept: entries, leftOut: 0 };
  const byWeight = [...entries.keys()].sort((a, b) => weightAt(entries, b) - weightAt(entries, a) || a - b);
  const kept = new Set(byWeight.slice(0, ENTRIES_MAX));
  return { kept: entries.filter((_, at) => kept.has(at)), leftOut: entries.length - ENTRIES_MAX };
}

const weightAt = (entries: readonly TimelineEntry[], at: number): number =>
  WEIGHTS.indexOf((entries[at] as TimelineEntry).weight);

/** With times in which nothing happened; none where entries were left out, for then nobody knows. */
function withGaps(entries: readonly TimelineEntry[], isPartial: boolean): readonly TimelineEntry[] {
  if (isPartial) return entries;
  const result: TimelineEntry[] = [];
  let untilMs: number | undefined;
  for (const entry of entries) {
    const fromMs = msOf(entry.from);
    if (untilMs !== undefined && fromMs - untilMs >= GAP_MS_MIN) result.push(gap(untilMs, fromMs, entry.phase));
    result.push(entry);
    untilMs = Math.max(untilMs ?? fromMs, msOf(entry.to));
  }
  return result;
}

function gap(fromMs: number, toMs: number, phase: Phase): GapEntry {
  const [from, to] = [formatRfc3339(fromMs), formatRfc3339(toMs)];
  return { kind: 'gap', from, to, weight: 'routine', phase, words: `nothing for ${spanText(toMs - fromMs)}` };
}

function linesOf(entries: readonly TimelineEntry[], told: readonly Told[], request: TimelineRequest): TimelineLine[] {
  const bySeq = new Map(told.map((one) => [one.seq, one]));
  const decisions = new Map(request.decisions.map(({ record }) => [record.seq, record]));
  const own = new Map(
    request.detections.flatMap(({ detection, record }) => (record ? [[record.seq, { detection, record }]] : [])),
  );
  const lines = new Map<number, TimelineLine>();
  for (const entry of entries) {
    if (entry.kind === 'event' || entry.kind === 'run')
      for (const seq of entry.seqs) lines.set(seq, lineOf(bySeq.get(seq) as Told));
    else if (entry.kind === 'decision')
      lines.set(entry.seq, decisionLine(decisions.get(entry.seq) as TimelineRecord, entry));
    else if (entry.kind === 'detection' && entry.seq !== null) {
      const { detection, record } = own.get(entry.seq) as { detection: { id: string }; record: { leafHash: string } };
      lines.set(entry.seq, detectionLine(entry, detection.id, record.leafHash));
    }
  }
  return [...lines.values()].sort((a, b) => a.seq - b.seq);
}

function lineOf({ seq, record, words, weight, entities, evidenceOf }: Told): TimelineLine {
  return { ...identityOf(record), seq, leafHash: record.leafHash, words, weight, entities, evidenceOf };
}

function decisionLine(record: TimelineRecord, { words, weight }: DecisionEntry): TimelineLine {
  const { seq, leafHash } = record;
  return { ...identityOf(record), seq, leafHash, words, weight, entities: [], evidenceOf: [] };
}

function detectionLine(entry: DetectionEntry, id: string, leafHash: string): TimelineLine {
  const { from, words, weight, detection } = entry;
  const seq = entry.seq as number;
  const told = { time: from, type: 'detection.raised', source: 'protego', id };
  return { ...told, seq, leafHash, words, weight, entities: detection.entities, evidenceOf: [] };
}

function identityOf({ event }: { event: ProtegoEvent }): Pick<TimelineLine, 'time' | 'type' | 'source' | 'id'> {
  const { time, type, source, id } = event;
  return { time, type, source, id };
}

const msOf = (text: string): number => parseRfc3339Ms(text) ?? 0;
