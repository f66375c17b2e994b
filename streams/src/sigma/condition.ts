import type { ErrorCode } from '@protego/contracts';
import { allOf, anyOf, negate, type SigmaExpression } from './expression';
import { quote, rejectAt, type SourcePosition } from './problem';
import type { YamlScalar } from './yaml-tree';

/** Named selections of one rule. */
export type Selections = ReadonlyMap<string, SigmaExpression>;

/** What a condition is about, for messages. */
export interface ConditionSubject {
  readonly code: ErrorCode;
  /** What a word of the condition names. */
  readonly noun: string;
}

const OF_SELECTIONS: ConditionSubject = { code: 'SIGMA_CONDITION_INVALID', noun: 'selection' };

/** A condition as it stands in a file. */
export type ConditionText = Pick<YamlScalar, 'text' | 'lines' | 'at'>;

const WORD = /[()|]|[^\s()|]+/g;
/** Most words and parentheses of one condition. */
const TOKEN_COUNT_MAX = 500;
/** Most selections that one condition names, each as often as it is named. */
const OPERAND_COUNT_MAX = 20_000;
/** Deepest nesting of parentheses and `not`. */
const DEPTH_MAX = 50;

/**
 * Reads a condition (Sigma 2.1, "Condition"): `not` binds tightest, then `and`, then `or`; `1 of` and `all of` take a
 * selection name with `*`, or `them`; names that begin with an underscore are left out of both. In a condition over several
 * lines the word that is wrong is reported where it stands.
 *
 * @throws ProtegoError `SIGMA_CONDITION_INVALID`, or the code of the given subject
 */
export function parseCondition(
  condition: ConditionText,
  selections: Selections,
  subject = OF_SELECTIONS,
): SigmaExpression {
  const tokens = condition.text.match(WORD) ?? [];
  return new ConditionReader(tokens, selections, condition, subject).readAll();
}

class ConditionReader {
  #next = 0;
  #depth = 0;
  #operandCount = 0;

  constructor(
    readonly tokens: readonly string[],
    readonly selections: Selections,
    readonly condition: ConditionText,
    readonly subject: ConditionSubject,
  ) {}

  readAll(): SigmaExpression {
    if (this.tokens.length > TOKEN_COUNT_MAX) this.#refuse(`the condition has more than ${TOKEN_COUNT_MAX} words`);
    const expression = this.#readOr();
    const rest = this.tokens[this.#next];
    if (rest === '|') this.#refuse('aggregations after `|` are not part of Sigma 2; write a correlation');
    if (rest !== undefined) this.#refuse(`${quote(rest)} is not expected here`);
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
    if (this.#depth > DEPTH_MAX) this.#refuse(`the condition is nested deeper than ${DEPTH_MAX} levels`);
    const expression = this.#take('not') ? negate(this.#readOperand()) : this.#readPrimary();
    this.#depth -= 1;
    return expression;
  }

  #readPrimary(): SigmaExpression {
    if (this.#take('(')) {
      const expression = this.#readOr();
      if (!this.#take(')')) this.#refuse('a parenthesis is not closed');
      return expression;
    }
    const word = this.#word();
    if (this.tokens[this.#next]?.toLowerCase() === 'of') return this.#readOf(word.toLowerCase());
    return (
      this.selections.get(word) ?? this.#refuse(`${this.subject.noun} ${quote(word)} does not exist`, this.#next - 1)
    );
  }

  #readOf(quantity: string): SigmaExpression {
    if (!['1', 'any', 'all'].includes(quantity))
      this.#refuse(`${quote(`${quantity} of`)} is not supported`, this.#next - 1);
    this.#next += 1;
    const pattern = this.#word();
    const operands = [...this.selections]
      .filter(([name]) => isNamedBy(pattern, name))
      .map(([, selection]) => selection);
    if (operands.length === 0) this.#refuse(`${quote(pattern)} names no ${this.subject.noun}`, this.#next - 1);
    this.#operandCount += operands.length;
    if (this.#operandCount > OPERAND_COUNT_MAX)
      this.#refuse(`the condition names more than ${OPERAND_COUNT_MAX} ${this.subject.noun}s`, this.#next - 1);
    return quantity === 'all' ? allOf(operands) : anyOf(operands);
  }

  #refuse(message: string, token = this.#next): never {
    return rejectAt(this.subject.code, message, placeOfWord(this.condition, this.tokens, token));
  }

  #take(word: string): boolean {
    const isNext = this.tokens[this.#next]?.toLowerCase() === word;
    if (isNext) this.#next += 1;
    return isNext;
  }

  #word(): string {
    const word = this.tokens[this.#next] ?? this.#refuse('the condition ends too early');
    if (['(', ')', '|', 'and', 'or', 'of'].includes(word.toLowerCase()))
      this.#refuse(`${quote(word)} is not expected here`);
    this.#next += 1;
    return word;
  }
}

/** Where a word of a condition over several lines stands; of any other, where the condition begins. */
function placeOfWord({ lines, at }: ConditionText, tokens: readonly string[], token: number): SourcePosition {
  const word = tokens[token];
  // The header of a block stands before all words; a quote is part of the first and last.
  const found = [...(lines?.matchAll(WORD) ?? [])].slice(-tokens.length)[token];
  if (lines === undefined || word === undefined || found?.[0].includes(word) !== true) return at;
  const rows = lines.slice(0, found.index).split('\n');
  const indent = rows.at(-1)?.length ?? 0;
  return {
    path: at.path,
    line: at.line + rows.length - 1,
    column: rows.length === 1 ? at.column + indent : indent + 1,
  };
}

// A pattern only narrows `them`, which leaves out names that begin with an underscore.
function isNamedBy(pattern: string, name: string): boolean {
  if (name.startsWith('_')) return false;
  if (pattern === 'them') return true;
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
