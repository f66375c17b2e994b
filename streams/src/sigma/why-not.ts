import { Evaluator } from './evaluator';
import type { SigmaExpression, SigmaPredicate } from './expression';
import type { Scalar } from './field-view';
import { isFromLogsource, originsOf, routePartsOf } from './logsource';
import { wordsOf } from './predicate-words';
import type { SigmaRecord } from './record';
import type { SigmaRule } from './rule';
import { keyOf } from './value-claims';

/** A clause of a condition that has the wrong answer for a record. */
export interface FailedClause {
  /** Selections of the rule that hold the clause; empty for one that stands in none. */
  readonly selections: readonly string[];
  /** Name of the field in the rule; `*` for a keyword. */
  readonly field: string;
  /** The clause as a line of a rule, such as `Image|endswith: \cmd.exe`. */
  readonly clause: string;
  /** True: the clause must hold and does not. False: it must not hold and does. */
  readonly isWanted: boolean;
  /** What the field holds: values of a list apart; none for a keyword, a missing field, null or an object. */
  readonly values: readonly Scalar[];
  /** Where there are no values: why. */
  readonly absence?: 'missing' | 'null' | 'no value';
  /** The predicate itself. */
  readonly predicate: SigmaPredicate;
}

/** Why a rule does not match a record, and the shortest way to a match. */
export interface NearMiss {
  /** False: the record is not of the log that the rule is about, whatever its condition says. */
  readonly isOfLogsource: boolean;
  /** Clauses that would all have to turn for the condition to hold; empty where it does. */
  readonly clauses: readonly FailedClause[];
  /** False: not every way was tried, and a shorter one may exist. */
  readonly isShortest: boolean;
  /** False: no turn of clauses satisfies the condition, because it contradicts itself; `clauses` are those that fail now. */
  readonly canHold: boolean;
}

/** Most values that a clause lists, and the longest text of one, UTF-16 code units. */
const VALUES_MAX = 8;
const VALUE_LENGTH_MAX = 512;
/** Most steps of one search for the shortest way. */
const STEPS_MAX = 20_000;

/**
 * Why a rule does not match a record: of all sets of clauses whose answers, turned round, make the condition true, a
 * smallest. A clause that stands in several places turns in all of them. Undefined for a rule that matches.
 */
export function whyNotMatched(rule: SigmaRule, record: SigmaRecord): NearMiss | undefined {
  const evaluator = new Evaluator();
  evaluator.load(record);
  const answers = new Map<string, boolean>();
  const answerOf = (predicate: SigmaPredicate): boolean => {
    const key = keyOf(predicate);
    const answer = answers.get(key) ?? evaluator.compile(predicate)();
    answers.set(key, answer);
    return answer;
  };
  const isOfLogsource = originsOf(routePartsOf(record)).some((origin) => isFromLogsource(rule.logsource, origin));
  const goal = { expression: rule.detection, isWanted: true };
  if (costOf(goal, answerOf) === 0) {
    return isOfLogsource ? undefined : { isOfLogsource, clauses: [], isShortest: true, canHold: true };
  }
  const search = new TurnSearch(answerOf);
  const turned = search.shortest(goal);
  const clauses = (turned ?? cheapestOf(goal, answerOf)).map((predicate) =>
    clauseOf(predicate, !answerOf(predicate), rule, evaluator),
  );
  return { isOfLogsource, clauses, isShortest: search.isComplete, canHold: turned !== undefined || !search.isComplete };
}

interface Goal {
  readonly expression: SigmaExpression;
  readonly isWanted: boolean;
}

type AnswerOf = (predicate: SigmaPredicate) => boolean;

/** What a way asks of one clause. */
interface Demand {
  readonly predicate: SigmaPredicate;
  readonly isWanted: boolean;
}

/** Branch and bound over the ways to satisfy a condition. */
class TurnSearch {
  #best: readonly SigmaPredicate[] | undefined;
  #stepCount = 0;

  constructor(readonly answerOf: AnswerOf) {}

  /** False when the search ran out of steps. */
  get isComplete(): boolean {
    return this.#stepCount <= STEPS_MAX;
  }

  shortest(goal: Goal): readonly SigmaPredicate[] | undefined {
    this.#go([goal], new Map());
    return this.#best;
  }

