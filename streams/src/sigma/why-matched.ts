import { Evaluator } from './evaluator';
import type { SigmaExpression, SigmaPredicate } from './expression';
import type { Scalar } from './field-view';
import type { SigmaRecord } from './record';
import type { SigmaRule } from './rule';

/** A field value that a rule asked for and found; null where it asked for a missing field. */
export interface MatchedField {
  /** Name in the rule; `*` for a keyword. */
  readonly field: string;
  readonly value: Scalar | null;
}

/** Most values of one explanation. */
export const MATCHED_FIELDS_MAX = 16;
/** Longest text of one value, UTF-16 code units. */
const VALUE_LENGTH_MAX = 512;

/**
 * The field values that satisfied a rule, in the order of the rule, without repeats; empty when it does not match. What
 * a rule only rules out (`not`) leaves no value behind.
 */
export function whyMatched(rule: SigmaRule, record: SigmaRecord): MatchedField[] {
  const evaluator = new Evaluator();
  evaluator.load(record);
  const found = new Map<string, MatchedField>();
  for (const match of evidenceOf(rule.detection, evaluator) ?? []) {
    const key = JSON.stringify([match.field, match.value]);
    if (found.size < MATCHED_FIELDS_MAX) found.set(key, match);
  }
  return [...found.values()];
}

/** Evidence of an expression that holds; undefined when it does not. */
function evidenceOf(expression: SigmaExpression, evaluator: Evaluator): MatchedField[] | undefined {
  switch (expression.kind) {
    case 'not':
      return evidenceOf(expression.operand, evaluator) === undefined ? [] : undefined;
    case 'or': {
      for (const operand of expression.operands) {
        const evidence = evidenceOf(operand, evaluator);
        if (evidence !== undefined) return evidence;
      }
      return undefined;
    }
    case 'and': {
      const all: MatchedField[] = [];
      for (const operand of expression.operands) {
        const evidence = evidenceOf(operand, evaluator);
        if (evidence === undefined) return undefined;
        all.push(...evidence.slice(0, MATCHED_FIELDS_MAX));
      }
      return all;
    }
    default:
      return evaluator.compile(expression)() ? [valueOf(expression, evaluator)] : undefined;
  }
}

function valueOf(predicate: SigmaPredicate, evaluator: Evaluator): MatchedField {
  const { scalars } = evaluator.viewOf(predicate.field);
  const field = predicate.field ?? '*';
  const value = scalars.length === 1 ? scalars[0] : scalars.find((scalar) => isCause(predicate, scalar));
  if (value === undefined) return { field, value: null };
  return { field, value: typeof value === 'string' ? value.slice(0, VALUE_LENGTH_MAX).toWellFormed() : value };
}

/** True when one member of a list satisfies the predicate by itself. */
function isCause(predicate: SigmaPredicate, scalar: Scalar): boolean {
  if (predicate.kind === 'fieldref') return true;
  const alone = new Evaluator();
  const field = predicate.field ?? 'value';
  alone.load({ type: null, data: { [field]: scalar } });
  return alone.compile({ ...predicate, field } as SigmaPredicate)();
}
