import { compareText } from '../text-order';

/** A line that only one of two runs has. */
export interface LineDifference {
  readonly side: 'recorded' | 'again';
  /** Place among the lines of its side, from 1. */
  readonly place: number;
  readonly line: string;
}

/** Lines in the order of `detections.jsonl`. */
interface Sortable {
  readonly certainAt: string;
  readonly ruleId: string;
  readonly id: string;
}

/**
 * Lines of `detections.jsonl` that only one of two runs has, in their order. A line that was changed counts twice: once as it was
 * recorded, once as it is made again.
 */
export function* lineDifferences(
  recorded: Iterable<string>,
  again: Iterable<string>,
): Generator<LineDifference, void, undefined> {
  const [a, b] = [new LineCursor(recorded), new LineCursor(again)];
  while (a.line !== undefined || b.line !== undefined) {
    if (a.line === b.line) {
      a.next();
      b.next();
      continue;
    }
    const order = a.line === undefined ? 1 : b.line === undefined ? -1 : compareKeys(a.key, b.key);
    if (order <= 0) yield a.taken('recorded');
    if (order >= 0) yield b.taken('again');
  }
}

class LineCursor {
  line: string | undefined;
  #place = 0;
  readonly #lines: Iterator<string>;

  constructor(lines: Iterable<string>) {
    this.#lines = lines[Symbol.iterator]();
    this.next();
  }

  next(): void {
    const { value, done } = this.#lines.next();
    this.line = done === true ? undefined : value;
    this.#place++;
  }

  /** What lines are sorted by; a line that cannot be read stands before all others. */
  get key(): Sortable | undefined {
    try {
      return JSON.parse(this.line as string) as Sortable;
    } catch {
      return undefined;
    }
  }

  taken(side: LineDifference['side']): LineDifference {
    const difference = { side, place: this.#place, line: this.line as string };
    this.next();
    return difference;
  }
}

function compareKeys(a: Sortable | undefined, b: Sortable | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  return compareText(a.certainAt, b.certainAt) || compareText(a.ruleId, b.ruleId) || compareText(a.id, b.id);
}
