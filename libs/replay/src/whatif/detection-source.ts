import { ProtegoError, parseRfc3339Ms, type Detection } from '@protego/contracts';
import type { DiffSource, Finding, FindingKind } from './finding';

/** Detections, the first kind of findings. */
export const DETECTION_KIND: FindingKind = {
  name: 'detection',
  words: ['detection', 'detections'],
  canMove: true,
};

/** A detection with the events that it rests on. */
export interface DetectionWithSeqs {
  readonly detection: Detection;
  /** Ascending. */
  readonly seqs: readonly number[];
}

/** The detections of two runs over one log, each in the order of its `detections.jsonl`. */
export function detectionDiffSource(
  baseline: Iterable<DetectionWithSeqs>,
  candidate: Iterable<DetectionWithSeqs>,
): DiffSource {
  return { kind: DETECTION_KIND, baseline: findingsOf(baseline), candidate: findingsOf(candidate) };
}

/**
 * Detections with their evidence, from the lines that a replay wrote.
 *
 * @param detectionLines - lines of `detections.jsonl`
 * @param evidenceLines - lines of `evidence.jsonl`, in the same order
 * @throws ProtegoError `MANIFEST_INVALID` where the two do not belong together
 */
export function* readDetections(
  detectionLines: Iterable<string>,
  evidenceLines: Iterable<string>,
): Generator<DetectionWithSeqs, void, undefined> {
  const evidence = evidenceLines[Symbol.iterator]();
  for (const line of detectionLines) {
    const detection = JSON.parse(line) as Detection;
    const next = evidence.next();
    const found = next.done === true ? undefined : (JSON.parse(next.value) as { id: string; seqs: number[] });
    if (found?.id !== detection.id)
      throw new ProtegoError('MANIFEST_INVALID', `\`evidence.jsonl\` lacks the detection \`${detection.id}\``);
    yield { detection, seqs: found.seqs };
  }
}

function* findingsOf(detections: Iterable<DetectionWithSeqs>): Generator<Finding, void, undefined> {
  for (const { detection, seqs } of detections) yield findingOf(detection, seqs);
}

function findingOf(detection: Detection, seqs: readonly number[]): Finding {
  const { id, ruleId, ruleHash, title, entities, window, certainAt, group } = detection;
  return {
    id,
    makerId: ruleId,
    makerHash: ruleHash,
    makerTitle: title,
    timeMs: msOf(certainAt),
    startMs: msOf(window.start),
    endMs: msOf(window.end),
    entities,
    seqs,
    isQuiet: detection.status === 'muted',
    ...(group === undefined ? {} : { group: Object.fromEntries(group.map(({ field, text }) => [field, text])) }),
    aspects: aspectsOf(detection),
  };
}

function aspectsOf(detection: Detection): Record<string, string> {
  const { title, severity, confidence, status, timing, entities, eventCount, value, window, group, attack } = detection;
  const { why, nextStep, harmlessExplanation } = detection;
  return {
    severity,
    status,
    confidence,
    title,
    ...(timing === undefined ? {} : { timing }),
    about: entities.map(({ kind, id }) => `${kind} ${id}`).join(', '),
    events: String(eventCount),
    ...(value === undefined ? {} : { value: String(value) }),
    ...(group === undefined ? {} : { group: group.map(({ field, text }) => `${field} ${text}`).join(', ') }),
    window: `${window.start} to ${window.end}`,
    why,
    'next step': nextStep,
    'harmless explanation': harmlessExplanation,
    attack: attack.join(', '),
  };
}

function msOf(text: string): number {
  const ms = parseRfc3339Ms(text);
  if (ms === undefined) throw new ProtegoError('MANIFEST_INVALID', 'a detection has a time that is none');
  return ms;
}
