import { ProtegoError, isPersonToken, parseRfc3339Ms, type MutedEntity } from '@protego/contracts';
import { storedNamesOf, type LogStat } from '@protego/event-log';
import {
  NAMED_KINDS,
  VolumeCounter,
  isFocus,
  namedEntities,
  timelineOf,
  type Timeline,
  type TimelineFocus,
  type TimelineRange,
  type TimelineRequest,
} from '@protego/replay';
import type { OpenLog } from '../log/open-log';
import {
  chosenDecisions,
  chosenDetections,
  detectionBook,
  type DetectionBook,
  type FoundDetection,
} from './timeline-detections';
import { recordsAt, recordsOfSubjects, recordsWithFields, type Found, type FoundRecord } from './timeline-records';
import { recordsOfWard } from './timeline-ward';

/** What a timeline is wanted of. */
export interface TimelineChoice {
  readonly entity?: MutedEntity;
  readonly detection?: string;
  /** Milliseconds since the Unix epoch. */
  readonly from?: number;
  readonly to?: number;
  readonly run?: string;
}

/** A timeline, and the leaves of its lines. */
export interface MadeTimeline {
  readonly timeline: Timeline;
  readonly leafOf: (seq: number) => Buffer;
}

/** Around the window of a detection, and the whole of a ward. */
const AROUND_MS = 3_600_000;
const WARD_MS = 86_400_000;
/** Kinds whose names are subjects of records. */
const SUBJECT_KINDS: ReadonlySet<string> = new Set(['device', 'person', 'patient', 'partner']);
const TOKEN_CLASSES: Readonly<Record<string, string>> = { person: '~s.', patient: '~p.' };

/** What was found of whom; before detections are looked for. */
interface Gathered extends Found {
  readonly focus: TimelineFocus;
  /** Whom detections and decisions must be about. */
  readonly about: readonly TimelineFocus[];
  readonly range: TimelineRange;
  readonly hasSeq: (seq: number) => boolean;
  readonly volume: Pick<TimelineRequest, 'volume' | 'unusual'>;
}

/**
 * Reads a log for a timeline.
 *
 * @throws ProtegoError `USAGE_INVALID`, `DETECTION_UNKNOWN`, `REPLAY_LOG_DIFFERS`
 */
export async function makeTimeline(open: OpenLog, choice: TimelineChoice): Promise<MadeTimeline> {
  const { entity, detection } = choice;
  if ((entity === undefined) === (detection === undefined))
    throw new ProtegoError('USAGE_INVALID', 'name either --entity or --detection');
  const stat = open.reader.stat();
  const book = detectionBook(open, choice.run);
  const about = detection === undefined ? undefined : book.byId(detection);
  const gathered =
    about !== undefined
      ? await aroundDetection(open, about, choice, stat)
      : await ofEntity(open, entity as MutedEntity, choice, stat);
  const made = finished(open, book, gathered, stat, about);
  if (entity !== undefined) requireKnown(entity, made);
  return made;
}

/** Rules may name entities of any kind: one that neither events nor detections know is a slip of the pen. */
function requireKnown({ kind }: MutedEntity, { timeline: { counts } }: MadeTimeline): void {
  if (NAMED_KINDS.includes(kind) || counts.events + counts.detections + counts.decisions > 0) return;
  const message = `nothing in the log is of the kind \`${kind}\`: --entity takes ${NAMED_KINDS.join(', ')}, or a kind that a rule names`;
  throw new ProtegoError('USAGE_INVALID', message, { kind });
}

function rangeOf({ from, to }: TimelineChoice, byDefault: TimelineRange): TimelineRange {
  const range = { fromMs: from ?? byDefault.fromMs, toMs: to ?? byDefault.toMs };
  if (range.fromMs < range.toMs) return range;
  throw new ProtegoError('USAGE_INVALID', 'the range is empty: --from must lie before --to');
}

function wholeOf({ firstTimeMs = 0, lastTimeMs = 0 }: LogStat): TimelineRange {
  return { fromMs: firstTimeMs, toMs: lastTimeMs + 1 };
}

async function ofEntity(open: OpenLog, entity: MutedEntity, choice: TimelineChoice, stat: LogStat): Promise<Gathered> {
  const { kind, id } = entity;
  if (kind === 'ward') return ofWard(open, id, choice, stat);
  const range = rangeOf(choice, wholeOf(stat));
  const names = await namesOf(open, entity);
  const found = await recordsOf(open, [kind], names, range);
  const focus = { kind, ...shownNames(names, entity, found.records) };
  return { ...found, ...{ focus, about: [focus], range }, ...heldBy(found.records), volume: volumeOf(found, range) };
}

function ofWard(open: OpenLog, id: string, choice: TimelineChoice, stat: LogStat): Gathered {
  const whole = wholeOf(stat);
  // An event may claim any time; when the last one arrived is certain.
  const toMs = choice.to ?? Math.min(whole.toMs, (stat.lastArrivedAtMs ?? whole.toMs) + 1);
  const range = rangeOf(choice, { fromMs: Math.max(whole.fromMs, toMs - WARD_MS), toMs });
  const { counter, seqs, ...found } = recordsOfWard(open, id, range);
  const focus = { kind: 'ward', id, names: [] };
  const volume = { volume: counter.volume(range), unusual: counter.unusual(range) };
  return { ...found, ...{ focus, about: [focus], range, volume }, hasSeq: (seq) => seqs.has(seq) };
}

