import type { RunCounts, RunManifest } from '../run/run-manifest';
import type { AffectedSummary, ChangeCounts } from './affected';
import type { AlertLoad } from './alert-load';
import type { Difference } from './differences';
import type { DocumentChange, LeftOutDocument } from './document-changes';
import type { FindingKindName } from './finding';
import type { GateResult } from './gates';
import type { LabelComparison, LabelScore } from './label-score';

/** Most differences that are listed; all are counted. */
export const DIFFERENCES_LISTED_MAX = 20_000;

/** What one side was, and how much it made. */
export interface SideSummary {
  readonly name: string;
  readonly artefacts: RunManifest['artefacts'];
  readonly engine: string;
  readonly outputHash: string;
  readonly counts: Omit<RunCounts, 'byRule'>;
}

/** A document that differs, and how many differences it can be the reason of. */
export interface DocumentDiff extends DocumentChange {
  readonly effects: ChangeCounts;
}

/** Findings of one kind in numbers. */
export interface KindSummary extends ChangeCounts {
  readonly kind: FindingKindName;
  readonly baseline: number;
  readonly candidate: number;
  /** Equal in both. */
  readonly same: number;
  /** Equal but for their ids, because the content of their maker changed. */
  readonly reissued: number;
  /** Differences that no changed document explains. */
  readonly unexplained: number;
}

/** What became of the findings of one rule, correlation or detector. */
export interface MakerSummary extends ChangeCounts {
  readonly maker: string;
  readonly title: string;
  readonly baseline: number;
  readonly candidate: number;
  readonly reissued: number;
  /** Of its findings that moved: milliseconds later, negative for earlier; null where none did. */
  readonly shiftMs: { readonly least: number; readonly median: number; readonly greatest: number } | null;
  readonly causes: readonly string[];
  readonly labels: { readonly baseline: LabelScore; readonly candidate: LabelScore } | null;
}

/** What a change of artefacts would have done: the same for the same log, range, sets and engine. */
export interface WhatIfDiff {
  readonly version: 1;
  readonly log: RunManifest['log'];
  readonly range: Omit<RunManifest['range'], 'firstSeq' | 'readFrom'>;
  readonly baseline: SideSummary;
  readonly candidate: SideSummary;
  readonly documents: readonly DocumentDiff[];
  readonly leftOut: {
    readonly baseline: readonly LeftOutDocument[];
    readonly candidate: readonly LeftOutDocument[];
  };
  readonly kinds: readonly KindSummary[];
  /** Makers that found anything in either run. */
  readonly makers: readonly MakerSummary[];
  readonly affected: AffectedSummary;
  readonly load: AlertLoad;
  readonly labels: Omit<LabelComparison, 'byMaker'> | null;
  /** The first {@link DIFFERENCES_LISTED_MAX}, in the order of time. */
  readonly differences: readonly Difference[];
  readonly differencesLeftOut: number;
  readonly gates: readonly GateResult[];
}

/** What a run took; it differs from machine to machine and is no part of what is compared. */
export interface RunCost {
  readonly elapsedMs: number;
  readonly eventsPerSecond: number;
}

/** What the runs took. */
export interface WhatIfCost {
  readonly baseline: RunCost;
  readonly candidate: RunCost;
}
