import { DETECTOR_RULES } from './detectors/detector-rules';
import type { PipelineArtefacts } from './pipeline-rules';
import type { SigmaCorrelation } from './sigma/correlation';
import type { SigmaRule } from './sigma/rule';
import type { SigmaRuleSet } from './sigma/rule-set';

/** Most parts that artefacts are split into. */
export const PARTS_MAX = 16;

/**
 * Artefacts split into parts whose pipelines, each over all events, find together what one pipeline of the whole finds: documents
 * that rest on each other stay together. The first half of the parts, the greater where the number is odd, hold the rules, the
 * others the detectors. Late and skewed events are told of by each part.
 *
 * @param count - 1 to {@link PARTS_MAX}; 1 gives the artefacts themselves
 */
export function splitArtefacts(artefacts: PipelineArtefacts, count: number): PipelineArtefacts[] {
  if (count <= 1) return [artefacts];
  const parts = Math.min(count, PARTS_MAX);
  const ruleParts = Math.ceil(parts / 2);
  const detectors = artefacts.detectors ?? DETECTOR_RULES.map(({ id }) => id);
  const detectorParts = dealt(detectors, parts - ruleParts);
  const ruleSets = splitRules(artefacts.rules, ruleParts);
  const noRules = subsetOf(artefacts.rules, new Set());
  return [
    ...ruleSets.map((rules) => ({ ...artefacts, rules, detectors: [] })),
    ...detectorParts.map((some) => ({ ...artefacts, rules: noRules, detectors: some })),
  ];
}

type Document = SigmaRule | SigmaCorrelation;

function splitRules(set: SigmaRuleSet, count: number): SigmaRuleSet[] {
  const groups = groupsOf(set).sort((a, b) => b.length - a.length);
  const parts = Array.from({ length: count }, (): Document[] => []);
  for (const group of groups) leastOf(parts).push(...group);
  return parts.map((documents) => subsetOf(set, new Set(documents)));
}

function leastOf(parts: readonly Document[][]): Document[] {
  return parts.reduce((least, part) => (part.length < least.length ? part : least));
}

/** Documents that are about each other, directly or through others, in the order of the set. */
function groupsOf({ rules, linked }: SigmaRuleSet): Document[][] {
  const groupOf = new Map<Document, Document[]>(rules.map((rule) => [rule, [rule]]));
  for (const { correlation, members } of linked) {
    const joined = [...new Set(members.map((member) => groupOf.get(member) ?? []))].flat();
    joined.push(correlation);
    for (const document of joined) groupOf.set(document, joined);
  }
  return [...new Set(groupOf.values())];
}

function subsetOf(set: SigmaRuleSet, documents: ReadonlySet<Document>): SigmaRuleSet {
  return {
    ...set,
    rules: set.rules.filter((rule) => documents.has(rule)),
    correlations: set.correlations.filter((correlation) => documents.has(correlation)),
    linked: set.linked.filter(({ correlation }) => documents.has(correlation)),
  };
}

function dealt<T>(items: readonly T[], count: number): T[][] {
  return Array.from({ length: count }, (_, part) => items.filter((_item, i) => i % count === part));
}
