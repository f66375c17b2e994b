import { countOf, numberOf, timeText } from '../../whatif/report/words';
import type { Phase, Pivot, Timeline, TimelineEntry, TimelineLine, Weight } from '../timeline-shape';
import { typeText } from '../words/event-words';
import {
  byDay,
  clockText,
  dayText,
  factLines,
  lineOfEntry,
  linesBySeq,
  pivotText,
  rangeLine,
  seqText,
  shortHash,
  titleText,
  type CommandOf,
} from './timeline-words';

/** Most pivots that the text names; `timeline.json` has more. */
const TEXT_PIVOTS_MAX = 10;
const MARKS: Readonly<Record<Weight, string>> = {
  routine: '    ',
  notable: '  * ',
  evidence: '  ! ',
  decision: '  = ',
  detection: '>>> ',
};
const CLOCK_WIDTH = 20;
const PHASE_WORDS = { before: 'what led to it', during: 'the detection', after: 'what followed' } as const;

/** A timeline as plain text. */
export function timelineText(timeline: Timeline, commandOf: CommandOf): string {
  const lines = [
    titleText(timeline),
    rangeLine(timeline),
    ...factLines(timeline),
    '>>> detection, ! event that a detection rests on, = decision about detections, * notable event',
    ...pivotLines(timeline, commandOf),
    ...volumeLines(timeline),
    ...unusualLines(timeline),
    ...entryLines(timeline),
  ];
  return `${lines.join('\n')}\n`;
}

function pivotLines({ pivots }: Timeline, commandOf: CommandOf): string[] {
  if (pivots.length === 0) return [];
  const linesOf = (pivot: Pivot): string[] => [
    `  ${pivot.kind} ${pivot.id} (${pivotText(pivot)})`,
    `      ${commandOf(pivot)}`,
  ];
  return ['', 'Look next at', ...pivots.slice(0, TEXT_PIVOTS_MAX).flatMap(linesOf)];
}

/** Of a ward: how much there was of everything, for most of it is not told one by one. */
function volumeLines({ volume, focus }: Timeline): string[] {
  if (focus.kind !== 'ward' || volume.rows.length === 0) return [];
  const totals = volume.rows.map(({ type, counts }) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return `  ${numberOf(total).padStart(10)} ${typeText(type)}`;
  });
  return ['', 'How much there was in the ward', ...totals];
}

function unusualLines({ unusual }: Timeline): string[] {
  if (unusual.length === 0) return [];
  return [
    '',
    'Unusual against the 24 hours before',
    ...unusual.map(
      ({ at, type, count, before }) =>
        `  ${timeText(at)}  ${count} ${typeText(type)} in the hour, at most ${before} in an hour before`,
    ),
  ];
}

function entryLines(timeline: Timeline): string[] {
  const bySeq = linesBySeq(timeline);
  let phase: Phase = null;
  return byDay(timeline.entries).flatMap(([day, entries]) => [
    '',
    dayText(day, timeline.logFrom),
    ...entries.flatMap((entry) => {
      const heading = entry.phase !== null && entry.phase !== phase ? [`  -- ${PHASE_WORDS[entry.phase]} --`] : [];
      phase = entry.phase;
      return [...heading, ...linesOfEntry(entry, bySeq)];
    }),
  ]);
}

function linesOfEntry(entry: TimelineEntry, bySeq: ReadonlyMap<number, TimelineLine>): string[] {
  const { kind, weight, words } = entry;
  const clock = (kind === 'gap' ? '' : clockText(entry)).padEnd(CLOCK_WIDTH);
  const proof = [seqText(entry), hashText(entry, bySeq)].filter((text) => text !== '').join(' ');
  const first = `${MARKS[weight]}${clock}  ${words}${proof === '' ? '' : `  [${proof}]`}`;
  const indent = ' '.repeat(CLOCK_WIDTH + 6);
  if (kind !== 'detection') return [first];
  const { detection, evidenceSeqs } = entry;
  const about = detection.entities.map(({ kind: what, id }) => `${what} ${id}`).join(', ');
  return [
    first,
    `${indent}about ${about}; rests on ${countOf(evidenceSeqs.length, 'event')}; rule ${detection.ruleId}; id ${detection.id}`,
    `${indent}next: ${detection.nextStep}`,
    `${indent}it may be harmless: ${detection.harmlessExplanation}`,
  ];
}

/** Of a run the reader finds the hashes in the other files. */
function hashText(entry: TimelineEntry, bySeq: ReadonlyMap<number, TimelineLine>): string {
  const line = lineOfEntry(entry, bySeq);
  return line === undefined ? '' : `leaf ${shortHash(line.leafHash)}`;
}
