import { Subject, from } from 'rxjs';
import { collect, describeOperatorLifecycle } from '../testing';
import { elementOperator } from './element-operator';

const doubled = () => elementOperator<number, number>((out) => ({ next: (value) => out.next(2 * value) }));

describe('elementOperator', () => {
  describeOperatorLifecycle({ operator: doubled, input: [1, 2, 3], output: [2, 4, 6], endless: (index) => index });

  it('ends the stream with the error that a handler throws, and leaves the source', () => {
    const failing = elementOperator<number, number>((out) => ({
      next: (value) => {
        if (value === 2) throw new Error('two');
        out.next(value);
      },
    }));
    const source = new Subject<number>();
    const seen: unknown[] = [];
    source.pipe(failing).subscribe({ next: (value) => seen.push(value), error: (error: unknown) => seen.push(error) });
    for (const value of [1, 2, 3]) source.next(value);
    expect(seen).toEqual([1, new Error('two')]);
    expect(source.observed).toBe(false);
  });

  it('ends with the error that is thrown at completion, not with completion', () => {
    const failing = elementOperator<number, number>(() => ({
      next: () => undefined,
      complete: () => {
        throw new Error('end');
      },
    }));
    expect(() => collect(failing, [1])).toThrow('end');
  });

  it('makes a handler anew for each subscription', () => {
    const counting = elementOperator<string, number>((out) => {
      let count = 0;
      return { next: () => out.next(++count) };
    });
    const counts = from(['a', 'b']).pipe(counting);
    const seen: number[] = [];
    counts.subscribe((count) => seen.push(count));
    counts.subscribe((count) => seen.push(count));
    expect(seen).toEqual([1, 2, 1, 2]);
  });

  it('passes completion on after what the handler says last', () => {
    const closing = elementOperator<number, string>((out) => ({
      next: (value) => out.next(String(value)),
      complete: () => out.next('end'),
    }));
    expect(collect(closing, [1])).toEqual(['1', 'end']);
  });
});
