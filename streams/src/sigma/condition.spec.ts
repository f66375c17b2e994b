import { isProtegoError } from '@protego/contracts';
import { parseCondition } from './condition';
import { Evaluator } from './evaluator';
import type { SigmaExpression } from './expression';

const AT = { path: 'rule.yml', line: 7, column: 3 };
const NAMES = ['a', 'b', 'c', 'sel_one', 'sel_two', '_hidden', '_sel_one'];
const selections = new Map<string, SigmaExpression>(
  NAMES.map((field) => [field, { kind: 'exists', field, isWanted: true }]),
);

function holds(text: string, ...present: string[]): boolean {
  const evaluator = new Evaluator();
  evaluator.load({ type: null, data: Object.fromEntries(present.map((name) => [name, 1])) });
  return evaluator.compile(parseCondition({ text, at: AT }, selections))();
}

describe('parseCondition', () => {
  it.each([
    ['a or b and c', ['a'], true],
    ['(a or b) and c', ['a'], false],
    ['not a and b', ['b'], true],
    ['not (a and b)', ['b'], true],
    ['not not a', ['a'], true],
    ['NOT a AND b', ['b'], true],
    ['1 of sel_*', ['sel_two'], true],
    ['any of sel_*', ['a'], false],
    ['all of sel_*', ['sel_two'], false],
    ['all of sel_*', ['sel_one', 'sel_two'], true],
    ['1 of them', ['_hidden'], false],
    ['1 of *_one', ['sel_one'], true],
    ['1 of *', ['_hidden'], false],
    ['1 of *_one', ['_sel_one'], false],
    ['any of *sel*', ['_sel_one'], false],
    ['all of *_one', ['sel_one'], true],
    ['_hidden', ['_hidden'], true],
    ['1 of s*l*e', ['sel_one'], true],
    ['not 1 of sel_*', [], true],
    ['a and(b)or c', ['c'], true],
  ])('%s with %j is %s', (text, present, expected) => {
    expect(holds(text, ...present)).toBe(expected);
  });

  it.each([
    ['', 'ends too early'],
    ['a and', 'ends too early'],
    ['(a', 'not closed'],
    ['a b', '`b` is not expected'],
    ['a)', '`)` is not expected'],
    ['missing', '`missing` does not exist'],
    ['1 of x*', '`x*` names no selection'],
    ['1 of _*', '`_*` names no selection'],
    ['all of _sel_*', '`_sel_*` names no selection'],
    ['1 of _hidden', '`_hidden` names no selection'],
    ['2 of sel_*', '`2 of` is not supported'],
    ['a | count() > 5', 'correlation'],
    [`${'('.repeat(60)}a`, 'nested deeper'],
    [Array(600).fill('a').join(' or '), 'more than 500 words'],
  ])('refuses %p', (text, message) => {
    try {
      parseCondition({ text, at: AT }, selections);
    } catch (error) {
      if (!isProtegoError(error)) throw error;
      expect(error.code).toBe('SIGMA_CONDITION_INVALID');
      expect(error.message).toContain(message);
      expect(error.details).toEqual(AT);
      return;
    }
    throw new Error('was accepted');
  });
});
