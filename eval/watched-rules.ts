import { BUDGET_DEFAULT, DETECTOR_RULES, type SigmaRuleSet } from '@protego/streams';
import { silentDocumentsOf } from './rule-coverage';

/** A rule, correlation or detector that is evaluated. */
export interface WatchedRule {
  readonly id: string;
  /** For a person: the name of the rule, or what it is called. */
  readonly name: string;
  readonly kind: 'rule' | 'correlation' | 'detector';
  /** False where a correlation over it takes what it finds. */
  readonly raises: boolean;
  /** Detections per ward and week. */
  readonly budgetPerWardWeek: number;
}

/** All that is shipped to find attacks. */
export function watchedRulesOf(set: SigmaRuleSet): WatchedRule[] {
  const silent = new Set(silentDocumentsOf(set).map(({ id }) => id));
  const documents = [...set.rules, ...set.correlations].map(({ id, name, title, kind, budgetPerWardWeek }) => ({
    id,
    name: name ?? title,
    kind,
    raises: !silent.has(id),
    budgetPerWardWeek: budgetPerWardWeek ?? BUDGET_DEFAULT,
  }));
  const detectors = DETECTOR_RULES.map(({ id, budgetPerWardWeek }) => ({
    id,
    name: id,
    kind: 'detector' as const,
    raises: true,
    budgetPerWardWeek: budgetPerWardWeek ?? BUDGET_DEFAULT,
  }));
  return [...documents, ...detectors];
}
