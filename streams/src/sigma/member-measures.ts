import type { Json } from '../operators/stream-element';
import { conditionHolds, type CorrelationCondition, type MemberExpression, type SigmaCorrelation } from './correlation';
import { Measure, Tally, type MeasuredEntry } from './measure';
import type { MemberChain } from './member-chains';
import { LongestRun, OrderedMembers } from './ordered-members';

/** How many different rules matched, in any order, or whether a condition over them holds. */
export class MemberCount extends Measure {
  readonly #tally = new Tally<number>();

  constructor(readonly correlation: Pick<SigmaCorrelation, 'condition' | 'memberCondition'>) {
    super();
  }

  add({ members }: MeasuredEntry): void {
    for (const member of members) this.#tally.add(member);
  }

  remove({ members }: MeasuredEntry): void {
    for (const member of members) this.#tally.remove(member);
  }

  holds(): boolean {
    const { condition, memberCondition } = this.correlation;
    const count = this.read();
    if (count === 0) return false;
    return memberCondition === undefined
      ? conditionHolds(condition, (bound) => count - bound)
      : isTrueOf(memberCondition, this.#tally.counts);
  }

  read(): number {
    return this.#tally.counts.size;
  }
}

function isTrueOf(expression: MemberExpression, seen: ReadonlyMap<number, number>): boolean {
  switch (expression.kind) {
    case 'member':
      return seen.has(expression.member);
    case 'not':
      return !isTrueOf(expression.operand, seen);
    case 'and':
      return expression.operands.every((operand) => isTrueOf(operand, seen));
    case 'or':
      return expression.operands.some((operand) => isTrueOf(operand, seen));
  }
}

/** Rules in their order, each way of the condition by itself; rules under `not` must be absent from the window. */
export class OrderedChains extends Measure {
  readonly #tally = new Tally<number>();
  readonly #ordered: OrderedMembers;

  constructor(readonly chains: readonly MemberChain[]) {
    super();
    this.#ordered = new OrderedMembers(chains.map(({ positive }) => positive));
  }

  add({ timeMs, members }: MeasuredEntry): void {
    this.#ordered.add(timeMs, members);
    for (const member of members) this.#tally.add(member);
  }

  remove({ members }: MeasuredEntry): void {
    for (const member of members) this.#tally.remove(member);
  }

  holds(goneMs: number): boolean {
    return this.read(goneMs) > 0;
  }

  /** Rules in the longest way that holds; 0 where none does. */
  read(goneMs: number): number {
    const { counts } = this.#tally;
    return this.chains.reduce((longest, { positive, negative }, which) => {
      const holds = positive.length > longest && this.#ordered.isWhole(which, goneMs);
      return holds && !negative.some((member) => counts.has(member)) ? positive.length : longest;
    }, 0);
  }

  override snapshot(): Json {
    return [super.snapshot(), this.#ordered.snapshot()];
  }

  override restore(state: Json): void {
    const [isReported, ordered] = state as [Json, Json];
    super.restore(isReported);
    this.#ordered.restore(ordered);
  }
}

/** How many rules matched in their order, some of them left out. */
export class OrderedCount extends Measure {
  readonly #run: LongestRun;

  constructor(
    readonly condition: CorrelationCondition,
    memberCount: number,
  ) {
    super();
    this.#run = new LongestRun(memberCount);
  }

  add({ timeMs, members }: MeasuredEntry): void {
    this.#run.add(timeMs, members);
  }

  remove(): void {
    // A run ends when its first event leaves, which its beginning tells.
  }

  holds(goneMs: number): boolean {
    const count = this.read(goneMs);
    return count > 0 && conditionHolds(this.condition, (bound) => count - bound);
  }

  read(goneMs: number): number {
    return this.#run.length(goneMs);
  }

  override snapshot(): Json {
    return [super.snapshot(), this.#run.snapshot()];
  }

  override restore(state: Json): void {
    const [isReported, run] = state as [Json, Json];
    super.restore(isReported);
    this.#run.restore(run);
  }
}