async function aroundDetection(
  open: OpenLog,
  { detection, seqs }: FoundDetection,
  choice: TimelineChoice,
  stat: LogStat,
): Promise<Gathered> {
  const { id, window, certainAt, entities } = detection;
  const [startMs, ...endsMs] = [window.start, window.end, certainAt].map((time) => parseRfc3339Ms(time) ?? 0);
  const whole = wholeOf(stat);
  const range = rangeOf(choice, {
    fromMs: Math.max(whole.fromMs, (startMs as number) - AROUND_MS),
    toMs: Math.max(...endsMs) + AROUND_MS,
  });
  const about = entities.map((entity) => ({ ...entity, names: [] }));
  const kinds = entities.map(({ kind }) => kind);
  const found = await recordsOf(open, kinds, [...new Set(entities.map((entity) => entity.id))], range);
  const own = new Set(seqs);
  const held = heldBy(found.records);
  const hasSeq = (seq: number): boolean => own.has(seq) || held.hasSeq(seq);
  return {
    ...found,
    focus: { kind: 'detection', id, names: [] },
    about,
    range,
    hasSeq,
    volume: volumeOf(found, range),
  };
}

/** Tokens of a person or patient, and the name as it was given, under which well-known accounts are found. */
async function namesOf({ house }: OpenLog, { kind, id }: MutedEntity): Promise<string[]> {
  const tokenClass = TOKEN_CLASSES[kind];
  if (tokenClass === undefined) return [id];
  const names = await storedNamesOf(id, house.vault);
  const ofKind = names.filter((name) => !isPersonToken(name) || name.startsWith(tokenClass));
  return ofKind.some(isPersonToken) ? ofKind : names;
}

// A name that was given in clear must not be shown unless the log itself holds it in clear, as well-known accounts.
function shownNames(
  names: readonly string[],
  { kind, id }: MutedEntity,
  records: readonly FoundRecord[],
): Pick<TimelineFocus, 'id' | 'names'> {
  if (TOKEN_CLASSES[kind] === undefined) return { id, names: [] };
  const seen = new Map<string, number>();
  for (const { event } of records)
    for (const entity of namedEntities(event.data))
      if (entity.kind === kind && names.includes(entity.id)) seen.set(entity.id, (seen.get(entity.id) ?? 0) + 1);
  const shown = [...seen.keys()].sort((a, b) => (seen.get(b) as number) - (seen.get(a) as number));
  const tokens = names.filter(isPersonToken);
  const all = [...new Set([...shown, ...tokens])];
  return { id: all[0] ?? 'unknown', names: all.slice(1) };
}

function recordsOf(
  open: OpenLog,
  kinds: readonly string[],
  names: readonly string[],
  range: TimelineRange,
): Promise<Found> | Found {
  return kinds.every((kind) => SUBJECT_KINDS.has(kind))
    ? recordsOfSubjects(open, names, range)
    : recordsWithFields(open, names, range);
}

function heldBy(records: readonly FoundRecord[]): Pick<Gathered, 'hasSeq'> {
  const seqs = new Set(records.map(({ seq }) => seq));
  return { hasSeq: (seq) => seqs.has(seq) };
}

function volumeOf({ records }: Found, range: TimelineRange): Gathered['volume'] {
  const counter = new VolumeCounter();
  for (const { event, timeMs } of records) counter.add(event.type, timeMs);
  return { volume: counter.volume(range), unusual: [] };
}

function finished(
  open: OpenLog,
  book: DetectionBook,
  gathered: Gathered,
  stat: LogStat,
  about: FoundDetection | undefined,
): MadeTimeline {
  const { focus, range, searched, hasSeq, volume } = gathered;
  const isAbout = (entity: MutedEntity): boolean => gathered.about.some((one) => isFocus(one, entity));
  const { detections, seen, leftOut } = chosenDetections(book, range, isAbout, hasSeq);
  const decisions = chosenDecisions(open, range, isAbout, detections);
  const known = new Set(gathered.records.map(({ seq }) => seq));
  const missing = detections.flatMap(({ seqs }) => seqs.filter((seq) => !known.has(seq)));
  const evidence = recordsAt(open, missing, range);
  const records = [...gathered.records, ...evidence.records];
  const { origin, size, rootHash, firstTimeMs: logFromMs = 0 } = stat;
  const detectionsFrom = book.origin(seen);
  const log = { origin, size, rootHash };
  const bounds = { leftOut: { detections: leftOut, evidence: evidence.leftOut } };
  const found = { records, detections, decisions, searched, detectionsFrom, ...bounds, ...volume };
  const timeline = timelineOf({ focus, range, log, logFromMs, ...found, ...(about === undefined ? {} : { about }) });
  const own = [...detections.flatMap(({ record }) => record ?? []), ...decisions.map(({ record }) => record)];
  const leaves = new Map([...records, ...own].map(({ seq, leaf }) => [seq, leaf]));
  return { timeline, leafOf: (seq) => leaves.get(seq) as Buffer };
}
