import { EMPTY, NEVER, Subject, concat, defer, from, of, retry, take, throwError, type OperatorFunction } from 'rxjs';

/** An operator with an input and what it must make of it. */
export interface OperatorCase<In, Out> {
  /** A fresh operator with fresh state. */
  readonly operator: () => OperatorFunction<In, Out>;
  readonly input: readonly In[];
  /** What comes out while the input comes in; at least one. */
  readonly output: readonly Out[];
  /** What completion adds, after any input. */
  readonly atCompletion?: readonly Out[];
  /** Element `index` of an input without end; its results must be without end too. */
  readonly endless: (index: number) => In;
  /** Says that the operator is handed its state, with which a second subscription goes on. */
  readonly isHandedState?: boolean;
}

interface Seen<Out> {
  readonly values: Out[];
  error?: unknown;
  completed: boolean;
}

/** Shows how an operator behaves for every way in which a stream can begin and end. */
export function describeOperatorLifecycle<In, Out>(operatorCase: OperatorCase<In, Out>): void {
  const { operator, input, output, atCompletion = [], endless } = operatorCase;
  const watch = (source: Parameters<OperatorFunction<In, Out>>[0]): Seen<Out> => {
    const seen: Seen<Out> = { values: [], completed: false };
    source.pipe(operator()).subscribe({
      next: (value) => seen.values.push(value),
      error: (error: unknown) => (seen.error = error),
      complete: () => (seen.completed = true),
    });
    return seen;
  };

  describe('lifecycle', () => {
    if (operatorCase.isHandedState !== true) describeResubscription(operatorCase);

    it('says nothing while nothing comes', () => {
      expect(watch(NEVER)).toEqual({ values: [], completed: false });
    });

    it('completes with an empty source', () => {
      expect(watch(EMPTY)).toEqual({ values: [...atCompletion], completed: true });
    });

    it('completes after a single element', () => {
      const { completed, error } = watch(of(input[0] as In));
      expect({ completed, error }).toEqual({ completed: true, error: undefined });
    });

    it('makes the expected results of many elements', () => {
      expect(watch(from(input))).toEqual({ values: [...output, ...atCompletion], completed: true });
    });

    it('passes an error on after the results before it', () => {
      const error = new Error('source failed');
      const seen = watch(
        concat(
          from(input),
          throwError(() => error),
        ),
      );
      expect(seen).toEqual({ values: [...output], completed: false, error });
    });

    it('stops a source without end, which emits while it is subscribed to, when nobody listens any more', () => {
      let pulledCount = 0;
      let isClosed = false;
      const source = function* (): Generator<In> {
        try {
          for (; pulledCount < 10_000; pulledCount++) yield endless(pulledCount);
        } finally {
          isClosed = true;
        }
      };
      const values: Out[] = [];
      from(source())
        .pipe(operator(), take(2))
        .subscribe((value) => values.push(value));
      expect(values).toHaveLength(2);
      expect(pulledCount).toBeLessThan(1_000);
      expect(isClosed).toBe(true);
    });

    it('lets go of the source and says nothing more after an early unsubscription', () => {
      const source = new Subject<In>();
      const values: Out[] = [];
      const subscription = source.pipe(operator()).subscribe((value) => values.push(value));
      source.next(endless(0));
      subscription.unsubscribe();
      const countBefore = values.length;
      for (const element of input) source.next(element);
      expect(source.observed).toBe(false);
      expect(values).toHaveLength(countBefore);
    });
  });
}

function describeResubscription<In, Out>(operatorCase: OperatorCase<In, Out>): void {
  const { operator, input, output, atCompletion = [] } = operatorCase;

  it('begins anew for each subscription', () => {
    const results = from(input).pipe(operator());
    const first: Out[] = [];
    const second: Out[] = [];
    results.subscribe((value) => first.push(value));
    results.subscribe((value) => second.push(value));
    expect([first, second]).toEqual([
      [...output, ...atCompletion],
      [...output, ...atCompletion],
    ]);
  });

  it('begins anew when it is tried again after an error', () => {
    let triedCount = 0;
    // The first attempt fails in the middle of things, before any of what is left open is decided.
    const source = defer(() =>
      triedCount++ === 0
        ? concat(
            from(input.slice(0, 1)),
            throwError(() => new Error('source failed')),
          )
        : from(input),
    );
    const values: Out[] = [];
    source.pipe(operator(), retry(1)).subscribe((value) => values.push(value));
    const beforeFailure: Out[] = [];
    concat(from(input.slice(0, 1)), NEVER)
      .pipe(operator())
      .subscribe((value) => beforeFailure.push(value))
      .unsubscribe();
    expect(values).toEqual([...beforeFailure, ...output, ...atCompletion]);
  });
}
