import { Observable, type OperatorFunction, type Subscriber } from 'rxjs';
import { elementOperator } from './element-operator';

/**
 * Hands every element to each of the operators, in their order, and passes on what they give as it comes. All of them end
 * with the source or, with its error, when one of them fails. They must answer at once, as all operators of the core do:
 * nothing is waited for at the end. It stands for `connect` and `merge` of RxJS, whose `Subject` in between costs more
 * per element than most operators.
 */
export function branches<In, Out>(...operators: readonly OperatorFunction<In, Out>[]): OperatorFunction<In, Out> {
  return elementOperator((out) => {
    const inputs = operators.map((operator) => inputOf(operator, out));
    return {
      next: (element) => {
        for (const input of inputs) input.next(element);
      },
      complete: () => {
        for (const input of inputs) input.complete();
      },
    };
  });
}

/** Subscribes an operator to what its caller gives it, and gives the end at which elements come in; its results go to `out`. */
export function inputOf<In, Out>(operator: OperatorFunction<In, Out>, out: Subscriber<Out>): Subscriber<In> {
  let input: Subscriber<In> | undefined;
  const source = new Observable<In>((subscriber) => {
    input = subscriber;
  });
  const results = operator(source).subscribe({
    next: (result) => out.next(result),
    error: (error: unknown) => out.error(error),
  });
  out.add(results);
  if (input === undefined) throw new TypeError('an operator must subscribe to its source at once');
  return input;
}
