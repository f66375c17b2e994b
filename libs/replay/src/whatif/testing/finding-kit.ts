import type { Finding } from '../finding';

/** A finding of the rule `r1`, certain at 10 ms, that rests on event 1, unless told otherwise. */
export function findingOf(parts: Partial<Finding> & Pick<Finding, 'id'>): Finding {
  const timeMs = parts.timeMs ?? 10;
  return {
    makerId: 'r1',
    makerHash: 'h',
    makerTitle: 'Rule one',
    timeMs,
    startMs: timeMs,
    endMs: timeMs + 1,
    entities: [],
    seqs: [1],
    isQuiet: false,
    aspects: { severity: 'low' },
    ...parts,
  };
}
