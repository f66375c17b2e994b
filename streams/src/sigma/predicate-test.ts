import { isInCidr, parseIpAddress } from './cidr';
import type {
  CompareOperator,
  ComparePredicate,
  FieldRefPredicate,
  NumberPredicate,
  SigmaPredicate,
  TextPlace,
  TextPredicate,
  TimePartPredicate,
} from './expression';
import { compareDecimals, decimalOf, decimalOfText, isRounded } from './exact-decimal';
import type { FieldView, Scalar } from './field-view';
import { asksForSigma } from './letter-case';
import { textTest, type TextTest } from './text-test';
import { timePartOf } from './time-part';

/** Decides about the field that a view is loaded with. */
export type ViewTest = (view: FieldView) => boolean;

/**
 * The test of a predicate. A missing field and null are the same to all but `exists`, and satisfy only `null`. A list
 * satisfies what any member satisfies.
 *
 * @param viewOf - gives the view of the other field of a `fieldref`, loaded
 */
export function predicateTest(predicate: SigmaPredicate, viewOf: (field: string) => FieldView): ViewTest {
  switch (predicate.kind) {
    case 'text':
      return textPredicateTest(predicate);
    case 'regex':
      return anyText(predicate.test);
    case 'number':
      return numberTest(predicate);
    case 'boolean':
      return anyLowered((text) => text === String(predicate.value));
    case 'null':
      return ({ raw }) => raw === undefined || raw === null;
    case 'exists':
      return ({ raw }) => (raw !== undefined) === predicate.isWanted;
    case 'cidr':
      return anyText((text) => {
        const address = parseIpAddress(text);
        return address !== undefined && isInCidr(address, predicate.block);
      });
    case 'compare':
      return compareTest(predicate);
    case 'time-part':
      return timePartTest(predicate);
    case 'fieldref':
      return fieldRefTest(predicate, viewOf);
  }
}

function textPredicateTest({ patterns, isCased }: TextPredicate): ViewTest {
  const test = textTest(patterns, isCased);
  if (isCased) return anyText(test);
  const isFolded = patterns.some((pattern) => pattern.some((part) => typeof part === 'string' && asksForSigma(part)));
  return isFolded ? anyFolded(test) : anyLowered(test);
}

function anyText(test: TextTest): ViewTest {
  return (view) => {
    for (const text of view.texts) if (test(text)) return true;
    return false;
  };
}

function anyLowered(test: TextTest): ViewTest {
  return (view) => {
    for (const text of view.lowered) if (test(text)) return true;
    return false;
  };
}

function anyFolded(test: TextTest): ViewTest {
  return (view) => {
    for (const text of view.folded) if (test(text)) return true;
    return false;
  };
}

function anyScalar(test: (scalar: Scalar) => boolean): ViewTest {
  return (view) => {
    for (const scalar of view.scalars) if (test(scalar)) return true;
    return false;
  };
}

function numberTest({ value, text }: NumberPredicate): ViewTest {
  // Where a double cannot hold what the rule says, its spelling is that of another number.
  const canonical = isRounded(text, value) ? text : String(value).toLowerCase();
  return anyScalar((scalar) => {
    if (typeof scalar === 'number') return scalar === value;
    if (typeof scalar !== 'string') return false;
    return scalar === canonical || scalar.toLowerCase() === text;
  });
}

const COMPARE: Readonly<Record<CompareOperator, (value: number, bound: number) => boolean>> = {
  lt: (value, bound) => value < bound,
  lte: (value, bound) => value <= bound,
  gt: (value, bound) => value > bound,
  gte: (value, bound) => value >= bound,
};
const NUMBER_TEXT = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

/** So many characters spell numbers that doubles tell apart. */
const EXACT_LENGTH_MAX = 15;

function compareTest({ operator, bound, exactBound }: ComparePredicate): ViewTest {
  const compare = COMPARE[operator];
  const exact = exactBound === undefined ? decimalOf(bound) : decimalOfText(exactBound);
  return anyScalar((scalar) => {
    if (typeof scalar === 'number') return compare(scalar, bound);
    if (typeof scalar !== 'string' || !NUMBER_TEXT.test(scalar)) return false;
    const value = Number(scalar);
    // Rounding keeps the order, so that only numbers that became equal need another look.
    if (value !== bound || (scalar.length <= EXACT_LENGTH_MAX && exactBound === undefined))
      return compare(value, bound);
    const decimal = decimalOfText(scalar);
    return compare(decimal === undefined || exact === undefined ? 0 : compareDecimals(decimal, exact), 0);
  });
}

function timePartTest({ part, operator, bound }: TimePartPredicate): ViewTest {
  return anyText((text) => {
    const value = timePartOf(text, part);
    return value !== undefined && (operator === 'eq' ? value === bound : COMPARE[operator](value, bound));
  });
}

const PLACES: Readonly<Record<TextPlace, (text: string, other: string) => boolean>> = {
  equals: (text, other) => text === other,
  startswith: (text, other) => text.startsWith(other),
  endswith: (text, other) => text.endsWith(other),
  contains: (text, other) => text.includes(other),
};

/** Most pairs of members of two lists that one question looks at. */
const PAIRS_MAX = 1_000_000;

// Whoever writes the event chooses the lists, and could stop the engine with them.
function checkPairs(count: number): void {
  if (count > PAIRS_MAX) throw new Error(`two lists have more than ${PAIRS_MAX} pairs of members to compare`);
}

function fieldRefTest(
  { otherField, place, isCased }: FieldRefPredicate,
  viewOf: (field: string) => FieldView,
): ViewTest {
  const holds = PLACES[place];
  return (view) => {
    const other = viewOf(otherField);
    const texts = isCased ? view.texts : view.folded;
    const others = isCased ? other.texts : other.folded;
    if (place === 'equals' && texts.length > 1) {
      const wanted = new Set(others);
      return texts.some((text) => wanted.has(text));
    }
    checkPairs(texts.length * others.length);
    return texts.some((text) => others.some((candidate) => holds(text, candidate)));
  };
}
