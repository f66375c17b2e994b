import { formatRfc3339 } from '@protego/contracts';
import type { Causes } from './causes';
import { compareFindings, type Finding, type FindingKind, type FindingKindName } from './finding';
import { differingAspects, haveEqualSeqs, type FindingPair, type MatchedFindings } from './match-findings';
import type { Affected, WhoAndWhere } from './places';
import type { LabelVerdict, Labels } from './label-score';

/** What became of a finding, in the order of telling. `changed`: it says something else, at the same time. */
export const CHANGES = ['added', 'lost', 'earlier', 'later', 'changed'] as const;
/** One of {@link CHANGES}. */
export type Change = (typeof CHANGES)[number];

/** Something that a finding says differently. */
export interface AspectChange {
  readonly name: string;
  readonly baseline: string | null;
  readonly candidate: string | null;
}

/** One side of a difference. */
export interface FindingTold {
  readonly id: string;
  /** RFC 3339. */
  readonly certainAt: string;
  /** How many events it rests on. */
  readonly events: number;
  /** What it is about; persons by token. */
  readonly entities: Finding['entities'];
  /** All that it says. */
  readonly says: Readonly<Record<string, string>>;
}

/** A finding that is not the same in both runs. */
export interface Difference {
  readonly kind: FindingKindName;
  readonly change: Change;
  readonly makerId: string;
  readonly title: string;
  readonly baseline: FindingTold | null;
  readonly candidate: FindingTold | null;
  /** How much later the candidate is certain, milliseconds; negative: earlier; null where one of them is missing. */
  readonly shiftMs: number | null;
  /** What differs, where both are there. */
  readonly aspects: readonly AspectChange[];
  readonly affected: Affected;
  /** Keys of the documents whose change can be why; empty: no change explains it. */
  readonly causes: readonly string[];
  /** What it is about by the labels; null without labels. */
  readonly verdict: LabelVerdict | null;
}

/** What differences are told with. */
export interface DifferenceContext {
  readonly causes: Causes;
  readonly places: WhoAndWhere;
  readonly labels?: Labels;
}

/** All differences of one kind, and how many findings only have another id. */
export interface Differences {
  /** In the order of their times (of the candidate where it is there), makers and ids. */
  readonly all: readonly Difference[];
  /** Findings that say the same of the same events, under another id because their maker's content changed; per maker. */
  readonly reissued: ReadonlyMap<string, number>;
}

/** Tells what differs between matched findings. */
export function differencesOf(kind: FindingKind, matched: MatchedFindings, context: DifferenceContext): Differences {
  const reissued = new Map<string, number>();
  const told: { readonly shown: Finding; readonly difference: Difference }[] = [];
  for (const shown of matched.added) told.push({ shown, difference: oneSided(kind, 'added', shown, context) });
  for (const shown of matched.lost) told.push({ shown, difference: oneSided(kind, 'lost', shown, context) });
  for (const pair of matched.pairs) {
    const difference = twoSided(kind, pair, context);
    const { makerId } = pair.candidate;
    if (difference === undefined) reissued.set(makerId, (reissued.get(makerId) ?? 0) + 1);
    else told.push({ shown: pair.candidate, difference });
  }
  const all = told.sort((a, b) => compareFindings(a.shown, b.shown)).map(({ difference }) => difference);
  return { all, reissued };
}

function oneSided(
  { name }: FindingKind,
  change: 'added' | 'lost',
  finding: Finding,
  context: DifferenceContext,
): Difference {
  const told = toldOf(finding);
  return {
    kind: name,
    change,
    ...sharedOf(finding, context),
    baseline: change === 'lost' ? told : null,
    candidate: change === 'added' ? told : null,
    shiftMs: null,
    aspects: [],
  };
}

/** Undefined where only the id is another. */
function twoSided({ name }: FindingKind, pair: FindingPair, context: DifferenceContext): Difference | undefined {
  const { baseline, candidate } = pair;
  const aspects = aspectChangesOf(pair);
  const shiftMs = candidate.timeMs - baseline.timeMs;
  if (shiftMs === 0 && aspects.length === 0) return undefined;
  return {
    kind: name,
    change: shiftMs < 0 ? 'earlier' : shiftMs > 0 ? 'later' : 'changed',
    ...sharedOf(candidate, context),
    baseline: toldOf(baseline),
    candidate: toldOf(candidate),
    shiftMs,
    aspects,
  };
}

/** Which events a finding rests on is an aspect too, although it names them by number only. */
function aspectChangesOf(pair: FindingPair): AspectChange[] {
  const { baseline, candidate } = pair;
  const aspects = differingAspects(pair).map((name) => ({
    name,
    baseline: baseline.aspects[name] ?? null,
    candidate: candidate.aspects[name] ?? null,
  }));
  if (haveEqualSeqs(baseline, candidate)) return aspects;
  const known = new Set(baseline.seqs);
  const common = candidate.seqs.filter((seq) => known.has(seq)).length;
  const told = ({ seqs }: Finding): string => `${seqs.length}, of them ${common} in both`;
  return [...aspects, { name: 'events that it rests on', baseline: told(baseline), candidate: told(candidate) }];
}

function sharedOf(
  finding: Finding,
  { causes, places, labels }: DifferenceContext,
): Pick<Difference, 'makerId' | 'title' | 'affected' | 'causes' | 'verdict'> {
  return {
    makerId: finding.makerId,
    title: finding.makerTitle,
    affected: places.affectedBy(finding),
    causes: causes.of(finding.makerId),
    verdict: labels?.verdictOf(finding) ?? null,
  };
}

function toldOf({ id, timeMs, entities, seqs, aspects }: Finding): FindingTold {
  return { id, certainAt: formatRfc3339(timeMs), events: seqs.length, entities, says: aspects };
}
