import { isInCidr } from './cidr';
import { compareDecimals, decimalOf, decimalOfText, type Decimal } from './exact-decimal';
import { Evaluator } from './evaluator';
import type { CompareOperator, ComparePredicate, SigmaPredicate, TextPredicate, TimePartPredicate } from './expression';
import type { Scalar } from './field-view';
import { canMeet, isCoveredBy } from './pattern-algebra';
import { ANY_TEXT, foldPattern, literalOf, type TextPattern } from './pattern';
import type { TimePart } from './time-part';

/** What is claimed of one field: predicates that hold and predicates that do not. */
export interface FieldClaims {
  readonly wanted: readonly SigmaPredicate[];
  readonly ruledOut: readonly SigmaPredicate[];
}

/**
 * True only when no value of a field satisfies the claims. False may also mean: not found out.
 *
 * @param isSingle - the field holds one value, never a list, of which each wanted predicate could take another member
 */
export function isContradictory({ wanted, ruledOut }: FieldClaims, isSingle: boolean): boolean {
  if (!isPresencePossible(wanted, ruledOut)) return true;
  const values = wanted.filter(isAboutValue);
  const against = ruledOut.filter(isAboutValue);
  if (values.some((predicate) => isImpossible(predicate, against))) return true;
  return isSingle && values.length > 1 && isImpossibleTogether(values, against);
}

function isAboutValue(predicate: SigmaPredicate): boolean {
  return predicate.kind !== 'null' && predicate.kind !== 'exists';
}

/** A field is missing, null, an object or empty list, or has a value. */
type Presence = 'missing' | 'null' | 'empty' | 'value';
const PRESENCES: readonly Presence[] = ['missing', 'null', 'empty', 'value'];

function isPresencePossible(wanted: readonly SigmaPredicate[], ruledOut: readonly SigmaPredicate[]): boolean {
  return PRESENCES.some(
    (presence) =>
      wanted.every((predicate) => mayHold(predicate, presence)) &&
      ruledOut.every((predicate) => isAboutValue(predicate) || !mayHold(predicate, presence)),
  );
}

function mayHold(predicate: SigmaPredicate, presence: Presence): boolean {
  if (predicate.kind === 'exists') return (presence !== 'missing') === predicate.isWanted;
  if (predicate.kind === 'null') return presence === 'missing' || presence === 'null';
  return presence === 'value';
}

/** No single value satisfies the predicate and none of those against it. */
function isImpossible(predicate: SigmaPredicate, against: readonly SigmaPredicate[]): boolean {
  if (against.some((other) => isAnyText(other) || isSame(other, predicate))) return true;
  switch (predicate.kind) {
    case 'text':
      return predicate.patterns.every((pattern) => isPatternImpossible(predicate, pattern, [], against));
    case 'number':
    case 'boolean':
      return !canAnyHold(candidatesOf(predicate), [], against);
    case 'cidr':
      return against.some(
        (other) =>
          other.kind === 'cidr' &&
          other.block.prefixBits <= predicate.block.prefixBits &&
          isInCidr(predicate.block.bytes, other.block),
      );
    case 'compare':
      return isRangeEmpty([predicate], against);
    case 'time-part':
      return isTimeImpossible(predicate.part, [predicate], against);
    default:
      return false;
  }
}

function isPatternImpossible(
  predicate: TextPredicate,
  pattern: TextPattern,
  others: readonly SigmaPredicate[],
  against: readonly SigmaPredicate[],
): boolean {
  const literal = literalOf(pattern);
  if (literal !== undefined) return !canAnyHold(spellingsOf(literal, predicate.isCased), others, against);
  return against.some((other) => other.kind === 'text' && covers(other, pattern, predicate.isCased));
}

/** No single value satisfies all that is wanted. */
function isImpossibleTogether(wanted: readonly SigmaPredicate[], against: readonly SigmaPredicate[]): boolean {
  const isRuledOut = wanted.some((predicate) => {
    const others = wanted.filter((other) => other !== predicate);
    if (predicate.kind === 'number' || predicate.kind === 'boolean')
      return !canAnyHold(candidatesOf(predicate), others, against);
    return (
      predicate.kind === 'text' &&
      predicate.patterns.every((pattern) => {
        return (
          isPatternImpossible(predicate, pattern, others, against) ||
          others.some((other) => other.kind === 'text' && !canMeetAny(other, pattern, predicate.isCased))
        );
      })
    );
  });
  return isRuledOut || isRangeEmpty(wanted, against) || areTimesImpossible(wanted, against) || areBlocksApart(wanted);
}

