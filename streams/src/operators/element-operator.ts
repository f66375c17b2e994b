import { Observable, Subscriber, type OperatorFunction } from 'rxjs';

/** What an operator does with each element, and, where it has something to say then, at the end. */
export interface ElementHandler<In> {
  readonly next: (element: In) => void;
  /** Runs before completion passes on. */
  readonly complete?: () => void;
}

/**
 * An operator from a handler that is made anew for each subscription. Errors and completion pass through. An error that
 * the handler throws ends the stream with that error. The source ends as soon as nobody listens any more, also one that
 * never stops by itself and emits while it is being subscribed to.
 */
export function elementOperator<In, Out>(
  begin: (out: Subscriber<Out>) => ElementHandler<In>,
): OperatorFunction<In, Out> {
  return (source) =>
    new Observable<Out>((out) => {
      const handler = begin(out);
      const input = new Subscriber<In>({
        next: (element) => attempt(out, () => handler.next(element)),
        error: (error: unknown) => out.error(error),
        complete: () => {
          attempt(out, () => handler.complete?.());
          out.complete();
        },
      });
      // Tied before the source is subscribed to: a source that emits at once would else not hear that it may stop.
      out.add(input);
      source.subscribe(input);
    });
}

// Thrown errors would else be reported to the process, out of reach of whoever drives the stream.
function attempt(out: Subscriber<unknown>, act: () => void): void {
  try {
    act();
  } catch (error) {
    out.error(error);
  }
}
