import { allOf, anyOf, negate, type SigmaExpression, type SigmaPredicate } from '../expression';

/** Answers a predicate that has one answer for all records of a route; undefined for others. */
export type FixedAnswer = (predicate: SigmaPredicate) => boolean | undefined;

/** An expression without the predicates that are answered already; true or false when nothing is left of it. */
export function foldFixed(expression: SigmaExpression, answer: FixedAnswer): SigmaExpression | boolean {
  if (expression.kind === 'not') {
    const operand = foldFixed(expression.operand, answer);
    if (typeof operand === 'boolean') return !operand;
    return operand === expression.operand ? expression : negate(operand);
  }
  if (expression.kind !== 'and' && expression.kind !== 'or') return answer(expression) ?? expression;
  const settling = expression.kind === 'or';
  const left: SigmaExpression[] = [];
  let isSame = true;
  for (const operand of expression.operands) {
    const folded = foldFixed(operand, answer);
    if (folded === settling) return settling;
    if (typeof folded !== 'boolean') left.push(folded);
    isSame &&= folded === operand;
  }
  if (isSame) return expression;
  if (left.length === 0) return !settling;
  return settling ? anyOf(left) : allOf(left);
}
