export { ARBITRARY_RULE, arbitraryData } from './arbitrary-rules';
import { compileSigma } from '../rule-set';
import { SigmaMatcher } from '../matcher';
import type { SigmaRule } from '../rule';

/** Text of a rule with the given detection block, whose lines need no indentation of their own. */
export function ruleText(detection: string, rest = ''): string {
  const block = detection.replace(/^/gm, '  ');
  return `title: Test\nid: test\nlogsource:\n  product: windows\n${rest}detection:\n${block}\n`;
}

/** The single rule of a text; throws the first problem when there is one. */
export function onlyRule(text: string): SigmaRule {
  const { rules, problems } = compileSigma([{ path: 'rule.yml', text }]);
  const [rule] = rules;
  if (rule === undefined) throw new Error(JSON.stringify(problems));
  return rule;
}

/** True when a selection, given as lines of YAML, matches data; the log source is ignored. */
export function selectionMatches(selection: string, data: Record<string, unknown>): boolean {
  const rule = onlyRule(ruleText(`selection:\n${selection.replace(/^/gm, '  ')}\ncondition: selection`));
  return new SigmaMatcher([rule], { ignoreLogsource: true }).match({ type: null, data }).length > 0;
}
export { SIGN_IN_RULES } from './sign-in-rules';
