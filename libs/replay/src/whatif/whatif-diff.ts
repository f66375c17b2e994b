import { ProtegoError, canonicalJson, parseRfc3339Ms, type ActivityLabel } from '@protego/contracts';
import { DETECTOR_RULES, type SigmaProblem } from '@protego/streams';
import type { RunManifest } from '../run/run-manifest';
import { affectedOf, changeCountsOf, type ChangeCounts } from './affected';
import { AlertLoadTally, type AlertLoad } from './alert-load';
import { Causes } from './causes';
import { differencesOf, type Difference, type Differences } from './differences';
import { documentChangesOf, type ArtefactSide, type DocumentChange, type LeftOutDocument } from './document-changes';
import { compareText } from '../text-order';
import type { DiffSource, FindingCore, FindingKind } from './finding';
import { judgeGates, type GateName } from './gates';
import { Labels, type LabelComparison } from './label-score';
import { groupBy, matchFindings, tooLarge, type MatchedFindings } from './match-findings';
import { WhoAndWhere, type EventFacts } from './places';
import {
  DIFFERENCES_LISTED_MAX,
  type KindSummary,
  type MakerSummary,
  type SideSummary,
  type WhatIfDiff,
} from './whatif-shape';

/** One of the two runs that are compared. */
export interface WhatIfSide {
  /** How the caller named its artefacts. */
  readonly name: string;
  readonly manifest: RunManifest;
  readonly artefacts: ArtefactSide;
}

/** Two runs over one range of one log, and what is needed to say what their differences mean. */
export interface WhatIfRequest {
  readonly baseline: WhatIfSide;
  readonly candidate: WhatIfSide;
  /** What the runs made, one source a kind. */
  readonly sources: readonly DiffSource[];
  /** Facts of records by seq, which are given ascending; those that have expired are left out. */
  readonly evidence: (seqs: readonly number[]) => Iterable<EventFacts>;
  /** Facts of the records that say where people, patients and devices belong. */
  readonly knowledge: () => Iterable<EventFacts>;
  readonly labels?: {
    readonly labels: readonly ActivityLabel[];
    /** Names by which an entity of a label goes in the log, such as the tokens of a person. */
    readonly namesOf: (id: string) => readonly string[];
  };
  /** Gates that decide. */
  readonly gates: readonly GateName[];
}

/** Most records that findings may rest on. */
export const EVIDENCE_RECORDS_MAX = 3_000_000;

/**
 * Compares two runs.
 *
 * @throws ProtegoError `MANIFEST_INVALID` when they are not of one range of one log; `WHATIF_TOO_LARGE`
 */
export function whatIfDiffOf(request: WhatIfRequest): WhatIfDiff {
  requireOneRange(request);
  const { baseline, candidate, gates } = request;
  const documents = documentChangesOf(baseline.artefacts, candidate.artefacts);
  const causes = new Causes(baseline.artefacts, candidate.artefacts, documents);
  const matched = request.sources.map((source) => ({ kind: source.kind, matched: matchFindings(source) }));
  const places = placesOf(
    request,
    matched.map((one) => one.matched),
  );
  const labels = labelsOf(request, places);
  const compared = matched.map((one) => ({
    ...one,
    differences: differencesOf(one.kind, one.matched, { causes, places, ...(labels === undefined ? {} : { labels }) }),
  }));
  const all = compared.flatMap(({ differences }) => differences.all);
  const score = labels && scoreOf(labels, compared);
  const told = {
    version: 1 as const,
    log: baseline.manifest.log,
    range: rangeOf(baseline.manifest),
    baseline: sideOf(baseline),
    candidate: sideOf(candidate),
    documents: documents.map((document) => ({ ...document, effects: effectsOf(document, all) })),
    leftOut: { baseline: leftOutOf(baseline), candidate: leftOutOf(candidate) },
    kinds: compared.map(kindSummaryOf),
    makers: makersOf(request, compared, causes, score?.byMaker),
    affected: affectedOf(all),
    load: loadOf(places, compared),
    labels: score === undefined ? null : withoutMakers(score),
  };
  const differences = all.slice(0, DIFFERENCES_LISTED_MAX);
  return {
    ...told,
    differences,
    differencesLeftOut: all.length - differences.length,
    gates: judgeGates({ ...told, differences: all }, gates),
  };
}

interface Compared {
  readonly kind: FindingKind;
  readonly matched: MatchedFindings;
  readonly differences: Differences;
}

function requireOneRange({ baseline: { manifest: a }, candidate: { manifest: b } }: WhatIfRequest): void {
  const rangeOf = ({ log, range: { emitFrom, emitTo, by }, mutes }: RunManifest): string =>
    canonicalJson({ log, emitFrom, emitTo, by, mutes: mutes.option });
  if (rangeOf(a) !== rangeOf(b))
    throw new ProtegoError('MANIFEST_INVALID', 'the two runs are not over the same range of the same log');
}

function placesOf({ evidence, knowledge }: WhatIfRequest, matched: readonly MatchedFindings[]): WhoAndWhere {
  const seqs = new Set<number>();
  for (const one of matched)
    for (const { seqs: own } of [...baselineOf(one), ...one.added, ...one.pairs.map((pair) => pair.candidate)])
      for (const seq of own) seqs.add(seq);
  if (seqs.size > EVIDENCE_RECORDS_MAX) throw tooLarge(`findings rest on more than ${EVIDENCE_RECORDS_MAX} records`);
  return new WhoAndWhere(evidence([...seqs].sort((a, b) => a - b)), knowledge());
}

