import type { Detection } from '@protego/contracts';
import type { SigmaRuleSet } from '@protego/streams';
import type { RunManifest } from '../run/run-manifest';
import { lineDifferences, type LineDifference } from './line-difference';

/** `MATCH-EXCEPT-ERASED`: what differs rests on fields of persons who were erased since. */
export type RunVerdict = 'MATCH' | 'MATCH-EXCEPT-ERASED' | 'DIFFERS';

/** Most lines that a comparison names. */
export const DIFFERENCES_LISTED_MAX = 1_000;

/** A run that was recorded, and the same run made again. */
export interface RunPair {
  readonly recorded: RunManifest;
  readonly again: RunManifest;
  /** Lines of `detections.jsonl`. */
  readonly recordedLines: Iterable<string>;
  readonly againLines: Iterable<string>;
  /** Seqs behind a detection, by its id. */
  readonly seqsOf: (id: string) => readonly number[];
  /** True for a record of which a field was erased. */
  readonly isErased: (seq: number) => boolean;
  /** Rules and detectors of which some answers are lost now with erased fields. */
  readonly undecidableIds: ReadonlySet<string>;
  readonly rules: SigmaRuleSet;
}

/** How two runs compare. */
export interface RunComparison {
  readonly verdict: RunVerdict;
  /** Lines that both have. */
  readonly preserved: number;
  /** Lines that differ, and rest on what was erased since. */
  readonly undecidable: number;
  /** Lines that differ, and should not. */
  readonly differing: number;
  /** The first of these; where there is none, the first of the others. */
  readonly first?: LineDifference;
  /** Lines that rest on what was erased, the first {@link DIFFERENCES_LISTED_MAX}. */
  readonly exceptions: readonly LineDifference[];
}

/** Compares a run with the same run made again, line by line. */
export function compareRuns(pair: RunPair): RunComparison {
  const { recorded, again } = pair;
  const isLaterErased = again.erasuresAt > recorded.erasuresAt;
  const lost = lostIdsOf(pair.rules, pair.undecidableIds);
  const exceptions: LineDifference[] = [];
  let [undecidable, differing, onlyRecorded] = [0, 0, 0];
  let first: LineDifference | undefined;
  for (const difference of lineDifferences(pair.recordedLines, pair.againLines)) {
    if (difference.side === 'recorded') onlyRecorded++;
    if (isLaterErased && restsOnErased(difference, pair, lost)) {
      undecidable++;
      if (exceptions.length < DIFFERENCES_LISTED_MAX) exceptions.push(difference);
    } else {
      differing++;
      first ??= difference;
    }
  }
  const told = first ?? exceptions[0];
  return {
    verdict: differing > 0 ? 'DIFFERS' : undecidable > 0 ? 'MATCH-EXCEPT-ERASED' : 'MATCH',
    preserved: recorded.counts.detections - onlyRecorded,
    undecidable,
    differing,
    exceptions,
    ...(told === undefined ? {} : { first: told }),
  };
}

function restsOnErased({ line }: LineDifference, { seqsOf, isErased }: RunPair, lost: ReadonlySet<string>): boolean {
  const { id, ruleId } = detectionOf(line);
  return (ruleId !== undefined && lost.has(ruleId)) || (id !== undefined && seqsOf(id).some(isErased));
}

function detectionOf(line: string): Partial<Detection> {
  try {
    return JSON.parse(line) as Detection;
  } catch {
    return {};
  }
}

/** Documents that hang on an answer that is lost: those themselves, and the correlations over them. */
function lostIdsOf({ linked }: SigmaRuleSet, undecidable: ReadonlySet<string>): ReadonlySet<string> {
  const lost = new Set(undecidable);
  // Each correlation stands after those that it is about.
  for (const { correlation, members } of linked) if (members.some(({ id }) => lost.has(id))) lost.add(correlation.id);
  return lost;
}
