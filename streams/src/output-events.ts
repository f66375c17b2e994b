import { createHash } from 'node:crypto';
import {
  EVENT_BYTES_MAX,
  canonicalJson,
  dataschemaOf,
  formatRfc3339,
  type DetectionEvidence,
  type EventData,
  type LoggedEvent,
  type ProtegoEvent,
} from '@protego/contracts';
import type { DetectionResult, MistimedResult, OutputResult, RuleFailedResult } from './result';

/** `source` of every event that the engine writes; no feed may use it. */
export const ENGINE_SOURCE = 'protego';

/**
 * Most sequence numbers that one detection event names, fewer where long words leave no room; `eventCount` always tells
 * the whole number.
 */
export const EVIDENCE_SEQS_MAX = 1_000;

const DETECTION_TYPE = 'detection.raised';

/** The types that the engine makes of the pipeline's results, as a query of the log takes them. */
export const OUTPUT_TYPES: readonly string[] = [DETECTION_TYPE, 'pipeline.*'];

/** True for the types that the engine makes of the pipeline's results. */
export function isOutputType(type: string): boolean {
  return type === DETECTION_TYPE || type.startsWith('pipeline.');
}

/** State of the log that a result rests on. */
export type LogCheckpoint = DetectionEvidence['checkpoint'];

/** Id of the event that a result becomes: the same in every log, so that a result is never written twice. */
export function outputIdOf(result: OutputResult): string {
  if (result.kind === 'detection') return result.detection.id;
  const { source, id } = result.event.event;
  const what = result.kind === 'rule-failed' ? [result.kind, result.ruleId, source, id] : [result.kind, source, id];
  return createHash('sha256').update(canonicalJson(what)).digest('hex').slice(0, 32);
}

/** A result as the event that stands for it in the log and on the bus. */
export function outputEventOf(result: OutputResult, site: string, checkpoint: LogCheckpoint): ProtegoEvent {
  if (result.kind === 'detection') return detectionEvent(result, site, checkpoint);
  return result.kind === 'rule-failed' ? ruleFailedEvent(result, site) : mistimedEvent(result, site);
}

function detectionEvent(result: DetectionResult, site: string, checkpoint: LogCheckpoint): ProtegoEvent {
  // The latest events matter most: the window was complete with the last of them.
  const evidence: DetectionEvidence = { seqs: result.seqs.slice(-seqCountMaxOf(result)), checkpoint };
  const data = { ...result.detection, evidence } as unknown as EventData;
  return outputEvent(result, DETECTION_TYPE, site, result.detection.certainAt, data);
}

/** Room for everything of a detection event but the detection and its sequence numbers, bytes. */
const FRAME_BYTES_MAX = 2_048;
/** Sixteen digits and a comma. */
const SEQ_BYTES_MAX = 17;

// Long words leave less room for sequence numbers: the event must stay within what the log takes.
function seqCountMaxOf({ detection }: DetectionResult): number {
  const roomBytes = EVENT_BYTES_MAX - FRAME_BYTES_MAX - Buffer.byteLength(canonicalJson(detection));
  return Math.max(1, Math.min(EVIDENCE_SEQS_MAX, Math.floor(roomBytes / SEQ_BYTES_MAX)));
}

function mistimedEvent(result: MistimedResult, site: string): ProtegoEvent {
  const type = result.kind === 'late' ? 'pipeline.event-came-late' : 'pipeline.event-skewed';
  const { event, watermarkMs } = result;
  const data = {
    ...inputNamed(event),
    time: event.event.time,
    arrivedAt: formatRfc3339(event.arrivedAtMs),
    ...(Number.isFinite(watermarkMs) ? { watermark: formatRfc3339(watermarkMs) } : {}),
  };
  return outputEvent(result, type, site, formatRfc3339(event.arrivedAtMs), data);
}

function ruleFailedEvent(result: RuleFailedResult, site: string): ProtegoEvent {
  const data = {
    ...inputNamed(result.event),
    ruleId: result.ruleId,
    message: result.message.slice(0, 1_000).toWellFormed(),
  };
  return outputEvent(result, 'pipeline.rule-failed', site, formatRfc3339(result.event.arrivedAtMs), data);
}

function inputNamed({ seq, event }: LoggedEvent): EventData {
  return { seq, source: event.source, id: event.id };
}

function outputEvent(result: OutputResult, type: string, site: string, time: string, data: EventData): ProtegoEvent {
  return engineEventOf({ type, id: outputIdOf(result), site, time, data });
}

/** An event that the engine, or an import, writes in its own name: version 1 of its type, from {@link ENGINE_SOURCE}. */
export function engineEventOf(parts: {
  readonly type: string;
  readonly id: string;
  readonly site: string;
  /** RFC 3339. */
  readonly time: string;
  readonly data: EventData;
}): ProtegoEvent {
  const { type, id, site, time, data } = parts;
  return { specversion: '1.0', id, source: ENGINE_SOURCE, type, time, site, dataschema: dataschemaOf(type, 1), data };
}
