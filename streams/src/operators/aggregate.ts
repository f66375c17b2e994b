import { checkOptions } from './operator-options';
import type { Json } from './stream-element';

/**
 * What a window makes of its events. The result must not depend on the order in which events are added or values merged. `add`
 * and `merge` may change the value that they are given first.
 */
export interface Aggregate<T, A extends Json> {
  /** The value of a window without events. */
  readonly initial: () => A;
  /** The value with the event added. */
  readonly add: (value: A, event: T) => A;
  /** The value of two windows that become one. */
  readonly merge: (a: A, b: A) => A;
}

/** Number of events. */
export function countAggregate(): Aggregate<unknown, number> {
  return { initial: () => 0, add: (count) => count + 1, merge: (a, b) => a + b };
}

/** Least value; null where no event has one. What is not a finite number is left out. */
export function minAggregate<T>(valueOf: (event: T) => number | undefined): Aggregate<T, number | null> {
  const lesser = (a: number | null, b: number | null): number | null => (a === null || (b !== null && b < a) ? b : a);
  return { initial: () => null, add: (value, event) => lesser(value, finiteOf(valueOf(event))), merge: lesser };
}

/** Greatest value; null where no event has one. What is not a finite number is left out. */
export function maxAggregate<T>(valueOf: (event: T) => number | undefined): Aggregate<T, number | null> {
  const greater = (a: number | null, b: number | null): number | null => (a === null || (b !== null && b > a) ? b : a);
  return { initial: () => null, add: (value, event) => greater(value, finiteOf(valueOf(event))), merge: greater };
}

/** Values of a window, least first, and how many more there were. */
export type WindowValues<V extends string | number> = { readonly values: V[]; unkeptCount: number };

/**
 * Values of the events, with repetitions, least first. What is a number but not a finite one is left out. Beyond `valuesMax` the
 * least are kept, so that what is kept does not depend on arrival, and the others counted.
 *
 * @throws ProtegoError `OPERATOR_OPTION_INVALID` when `valuesMax` is not a whole number of at least 1.
 */
export function valuesAggregate<T, V extends string | number>(
  valueOf: (event: T) => V | undefined,
  valuesMax: number,
): Aggregate<T, WindowValues<V>> {
  checkOptions({ valuesMax });
  const insert = (window: WindowValues<V>, value: V): WindowValues<V> => {
    const { values } = window;
    if (values.length < valuesMax) values.splice(placeOf(values, value), 0, value);
    else {
      window.unkeptCount++;
      if (value < (values[valuesMax - 1] as V)) {
        values.pop();
        values.splice(placeOf(values, value), 0, value);
      }
    }
    return window;
  };
  return {
    initial: () => ({ values: [], unkeptCount: 0 }),
    add: (window, event) => {
      const value = valueOf(event);
      // What is neither less than others nor more, as NaN, would stand where it came; what is infinite, JSON cannot hold.
      const isLeftOut = value === undefined || (typeof value === 'number' && !Number.isFinite(value));
      return isLeftOut ? window : insert(window, value);
    },
    merge: (a, b) => {
      a.unkeptCount += b.unkeptCount;
      return b.values.reduce(insert, a);
    },
  };
}

/** Several aggregates at once, each under its name. */
export function aggregates<T, A extends Readonly<Record<string, Json>>>(parts: {
  readonly [K in keyof A]: Aggregate<T, A[K]>;
}): Aggregate<T, A> {
  const names = Object.keys(parts) as (keyof A & string)[];
  const each = <R>(partOf: (name: keyof A & string) => R): A =>
    Object.fromEntries(names.map((name) => [name, partOf(name)])) as unknown as A;
  return {
    initial: () => each((name) => parts[name].initial()),
    add: (value, event) => each((name) => parts[name].add(value[name], event)),
    merge: (a, b) => each((name) => parts[name].merge(a[name], b[name])),
  };
}

function finiteOf(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) ? value : null;
}

/** Where a value belongs in a sorted list, after its equals. */
function placeOf<V extends string | number>(values: readonly V[], value: V): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value < (values[middle] as V)) high = middle;
    else low = middle + 1;
  }
  return low;
}
