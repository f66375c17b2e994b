import type { CidrBlock } from './cidr';
import type { TextPattern } from './pattern';
import type { RegexFlag } from './regex';
import type { TextTest } from './text-test';
import type { TimePart } from './time-part';

/** What a rule asks of a record: a tree of predicates. Subtrees may be shared. */
export type SigmaExpression =
  | { readonly kind: 'and'; readonly operands: readonly SigmaExpression[] }
  | { readonly kind: 'or'; readonly operands: readonly SigmaExpression[] }
  | { readonly kind: 'not'; readonly operand: SigmaExpression }
  | SigmaPredicate;

/** One question about one field; `field` null asks about every value of the record (keywords). */
export type SigmaPredicate =
  | TextPredicate
  | RegexPredicate
  | NumberPredicate
  | BooleanPredicate
  | NullPredicate
  | ExistsPredicate
  | CidrPredicate
  | ComparePredicate
  | TimePartPredicate
  | FieldRefPredicate;

/** Any pattern covers the value. Patterns are in lower case unless `isCased`. */
export interface TextPredicate {
  readonly kind: 'text';
  readonly field: string | null;
  readonly patterns: readonly TextPattern[];
  readonly isCased: boolean;
}

/** The regular expression is found in the value. */
export interface RegexPredicate {
  readonly kind: 'regex';
  readonly field: string | null;
  readonly pattern: string;
  readonly flags: readonly RegexFlag[];
  readonly test: TextTest;
}

/** The value is this number, or text that spells it as the rule or as JSON does. */
export interface NumberPredicate {
  readonly kind: 'number';
  readonly field: string;
  readonly value: number;
  /** Spelling in the rule, lower case. */
  readonly text: string;
}

/** The value is this boolean, or text that spells it. */
export interface BooleanPredicate {
  readonly kind: 'boolean';
  readonly field: string;
  readonly value: boolean;
}

/** The field is missing or null. */
export interface NullPredicate {
  readonly kind: 'null';
  readonly field: string;
}

/** The field is there (null counts), or is not. */
export interface ExistsPredicate {
  readonly kind: 'exists';
  readonly field: string;
  readonly isWanted: boolean;
}

/** The value is an address in the block. */
export interface CidrPredicate {
  readonly kind: 'cidr';
  readonly field: string;
  readonly block: CidrBlock;
}

/** Order of numbers. */
export type CompareOperator = 'lt' | 'lte' | 'gt' | 'gte';

/** The value is a number, or text that spells one, on the right side of the bound. */
export interface ComparePredicate {
  readonly kind: 'compare';
  readonly field: string;
  readonly operator: CompareOperator;
  readonly bound: number;
  /** The bound as the rule spells it, where a double cannot hold it. */
  readonly exactBound?: string;
}

/** A part of the time that the value spells equals the bound, or lies on the right side of it. */
export interface TimePartPredicate {
  readonly kind: 'time-part';
  readonly field: string;
  readonly part: TimePart;
  readonly operator: CompareOperator | 'eq';
  readonly bound: number;
}

/** Where a text stands in another. */
export type TextPlace = 'equals' | 'startswith' | 'endswith' | 'contains';

/** The value equals, begins with, ends with or contains the value of another field. */
export interface FieldRefPredicate {
  readonly kind: 'fieldref';
  readonly field: string;
  readonly otherField: string;
  readonly place: TextPlace;
  readonly isCased: boolean;
}

/** All operands hold. There must be at least one. */
export function allOf(operands: readonly SigmaExpression[]): SigmaExpression {
  return combine('and', operands);
}

/** At least one operand holds. There must be at least one. */
export function anyOf(operands: readonly SigmaExpression[]): SigmaExpression {
  return combine('or', operands);
}

/** The operand does not hold. */
export function negate(operand: SigmaExpression): SigmaExpression {
  return operand.kind === 'not' ? operand.operand : { kind: 'not', operand };
}

function combine(kind: 'and' | 'or', operands: readonly SigmaExpression[]): SigmaExpression {
  const flat = operands.flatMap((operand) => (operand.kind === kind ? operand.operands : [operand]));
  const [only] = flat;
  return flat.length === 1 && only !== undefined ? only : { kind, operands: flat };
}
