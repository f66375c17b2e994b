import {
  conditionHolds,
  isTemporal,
  type CorrelationCondition,
  type MemberExpression,
  type SigmaCorrelation,
} from './correlation';
import type { CorrelationMember, LinkedCorrelation } from './correlation-links';
import { allOf } from './expression';
import { logReachOf } from './logsource-reach';
import { quote } from './problem';
import { wordsOf } from './predicate-words';
import type { SigmaLogsource, SigmaRule } from './rule';
import { contradictionsOf, smallestOf, type Contradiction } from './satisfiability';

/**
 * Why a rule finds nothing. `contradiction`: no record satisfies its condition. `unfed`: no event type and no kind of native
 * record belongs to its log source. `list`: only a record in which a field holds a list can satisfy it.
 */
export interface Silence {
  readonly kind: 'contradiction' | 'unfed' | 'list';
  /** What is wrong, for the author of the rule. */
  readonly reason: string;
}

/**
 * Why a rule can never fire, as far as that can be proven: a rule that some record makes fire gets no `contradiction`.
 *
 * @param eventTypes - all event types of Protego; undefined: the log source is left out of account
 */
export function silenceOf(rule: SigmaRule, eventTypes?: readonly string[]): Silence | undefined {
  const reach = eventTypes === undefined ? undefined : logReachOf(rule.logsource, eventTypes);
  const asked = reach?.certain === undefined ? rule.detection : allOf([rule.detection, reach.certain]);
  const isKnownSingle = (field: string): boolean => reach?.singleFields.has(field) ?? false;
  const proof = contradictionsOf(asked, { isSingle: isKnownSingle });
  if (proof !== undefined)
    return { kind: 'contradiction', reason: `no record satisfies the condition: ${wordsOfProof(proof)}` };
  if (reach?.isFed === false)
    return {
      kind: 'unfed',
      reason: `no event type of Protego and no kind of native record belongs to the log source (${logsourceWords(rule.logsource)})`,
    };
  const listProof = contradictionsOf(asked, { isSingle: () => true });
  return listProof === undefined
    ? undefined
    : {
        kind: 'list',
        reason: `only a record in which a field holds several values at once satisfies the condition: ${wordsOfProof(listProof)}`,
      };
}

/** Most fields that a reason names. */
const FIELDS_MAX = 4;

function wordsOfProof(contradictions: readonly Contradiction[]): string {
  const [first] = contradictions;
  if (first !== undefined && contradictions.length === 1) return wordsOfContradiction(first);
  const fields = [...new Set(contradictions.map(({ field }) => quote(field ?? 'any value')))];
  const more = fields.length > FIELDS_MAX ? ` and ${fields.length - FIELDS_MAX} more` : '';
  return `every way to satisfy it contradicts itself in ${fields.slice(0, FIELDS_MAX).join(', ')}${more}`;
}

function wordsOfContradiction(contradiction: Contradiction): string {
  const { wanted, ruledOut } = smallestOf(contradiction);
  const quoted = (predicates: Contradiction['wanted']): string =>
    predicates.map((each) => `\`${wordsOf(each)}\``).join(', ');
  const parts = [
    ...(wanted.length === 0 ? [] : [`it asks for ${quoted(wanted)}`]),
    ...(ruledOut.length === 0 ? [] : [`it rules out ${quoted(ruledOut)}`]),
  ];
  return parts.join(' and ');
}

function logsourceWords({ product, category, service }: SigmaLogsource): string {
  const parts = Object.entries({ product, category, service }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}: ${value}`],
  );
  return parts.length === 0 ? 'none is given' : parts.join(', ');
}

/**
 * Why a correlation can never fire, as far as that can be proven: too few of those that it is about can, or each group has
 * one value of what is counted. Counts that no events can reach are refused when it is read.
 *
 * @param isSilent - tells of a member whether it can never fire
 */
export function correlationSilenceOf(
  { correlation, members }: LinkedCorrelation,
  isSilent: (member: CorrelationMember) => boolean,
): string | undefined {
  const { type, condition, memberCondition } = correlation;
  const isLive = members.map((member) => !isSilent(member));
  const liveCount = isLive.filter(Boolean).length;
  if (liveCount === 0) return 'none of those that it is about can fire';
  if (memberCondition !== undefined)
    return canBe(memberCondition, true, isLive) ? undefined : 'its condition needs one that can never fire';
  if (isTemporal(type) && liveCount < members.length && !isCountReached(condition, liveCount))
    return `only ${liveCount} of the ${members.length} that it is about can fire`;
  if (hasOneValue(correlation) && !isCountReached(condition, 1))
    return 'each group has one value of the field that is counted, because `group-by` names it too, and the condition asks for more';
  return undefined;
}

/** False only when no matches of live members make the condition what is wanted. */
function canBe(expression: MemberExpression, isWanted: boolean, isLive: readonly boolean[]): boolean {
  if (expression.kind === 'member') return !isWanted || isLive[expression.member] === true;
  if (expression.kind === 'not') return canBe(expression.operand, !isWanted, isLive);
  const canOperandBe = (operand: MemberExpression): boolean => canBe(operand, isWanted, isLive);
  const isEach = (expression.kind === 'and') === isWanted;
  return isEach ? expression.operands.every(canOperandBe) : expression.operands.some(canOperandBe);
}

/** Fields that group have one value in each group. */
function hasOneValue({ type, fields, groupBy }: SigmaCorrelation): boolean {
  return type === 'value_count' && fields.every((field) => groupBy.includes(field));
}

function isCountReached(condition: CorrelationCondition, countMax: number): boolean {
  const counts = Array.from({ length: countMax }, (_, index) => index + 1);
  return counts.some((count) => conditionHolds(condition, (bound) => count - bound));
}
