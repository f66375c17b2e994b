import { ProtegoError } from '@protego/contracts';
import { compareText } from '../text-order';
import { compareFindings, coreOf, type DiffSource, type Finding, type FindingCore } from './finding';

/** Most findings of one side. */
export const FINDINGS_MAX = 1_000_000;
/** Most findings of one side that the other does not have as they are. */
export const UNMATCHED_MAX = 200_000;
/** Most pairs of findings of one maker that have an event in common. */
const CANDIDATE_PAIRS_MAX = 2_000_000;

/** A finding of the baseline, and what it is in the candidate. */
export interface FindingPair {
  readonly baseline: Finding;
  readonly candidate: Finding;
}

/** Two runs, finding by finding. */
export interface MatchedFindings {
  /** In both runs, equal in all. */
  readonly same: readonly FindingCore[];
  /** The same finding, of which something differs, be it only its id. */
  readonly pairs: readonly FindingPair[];
  readonly lost: readonly Finding[];
  readonly added: readonly Finding[];
}

/**
 * Says which findings of two runs are the same one. Those with one id are. Of the others, two of one maker are the same when
 * they rest on a common event, and agree in their group where both are grouped by the same fields; where several could be, the
 * pair with the greatest share of common events is taken first, then the one closest in time. Each finding is in one pair at
 * most. Neither the order of the sides nor that of the findings decides.
 *
 * @throws ProtegoError `WHATIF_TOO_LARGE` beyond {@link FINDINGS_MAX} or {@link UNMATCHED_MAX}
 */
export function matchFindings({ kind, baseline, candidate }: DiffSource): MatchedFindings {
  const { same, pairs, lost, added } = matchById(baseline, candidate);
  if (!kind.canMove) return { same, pairs, lost, added };
  const moved = matchByEvents(lost, added);
  const found = new Set(moved.flatMap((pair) => [pair.baseline, pair.candidate]));
  const isAlone = (finding: Finding): boolean => !found.has(finding);
  const all = [...pairs, ...moved].sort((a, b) => compareFindings(a.baseline, b.baseline));
  return { same, pairs: all, lost: lost.filter(isAlone), added: added.filter(isAlone) };
}

/** Equal findings stand at the same place of both sequences: of those only what is counted is kept. */
function matchById(baselines: Iterable<Finding>, candidates: Iterable<Finding>): MatchedFindings {
  const same: FindingCore[] = [];
  const pairs: FindingPair[] = [];
  const lost = new Map<string, Finding>();
  const added = new Map<string, Finding>();
  const settle = (pair: FindingPair): void => {
    if (areEqual(pair)) same.push(coreOf(pair.baseline));
    else pairs.push(pair);
  };
  const left = boundedReader(baselines);
  const right = boundedReader(candidates);
  while (left.head !== undefined || right.head !== undefined) {
    const { head: baseline } = left;
    const { head: candidate } = right;
    const order = baseline === undefined ? 1 : candidate === undefined ? -1 : compareFindings(baseline, candidate);
    if (baseline !== undefined && candidate !== undefined && order === 0) settle({ baseline, candidate });
    else if (baseline !== undefined && order < 0) keep(lost, baseline);
    else if (candidate !== undefined) keep(added, candidate);
    if (order <= 0) left.advance();
    if (order >= 0) right.advance();
  }
  // One id at two places: the same finding, which became certain at another time.
  for (const [id, baseline] of lost) {
    const candidate = added.get(id);
    if (candidate === undefined) continue;
    settle({ baseline, candidate });
    lost.delete(id);
    added.delete(id);
  }
  const inOrder = (findings: Map<string, Finding>): Finding[] => [...findings.values()].sort(compareFindings);
  return { same, pairs, lost: inOrder(lost), added: inOrder(added) };
}

function matchByEvents(lost: readonly Finding[], added: readonly Finding[]): FindingPair[] {
  const addedOf = groupBy(added, ({ makerId }) => makerId);
  const pairs: FindingPair[] = [];
  for (const [makerId, baselines] of groupBy(lost, (finding) => finding.makerId)) {
    const taken = new Set<Finding>();
    const candidates = overlapsOf(baselines, addedOf.get(makerId) ?? []).sort(compareOverlaps);
    for (const { baseline, candidate } of candidates) {
      if (taken.has(baseline) || taken.has(candidate)) continue;
      taken.add(baseline).add(candidate);
      pairs.push({ baseline, candidate });
    }
  }
  return pairs;
}