  #go(goals: readonly Goal[], known: ReadonlyMap<string, Demand>): void {
    this.#stepCount += 1;
    const settled = new Map(known);
    const choices: Goal[] = [];
    const pending = [...goals];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { expression, isWanted } = next;
      if (expression.kind === 'not') pending.push({ expression: expression.operand, isWanted: !isWanted });
      else if (expression.kind === 'and' || expression.kind === 'or') {
        if ((expression.kind === 'and') === isWanted) pending.push(...operandsOf(next));
        else choices.push(next);
      } else if (!this.#settle(expression, isWanted, settled)) return;
    }
    const turned = [...settled.values()].flatMap(({ predicate, isWanted }) =>
      this.answerOf(predicate) === isWanted ? [] : [predicate],
    );
    if (turned.length >= (this.#best?.length ?? Number.POSITIVE_INFINITY)) return;
    const [choice, ...others] = choices;
    if (choice === undefined) this.#best = turned;
    else this.#branch(choice, others, settled);
  }

  #branch(choice: Goal, others: readonly Goal[], settled: ReadonlyMap<string, Demand>): void {
    const operands = operandsOf(choice).map((operand) => ({ operand, cost: costOf(operand, this.answerOf) }));
    for (const { operand } of operands.sort((a, b) => a.cost - b.cost)) {
      // A way that was found stands; only what nobody has looked for yet must go on.
      if (!this.isComplete && this.#best !== undefined) return;
      if (this.#stepCount > 2 * STEPS_MAX) return;
      this.#go([...others, operand], settled);
    }
  }

  #settle(predicate: SigmaPredicate, isWanted: boolean, settled: Map<string, Demand>): boolean {
    const key = keyOf(predicate);
    const before = settled.get(key);
    if (before !== undefined) return before.isWanted === isWanted;
    settled.set(key, { predicate, isWanted });
    return true;
  }
}

function operandsOf({ expression, isWanted }: Goal): Goal[] {
  if (expression.kind !== 'and' && expression.kind !== 'or') return [{ expression, isWanted }];
  return expression.operands.map((operand) => ({ expression: operand, isWanted }));
}

/** Fewest clauses to turn for a goal, each place of a clause counted by itself. */
function costOf(goal: Goal, answerOf: AnswerOf): number {
  const { expression, isWanted } = goal;
  if (expression.kind === 'not') return costOf({ expression: expression.operand, isWanted: !isWanted }, answerOf);
  if (expression.kind !== 'and' && expression.kind !== 'or') return answerOf(expression) === isWanted ? 0 : 1;
  const costs = operandsOf(goal).map((operand) => costOf(operand, answerOf));
  return (expression.kind === 'and') === isWanted ? costs.reduce((sum, cost) => sum + cost, 0) : Math.min(...costs);
}

/** The clauses of a cheapest way, each place by itself. */
function cheapestOf(goal: Goal, answerOf: AnswerOf): SigmaPredicate[] {
  const { expression, isWanted } = goal;
  if (expression.kind === 'not') return cheapestOf({ expression: expression.operand, isWanted: !isWanted }, answerOf);
  if (expression.kind !== 'and' && expression.kind !== 'or')
    return answerOf(expression) === isWanted ? [] : [expression];
  const ways = operandsOf(goal).map((operand) => cheapestOf(operand, answerOf));
  if ((expression.kind === 'and') === isWanted) {
    const byKey = new Map(ways.flat().map((predicate) => [keyOf(predicate), predicate]));
    return [...byKey.values()];
  }
  return ways.reduce((best, way) => (way.length < best.length ? way : best));
}

function clauseOf(predicate: SigmaPredicate, isWanted: boolean, rule: SigmaRule, evaluator: Evaluator): FailedClause {
  const selections = [...rule.selections].flatMap(([name, selection]) =>
    holdsPredicate(selection, predicate) ? [name] : [],
  );
  const common = { selections, field: predicate.field ?? '*', clause: wordsOf(predicate), isWanted, predicate };
  if (predicate.field === null) return { ...common, values: [] };
  const { raw, scalars } = evaluator.viewOf(predicate.field);
  const values = scalars
    .slice(0, VALUES_MAX)
    .map((value) => (typeof value === 'string' ? value.slice(0, VALUE_LENGTH_MAX).toWellFormed() : value));
  if (values.length > 0) return { ...common, values };
  return { ...common, values, absence: raw === undefined ? 'missing' : raw === null ? 'null' : 'no value' };
}

function holdsPredicate(expression: SigmaExpression, predicate: SigmaPredicate): boolean {
  if (expression.kind === 'not') return holdsPredicate(expression.operand, predicate);
  if (expression.kind === 'and' || expression.kind === 'or')
    return expression.operands.some((operand) => holdsPredicate(operand, predicate));
  return expression === predicate || keyOf(expression) === keyOf(predicate);
}
