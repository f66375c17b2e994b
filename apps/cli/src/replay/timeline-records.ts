import type { ProtegoEvent } from '@protego/contracts';
import { formatRfc3339 } from '@protego/contracts';
import {
  EventLogReader,
  leafHash,
  subjectsOfRecord,
  type BlockView,
  type LogQuery,
  type LogRecord,
} from '@protego/event-log';
import type { Timeline, TimelineRange, TimelineRecord } from '@protego/replay';
import type { OpenLog } from '../log/open-log';

/** Most records of one timeline; the search ends there and says so. */
export const FOUND_MAX = 20_000;
/** Most records of which the fields are searched, for what is no subject of records. */
export const SEARCHED_MAX = 2_000_000;
/** Most records that are fetched because detections rest on them. */
export const EVIDENCE_MAX = 5_000;

/** A record of a timeline with what proves it. */
export interface FoundRecord extends TimelineRecord {
  /** Leaf data, a copy. */
  readonly leaf: Buffer;
}

/** Records that were found, and how. */
export interface Found {
  readonly records: readonly FoundRecord[];
  readonly searched: Timeline['searched'];
}

/** A record of the log as a timeline takes it. */
export function foundRecord({ seq, timeMs, body, leaf }: LogRecord): FoundRecord {
  const event = JSON.parse(body.toString('utf8')) as ProtegoEvent;
  // The leaf shares memory with its whole block.
  return { seq, timeMs, event, leafHash: leafHash(leaf).toString('hex'), leaf: Buffer.from(leaf) };
}

/**
 * Records of a time range that have one of the names as a subject, by the index of the log.
 *
 * @throws ProtegoError as {@link EventLogReader.query}
 */
export async function recordsOfSubjects(
  { directory, house }: OpenLog,
  names: readonly string[],
  { fromMs, toMs }: TimelineRange,
): Promise<Found> {
  const needles = needlesOf(names);
  // Decoding a body takes longer than looking whether it holds the name at all.
  const subjectsOf = (record: LogRecord): readonly string[] => (holds(record, needles) ? subjectsOfRecord(record) : []);
  const reader = await EventLogReader.open({ directory, keys: house.keys, subjectsOf });
  return taken(reader.query({ subjects: names, fromTimeMs: fromMs, toTimeMs: toMs }), 'subjects', () => true);
}

/** Records of a time range in whose fields one of the names stands as a whole; for what is no subject of records. */
export function recordsWithFields(
  { reader }: OpenLog,
  names: readonly string[],
  { fromMs, toMs }: TimelineRange,
): Found {
  const needles = needlesOf(names);
  return taken(reader.query({ fromTimeMs: fromMs, toTimeMs: toMs }), 'fields', (record) => holds(record, needles));
}

/** Texts as they stand in the canonical JSON of a body. */
export function needlesOf(names: readonly string[]): Buffer[] {
  return names.map((name) => Buffer.from(JSON.stringify(name)));
}

/** Whether the body of a record holds one of the texts. */
export function holds({ body }: Pick<LogRecord, 'body'>, needles: readonly Buffer[]): boolean {
  return needles.some((needle) => body.includes(needle));
}

// What Protego found is told as detections and decisions; ticks of the clock say nothing of anybody.
const TOLD_ELSEWHERE: ReadonlySet<string> = new Set(['clock.ticked']);

/** Whether records of a type are told as detections or decisions, or not at all. */
export function isToldElsewhere(type: string): boolean {
  return type.startsWith('detection.') || TOLD_ELSEWHERE.has(type);
}

function taken(query: LogQuery, by: 'subjects' | 'fields', isWanted: (record: LogRecord) => boolean): Found {
  const records: FoundRecord[] = [];
  let read = 0;
  let stoppedAtMs: number | undefined;
  for (const record of query) {
    read++;
    if (!isToldElsewhere(record.type) && isWanted(record)) records.push(foundRecord(record));
    if (records.length < FOUND_MAX && read < SEARCHED_MAX) continue;
    stoppedAtMs = record.timeMs;
    break;
  }
  const stoppedAt = stoppedAtMs === undefined ? null : formatRfc3339(stoppedAtMs);
  const recordsRead = by === 'subjects' ? query.stats.recordsRead : read;
  return { records, searched: { by, found: records.length, read: recordsRead, stoppedAt } };
}

/**
 * The records at some seqs within a time range, as far as the log holds them; at most {@link EVIDENCE_MAX}, and how many
 * were not looked at.
 */
export function recordsAt(
  { reader }: OpenLog,
  seqs: readonly number[],
  { fromMs, toMs }: TimelineRange,
): { readonly records: readonly FoundRecord[]; readonly leftOut: number } {
  const { firstSeq, size } = reader.stat();
  const wanted = [...new Set(seqs)].filter((seq) => seq >= firstSeq && seq < size).sort((a, b) => a - b);
  const records: FoundRecord[] = [];
  let looked = 0;
  let block: BlockView | undefined;
  for (const seq of wanted) {
    if (records.length >= EVIDENCE_MAX) break;
    looked++;
    if (block === undefined || seq >= block.header.firstSeq + block.count)
      block = reader.blocks({ fromSeq: seq, toSeq: seq + 1 }).next().value ?? undefined;
    if (block === undefined) continue;
    const record = block.recordAt(seq - block.header.firstSeq);
    if (record.timeMs >= fromMs && record.timeMs < toMs) records.push(foundRecord(record));
  }
  return { records, leftOut: wanted.length - looked };
}
