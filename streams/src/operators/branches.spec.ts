import { EMPTY, Subject, map, take, type OperatorFunction } from 'rxjs';
import { collect, describeOperatorLifecycle } from '../testing';
import { branches } from './branches';
import { elementOperator } from './element-operator';

const named = (name: string): OperatorFunction<number, string> => map((value) => `${name}${value}`);
const summed = (): OperatorFunction<number, string> =>
  elementOperator((out) => {
    let sum = 0;
    return { next: (value) => (sum += value), complete: () => out.next(`sum ${sum}`) };
  });
const failing = (): OperatorFunction<number, string> =>
  map((value) => {
    if (value === 2) throw new Error('two');
    return `f${value}`;
  });

describe('branches', () => {
  describeOperatorLifecycle<number, string>({
    operator: () => branches(named('a'), named('b')),
    input: [1, 2],
    output: ['a1', 'b1', 'a2', 'b2'],
    endless: (index) => index,
  });

  it('hands each element to the operators in their order, and their last words too', () => {
    expect(collect(branches(named('a'), summed(), named('b')), [1, 2])).toEqual(['a1', 'b1', 'a2', 'b2', 'sum 3']);
  });

  it('ends with the error of any branch, and leaves the source', () => {
    const source = new Subject<number>();
    const seen: unknown[] = [];
    source
      .pipe(branches(named('a'), failing(), named('b')))
      .subscribe({ next: (value) => seen.push(value), error: (error: unknown) => seen.push(error) });
    for (const value of [1, 2, 3]) source.next(value);
    expect(seen).toEqual(['a1', 'f1', 'b1', 'a2', new Error('two')]);
    expect(source.observed).toBe(false);
  });

  it('goes on with the others when one branch has enough, and completes with its source', () => {
    const source = new Subject<number>();
    const seen: string[] = [];
    source
      .pipe(branches<number, string>(map(String), (values) => values.pipe(take(1), named('b'))))
      .subscribe({ next: (value) => seen.push(value), complete: () => seen.push('end') });
    for (const value of [1, 2]) source.next(value);
    expect(seen).toEqual(['1', 'b1', '2']);
    source.complete();
    expect(seen).toEqual(['1', 'b1', '2', 'end']);
  });

  it('gives each subscription branches of its own', () => {
    const sums = branches<number, string>(summed());
    expect([collect(sums, [1, 2]), collect(sums, [5])]).toEqual([['sum 3'], ['sum 5']]);
  });

  it('completes without branches when its source does', () => {
    let isComplete = false;
    EMPTY.pipe(branches()).subscribe({ complete: () => (isComplete = true) });
    expect(isComplete).toBe(true);
  });
});