interface Overlap extends FindingPair {
  /** Events of both. */
  readonly common: number;
  /** Events of either. */
  readonly either: number;
  readonly distanceMs: number;
  /** The two, the first in the order of findings first: the sides play no part in it. */
  readonly inOrder: readonly [Finding, Finding];
}

function overlapsOf(baselines: readonly Finding[], candidates: readonly Finding[]): Overlap[] {
  const bySeq = new Map<number, Finding[]>();
  for (const baseline of baselines)
    for (const seq of baseline.seqs) {
      const known = bySeq.get(seq);
      if (known === undefined) bySeq.set(seq, [baseline]);
      else known.push(baseline);
    }
  const overlaps: Overlap[] = [];
  for (const candidate of candidates) {
    const commons = new Map<Finding, number>();
    for (const seq of candidate.seqs)
      for (const baseline of bySeq.get(seq) ?? []) commons.set(baseline, (commons.get(baseline) ?? 0) + 1);
    for (const [baseline, common] of commons)
      if (doGroupsAgree(baseline, candidate)) overlaps.push(overlapOf(baseline, candidate, common));
    if (overlaps.length > CANDIDATE_PAIRS_MAX)
      throw tooLarge(`more than ${CANDIDATE_PAIRS_MAX} pairs of \`${candidate.makerId}\` rest on common events`);
  }
  return overlaps;
}

function overlapOf(baseline: Finding, candidate: Finding, common: number): Overlap {
  return {
    baseline,
    candidate,
    common,
    either: baseline.seqs.length + candidate.seqs.length - common,
    distanceMs: Math.abs(baseline.timeMs - candidate.timeMs),
    inOrder: compareFindings(baseline, candidate) <= 0 ? [baseline, candidate] : [candidate, baseline],
  };
}

// Shares are compared by products of whole numbers: a quotient would round.
function compareOverlaps(a: Overlap, b: Overlap): number {
  return (
    b.common * a.either - a.common * b.either ||
    a.distanceMs - b.distanceMs ||
    compareFindings(a.inOrder[0], b.inOrder[0]) ||
    compareFindings(a.inOrder[1], b.inOrder[1])
  );
}

function doGroupsAgree({ group: a }: Finding, { group: b }: Finding): boolean {
  if (a === undefined || b === undefined) return true;
  const fields = Object.keys(a);
  const isComparable = fields.length === Object.keys(b).length && fields.every((field) => field in b);
  return !isComparable || fields.every((field) => a[field] === b[field]);
}

/** True where nothing that is told of them differs, nor the events that they rest on. */
function areEqual({ baseline, candidate }: FindingPair): boolean {
  return (
    baseline.id === candidate.id &&
    baseline.timeMs === candidate.timeMs &&
    baseline.makerHash === candidate.makerHash &&
    haveEqualSeqs(baseline, candidate) &&
    differingAspects({ baseline, candidate }).length === 0
  );
}

/** True where both rest on the same events. */
export function haveEqualSeqs({ seqs: a }: FindingCore, { seqs: b }: FindingCore): boolean {
  return a.length === b.length && a.every((seq, at) => seq === b[at]);
}

/** Names of the aspects that differ, in the order in which they are told. */
export function differingAspects({ baseline, candidate }: FindingPair): string[] {
  const names = new Set([...Object.keys(baseline.aspects), ...Object.keys(candidate.aspects)]);
  return [...names].filter((name) => baseline.aspects[name] !== candidate.aspects[name]);
}

/** Items by a text, in the order of the texts. */
export function groupBy<Item>(items: Iterable<Item>, keyOf: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return new Map([...groups].sort(([a], [b]) => compareText(a, b)));
}

function keep(findings: Map<string, Finding>, finding: Finding): void {
  if (findings.size >= UNMATCHED_MAX)
    throw tooLarge(`more than ${UNMATCHED_MAX} findings of one run are not in the other as they are`);
  findings.set(finding.id, finding);
}

function boundedReader(findings: Iterable<Finding>): { readonly head: Finding | undefined; advance(): void } {
  const iterator = findings[Symbol.iterator]();
  let count = 0;
  const next = (): Finding | undefined => {
    const { done, value } = iterator.next();
    if (done === true) return undefined;
    if (++count > FINDINGS_MAX) throw tooLarge(`a run has more than ${FINDINGS_MAX} findings`);
    return value as Finding;
  };
  let head = next();
  return {
    get head() {
      return head;
    },
    advance() {
      head = next();
    },
  };
}

/** The error of a comparison that would not fit the memory. */
export function tooLarge(message: string): ProtegoError {
  return new ProtegoError('WHATIF_TOO_LARGE', message);
}
