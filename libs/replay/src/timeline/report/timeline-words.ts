import { parseRfc3339Ms } from '@protego/contracts';
import { countOf, numberOf, spanText, timeText } from '../../whatif/report/words';
import type {
  DecisionEntry,
  DetectionEntry,
  Pivot,
  Timeline,
  TimelineEntry,
  TimelineLine,
  Weight,
} from '../timeline-shape';

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const DAY_MS = 86_400_000;
const HASH_DIGITS = 16;

/** The command line that shows the timeline of an entity. */
export type CommandOf = (entity: { readonly kind: string; readonly id: string }) => string;

/** What each weight is called beside an entry; nothing beside a routine one. */
export const WEIGHT_WORDS: Readonly<Record<Weight, string>> = {
  routine: '',
  notable: 'notable',
  evidence: 'evidence',
  decision: 'decision',
  detection: 'detection',
};

/** Heading of a timeline. */
export function titleText({ focus }: Timeline): string {
  return `Timeline of ${focus.kind} ${focus.id}`;
}

/** Of which log and which time. */
export function rangeLine({ log, range }: Timeline): string {
  return `log ${log.origin}, ${countOf(log.size, 'record')}; ${timeText(range.from)} to ${timeText(range.to)} UTC`;
}

/** What was found, and what is not shown: one sentence each. */
export function factLines(timeline: Timeline): string[] {
  const { counts, searched, detectionsFrom, pivots, focus, entries } = timeline;
  const { events, detections, decisions, entriesLeftOut, linesLeftOut, pivotsLeftOut } = counts;
  const { detectionsLeftOut, evidenceLeftOut } = counts;
  const how =
    searched.by === 'subjects'
      ? 'by the index of the log'
      : `in the fields of ${countOf(searched.read, 'record')} of that time`;
  const shown = entries.find(
    (entry): entry is DetectionEntry => entry.kind === 'detection' && entry.detection.id === focus.id,
  );
  const standOut = `${countOf(searched.found, 'event')} of the ward, of which ${numberOf(events)} stand out`;
  return [
    ...(shown === undefined ? [] : [shown.words]),
    `${focus.kind === 'ward' ? standOut : countOf(events, 'event')}, ${countOf(detections, 'detection')}, ${countOf(decisions, 'decision')} about detections; searched ${how}.`,
    detectionsFrom.from === 'replay'
      ? `Detections are those of a replay with output hash ${detectionsFrom.outputHash}.`
      : detectionsFrom.inLog > 0
        ? 'Detections are those that the log holds.'
        : 'The log holds no detection of that time: name the output of a replay with --run to see what it finds.',
    ...(searched.stoppedAt === null
      ? []
      : [`The search ended at ${timeText(searched.stoppedAt)}, at its bound: narrow the time with --from and --to.`]),
    ...(entriesLeftOut > 0 ? [`${countOf(entriesLeftOut, 'entry', 'entries')} of little weight are left out.`] : []),
    ...(linesLeftOut > 0 ? [`${countOf(linesLeftOut, 'event')} are counted, but not listed one by one.`] : []),
    ...(detectionsLeftOut > 0 ? [`${countOf(detectionsLeftOut, 'later detection')} are left out.`] : []),
    ...(evidenceLeftOut > 0
      ? [`${countOf(evidenceLeftOut, 'event')} that detections rest on were not fetched: narrow the time.`]
      : []),
    ...(pivotsLeftOut > 0
      ? [`${numberOf(pivotsLeftOut)} more names beside the ${pivots.length} to look at next.`]
      : []),
  ];
}

/** `17 shared events, 2 of them evidence, 2 shared detections, 2026-03-02 07:14:02 to 09:10:55`. */
export function pivotText({ events, evidence, detections, first, last }: Pivot): string {
  const end = first.slice(0, 10) === last.slice(0, 10) ? timeText(last).slice(11) : timeText(last);
  const ofEvidence = evidence === events ? 'all evidence' : `${evidence} of them evidence`;
  return [
    ...(events > 0 ? [countOf(events, 'shared event')] : []),
    ...(evidence > 0 ? [events === 1 ? 'evidence' : ofEvidence] : []),
    ...(detections.length > 0 ? [countOf(detections.length, 'shared detection')] : []),
    first === last ? timeText(first) : `${timeText(first)} to ${end}`,
  ].join(', ');
}

/** `Monday 2026-03-02, day 1 of the log`. */
export function dayText(day: string, logFrom: string): string {
  const at = dayNumber(day);
  const ofLog = at - dayNumber(logFrom.slice(0, 10)) + 1;
  // The first of January 1970 was a Thursday.
  return `${WEEKDAYS[(at + 4) % 7]} ${day}${ofLog >= 1 ? `, day ${ofLog} of the log` : ''}`;
}

const dayNumber = (day: string): number => Math.floor((parseRfc3339Ms(`${day}T00:00:00Z`) ?? 0) / DAY_MS);

/** When an entry was, within its day: `08:12:04`, `07:00:00 to 08:10:00`. */
export function clockText({ from, to }: TimelineEntry): string {
  const start = from.slice(11, 19);
  if (timeText(from) === timeText(to)) return start;
  return `${start} to ${from.slice(0, 10) === to.slice(0, 10) ? to.slice(11, 19) : timeText(to)}`;
}

/** Where its records stand: `seq 4711`, `seq 4711 to 4745`; nothing for what is no record. */
export function seqText(entry: TimelineEntry): string {
  if (entry.kind === 'gap') return '';
  if (entry.kind === 'detection' || entry.kind === 'decision') return entry.seq === null ? '' : `seq ${entry.seq}`;
  const [first, last] = [Math.min(...entry.seqs), Math.max(...entry.seqs)];
  return first === last ? `seq ${first}` : `seq ${first} to ${last}`;
}

/** The line of what stands for one record; undefined for runs, gaps and detections of a replay. */
export function lineOfEntry(entry: TimelineEntry, bySeq: ReadonlyMap<number, TimelineLine>): TimelineLine | undefined {
  if (entry.kind === 'gap' || entry.kind === 'run') return undefined;
  const seq = entry.kind === 'event' ? entry.seqs[0] : (entry as DetectionEntry | DecisionEntry).seq;
  return seq === undefined || seq === null ? undefined : bySeq.get(seq);
}

/** Entries by their day, in order. */
export function byDay(entries: readonly TimelineEntry[]): [day: string, entries: TimelineEntry[]][] {
  const days = new Map<string, TimelineEntry[]>();
  for (const entry of entries) {
    const day = entry.from.slice(0, 10);
    const known = days.get(day);
    if (known === undefined) days.set(day, [entry]);
    else known.push(entry);
  }
  return [...days];
}

/** The lines of a timeline by seq. */
export function linesBySeq({ lines }: Timeline): ReadonlyMap<number, TimelineLine> {
  return new Map(lines.map((line) => [line.seq, line]));
}

/** How long a span of the volume is: `hour`, `day`, `2 d`. */
export function stepText(stepMs: number): string {
  return stepMs === 3_600_000 ? 'hour' : stepMs === DAY_MS ? 'day' : spanText(stepMs);
}

/** The beginning of a hash, enough to find it in `timeline.json`. */
export function shortHash(hash: string): string {
  return `${hash.slice(0, HASH_DIGITS)}…`;
}
