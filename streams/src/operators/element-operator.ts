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
        next: (element) => {
          // Thrown errors would else be reported to the process, out of reach of whoever drives the stream. Written out here
          // and below, because wrapping each call in a function made for it costs more than many handlers do.
          try {
            handler.next(element);
          } catch (error) {
            out.error(error);
          }
        },
        error: (error: unknown) => out.error(error),
        complete: () => {
          try {
            handler.complete?.();
          } catch (error) {
            out.error(error);
          }
          out.complete();
        },
      });
      // Tied before the source is subscribed to: a source that emits at once would else not hear that it may stop.
      out.add(input);
      source.subscribe(input);
    });
}
