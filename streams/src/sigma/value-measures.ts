import type { Json } from '../operators/stream-element';
import { conditionHolds, type CorrelationCondition } from './correlation';
import { ExactSum } from './exact-decimal';
import { Measure, Tally, type MeasuredEntry } from './measure';

/** How many events there are. */
export class EventCount extends Measure {
  #count = 0;

  constructor(readonly condition: CorrelationCondition) {
    super();
  }

  add(): void {
    this.#count++;
  }

  remove(): void {
    this.#count--;
  }

  holds(): boolean {
    return this.#count > 0 && conditionHolds(this.condition, (bound) => this.#count - bound);
  }

  read(): number {
    return this.#count;
  }
}

/** How many different values there are. */
export class ValueCount extends Measure {
  readonly #tally = new Tally<MeasuredEntry['value']>();

  constructor(readonly condition: CorrelationCondition) {
    super();
  }

  add({ value }: MeasuredEntry): void {
    this.#tally.add(value);
  }

  remove({ value }: MeasuredEntry): void {
    this.#tally.remove(value);
  }

  holds(): boolean {
    const count = this.read();
    return count > 0 && conditionHolds(this.condition, (bound) => count - bound);
  }

  read(): number {
    return this.#tally.counts.size;
  }
}

/** In percent, how many events of the window hold the value of the event that asks. Reported per value. */
export class ValueShare extends Measure {
  readonly #tally = new Tally<MeasuredEntry['value']>();
  readonly #reported = new Set<MeasuredEntry['value']>();
  #count = 0;

  constructor(readonly condition: CorrelationCondition) {
    super();
  }

  add({ value }: MeasuredEntry): void {
    this.#count++;
    this.#tally.add(value);
  }

  remove({ value }: MeasuredEntry): void {
    this.#count--;
    this.#tally.remove(value);
  }

  holds(_goneMs: number, value: MeasuredEntry['value']): boolean {
    const held = this.#percentOf(value);
    return held !== undefined && conditionHolds(this.condition, (bound) => held.compareQuotient(this.#count, bound));
  }

  read(_goneMs: number, value: MeasuredEntry['value']): number {
    return this.#percentOf(value)?.quotient(this.#count) ?? 0;
  }

  override isReported(value: MeasuredEntry['value']): boolean {
    return this.#reported.has(value);
  }

  override setReported(isReported: boolean, value: MeasuredEntry['value']): void {
    if (isReported) this.#reported.add(value);
    else this.#reported.delete(value);
    if (this.#reported.size > 2 * this.#tally.counts.size + 16) this.#forgetGone();
  }

  override snapshot(): Json {
    return [...this.#reported];
  }

  override restore(state: Json): void {
    for (const value of state as MeasuredEntry['value'][]) this.#reported.add(value);
  }

  // A value that left is not reported any more when it comes again; until then it only takes room.
  #forgetGone(): void {
    for (const value of this.#reported) if (!this.#tally.counts.has(value)) this.#reported.delete(value);
  }

  #percentOf(value: MeasuredEntry['value']): ExactSum | undefined {
    const count = this.#tally.counts.get(value);
    if (count === undefined) return undefined;
    const percent = new ExactSum();
    percent.add(100 * count);
    return percent;
  }
}

/** Sum, or mean, of numbers, without rounding. */
export class SumOrAverage extends Measure {
  readonly #sum = new ExactSum();
  #count = 0;

  constructor(
    readonly condition: CorrelationCondition,
    readonly isAverage: boolean,
  ) {
    super();
  }

  add({ value }: MeasuredEntry): void {
    this.#count++;
    this.#sum.add(value as number);
  }

  remove({ value }: MeasuredEntry): void {
    this.#count--;
    this.#sum.subtract(value as number);
  }

  holds(): boolean {
    if (this.#count === 0) return false;
    return conditionHolds(this.condition, (bound) => this.#sum.compareQuotient(this.#divisor, bound));
  }

  read(): number {
    return this.#sum.quotient(this.#divisor);
  }

  get #divisor(): number {
    return this.isAverage ? Math.max(this.#count, 1) : 1;
  }
}

/** Percentile by nearest rank, or the median, of numbers kept in order. */
export class RankedValues extends Measure {
  readonly #sorted: number[] = [];

  /** Without a percentile it is the median: of an even number of values the mean of the two in the middle. */
  constructor(
    readonly condition: CorrelationCondition,
    readonly percentile?: number,
  ) {
    super();
  }

  add({ value }: MeasuredEntry): void {
    this.#sorted.splice(this.#placeOf(value as number), 0, value as number);
  }

  remove({ value }: MeasuredEntry): void {
    this.#sorted.splice(this.#placeOf(value as number), 1);
  }

  holds(): boolean {
    if (this.#sorted.length === 0) return false;
    const [low, high] = this.#ranked();
    if (low === high) return conditionHolds(this.condition, (bound) => low - bound);
    const sum = sumOf(low, high);
    return conditionHolds(this.condition, (bound) => sum.compareQuotient(2, bound));
  }

  read(): number {
    if (this.#sorted.length === 0) return 0;
    const [low, high] = this.#ranked();
    return low === high ? low : sumOf(low, high).quotient(2);
  }

  /** The two values whose mean is wanted; the same one twice where one value is. */
  #ranked(): [low: number, high: number] {
    const count = this.#sorted.length;
    const at = (index: number): number => this.#sorted[index] as number;
    if (this.percentile === undefined) return [at((count - 1) >> 1), at(count >> 1)];
    // Thousandths of a percent: products of whole numbers, which double precision holds exactly.
    const rank = Math.ceil((Math.round(this.percentile * 1000) * count) / 100_000);
    return [at(rank - 1), at(rank - 1)];
  }

  /** Index of the first value that is not less. */
  #placeOf(value: number): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sorted[middle] as number) < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function sumOf(a: number, b: number): ExactSum {
  const sum = new ExactSum();
  sum.add(a);
  sum.add(b);
  return sum;
}
