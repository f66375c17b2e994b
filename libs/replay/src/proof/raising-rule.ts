import type { Detection } from '@protego/contracts';
import {
  DETECTOR_RULES,
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

/** The one of {@link raisingRulesOf} that a detection names by its hash. */
export function raisingRuleOf(set: SigmaRuleSet, { ruleId, ruleHash }: Detection): RaisingRule | undefined {
  return raisingRulesOf(set, ruleId).find((raising) => contentHashOf(raising) === ruleHash);
}

/** Rules whose matches decide what a rule or correlation finds; none for a detector. */
export function rulesBehind(set: SigmaRuleSet, raising: RaisingRule): SigmaRule[] {
  if (raising.kind === 'detector') return [];
  return raising.kind === 'rule' ? [raising.rule] : [...new Set(membersOf(set, raising.correlation))].filter(isRule);
}

/** Paths of the files that hold a rule, its members on all levels, and the filters that are part of them. */
export function pathsBehind(set: SigmaRuleSet, raising: RaisingRule): Set<string> {
  if (raising.kind === 'detector') return new Set();
  const documents =
    raising.kind === 'rule' ? [raising.rule] : [raising.correlation, ...membersOf(set, raising.correlation)];
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
  // Late is what came after the watermark, and the watermark is what the others of that time make of it.
  if (raising.kind === 'rule')
    return timing === 'late' ? { kind: 'window', lookbackMs: 0, holdsBack: false } : { kind: 'none' };
  const { suppressMs } = raising.correlation;
  const lookbackMs = lookbackMsOf(set, raising.correlation) + suppressMs;
  return { kind: 'window', lookbackMs, holdsBack: suppressMs > 0 };
}

function lookbackMsOf(set: SigmaRuleSet, correlation: SigmaCorrelation): number {
  const below = directMembersOf(set, correlation).map((member) => (isRule(member) ? 0 : lookbackMsOf(set, member)));
  return 2 * correlation.timespanMs + Math.max(0, ...below);
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
