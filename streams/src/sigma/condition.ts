import { allOf, anyOf, negate, type SigmaExpression } from './expression';
import { quote, rejectAt, type SourcePosition } from './problem';

/** Named selections of one rule. */
export type Selections = ReadonlyMap<string, SigmaExpression>;

/** Most words and parentheses of one condition. */
const TOKEN_COUNT_MAX = 500;
/** Deepest nesting of parentheses and `not`. */
const DEPTH_MAX = 50;

/**
 * Reads a condition (Sigma 2.1, "Condition"): `not` binds tightest, then `and`, then `or`; `1 of` and `all of` take a
 * selection name with `*`, or `them`, which leaves out names that begin with an underscore.
 *
 * @throws ProtegoError `SIGMA_CONDITION_INVALID`
 */
export function parseCondition(text: string, selections: Selections, at: SourcePosition): SigmaExpression {
  const tokens = text.match(/[()|]|[^\s()|]+/g) ?? [];
  if (tokens.length > TOKEN_COUNT_MAX) refuse(`the condition has more than ${TOKEN_COUNT_MAX} words`, at);
  return new ConditionReader(tokens, selections, at).readAll();
}

class ConditionReader {
  #next = 0;
  #depth = 0;

  constructor(
    readonly tokens: readonly string[],
    readonly selections: Selections,
    readonly at: SourcePosition,
  ) {}

  readAll(): SigmaExpression {
    const expression = this.#readOr();
    const rest = this.tokens[this.#next];
    if (rest === '|') refuse('aggregations after `|` are not part of Sigma 2; write a correlation', this.at);
    if (rest !== undefined) refuse(`${quote(rest)} is not expected here`, this.at);
    return expression;
  }

  #readOr(): SigmaExpression {
    const operands = [this.#readAnd()];
    while (this.#take('or')) operands.push(this.#readAnd());
    return anyOf(operands);
  }

  #readAnd(): SigmaExpression {
    const operands = [this.#readOperand()];
    while (this.#take('and')) operands.push(this.#readOperand());
    return allOf(operands);
  }

  #readOperand(): SigmaExpression {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) refuse(`the condition is nested deeper than ${DEPTH_MAX} levels`, this.at);
    const expression = this.#take('not') ? negate(this.#readOperand()) : this.#readPrimary();
    this.#depth -= 1;
    return expression;
  }

  #readPrimary(): SigmaExpression {
    if (this.#take('(')) {
      const expression = this.#readOr();
      if (!this.#take(')')) refuse('a parenthesis is not closed', this.at);
      return expression;
    }
    const word = this.#word();
    if (this.tokens[this.#next]?.toLowerCase() === 'of') return this.#readOf(word.toLowerCase());
    return this.selections.get(word) ?? refuse(`selection ${quote(word)} does not exist`, this.at);
  }

  #readOf(quantity: string): SigmaExpression {
    if (!['1', 'any', 'all'].includes(quantity)) refuse(`${quote(`${quantity} of`)} is not supported`, this.at);
    this.#next += 1;
    const pattern = this.#word();
    const operands = [...this.selections]
      .filter(([name]) => isNamedBy(pattern, name))
      .map(([, selection]) => selection);
    if (operands.length === 0) refuse(`${quote(pattern)} names no selection`, this.at);
    return quantity === 'all' ? allOf(operands) : anyOf(operands);
  }

  #take(word: string): boolean {
    const isNext = this.tokens[this.#next]?.toLowerCase() === word;
    if (isNext) this.#next += 1;
    return isNext;
  }

  #word(): string {
    const word = this.tokens[this.#next] ?? refuse('the condition ends too early', this.at);
    if (['(', ')', '|', 'and', 'or', 'of'].includes(word.toLowerCase()))
      refuse(`${quote(word)} is not expected here`, this.at);
    this.#next += 1;
    return word;
  }
}

function isNamedBy(pattern: string, name: string): boolean {
  if (pattern === 'them') return !name.startsWith('_');
  const pieces = pattern.split('*');
  const [head = '', ...rest] = pieces;
  if (rest.length === 0) return name === pattern;
  const tail = rest.pop() ?? '';
  if (!name.startsWith(head) || name.length < head.length + tail.length || !name.endsWith(tail)) return false;
  let at = head.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > name.length - tail.length) return false;
    at = found + piece.length;
  }
  return true;
}

function refuse(message: string, at: SourcePosition): never {
  rejectAt('SIGMA_CONDITION_INVALID', message, at);
}
