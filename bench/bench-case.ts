/** Says on standard error how far a bench is. */
export type Say = (text: string) => void;

/** Product and peer, made ready; each call is one measurement and gives a value in the unit of the case. */
export interface Contest {
  readonly product: () => Promise<number> | number;
  /** What the product is compared with; it does the same work on the same input. */
  readonly peer?: () => Promise<number> | number;
  /** What the input is made of, where the figure depends on it. */
  readonly input?: string;
  /** Why a peer that the case names cannot run here. */
  readonly peerMissing?: string;
  /** Last checks and clearing away; runs once, also after a failure. */
  readonly close?: () => Promise<void> | void;
}

/** One metric of one bench. */
export interface BenchCase {
  readonly bench: string;
  readonly metric: string;
  readonly unit: string;
  /** One sentence for `--list` and the documentation. */
  readonly description: string;
  /** Name of the peer, where there is one. */
  readonly peer?: string;
  /** True for a case that takes so long that it runs only when it, or its bench, is named. */
  readonly isOnlyNamed?: boolean;
  /** True for one round without a warm-up: so long that what the compiler does first counts for nothing. */
  readonly isOnce?: boolean;
  /** Why the case cannot run here; undefined when it can. */
  readonly missing?: () => string | undefined;
  readonly prepare: (say: Say) => Promise<Contest> | Contest;
}

/** What was measured; the shape that `--json` prints. */
export interface BenchResult {
  readonly bench: string;
  readonly metric: string;
  readonly unit: string;
  /** Median over the rounds. */
  readonly value: number;
  readonly peer?: string;
  /** Median over the same rounds. */
  readonly peerValue?: number;
  /** `value / peerValue`. */
  readonly ratio?: number;
  readonly rounds: number;
  /** Least and greatest value of a round. */
  readonly spread: readonly [number, number];
  /** What the input is made of. */
  readonly input?: string;
}

/** A metric, or its peer, for which there is no value. */
export interface BenchNotRun {
  readonly bench: string;
  readonly metric: string;
  /** `peer` when only the comparison is missing. */
  readonly part: 'case' | 'peer';
  readonly reason: string;
}

/** What the process of one case tells the one that started it. */
export type CaseOutcome =
  | { readonly kind: 'measured'; readonly result: BenchResult; readonly notRun: readonly BenchNotRun[] }
  | { readonly kind: 'failed'; readonly message: string };

/** `bench/metric`, as the command line names a case. */
export function caseName({ bench, metric }: { readonly bench: string; readonly metric: string }): string {
  return `${bench}/${metric}`;
}
