import type { SigmaRuleSet } from '@protego/streams';
import type { ReplayLog } from '../replay-log';
import { CoverageTable, parsedLine } from './coverage-table';
import { ErasedLog } from './erased-log';
import { Explanations } from './explanation';
import { FileComparison, type FileDifference } from './file-comparison';
import type { RunFiles } from './run-files';
import { lineDifferences, type LineDifference } from './line-difference';

/** `MATCH-EXCEPT-ERASED`: what differs rests on fields of persons who were erased since. */
export type RunVerdict = 'MATCH' | 'MATCH-EXCEPT-ERASED' | 'DIFFERS';

/** Most lines that a comparison names. */
export const DIFFERENCES_LISTED_MAX = 1_000;

/** A run that was recorded, and the same run made again. */
export interface RunPair {
  readonly recorded: RunFiles;
  readonly again: RunFiles;
  readonly rules: SigmaRuleSet;
  /** The log that the run was made over, as it stands now. */
  readonly log: ReplayLog;
}

/** How two runs compare. */
export interface RunComparison {
  readonly verdict: RunVerdict;
  /** Detections that both have. */
  readonly preserved: number;
  /** Lines of `detections.jsonl` that differ, and rest on what was erased since. */
  readonly undecidable: number;
  /** Lines of `detections.jsonl` that differ, and should not. */
  readonly differing: number;
  /** Differences in the other files and in the manifest, each file that has some, or that is missing. */
  readonly files: readonly FileDifference[];
  /** The first difference that should not be; where there is none, the first detection that rests on what was erased. */
  readonly first?: LineDifference & { readonly file: string };
  /** Detections that rest on what was erased, the first {@link DIFFERENCES_LISTED_MAX}. */
  readonly exceptions: readonly LineDifference[];
}

interface LineTally {
  undecidable: number;
  differing: number;
  onlyRecorded: number;
  first?: LineDifference;
  readonly exceptions: LineDifference[];
}

/**
 * Compares a run with the same run made again: every line of its files, and the counts of its manifest. Without an erasure since,
 * all must be the same.
 *
 * @throws ProtegoError `REPLAY_TOO_LARGE` when a difference may hang on too many records; what the log throws
 */
export async function compareRuns(pair: RunPair): Promise<RunComparison> {
  const { recorded, again } = pair;
  const coverage = new CoverageTable(again.lines('coverage') ?? []);
  const log = new ErasedLog(pair.log, coverage);
  const isLaterErased = again.manifest.erasuresAt > recorded.manifest.erasuresAt;
  const tally = await tallyOf(pair, isLaterErased ? explanationsOf(pair, log, coverage) : undefined);
  const files = await new FileComparison(recorded, again, isLaterErased ? log : undefined).all();
  const wrong = files.find(({ differing }) => differing > 0);
  const isExcused = tally.undecidable > 0 || files.some(({ excused }) => excused > 0);
  const { undecidable, differing, exceptions } = tally;
  const isWrong = differing > 0 || wrong !== undefined;
  const first =
    tally.first === undefined
      ? (wrong?.first ?? (exceptions[0] && { ...exceptions[0], file: 'detections.jsonl' }))
      : { ...tally.first, file: 'detections.jsonl' };
  return {
    verdict: isWrong ? 'DIFFERS' : isExcused ? 'MATCH-EXCEPT-ERASED' : 'MATCH',
    preserved: countOf(recorded.lines('detections') ?? again.lines('detections') ?? []) - tally.onlyRecorded,
    ...{ undecidable, differing, files, exceptions },
    ...(first === undefined ? {} : { first }),
  };
}

async function tallyOf({ recorded, again }: RunPair, explanations: Explanations | undefined): Promise<LineTally> {
  const tally: LineTally = { undecidable: 0, differing: 0, onlyRecorded: 0, exceptions: [] };
  const lines = recorded.lines('detections');
  if (lines === undefined) return tally;
  for (const block of blocksOf(lineDifferences(lines, again.lines('detections') ?? []))) {
    const explained = await explanations?.of(block);
    for (const difference of block) {
      if (difference.side === 'recorded') tally.onlyRecorded++;
      if (explained?.has(difference) === true) {
        tally.undecidable++;
        if (tally.exceptions.length < DIFFERENCES_LISTED_MAX) tally.exceptions.push(difference);
      } else {
        tally.differing++;
        tally.first ??= difference;
      }
    }
  }
  return tally;
}

function explanationsOf({ recorded, again, rules }: RunPair, log: ErasedLog, coverage: CoverageTable): Explanations {
  const seqs = { recorded: seqsIn(recorded.lines('evidence') ?? []), again: seqsIn(again.lines('evidence') ?? []) };
  return new Explanations({ rules, log, coverage, seqsOf: (side, id) => seqs[side].get(id) });
}

/** Lines that are certain at one time by one rule. */
function* blocksOf(differences: Iterable<LineDifference>): Generator<LineDifference[], void, undefined> {
  let block: LineDifference[] = [];
  let last: string | undefined;
  for (const difference of differences) {
    const { certainAt, ruleId } = parsedLine(difference.line) ?? {};
    const key = JSON.stringify([certainAt, ruleId]);
    if (key !== last && block.length > 0) {
      yield block;
      block = [];
    }
    last = key;
    block.push(difference);
  }
  if (block.length > 0) yield block;
}

function seqsIn(lines: Iterable<string>): Map<string, readonly number[]> {
  const seqs = new Map<string, readonly number[]>();
  for (const text of lines) {
    const line = parsedLine(text);
    const named: unknown = line?.['seqs'];
    const areSeqs =
      Array.isArray(named) &&
      named.every(
        (seq: unknown, i) => Number.isSafeInteger(seq) && (i === 0 || (seq as number) > (named[i - 1] as number)),
      );
    if (areSeqs) seqs.set(String(line?.['id']), named as number[]);
  }
  return seqs;
}

function countOf(lines: Iterable<string>): number {
  const all = lines[Symbol.iterator]();
  let count = 0;
  while (all.next().done !== true) count++;
  return count;
}