function labelsOf({ labels, baseline }: WhatIfRequest, places: WhoAndWhere): Labels | undefined {
  if (labels === undefined) return undefined;
  const { emitFrom, emitTo } = baseline.manifest.range;
  const range = { fromMs: msOrNone(emitFrom), toMs: msOrNone(emitTo) };
  return new Labels(labels.labels, places, range, labels.namesOf);
}

// A range by seq says nothing about which activities lie in it.
const msOrNone = (bound: string | number | null): number | undefined =>
  typeof bound === 'string' ? parseRfc3339Ms(bound) : undefined;

const baselineOf = ({ same, pairs, lost }: MatchedFindings): FindingCore[] => [
  ...same,
  ...pairs.map(({ baseline }) => baseline),
  ...lost,
];
const candidateOf = ({ same, pairs, added }: MatchedFindings): FindingCore[] => [
  ...same,
  ...pairs.map(({ candidate }) => candidate),
  ...added,
];

// Attacks are found by detections; decisions and scores have labels of their own.
function scoreOf(labels: Labels, compared: readonly Compared[]): LabelComparison {
  const detections = compared.filter(({ kind }) => kind.name === 'detection').map(({ matched }) => matched);
  return labels.compare(detections.flatMap(baselineOf), detections.flatMap(candidateOf));
}

function withoutMakers({ baseline, candidate, lostAttacks, foundAttacks }: LabelComparison): WhatIfDiff['labels'] {
  return { baseline, candidate, lostAttacks, foundAttacks };
}

function loadOf(places: WhoAndWhere, compared: readonly Compared[]): AlertLoad {
  const tally = new AlertLoadTally(places);
  for (const { matched } of compared) {
    for (const finding of matched.same) tally.take(finding, ['baseline', 'candidate']);
    for (const { baseline, candidate } of matched.pairs) {
      tally.take(baseline, ['baseline']);
      tally.take(candidate, ['candidate']);
    }
    for (const finding of matched.lost) tally.take(finding, ['baseline']);
    for (const finding of matched.added) tally.take(finding, ['candidate']);
  }
  return tally.load();
}

function rangeOf({ range: { emitFrom, emitTo, by } }: RunManifest): WhatIfDiff['range'] {
  return { emitFrom, emitTo, by };
}

function sideOf({ name, manifest: { artefacts, engine, outputHash, counts } }: WhatIfSide): SideSummary {
  const { records, events, detections, late, skewed, ruleFailed, undecidable } = counts;
  const told = { records, events, detections, late, skewed, ruleFailed, undecidable };
  return { name, artefacts, engine, outputHash, counts: told };
}

function leftOutOf({ artefacts }: WhatIfSide): LeftOutDocument[] {
  return artefacts.rules.problems.map(({ path, line, code, message }: SigmaProblem) => ({
    ...{ path, line: line ?? null, code, message },
  }));
}

function effectsOf({ key }: DocumentChange, differences: readonly Difference[]): ChangeCounts {
  return changeCountsOf(differences.filter(({ causes }) => causes.includes(key)));
}

function kindSummaryOf({ kind, matched, differences }: Compared): KindSummary {
  const reissued = [...differences.reissued.values()].reduce((sum, count) => sum + count, 0);
  const both = matched.same.length + matched.pairs.length;
  return {
    kind: kind.name,
    baseline: both + matched.lost.length,
    candidate: both + matched.added.length,
    same: matched.same.length,
    reissued,
    ...changeCountsOf(differences.all),
    unexplained: differences.all.filter(({ causes }) => causes.length === 0).length,
  };
}

function makersOf(
  { baseline, candidate }: WhatIfRequest,
  compared: readonly Compared[],
  causes: Causes,
  scores: LabelComparison['byMaker'] | undefined,
): MakerSummary[] {
  const titles = titlesOf([baseline.artefacts, candidate.artefacts]);
  const before = countsBy(compared.flatMap(({ matched }) => baselineOf(matched)));
  const after = countsBy(compared.flatMap(({ matched }) => candidateOf(matched)));
  const byMaker = groupBy(
    compared.flatMap(({ differences }) => differences.all),
    ({ makerId }) => makerId,
  );
  return [...new Set([...before.keys(), ...after.keys()])].sort(compareText).map((maker) => {
    const own = byMaker.get(maker) ?? [];
    return {
      maker,
      title: titles.get(maker) ?? own[0]?.title ?? maker,
      baseline: before.get(maker) ?? 0,
      candidate: after.get(maker) ?? 0,
      ...changeCountsOf(own),
      reissued: compared.reduce((sum, { differences }) => sum + (differences.reissued.get(maker) ?? 0), 0),
      shiftMs: shiftsOf(own),
      causes: own.length === 0 ? [] : causes.of(maker),
      labels: scores?.[maker] ?? null,
    };
  });
}

function shiftsOf(differences: readonly Difference[]): MakerSummary['shiftMs'] {
  const shifts = differences.flatMap(({ shiftMs }) => (shiftMs === null || shiftMs === 0 ? [] : shiftMs));
  const inOrder = shifts.sort((a, b) => a - b);
  const [least, greatest] = [inOrder[0], inOrder.at(-1)];
  if (least === undefined || greatest === undefined) return null;
  return { least, median: inOrder[(inOrder.length - 1) >> 1] as number, greatest };
}

function titlesOf(sides: readonly ArtefactSide[]): Map<string, string> {
  const titles = new Map(DETECTOR_RULES.map(({ id, title }) => [id, title]));
  for (const { contents } of sides) for (const { id, title } of contents) titles.set(id, title);
  return titles;
}

function countsBy(findings: readonly FindingCore[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { makerId } of findings) counts.set(makerId, (counts.get(makerId) ?? 0) + 1);
  return counts;
}
