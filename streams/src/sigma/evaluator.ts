import type { SigmaExpression, SigmaPredicate } from './expression';
import { FieldView } from './field-view';
import { predicateTest } from './predicate-test';
import type { SigmaRecord } from './record';

/** Answers one question about the record at hand. */
export type RecordTest = () => boolean;

/**
 * Compiles expressions into tests that share their work: equal predicates are one test whose answer is kept for the
 * record, and each field is read once.
 */
export class Evaluator {
  readonly #views = new Map<string | null, FieldView>();
  readonly #tests = new Map<string, RecordTest>();
  /** The same by the predicates themselves, whose text takes long to make. */
  readonly #testOf = new WeakMap<SigmaPredicate, RecordTest>();
  #record: SigmaRecord = { type: null, data: {} };
  /** Counts records, so that kept answers of the one before are told apart without clearing them. */
  #turn = 0;

  /** The record at hand. */
  get record(): SigmaRecord {
    return this.#record;
  }

  /** Points all tests at a record. It must not change until the next call. */
  load(record: SigmaRecord): void {
    this.#record = record;
    this.#turn += 1;
  }

  /** A test of an expression; cheap operands are asked first, which cannot change the answer. */
  compile(expression: SigmaExpression): RecordTest {
    if (expression.kind === 'not') {
      const test = this.compile(expression.operand);
      return () => !test();
    }
    if (expression.kind !== 'and' && expression.kind !== 'or') return this.#compilePredicate(expression);
    const operands = [...expression.operands].sort((left, right) => costOf(left) - costOf(right));
    return join(
      operands.map((operand) => this.compile(operand)),
      expression.kind === 'or',
    );
  }

  /** Loads a view with the record. */
  read(view: FieldView): void {
    view.load(this.#record, this.#turn);
  }

  /** The view of a field, loaded with the record. */
  viewOf(field: string | null): FieldView {
    let view = this.#views.get(field);
    if (view === undefined) {
      view = new FieldView(field);
      this.#views.set(field, view);
    }
    view.load(this.#record, this.#turn);
    return view;
  }

  #compilePredicate(predicate: SigmaPredicate): RecordTest {
    const same = this.#testOf.get(predicate);
    if (same !== undefined) return same;
    const test = this.#compileNew(predicate);
    this.#testOf.set(predicate, test);
    return test;
  }

  #compileNew(predicate: SigmaPredicate): RecordTest {
    const key = JSON.stringify(predicate);
    const known = this.#tests.get(key);
    if (known !== undefined) return known;
    const view = this.#views.get(predicate.field) ?? new FieldView(predicate.field);
    this.#views.set(predicate.field, view);
    const test = predicateTest(predicate, (field) => this.viewOf(field));
    let answeredTurn = -1;
    let answer = false;
    const kept = (): boolean => {
      if (answeredTurn === this.#turn) return answer;
      view.load(this.#record, this.#turn);
      answer = test(view);
      answeredTurn = this.#turn;
      return answer;
    };
    this.#tests.set(key, kept);
    return kept;
  }
}

function join(tests: readonly RecordTest[], isOr: boolean): RecordTest {
  return () => {
    for (const test of tests) if (test() === isOr) return isOr;
    return !isOr;
  };
}

const PREDICATE_COSTS: Readonly<Record<SigmaPredicate['kind'], number>> = {
  number: 1,
  null: 1,
  exists: 1,
  boolean: 2,
  compare: 3,
  'time-part': 5,
  text: 3,
  fieldref: 10,
  cidr: 30,
  regex: 100,
};
/** A keyword looks at every value of the record. */
const KEYWORD_FACTOR = 30;

function costOf(expression: SigmaExpression): number {
  if (expression.kind === 'not') return costOf(expression.operand);
  if (expression.kind === 'and' || expression.kind === 'or') {
    return expression.operands.reduce((sum, operand) => sum + costOf(operand), 0);
  }
  const factor = expression.field === null ? KEYWORD_FACTOR : 1;
  return factor * (expression.kind === 'text' ? 2 + expression.patterns.length : PREDICATE_COSTS[expression.kind]);
}
