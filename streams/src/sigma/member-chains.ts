import type { MemberExpression } from './correlation';

/** One way in which a condition over rules can hold. */
export interface MemberChain {
  /** Members that must match, in the order of `rules`. */
  readonly positive: readonly number[];
  /** Members that must not. */
  readonly negative: readonly number[];
}

/** Most ways that one condition may be spelled out to. */
export const MEMBER_CHAINS_MAX = 64;

/**
 * The ways in which a condition over rules can hold (its disjunctive normal form), without those that contradict
 * themselves and those that need no rule to match. `undefined` where there are more than {@link MEMBER_CHAINS_MAX}.
 */
export function memberChainsOf(expression: MemberExpression): MemberChain[] | undefined {
  const ways = waysOf(expression, false);
  return ways?.flatMap(({ positive, negative }) => {
    if (positive.size === 0 || [...positive].some((member) => negative.has(member))) return [];
    return [{ positive: sorted(positive), negative: sorted(negative) }];
  });
}

/** {@link memberChainsOf} of a condition that was read, and so has not too many. */
export function chainsOf(expression: MemberExpression): readonly MemberChain[] {
  return memberChainsOf(expression) ?? [];
}

interface Way {
  readonly positive: ReadonlySet<number>;
  readonly negative: ReadonlySet<number>;
}

const NONE: ReadonlySet<number> = new Set();

function waysOf(expression: MemberExpression, isNegated: boolean): Way[] | undefined {
  if (expression.kind === 'not') return waysOf(expression.operand, !isNegated);
  if (expression.kind === 'member') {
    const one = new Set([expression.member]);
    return [isNegated ? { positive: NONE, negative: one } : { positive: one, negative: NONE }];
  }
  // De Morgan: under `not`, `and` joins like `or`.
  const joinsAll = (expression.kind === 'and') !== isNegated;
  let ways: Way[] = joinsAll ? [{ positive: NONE, negative: NONE }] : [];
  for (const operand of expression.operands) {
    const more = waysOf(operand, isNegated);
    if (more === undefined) return undefined;
    ways = joinsAll ? ways.flatMap((way) => more.map((other) => joined(way, other))) : [...ways, ...more];
    if (ways.length > MEMBER_CHAINS_MAX) return undefined;
  }
  return ways;
}

function joined(a: Way, b: Way): Way {
  return { positive: new Set([...a.positive, ...b.positive]), negative: new Set([...a.negative, ...b.negative]) };
}

const sorted = (members: ReadonlySet<number>): number[] => [...members].sort((a, b) => a - b);
