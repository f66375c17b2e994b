import type { SigmaExpression, SigmaPredicate } from './expression';
import { isContradictory, keyOf, type FieldClaims } from './value-claims';

/** What is known of fields before any question is asked. */
export interface FieldKnowledge {
  /** True for a field that holds one value, never a list. */
  readonly isSingle: (field: string) => boolean;
}

/** Claims about one field that contradict each other. */
export interface Contradiction extends FieldClaims {
  /** Null: any value of the record, as keywords ask. */
  readonly field: string | null;
  /** True where the field was taken to hold one value. */
  readonly isSingle: boolean;
}

/** What is left of a contradiction when every claim that it does not need is taken away. */
export function smallestOf(contradiction: Contradiction): Contradiction {
  let { wanted, ruledOut } = contradiction;
  for (const claim of [...wanted, ...ruledOut]) {
    const fewer = {
      wanted: wanted.filter((each) => each !== claim),
      ruledOut: ruledOut.filter((each) => each !== claim),
    };
    if (isContradictory(fewer, contradiction.isSingle)) ({ wanted, ruledOut } = fewer);
  }
  return { ...contradiction, wanted, ruledOut };
}

/** Most steps of one search; a condition that needs more counts as one that can hold. */
const STEPS_MAX = 20_000;

/**
 * Looks for contradictions that keep an expression from ever holding. Undefined where a record may satisfy it, and where
 * that was not found out within a bounded number of steps: what is returned is a proof, its absence is none.
 *
 * Branches are closed as in the DPLL procedure (Davis, Logemann and Loveland, 1962), with predicates of one field checked
 * against each other in place of mere complements.
 */
export function contradictionsOf(
  expression: SigmaExpression,
  knowledge: FieldKnowledge,
): readonly Contradiction[] | undefined {
  const search = new Search(knowledge);
  const isOpen = search.isOpen([{ expression, isWanted: true }], new Map());
  return isOpen ? undefined : search.contradictions;
}

interface Goal {
  readonly expression: SigmaExpression;
  readonly isWanted: boolean;
}

/** Claims by field. Never changed: branches share them. */
type Claims = ReadonlyMap<string | null, FieldClaims>;
const NO_CLAIMS: FieldClaims = { wanted: [], ruledOut: [] };

class Search {
  readonly contradictions: Contradiction[] = [];
  #stepCount = 0;

  constructor(readonly knowledge: FieldKnowledge) {}

  /** False when every branch under the goals is closed. */
  isOpen(goals: readonly Goal[], known: Claims): boolean {
    const { choices, claims } = this.#takeCertain(goals, known);
    if (claims === undefined) return false;
    const left: { readonly choice: Goal; readonly open: readonly Goal[] }[] = [];
    for (const choice of choices) {
      const operands = operandsOf(choice);
      if (operands.some((operand) => isClaimed(operand, claims))) continue;
      const open = operands.filter((operand) => !this.#isClosed(operand, claims));
      if (open.length === 0) return this.#hasGivenUp;
      left.push({ choice, open });
    }
    const [fewest, ...rest] = left.sort((a, b) => a.open.length - b.open.length);
    if (fewest === undefined || this.#hasGivenUp) return true;
    return fewest.open.some((operand) => this.isOpen([operand, ...rest.map(({ choice }) => choice)], claims));
  }

  get #hasGivenUp(): boolean {
    return this.#stepCount > STEPS_MAX;
  }

  /** Claims all predicates that stand without an alternative; what is left are choices. No claims: they contradict. */
  #takeCertain(goals: readonly Goal[], known: Claims): { choices: Goal[]; claims: Claims | undefined } {
    const choices: Goal[] = [];
    let claims: Claims | undefined = known;
    const pending = [...goals].reverse();
    for (let goal = pending.pop(); goal !== undefined && claims !== undefined; goal = pending.pop()) {
      const { expression, isWanted } = goal;
      if (expression.kind === 'not') pending.push({ expression: expression.operand, isWanted: !isWanted });
      else if (expression.kind !== 'and' && expression.kind !== 'or')
        claims = this.#claim(expression, isWanted, claims);
      else if ((expression.kind === 'and') === isWanted) pending.push(...operandsOf(goal));
      else choices.push(goal);
    }
    return { choices, claims };
  }

  #claim(predicate: SigmaPredicate, isWanted: boolean, claims: Claims): Claims | undefined {
    if (isClaimed({ expression: predicate, isWanted }, claims)) return claims;
    this.#stepCount += 1;
    const { wanted, ruledOut } = claims.get(predicate.field) ?? NO_CLAIMS;
    const { field } = predicate;
    const next = isWanted
      ? { wanted: [...wanted, predicate], ruledOut }
      : { wanted, ruledOut: [...ruledOut, predicate] };
    const isSingle = field !== null && this.knowledge.isSingle(field);
    if (!this.#hasGivenUp && isContradictory(next, isSingle)) {
      this.contradictions.push({ field, isSingle, ...next });
      return undefined;
    }
    return new Map(claims).set(field, next);
  }

  /** True when what a goal asks without an alternative contradicts what is claimed. */
  #isClosed(goal: Goal, claims: Claims): boolean {
    return this.#takeCertain([goal], claims).claims === undefined;
  }
}

function operandsOf({ expression, isWanted }: Goal): readonly Goal[] {
  if (expression.kind !== 'and' && expression.kind !== 'or') return [{ expression, isWanted }];
  return expression.operands.map((operand) => ({ expression: operand, isWanted }));
}

function isClaimed({ expression, isWanted }: Goal, claims: Claims): boolean {
  if (expression.kind === 'not') return isClaimed({ expression: expression.operand, isWanted: !isWanted }, claims);
  if (expression.kind === 'and' || expression.kind === 'or') return false;
  const known = claims.get(expression.field);
  const key = keyOf(expression);
  return (isWanted ? known?.wanted : known?.ruledOut)?.some((claimed) => keyOf(claimed) === key) ?? false;
}
