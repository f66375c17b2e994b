import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ProtegoError,
  parseRfc3339Ms,
  type Detection,
  type DetectionMute,
  type DetectionUnmute,
  type ProtegoEvent,
} from '@protego/contracts';
import {
  parseManifest,
  readDetections,
  type Timeline,
  type TimelineDecision,
  type TimelineDetection,
  type TimelineRange,
} from '@protego/replay';
import type { OpenLog } from '../log/open-log';
import { linesOfFile } from './file-lines';
import { foundRecord, type FoundRecord } from './timeline-records';

/** So long after a range detections of the log are looked for that rest on events of the range. */
const LATER_MS = 86_400_000;
/** Most detections of one timeline. */
export const DETECTIONS_MAX = 1_000;
/** Most decisions that are looked at, the newest. */
const DECISIONS_MAX = 10_000;

/** A detection with its own record, where the log holds it. */
export interface FoundDetection extends TimelineDetection {
  readonly record?: FoundRecord;
}

/** Where detections are taken from. */
export interface DetectionBook {
  readonly origin: (seen: number) => Timeline['detectionsFrom'];
  /** Detections that may have to do with a time range. */
  within(range: TimelineRange): Iterable<FoundDetection>;
  /** @throws ProtegoError `DETECTION_UNKNOWN` */
  byId(id: string): FoundDetection;
}

/**
 * The detections of a replay's output, else those of the log.
 *
 * @throws ProtegoError `REPLAY_LOG_DIFFERS` when the replay was one of another log; `MANIFEST_INVALID`
 */
export function detectionBook(log: OpenLog, run: string | undefined): DetectionBook {
  return run === undefined ? bookOfLog(log) : bookOfRun(log, run);
}

function bookOfRun({ reader }: OpenLog, run: string): DetectionBook {
  const { log, outputHash } = parseManifest(readFileSync(join(run, 'manifest.json'), 'utf8'));
  const { origin } = reader.identity;
  if (log.origin !== origin)
    throw new ProtegoError('REPLAY_LOG_DIFFERS', `the log is \`${origin}\`, the run is one of \`${log.origin}\``);
  const all = (): Iterable<FoundDetection> =>
    readDetections(linesOfFile(join(run, 'detections.jsonl')), linesOfFile(join(run, 'evidence.jsonl')));
  return {
    origin: () => ({ from: 'replay', outputHash }),
    within: all,
    byId: (id) => {
      for (const found of all()) if (found.detection.id === id) return found;
      throw unknown(id);
    },
  };
}

function bookOfLog({ reader }: OpenLog): DetectionBook {
  function* found(range: { fromTimeMs?: number; toTimeMs?: number }): Generator<FoundDetection> {
    for (const record of reader.query({ types: ['detection.raised'], ...range })) {
      const own = foundRecord(record);
      const detection = own.event.data as unknown as Detection;
      yield { detection, seqs: detection.evidence?.seqs ?? [], record: own };
    }
  }
  return {
    origin: (seen) => ({ from: 'log', inLog: seen }),
    within: ({ fromMs, toMs }) => found({ fromTimeMs: fromMs, toTimeMs: toMs + LATER_MS }),
    byId: (id) => {
      for (const one of found({})) if (one.detection.id === id) return one;
      throw unknown(id);
    },
  };
}

function unknown(detection: string): ProtegoError {
  return new ProtegoError('DETECTION_UNKNOWN', `no detection has the id \`${detection}\``, { detection });
}

/** Detections that are about something, or rest on some records; how many there were to choose from, and are left out. */
export function chosenDetections(
  book: DetectionBook,
  range: TimelineRange,
  isAbout: (entity: { readonly kind: string; readonly id: string }) => boolean,
  hasSeq: (seq: number) => boolean,
): { readonly detections: readonly FoundDetection[]; readonly seen: number; readonly leftOut: number } {
  const detections: FoundDetection[] = [];
  let seen = 0;
  let wanted = 0;
  for (const found of book.within(range)) {
    const { certainAt, entities } = found.detection;
    const certainMs = parseRfc3339Ms(certainAt) ?? 0;
    const isWithin = certainMs >= range.fromMs && certainMs < range.toMs;
    if (isWithin) seen++;
    const isWanted = (isWithin && entities.some(isAbout)) || found.seqs.some(hasSeq);
    if (isWanted && ++wanted <= DETECTIONS_MAX) detections.push(found);
  }
  return { detections, seen, leftOut: wanted - detections.length };
}

/** Mutes and acknowledgements that are about something, a detection or its rule, in force in the range; and their ends. */
export function chosenDecisions(
  { reader }: OpenLog,
  { fromMs, toMs }: TimelineRange,
  isAbout: (entity: { readonly kind: string; readonly id: string }) => boolean,
  detections: readonly TimelineDetection[],
): (TimelineDecision & { readonly record: FoundRecord })[] {
  const ids = new Set(detections.map(({ detection }) => detection.id));
  const rules = new Set(detections.map(({ detection }) => detection.ruleId));
  const types = ['detection.muted', 'detection.acknowledged', 'detection.unmuted'];
  const all: { record: FoundRecord; data: DetectionMute | DetectionUnmute }[] = [];
  for (const record of reader.query({ types, toTimeMs: toMs, direction: 'backwards' })) {
    const own = foundRecord(record);
    all.push({ record: own, data: own.event.data as unknown as DetectionMute | DetectionUnmute });
    if (all.length >= DECISIONS_MAX) break;
  }
  const isWanted = ({ data }: { data: DetectionMute | DetectionUnmute }): boolean => {
    if ('mute' in data || (parseRfc3339Ms(data.expiresAt) ?? 0) <= fromMs) return false;
    const { rule, entity, detection } = data;
    if (detection !== undefined && ids.has(detection)) return true;
    if (entity === undefined) return rule !== undefined && rules.has(rule);
    return [entity.id, ...(entity.aliases ?? [])].some((id) => isAbout({ kind: entity.kind, id }));
  };
  const begun = all.filter(isWanted);
  const begunIds = new Set(begun.map(({ record }) => idOf(record.event)));
  return [...begun, ...all.filter(({ data }) => 'mute' in data && begunIds.has(data.mute))];
}

const idOf = ({ id }: ProtegoEvent): string => id;
