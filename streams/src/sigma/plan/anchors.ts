import type { SigmaExpression, SigmaPredicate, TextPredicate } from '../expression';
import type { TextPattern } from '../pattern';
import { regexLiterals } from './regex-literals';

/**
 * What a value must be for an anchor to hold: its text in lower case is the literal, or begins with it, ends with it, contains it; or
 * it has a character beyond Latin-1; or the field is there at all.
 */
export type AnchorPlace = 'equals' | 'startswith' | 'endswith' | 'contains' | 'wide' | 'present';

/** Something that must hold of a record; `field` null asks for any value of it. */
export interface Anchor {
  readonly field: string | null;
  readonly place: AnchorPlace;
  /** In lower case and of Latin-1 characters; empty for `wide` and `present`. */
  readonly literal: string;
}

/** Anchors of which at least one holds of every record that satisfies an expression. */
export interface AnchorSet {
  readonly anchors: readonly Anchor[];
  /** How often one of them holds, as estimated. */
  readonly chance: number;
}

/** Estimates how often an anchor holds, in [0, 1]. */
export type ChanceOf = (anchor: Anchor) => number;

/** Longer literals are cut: so many characters mostly tell as much, and tables stay small. */
const INFIX_LENGTH_MAX = 16;
/** At the ends of a text more of them are alike: many paths begin with the same folders. */
const EDGE_LENGTH_MAX = 32;
const BEYOND_LATIN1 = /[^\0-\xff]/;
const LATIN1_RUNS = /[\0-\xff]+/g;

/**
 * The rarest anchors of an expression; undefined when it can hold of records about which nothing can be said beforehand, as with
 * what only rules out.
 */
export function anchorsOf(expression: SigmaExpression, chanceOf: ChanceOf, isNegated = false): AnchorSet | undefined {
  switch (expression.kind) {
    case 'not':
      return anchorsOf(expression.operand, chanceOf, !isNegated);
    case 'and':
    case 'or': {
      const sets = expression.operands.map((operand) => anchorsOf(operand, chanceOf, isNegated));
      return (expression.kind === 'and') === isNegated ? unionOf(sets) : rarestOf(sets);
    }
    default:
      return isNegated ? negatedAnchorOf(expression, chanceOf) : predicateAnchors(expression, chanceOf);
  }
}

/** All of them are needed to be sure, where any of the operands may be the one that holds. */
function unionOf(sets: readonly (AnchorSet | undefined)[]): AnchorSet | undefined {
  const anchors: Anchor[] = [];
  let chance = 0;
  for (const set of sets) {
    if (set === undefined) return undefined;
    anchors.push(...set.anchors);
    chance += set.chance;
  }
  return { anchors, chance };
}

function rarestOf(sets: readonly (AnchorSet | undefined)[]): AnchorSet | undefined {
  let rarest: AnchorSet | undefined;
  for (const set of sets) if (set !== undefined && !(set.chance >= (rarest?.chance ?? Infinity))) rarest = set;
  return rarest;
}

function negatedAnchorOf(predicate: SigmaPredicate, chanceOf: ChanceOf): AnchorSet | undefined {
  const isThere = predicate.kind === 'null' || (predicate.kind === 'exists' && !predicate.isWanted);
  return isThere ? setOf([present(predicate.field)], chanceOf) : undefined;
}

function predicateAnchors(predicate: SigmaPredicate, chanceOf: ChanceOf): AnchorSet | undefined {
  const { field } = predicate;
  switch (predicate.kind) {
    case 'null':
      return undefined;
    case 'exists':
      return predicate.isWanted ? setOf([present(field)], chanceOf) : undefined;
    case 'number': {
      const spellings = new Set([predicate.text, String(predicate.value).toLowerCase()]);
      return setOf(
        [...spellings].map((spelling) => whole(field, spelling)),
        chanceOf,
      );
    }
    case 'boolean':
      return setOf([whole(field, String(predicate.value))], chanceOf);
    case 'text':
      return textAnchors(predicate, chanceOf);
    case 'regex': {
      const literals = regexLiterals(predicate.pattern);
      const anchors = literals?.map((literal) => anchor(field, 'contains', literal));
      return setOf(anchors ?? [present(field)], chanceOf);
    }
    default:
      return setOf([present(field)], chanceOf);
  }
}

function textAnchors({ field, patterns, isCased }: TextPredicate, chanceOf: ChanceOf): AnchorSet | undefined {
  const sets = patterns.map((pattern) =>
    rarestOf(patternAnchors(field, pattern, isCased).map((each) => setOf([each], chanceOf))),
  );
  return unionOf(sets);
}

/** Anchors that each hold of whatever a pattern covers. */
function patternAnchors(field: string | null, pattern: TextPattern, isCased: boolean): Anchor[] {
  if (pattern.length === 0) return [whole(field, '')];
  const [only] = pattern;
  if (pattern.length === 1 && typeof only === 'string' && !BEYOND_LATIN1.test(only)) {
    return [whole(field, isCased ? only.toLowerCase() : only)];
  }
  const anchors = pattern.flatMap((part, at) => {
    if (typeof part !== 'string') return [];
    const place = at === 0 ? 'startswith' : at === pattern.length - 1 ? 'endswith' : 'contains';
    return pieceAnchors(field, place, part, isCased);
  });
  return anchors.length > 0 ? anchors : [present(field)];
}

function pieceAnchors(field: string | null, place: AnchorPlace, piece: string, isCased: boolean): Anchor[] {
  if (!BEYOND_LATIN1.test(piece)) return [anchor(field, place, isCased ? piece.toLowerCase() : piece)];
  // Lower case is taken character by character within Latin-1 only, so that no other character is searched for.
  const runs = piece.match(LATIN1_RUNS) ?? [];
  return [
    { field, place: 'wide', literal: '' },
    ...runs.map((run) => anchor(field, 'contains', isCased ? run.toLowerCase() : run)),
  ];
}

function whole(field: string | null, literal: string): Anchor {
  // The end of a path tells more than its beginning.
  return literal.length > EDGE_LENGTH_MAX ? anchor(field, 'endswith', literal) : { field, place: 'equals', literal };
}

function anchor(field: string | null, place: AnchorPlace, literal: string): Anchor {
  const lengthMax = place === 'contains' ? INFIX_LENGTH_MAX : EDGE_LENGTH_MAX;
  const cut = place === 'startswith' ? literal.slice(0, lengthMax) : literal.slice(-lengthMax);
  return { field, place, literal: cut };
}

function present(field: string | null): Anchor {
  return { field, place: 'present', literal: '' };
}

/** Undefined when one of them says nothing: of a record as a whole, some value is always there. */
function setOf(anchors: readonly Anchor[], chanceOf: ChanceOf): AnchorSet | undefined {
  if (anchors.some(({ field, place }) => field === null && place === 'present')) return undefined;
  return { anchors, chance: anchors.reduce((sum, each) => sum + chanceOf(each), 0) };
}
