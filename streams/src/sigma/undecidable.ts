import type { IsErased } from './erased-fields';
import type { Evaluator, RecordTest } from './evaluator';
import type { SigmaExpression, SigmaPredicate } from './expression';

/** True, false, or undefined where the answer hangs on an erased value (Kleene's strong logic of three values). */
export type Verdict = boolean | undefined;
/** A test that knows what it cannot know. */
export type VerdictTest = (isErased: IsErased) => Verdict;

/** Compiles an expression into a test with three answers, about the record that the evaluator is loaded with. */
export function compileVerdict(expression: SigmaExpression, evaluator: Evaluator): VerdictTest {
  switch (expression.kind) {
    case 'not': {
      const test = compileVerdict(expression.operand, evaluator);
      return (isErased) => {
        const verdict = test(isErased);
        return verdict === undefined ? undefined : !verdict;
      };
    }
    case 'and':
    case 'or': {
      const tests = expression.operands.map((operand) => compileVerdict(operand, evaluator));
      return joined(tests, expression.kind === 'or');
    }
    default:
      return predicateVerdict(expression, evaluator.compile(expression));
  }
}

/** Names of the fields that an expression asks about; `*` for keywords. Each once, in the order of the rule. */
export function fieldsOf(expression: SigmaExpression): string[] {
  if (expression.kind === 'not') return fieldsOf(expression.operand);
  if (expression.kind === 'and' || expression.kind === 'or')
    return [...new Set(expression.operands.flatMap((operand) => fieldsOf(operand)))];
  return readBy(expression).map((field) => field ?? '*');
}

function joined(tests: readonly VerdictTest[], settling: boolean): VerdictTest {
  return (isErased) => {
    let verdict: Verdict = !settling;
    for (const test of tests) {
      const next = test(isErased);
      if (next === settling) return settling;
      if (next === undefined) verdict = undefined;
    }
    return verdict;
  };
}

function predicateVerdict(predicate: SigmaPredicate, test: RecordTest): VerdictTest {
  // A pseudonym shows that there was a value.
  if (predicate.kind === 'exists' || predicate.kind === 'null') return () => test();
  const fields = readBy(predicate);
  // What one value of the record satisfies is satisfied, whatever the erased ones were.
  if (predicate.field === null) return (isErased) => test() || (isErased(null) ? undefined : false);
  return (isErased) => (fields.some(isErased) ? undefined : test());
}

function readBy(predicate: SigmaPredicate): (string | null)[] {
  return predicate.kind === 'fieldref' ? [predicate.field, predicate.otherField] : [predicate.field];
}
