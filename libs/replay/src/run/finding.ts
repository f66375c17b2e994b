import { canonicalJson } from '@protego/contracts';
import type { DetectionResult } from '@protego/streams';
import { compareText } from '../text-order';

/** A detection as a run keeps it. */
export interface Finding {
  readonly certainAtMs: number;
  readonly ruleId: string;
  readonly id: string;
  readonly status: string;
  /** Record that was being judged when it was found. */
  readonly atSeq: number;
  /** Canonical JSON of the detection. */
  readonly line: string;
  /** Contributing records, ascending. */
  readonly seqs: readonly number[];
}

/** A detection of the pipeline, to be kept. */
export function findingOf({ detection, certainAtMs, seqs }: DetectionResult, atSeq: number): Finding {
  const { id, ruleId, status } = detection;
  return { certainAtMs, ruleId, id, status, atSeq, line: canonicalJson(detection), seqs };
}

/**
 * The order of `detections.jsonl`: time of certainty, rule, id. Where one is found again, the first comes first.
 */
export function compareFindings(a: Finding, b: Finding): number {
  return (
    a.certainAtMs - b.certainAtMs || compareText(a.ruleId, b.ruleId) || compareText(a.id, b.id) || a.atSeq - b.atSeq
  );
}

/** True for two findings of one detection. */
export function isSameDetection(a: Finding, b: Finding): boolean {
  return a.id === b.id && a.certainAtMs === b.certainAtMs && a.ruleId === b.ruleId;
}

/** A finding as one line of text, for {@link findingFromText}. */
export function findingToText({ certainAtMs, ruleId, id, status, atSeq, line, seqs }: Finding): string {
  return JSON.stringify([certainAtMs, ruleId, id, status, atSeq, line, seqs]);
}

/** The finding of a line of {@link findingToText}. */
export function findingFromText(text: string): Finding {
  const [certainAtMs, ruleId, id, status, atSeq, line, seqs] = JSON.parse(text) as FindingText;
  return { certainAtMs, ruleId, id, status, atSeq, line, seqs };
}

type FindingText = [number, string, string, string, number, string, number[]];
