import type { Detection } from '@protego/contracts';
import {
  DETECTOR_RULES,
  type PipelineArtefacts,
  type RuleIdentity,
  type SigmaCorrelation,
  type SigmaRule,
  type SigmaRuleSet,
} from '@protego/streams';

/** What raised a detection. */
export type RaisingRule =
  | { readonly kind: 'rule'; readonly rule: SigmaRule }
  | { readonly kind: 'correlation'; readonly correlation: SigmaCorrelation }
  | { readonly kind: 'detector'; readonly detector: RuleIdentity };

/** What of the past, before its contributing events, decides what a rule finds. */
export type HistoryNeed =
  /** Nothing: each event is judged by itself. */
  | { readonly kind: 'none' }
  /**
   * Only what happened in the last `lookbackMs`; where the rule holds detections back (`suppress`), only as long as none
   * was held back.
   */
  | { readonly kind: 'window'; readonly lookbackMs: number; readonly holdsBack: boolean }
  /** All since its session began: the detector learns. */
  | { readonly kind: 'session' };

/** What decides whether an event is late: it came after the watermark, and that is what the others of its time make of it. */
export const TIMING_NEED: Extract<HistoryNeed, { kind: 'window' }> = {
  kind: 'window',
  lookbackMs: 0,
  holdsBack: false,
};

/** The documents of an id that a rule set holds, or the detector of that name: those that can raise under it. */
export function raisingRulesOf(set: SigmaRuleSet, ruleId: string): RaisingRule[] {
  return [
    ...set.rules.filter(({ id }) => id === ruleId).map((rule) => ({ kind: 'rule' as const, rule })),
    ...set.correlations
      .filter(({ id }) => id === ruleId)
      .map((correlation) => ({ kind: 'correlation' as const, correlation })),
    ...DETECTOR_RULES.filter(({ id }) => id === ruleId).map((detector) => ({ kind: 'detector' as const, detector })),
  ];
}

/** SHA-256 (hex) of what a rule or detector is. */
export function contentHashOf(raising: RaisingRule): string {
  if (raising.kind === 'rule') return raising.rule.contentHash;
  return raising.kind === 'correlation' ? raising.correlation.contentHash : raising.detector.contentHash;
}

/** The one of {@link raisingRulesOf} that a detection names by its hash; of equal ones, one whose matches no other takes. */
export function raisingRuleOf(set: SigmaRuleSet, { ruleId, ruleHash }: Detection): RaisingRule | undefined {
  const named = raisingRulesOf(set, ruleId).filter((raising) => contentHashOf(raising) === ruleHash);
  return named.find((raising) => takerOf(set, raising) === undefined) ?? named[0];
}

/** A correlation that takes what a rule or correlation finds for itself: that raises nothing of its own then. */
export function takerOf(set: SigmaRuleSet, raising: RaisingRule): SigmaCorrelation | undefined {
  if (raising.kind === 'detector') return undefined;
  const document = raising.kind === 'rule' ? raising.rule : raising.correlation;
  return set.linked.find(({ correlation, members }) => !correlation.generate && members.includes(document))
    ?.correlation;
}

/** Only what decides what a rule or detector finds: a pipeline of it finds the same, and asks nothing else. */
export function artefactsBehind(artefacts: PipelineArtefacts, raising: RaisingRule): PipelineArtefacts {
  const { rules: set } = artefacts;
  const documents = new Set<SigmaRule | SigmaCorrelation>(raising.kind === 'detector' ? [] : documentsOf(set, raising));
  const rules: SigmaRuleSet = {
    ...set,
    rules: set.rules.filter((rule) => documents.has(rule)),
    correlations: set.correlations.filter((correlation) => documents.has(correlation)),
    linked: set.linked.filter(({ correlation }) => documents.has(correlation)),
  };
  return { ...artefacts, rules, detectors: raising.kind === 'detector' ? [raising.detector.id] : [] };
}

/** Rules whose matches decide what a rule or correlation finds; none for a detector. */
export function rulesBehind(set: SigmaRuleSet, raising: RaisingRule): SigmaRule[] {
  if (raising.kind === 'detector') return [];
  return raising.kind === 'rule' ? [raising.rule] : [...new Set(membersOf(set, raising.correlation))].filter(isRule);
}

/** Paths of the files that hold a rule, its members on all levels, and the filters that are part of them. */
export function pathsBehind(set: SigmaRuleSet, raising: RaisingRule): Set<string> {
  if (raising.kind === 'detector') return new Set();
  const documents = documentsOf(set, raising);
  const paths = new Set(documents.map(({ path }) => path));
  const filters = new Set(documents.filter(isRule).flatMap((rule) => (rule.filters ?? []).map(({ id }) => id)));
  for (const { id, path } of set.filters) if (filters.has(id)) paths.add(path);
  return paths;
}

/**
 * What of the past a rule needs.
 *
 * A correlation of time span T tells when its condition turns true. Where all events of the last T are known, so is the
 * measure of its window; whether the condition was told already hangs on the event of the group before that one, and it
 * lies less than T back, or else the window was empty, and no condition holds for an empty window. So 2 T decide. Below a
 * chain the same holds for each link; and where detections are held back, for as long as that lasts.
 */
export function historyNeedOf(set: SigmaRuleSet, raising: RaisingRule, { timing }: Detection): HistoryNeed {
  if (raising.kind === 'detector') return { kind: 'session' };
  if (raising.kind === 'rule') return timing === 'late' ? TIMING_NEED : { kind: 'none' };
  const links = documentsOf(set, raising).filter((document) => !isRule(document));
  const holdsBack = links.some(({ suppressMs }) => suppressMs > 0);
  return { kind: 'window', lookbackMs: lookbackMsOf(set, raising.correlation), holdsBack };
}

function lookbackMsOf(set: SigmaRuleSet, correlation: SigmaCorrelation): number {
  const below = directMembersOf(set, correlation).map((member) => (isRule(member) ? 0 : lookbackMsOf(set, member)));
  return 2 * correlation.timespanMs + correlation.suppressMs + Math.max(0, ...below);
}

function documentsOf(
  set: SigmaRuleSet,
  raising: Exclude<RaisingRule, { kind: 'detector' }>,
): (SigmaRule | SigmaCorrelation)[] {
  return raising.kind === 'rule' ? [raising.rule] : [raising.correlation, ...membersOf(set, raising.correlation)];
}

function directMembersOf(set: SigmaRuleSet, correlation: SigmaCorrelation): readonly (SigmaRule | SigmaCorrelation)[] {
  return set.linked.find((linked) => linked.correlation === correlation)?.members ?? [];
}

function membersOf(set: SigmaRuleSet, correlation: SigmaCorrelation): (SigmaRule | SigmaCorrelation)[] {
  return directMembersOf(set, correlation).flatMap((member) =>
    isRule(member) ? [member] : [member, ...membersOf(set, member)],
  );
}

const isRule = (document: SigmaRule | SigmaCorrelation): document is SigmaRule => document.kind === 'rule';
