import {
  badge,
  code,
  details,
  figure,
  gridChart,
  htmlPage,
  joined,
  list,
  note,
  paragraph,
  section,
  table,
  type Content,
  type Html,
} from '@protego/plots';
import { countOf, timeText } from '../../whatif/report/words';
import type {
  DetectionEntry,
  EventEntry,
  Phase,
  Timeline,
  TimelineEntry,
  TimelineLine,
  Weight,
} from '../timeline-shape';
import { typeText } from '../words/event-words';
import {
  WEIGHT_WORDS,
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
  stepText,
  titleText,
  type CommandOf,
} from './timeline-words';

/** Most pivots that are named at the top. */
const SUMMARY_PIVOTS_MAX = 5;
/** Most types of the picture of volumes. */
const PLOT_ROWS_MAX = 16;
/** Colours that the page has for badges. */
const BADGES: Readonly<Record<Weight, string>> = {
  routine: '',
  notable: 'changed',
  evidence: 'added',
  decision: 'good',
  detection: 'bad',
};
const PHASE_WORDS = { before: 'led to it', during: 'the detection', after: 'followed' } as const;

/** A timeline as one HTML page that opens from disk and fetches nothing; folded runs open with a click. */
export function timelineHtml(timeline: Timeline, proofNote: string, commandOf: CommandOf): string {
  const bySeq = linesBySeq(timeline);
  return htmlPage({
    title: titleText(timeline),
    subtitle: rangeLine(timeline),
    parts: [
      section({ id: 'summary', heading: 'In short', parts: [list(summaryOf(timeline)), note(proofNote)] }),
      section({ id: 'volume', heading: 'How much happened when', parts: volumeParts(timeline) }),
      section({ id: 'timeline', heading: 'Timeline', parts: dayParts(timeline, bySeq) }),
      section({ id: 'pivots', heading: 'Look next at', parts: [pivotTable(timeline, commandOf)] }),
    ],
  });
}

function summaryOf(timeline: Timeline): string[] {
  const next = timeline.pivots.slice(0, SUMMARY_PIVOTS_MAX).map(({ kind, id }) => `${kind} ${id}`);
  return [...factLines(timeline), ...(next.length > 0 ? [`Look next at: ${next.join(', ')}.`] : [])];
}

function pivotTable({ pivots }: Timeline, commandOf: CommandOf): Html {
  return table({
    id: 'pivots-table',
    caption: 'Those that share most detections, then most evidence, then most events',
    columns: [{ name: 'who or what' }, { name: 'shared' }, { name: 'its timeline' }],
    rows: pivots.map((pivot) => [`${pivot.kind} ${pivot.id}`, pivotText(pivot), code(commandOf(pivot))]),
    empty: 'nobody and nothing else is named',
  });
}

function volumeParts({ volume, unusual, focus }: Timeline): Html[] {
  const { stepMs, steps, rows } = volume;
  if (rows.length === 0) return [paragraph('Nothing happened.')];
  const step = stepText(stepMs);
  const marked = new Set(unusual.map(({ type, at }) => `${type}\n${at}`));
  const chart = gridChart({
    title: `Events by ${step} and kind`,
    columns: steps.map((at) => (step === 'hour' ? at.slice(11, 16) : at.slice(5, 10))),
    axis: `beginning of the ${step}, UTC`,
    rows: rows.slice(0, PLOT_ROWS_MAX).map(({ type, counts }) => ({
      name: typeText(type),
      values: counts,
      marked: steps.map((at) => marked.has(`${type}\n${at}`)),
    })),
    ...(marked.size > 0 ? { markedAs: 'unusual against the 24 hours before' } : {}),
  });
  const left = rows.length - PLOT_ROWS_MAX;
  return [
    figure({ id: 'volume-plot', svg: chart, caption: `Events by ${step} and kind; the darker, the more.` }),
    ...(left > 0 ? [note(`${countOf(left, 'rarer kind')} of events are in timeline.json.`)] : []),
    ...(focus.kind === 'ward' ? [unusualTable(unusual)] : []),
  ];
}

