import { formatRfc3339 } from '@protego/contracts';
import type { Finding } from './finding';
import type { RunManifest } from './run-manifest';

/**
 * Which results a run is to give: by the time at which they became certain, or by the records that were being judged when they
 * were found. Half-open; open where undefined. Not both.
 */
export interface EmitRange {
  /** Event time, milliseconds. */
  readonly emitFromMs?: number | undefined;
  readonly emitToMs?: number | undefined;
  readonly emitFromSeq?: number | undefined;
  /** Records from this one on are not read. */
  readonly emitToSeq?: number | undefined;
}

/** True for a finding that is wanted. */
export function isInRange(finding: Pick<Finding, 'certainAtMs' | 'atSeq'>, range: EmitRange): boolean {
  const { emitFromMs, emitToMs, emitFromSeq, emitToSeq } = range;
  const { certainAtMs, atSeq } = finding;
  return (
    (emitFromMs === undefined || certainAtMs >= emitFromMs) &&
    (emitToMs === undefined || certainAtMs < emitToMs) &&
    (emitFromSeq === undefined || atSeq >= emitFromSeq) &&
    (emitToSeq === undefined || atSeq < emitToSeq)
  );
}

/** True when a run by this range may begin in a state: no result that it wants was found before, but for those of the tail. */
export function mayBeginAt(
  state: { readonly seq: number; readonly floorMs: number | null },
  range: EmitRange,
): boolean {
  const { emitFromMs, emitFromSeq, emitToSeq } = range;
  if (emitFromSeq !== undefined || emitToSeq !== undefined)
    return state.seq <= (emitFromSeq ?? 0) && state.seq <= (emitToSeq ?? Number.POSITIVE_INFINITY);
  return state.floorMs === null || (emitFromMs !== undefined && emitFromMs >= state.floorMs);
}

/** The range as the manifest tells it. */
export function rangeTold(range: EmitRange): Omit<RunManifest['range'], 'firstSeq' | 'readFrom'> {
  const { emitFromMs, emitToMs, emitFromSeq, emitToSeq } = range;
  if (emitFromSeq !== undefined || emitToSeq !== undefined)
    return { emitFrom: emitFromSeq ?? null, emitTo: emitToSeq ?? null, by: 'seq' };
  return { emitFrom: timeOrNull(emitFromMs), emitTo: timeOrNull(emitToMs), by: 'time' };
}

const timeOrNull = (timeMs: number | undefined): string | null => (timeMs === undefined ? null : formatRfc3339(timeMs));