function areBlocksApart(wanted: readonly SigmaPredicate[]): boolean {
  const blocks = wanted.flatMap((predicate) => (predicate.kind === 'cidr' ? [predicate.block] : []));
  return blocks.some((block) =>
    blocks.some((other) => {
      const [wide, narrow] = block.prefixBits <= other.prefixBits ? [block, other] : [other, block];
      return !isInCidr(narrow.bytes, wide);
    }),
  );
}

/** Values that a predicate accepts. */
interface Candidates {
  readonly values: readonly Scalar[];
  /** `all`: no other value; `any-case`: these in other upper and lower case too; `unknown`: who knows what else. */
  readonly extent: 'all' | 'any-case' | 'unknown';
}

function candidatesOf(predicate: SigmaPredicate): Candidates {
  if (predicate.kind === 'boolean') return spellingsOf(String(predicate.value), false);
  if (predicate.kind !== 'number') return { values: [], extent: 'unknown' };
  const { value, text } = predicate;
  const extent = hasLetters(text) ? 'any-case' : 'all';
  return { values: [value, String(value).toLowerCase(), text], extent };
}

/** All values whose text is the literal. */
function spellingsOf(literal: string, isCased: boolean): Candidates {
  const number = Number(literal);
  const isNumber = String(number) === literal;
  const isBoolean = literal === 'true' || literal === 'false';
  const values: Scalar[] = [literal, ...(isNumber ? [number] : []), ...(isBoolean ? [literal === 'true'] : [])];
  if (isCased) return { values, extent: 'all' };
  if (literal.toLowerCase() !== literal || ['infinity', '-infinity', 'nan'].includes(literal))
    return { values, extent: 'unknown' };
  return { values, extent: hasLetters(literal) ? 'any-case' : 'all' };
}

/** True for a text that other upper and lower case may change. */
function hasLetters(text: string): boolean {
  return !/^[^A-Za-z\u0080-\uffff]*$/.test(text);
}

/** False only when none of the values, in whatever case their extent allows, satisfies the claims. */
function canAnyHold(
  { values, extent }: Candidates,
  wanted: readonly SigmaPredicate[],
  against: readonly SigmaPredicate[],
): boolean {
  if (extent === 'unknown') return true;
  const isAsked = extent === 'all' ? isAboutOneField : isBlindToCase;
  const asked = wanted.filter(isAsked);
  const askedNot = against.filter(isAsked);
  return values.some(
    (value) => asked.every((other) => holds(other, value)) && !askedNot.some((other) => holds(other, value)),
  );
}

function isAboutOneField(predicate: SigmaPredicate): boolean {
  return predicate.kind !== 'fieldref';
}

/** True for predicates that answer alike about a text in upper and in lower case. */
function isBlindToCase(predicate: SigmaPredicate): boolean {
  switch (predicate.kind) {
    case 'text':
      return !predicate.isCased;
    case 'number':
      return !hasLetters(String(predicate.value));
    case 'regex':
    case 'fieldref':
      return false;
    default:
      return true;
  }
}

const tests = new WeakMap<SigmaPredicate, (value: Scalar) => boolean>();

function holds(predicate: SigmaPredicate, value: Scalar): boolean {
  let test = tests.get(predicate);
  if (test === undefined) {
    const evaluator = new Evaluator();
    const compiled = evaluator.compile({ ...predicate, field: 'value' } as SigmaPredicate);
    test = (scalar) => {
      evaluator.load({ type: null, data: { value: scalar } });
      return compiled();
    };
    tests.set(predicate, test);
  }
  return test(value);
}

const keys = new WeakMap<SigmaPredicate, string>();

/** Names what a predicate asks: equal keys, equal answers. */
export function keyOf(predicate: SigmaPredicate): string {
  const known = keys.get(predicate) ?? JSON.stringify(predicate);
  keys.set(predicate, known);
  return known;
}

function isSame(left: SigmaPredicate, right: SigmaPredicate): boolean {
  return left.kind === right.kind && keyOf(left) === keyOf(right);
}

/** True for a predicate that every value satisfies. */
function isAnyText(predicate: SigmaPredicate): boolean {
  return predicate.kind === 'text' && predicate.patterns.some((each) => each.length === 1 && each[0] === ANY_TEXT);
}