function unusualTable(unusual: Timeline['unusual']): Html {
  return table({
    id: 'unusual-table',
    caption: 'Unusual against the 24 hours before',
    columns: [
      { name: 'hour from' },
      { name: 'what' },
      { name: 'how many', isNumber: true },
      { name: 'most in an hour before', isNumber: true },
    ],
    rows: unusual.map(({ at, type, count, before }) => [timeText(at), typeText(type), String(count), String(before)]),
    empty: 'nothing',
  });
}

function dayParts({ entries, logFrom, focus }: Timeline, bySeq: ReadonlyMap<number, TimelineLine>): Html[] {
  const hasPhases = focus.kind === 'detection';
  return byDay(entries).map(([day, ofDay]) =>
    table({
      id: `day-${day}`,
      caption: dayText(day, logFrom),
      columns: [
        { name: 'UTC' },
        { name: '' },
        ...(hasPhases ? [{ name: 'phase' }] : []),
        { name: 'what happened' },
        { name: 'seq and leaf hash' },
      ],
      rows: ofDay.map((entry) => [
        entry.kind === 'gap' ? '' : clockText(entry),
        entry.weight === 'routine' ? '' : badge(WEIGHT_WORDS[entry.weight], BADGES[entry.weight]),
        ...(hasPhases ? [phaseText(entry.phase)] : []),
        wordsOf(entry, bySeq),
        proofOf(entry, bySeq),
      ]),
    }),
  );
}

const phaseText = (phase: Phase): string => (phase === null ? '' : PHASE_WORDS[phase]);

function wordsOf(entry: TimelineEntry, bySeq: ReadonlyMap<number, TimelineLine>): Content {
  if (entry.kind === 'run') return runDetails(entry, bySeq);
  return entry.kind === 'detection' ? detectionDetails(entry, bySeq) : entry.words;
}

function runDetails(entry: EventEntry, bySeq: ReadonlyMap<number, TimelineLine>): Html {
  const left = entry.linesLeftOut;
  return details(entry.words, [
    lineList(entry.seqs, bySeq),
    ...(left > 0 ? [note(`${countOf(left, 'more event')} not listed here.`)] : []),
  ]);
}

function detectionDetails(entry: DetectionEntry, bySeq: ReadonlyMap<number, TimelineLine>): Html {
  const { detection, evidenceSeqs, words } = entry;
  const listed = evidenceSeqs.filter((seq) => bySeq.has(seq));
  const left = evidenceSeqs.length - listed.length;
  return joined([
    words,
    details(`What it rests on (${countOf(evidenceSeqs.length, 'event')}), and what to do`, [
      list([
        `about ${detection.entities.map(({ kind, id }) => `${kind} ${id}`).join(', ')}`,
        `next: ${detection.nextStep}`,
        `it may be harmless: ${detection.harmlessExplanation}`,
        joined(['rule ', code(detection.ruleId), ', detection ', code(detection.id)]),
      ]),
      lineList(listed, bySeq),
      ...(left > 0 ? [note(`${countOf(left, 'more event')} not listed here.`)] : []),
    ]),
  ]);
}

function lineList(seqs: readonly number[], bySeq: ReadonlyMap<number, TimelineLine>): Html {
  const lines = seqs.flatMap((seq) => bySeq.get(seq) ?? []);
  return list(lines.map((line) => joined([timeText(line.time), ' ', line.words, ' ', proofText(line)])));
}

function proofOf(entry: TimelineEntry, bySeq: ReadonlyMap<number, TimelineLine>): Content {
  const line = lineOfEntry(entry, bySeq);
  return line === undefined ? seqText(entry) : proofText(line);
}

const proofText = ({ seq, leafHash }: TimelineLine): Html => joined([`seq ${seq} `, code(shortHash(leafHash))]);
