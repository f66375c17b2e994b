import type { ErrorCode } from '@protego/contracts';

/** Most problems that one report lists; more are counted. */
export const PROBLEMS_MAX = 100;

/**
 * What happened to a log:
 *
 * - `altered`: stored records, or the header of their block or segment, are not as they were written;
 * - `missing`: records between two that are there are gone, or the first ones and no expiry says so;
 * - `repeated`: records are there a second time;
 * - `reordered`: records stand in another order, or in another segment;
 * - `truncated`: the log ends before a checkpoint or a tile says that it does;
 * - `forked`: a checkpoint with the log's signature names other records;
 * - `tile`: hashes in a tile are not those of the records, or are gone;
 * - `checkpoint`: a checkpoint, or the file of them, is not one that the log wrote;
 * - `index`: the footer of a segment is not that of its blocks;
 * - `identity`: `log.json` is not as it was written, or the keys are those of another log.
 */
export type LogProblemKind =
  | 'altered'
  | 'missing'
  | 'repeated'
  | 'reordered'
  | 'truncated'
  | 'forked'
  | 'tile'
  | 'checkpoint'
  | 'index'
  | 'identity';

/** Something in the log that is not as it was written. */
export interface LogProblem {
  readonly code: ErrorCode;
  readonly kind: LogProblemKind;
  /** First seq that is concerned. */
  readonly seq?: number;
  /** Seq after the last that is concerned; missing where it cannot be told, or where no record is concerned. */
  readonly seqEnd?: number;
  /** File name of the segment. */
  readonly segment?: string;
  /** Byte offset in the segment. */
  readonly offset?: number;
  /** Path below the log's directory, for files other than segments. */
  readonly file?: string;
  readonly message: string;
}

/** How much was checked. */
export interface VerifiedAmount {
  /** Records whose leaf hashes were computed and compared. */
  readonly records: number;
  readonly blocks: number;
  /** Bytes of segments. */
  readonly bytes: number;
  /** Tile files. */
  readonly tiles: number;
  /** Checkpoints whose root was recomputed, those that were brought included. */
  readonly checkpoints: number;
  /** Segments whose footer was compared with their blocks. */
  readonly footers: number;
}

/** Gathers problems, a bounded number of them. */
export class ProblemList {
  private readonly kept: LogProblem[] = [];
  private counted = 0;

  /** Number of all problems. */
  get count(): number {
    return this.counted;
  }

  /** The first {@link PROBLEMS_MAX}, in order of seq. */
  inOrder(): LogProblem[] {
    return [...this.kept].sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0));
  }

  /** Adds a problem. */
  add(problem: LogProblem): void {
    this.counted++;
    if (this.kept.length < PROBLEMS_MAX) this.kept.push(problem);
  }
}

/** Text for a range of seqs. */
export function rangeText(seq: number, seqEnd: number): string {
  return seqEnd === seq + 1 ? `record ${seq}` : `records ${seq} to ${seqEnd - 1}`;
}