function covers({ patterns, isCased }: TextPredicate, pattern: TextPattern, isPatternCased: boolean): boolean {
  if (isCased === isPatternCased) return patterns.some((wider) => isCoveredBy(pattern, wider));
  const lowered = isCased ? undefined : loweredPattern(pattern);
  return lowered !== undefined && patterns.some((wider) => isCoveredBy(lowered, wider));
}

function canMeetAny({ patterns, isCased }: TextPredicate, pattern: TextPattern, isPatternCased: boolean): boolean {
  return patterns.some((other) => {
    if (isCased === isPatternCased) return canMeet(pattern, other);
    const lowered = loweredPattern(isCased ? other : pattern);
    return lowered === undefined || canMeet(lowered, isCased ? pattern : other);
  });
}

/** Covers the lower case of all that a cased pattern covers; undefined where lower case has its own ways. */
function loweredPattern(pattern: TextPattern): TextPattern | undefined {
  const isAscii = pattern.every((part) => typeof part !== 'string' || !/[\u0080-\uffff]/.test(part));
  return isAscii ? foldPattern(pattern) : undefined;
}

/** Values that are numbers, as all that `lt`, `lte`, `gt` and `gte` accept are. */
function isRangeEmpty(wanted: readonly SigmaPredicate[], against: readonly SigmaPredicate[]): boolean {
  const isCompare = (predicate: SigmaPredicate): predicate is ComparePredicate => predicate.kind === 'compare';
  const orders = [
    ...wanted.filter(isCompare),
    ...against.filter(isCompare).map((each) => ({ ...each, operator: OPPOSITES[each.operator] })),
  ];
  if (!wanted.some(isCompare)) return false;
  return orders.some((low) =>
    orders.some(
      (high) =>
        (low.operator === 'gt' || low.operator === 'gte') &&
        (high.operator === 'lt' || high.operator === 'lte') &&
        isNothingBetween(low, high),
    ),
  );
}

/** Neither a number, which a double holds, nor a text that spells one lies on the right side of both bounds. */
function isNothingBetween(low: ComparePredicate, high: ComparePredicate): boolean {
  if (low.bound !== high.bound) return low.bound > high.bound;
  if (low.operator !== 'gt' && high.operator !== 'lt') return false;
  return compareDecimals(exactBoundOf(low), exactBoundOf(high)) >= 0;
}

function exactBoundOf({ bound, exactBound }: ComparePredicate): Decimal {
  return (exactBound === undefined ? undefined : decimalOfText(exactBound)) ?? decimalOf(bound);
}

const OPPOSITES: Readonly<Record<CompareOperator, CompareOperator>> = { lt: 'gte', lte: 'gt', gt: 'lte', gte: 'lt' };

/** First and last value of each part. */
const PART_RANGES: Readonly<Record<TimePart, readonly [first: number, last: number]>> = {
  minute: [0, 59],
  hour: [0, 23],
  day: [1, 31],
  week: [1, 53],
  month: [1, 12],
  year: [0, 9999],
};

function areTimesImpossible(wanted: readonly SigmaPredicate[], against: readonly SigmaPredicate[]): boolean {
  const parts = new Set(wanted.flatMap((predicate) => (predicate.kind === 'time-part' ? [predicate.part] : [])));
  return [...parts].some((part) => isTimeImpossible(part, wanted, against));
}

/** No part of a time satisfies the claims about this part of it. */
function isTimeImpossible(
  part: TimePart,
  wanted: readonly SigmaPredicate[],
  against: readonly SigmaPredicate[],
): boolean {
  const isAboutPart = (predicate: SigmaPredicate): predicate is TimePartPredicate =>
    predicate.kind === 'time-part' && predicate.part === part;
  const asked = wanted.filter(isAboutPart);
  const askedNot = against.filter(isAboutPart);
  const [first, last] = PART_RANGES[part];
  for (let value = first; value <= last; value++) {
    if (asked.every((each) => isPart(each, value)) && !askedNot.some((each) => isPart(each, value))) return false;
  }
  return true;
}

function isPart({ operator, bound }: TimePartPredicate, value: number): boolean {
  switch (operator) {
    case 'eq':
      return value === bound;
    case 'lt':
      return value < bound;
    case 'lte':
      return value <= bound;
    case 'gt':
      return value > bound;
    case 'gte':
      return value >= bound;
  }
}
