import type { Hospital } from '../hospital/model';
import type { SimulationSettings } from '../settings';

/** What plans are made from. */
export interface PlanBasis {
  readonly hospital: Hospital;
  readonly settings: SimulationSettings;
  readonly seed: number;
}

interface Kept<T> {
  readonly seed: number;
  readonly settings: SimulationSettings;
  readonly hours: Map<number, readonly T[]>;
}

const HOUR_MS = 3_600_000;

/** Plans of a stretch of hours at a time, made when they are asked for; a few of them are kept, the oldest forgotten first. */
export class HourPlans<T> {
  readonly #kept = new WeakMap<Hospital, Kept<T>>();

  /**
   * @param plan - what happens between two times, half-open: a function of its arguments alone
   * @param stretchHours - hours planned at a time
   */
  constructor(
    private readonly plan: (basis: PlanBasis, startMs: number, endMs: number) => readonly T[],
    private readonly stretchHours = 1,
    private readonly keptMax = 48,
  ) {}

  /** The plans of every stretch that a time touches, half-open. */
  touching(basis: PlanBasis, startMs: number, endMs: number): (readonly T[])[] {
    const stretchMs = this.stretchHours * HOUR_MS;
    const plans: (readonly T[])[] = [];
    for (let index = Math.floor(startMs / stretchMs); index * stretchMs < endMs; index++) {
      plans.push(this.#of(basis, index, stretchMs));
    }
    return plans;
  }

  #of(basis: PlanBasis, index: number, stretchMs: number): readonly T[] {
    const { hours } = this.#keptOf(basis);
    const known = hours.get(index);
    if (known !== undefined) return known;
    const plan = this.plan(basis, index * stretchMs, (index + 1) * stretchMs);
    hours.set(index, plan);
    forgetOldest(hours, this.keptMax);
    return plan;
  }

  #keptOf({ hospital, settings, seed }: PlanBasis): Kept<T> {
    const known = this.#kept.get(hospital);
    if (known?.seed === seed && known.settings === settings) return known;
    const kept: Kept<T> = { seed, settings, hours: new Map() };
    this.#kept.set(hospital, kept);
    return kept;
  }
}

/** What happens between two times, half-open, of plans whose items are in order of time. */
export function* itemsBetween<T extends { readonly timeMs: number }>(
  plans: readonly (readonly T[])[],
  startMs: number,
  endMs: number,
): Generator<T, undefined, undefined> {
  for (const plan of plans) {
    for (let index = firstFrom(plan, startMs); index < plan.length; index++) {
      const item = plan[index] as T;
      if (item.timeMs >= endMs) break;
      yield item;
    }
  }
  return undefined;
}

/** Index of the first item at or after a time. */
function firstFrom(plan: readonly { readonly timeMs: number }[], timeMs: number): number {
  let [low, high] = [0, plan.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((plan[middle] as { timeMs: number }).timeMs < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Leaves the latest entries of a map. */
export function forgetOldest(map: Map<unknown, unknown>, sizeMax: number): void {
  for (const oldest of map.keys()) {
    if (map.size <= sizeMax) return;
    map.delete(oldest);
  }
}
