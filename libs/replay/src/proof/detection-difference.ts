import { canonicalJson, type Detection } from '@protego/contracts';
import type { DetectionResult } from '@protego/streams';

type Claimed = Pick<Detection, 'certainAt' | 'eventCount' | 'value' | 'ruleId'>;

/**
 * What a detection says of the hospital: without `evidence`, which is about the log, and with the status that it is
 * raised with, because what people say about detections is no part of its proof.
 */
export function statementOf({ evidence: _evidence, ...detection }: Detection): Detection {
  return { ...detection, status: 'raised' };
}

/**
 * True when two detections say the same, but for whether the event was late. That it was skewed is seen in its record alone, and
 * must be said by both.
 */
export function isSameBesideLateness(a: Detection, b: Detection): boolean {
  if (a.timing === 'skewed' || b.timing === 'skewed') return isSameStatement(a, b);
  return isSameStatement(withoutTiming(a), withoutTiming(b));
}

function withoutTiming({ timing: _timing, ...detection }: Detection): Detection {
  return detection;
}

/** True when two detections say the same to the byte. */
export function isSameStatement(a: Detection, b: Detection): boolean {
  return canonicalJson(statementOf(a)) === canonicalJson(statementOf(b));
}

/** First member in which two detections differ, in words; undefined where they are the same. */
export function differenceBetween(
  one: { readonly what: string; readonly detection: Detection },
  other: { readonly what: string; readonly detection: Detection },
): string | undefined {
  const [a, b] = [statementOf(one.detection), statementOf(other.detection)] as unknown as Record<string, unknown>[];
  for (const name of Object.keys({ ...a, ...b }).sort()) {
    const [textA, textB] = [textOf(a?.[name]), textOf(b?.[name])];
    if (textA !== textB) return `\`${name}\` is ${textA} in ${one.what} and ${textB} in ${other.what}`;
  }
  return undefined;
}

/** What a run found in place of a claimed detection, in words. */
export function missWords(claimed: Claimed, others: readonly DetectionResult[]): string {
  const near = others.find(({ detection }) => detection.certainAt === claimed.certainAt) ?? others[0];
  if (near === undefined)
    return `the rule finds nothing in these records, the detection claims ${countWords(claimed)} at ${claimed.certainAt}`;
  const { detection } = near;
  return `the rule finds ${countWords(detection)} at ${detection.certainAt}, the detection claims ${countWords(claimed)} at ${claimed.certainAt}`;
}

function countWords({ eventCount, value }: Claimed): string {
  return `${eventCount} events${value === undefined ? '' : ` with the value ${value}`}`;
}

function textOf(value: unknown): string {
  return value === undefined ? 'missing' : canonicalJson(value);
}
