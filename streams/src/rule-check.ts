import { eventRegistry } from '@protego/contracts';
import { runRuleCase, type CheckEvent } from './rule-case-run';
import type { SigmaCorrelation } from './sigma/correlation';
import { correlationSilenceOf, silenceOf, type Silence } from './sigma/never-fires';
import type { LinkedCorrelation } from './sigma/correlation-links';
import { warningAt, type SigmaProblem } from './sigma/problem';
import type { SigmaRule } from './sigma/rule';
import { parseRuleCases } from './sigma/rule-cases';
import type { SigmaRuleSet } from './sigma/rule-set';

/** What a check found out about one rule or correlation that compiles. */
export interface DocumentCheck {
  readonly document: SigmaRule | SigmaCorrelation;
  /** Cases that were run. */
  readonly caseCount: number;
  /** Cases that cannot be read (`SIGMA_CASE_INVALID`) or do not hold (`SIGMA_CASE_FAILED`). */
  readonly caseProblems: readonly SigmaProblem[];
  /** `SIGMA_NEVER_FIRES`: the document can never fire, whatever the events. */
  readonly neverFires?: SigmaProblem;
  /** `SIGMA_LIST_NEEDED`, `SIGMA_LOGSOURCE_UNFED`, `SIGMA_CASES_MISSING`. */
  readonly warnings: readonly SigmaProblem[];
}

const SILENCE_CODES = {
  contradiction: 'SIGMA_NEVER_FIRES',
  list: 'SIGMA_LIST_NEEDED',
  unfed: 'SIGMA_LOGSOURCE_UNFED',
} as const satisfies Record<Silence['kind'], SigmaProblem['code']>;

/**
 * Checks every rule and correlation of a set, one at a time: runs its cases and looks for reasons why it can never fire.
 *
 * @param checkEvent - throws a ProtegoError on an event of a case that does not satisfy the schema of its type
 */
export function* checkRules(set: SigmaRuleSet, checkEvent: CheckEvent): Generator<DocumentCheck> {
  const eventTypes = [...new Set(eventRegistry.all().map(({ type }) => type))];
  const silent = new Set<SigmaRule | SigmaCorrelation>();
  const linkOf = new Map(set.linked.map((link) => [link.correlation, link]));
  // A rule that a correlation is about is tried by the cases of that correlation too.
  const tried = new Set(
    set.linked.flatMap(({ correlation, members }) => (correlation.cases === undefined ? [] : members)),
  );
  const lacksCases = (document: SigmaRule | SigmaCorrelation): boolean =>
    document.cases === undefined && !tried.has(document);
  for (const document of [...set.rules, ...set.correlations]) {
    const link = document.kind === 'correlation' ? linkOf.get(document) : undefined;
    const found =
      document.kind === 'rule' ? ruleSilence(document, eventTypes) : link && correlationSilence(link, silent);
    const isDead = found?.code === 'SIGMA_NEVER_FIRES';
    if (isDead) silent.add(document);
    yield {
      document,
      ...runCases(set, document, checkEvent),
      ...(found !== undefined && isDead ? { neverFires: found } : {}),
      warnings: [
        ...(found === undefined || isDead ? [] : [found]),
        ...(lacksCases(document) ? [warningAt('SIGMA_CASES_MISSING', 'the rule has no cases', document.at)] : []),
      ],
    };
  }
}

function ruleSilence(rule: SigmaRule, eventTypes: readonly string[]): SigmaProblem | undefined {
  const silence = silenceOf(rule, eventTypes);
  return silence === undefined ? undefined : warningAt(SILENCE_CODES[silence.kind], silence.reason, rule.at);
}

function correlationSilence(
  link: LinkedCorrelation,
  silent: ReadonlySet<SigmaRule | SigmaCorrelation>,
): SigmaProblem | undefined {
  const reason = correlationSilenceOf(link, (member) => silent.has(member));
  return reason === undefined ? undefined : warningAt('SIGMA_NEVER_FIRES', reason, link.correlation.at);
}

function runCases(
  set: SigmaRuleSet,
  document: SigmaRule | SigmaCorrelation,
  checkEvent: CheckEvent,
): Pick<DocumentCheck, 'caseCount' | 'caseProblems'> {
  const { cases, problems } = parseRuleCases(document);
  const failed = cases.flatMap((ruleCase) => runRuleCase(set, document, ruleCase, checkEvent) ?? []);
  return { caseCount: cases.length, caseProblems: [...problems, ...failed] };
}
